package cli

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/spaceport/user-migration/bulk/table"
	"github.com/spaceport/user-migration/datamover/settings"
)

const introduction = `bulk brings staging's users over to production, whoever does not come by signing in.

It reads both accounts. Nothing is written without --live, but for the one user of
"check --canary-user", and staging is never changed.
`

const afterword = `
bulk help COMMAND     what a command does, with examples (also: bulk COMMAND --help)
bulk help settings    the settings, each an environment variable and a flag

Results go to stdout, progress to stderr; --json prints one document instead.
Exit codes: 0 all well, 1 could not run, 2 called or configured wrongly,
3 some users failed or differ, or a check failed, 130 interrupted.
`

func overview(w io.Writer) {
	fmt.Fprint(w, introduction)
	fmt.Fprintln(w, "\nCommands:")
	var rows [][]string
	for _, c := range commands() {
		rows = append(rows, []string{"  " + c.name, " " + c.summary})
	}
	_ = table.Write(w, "ll", rows...)
	fmt.Fprint(w, afterword)
}

// help answers "bulk help", "bulk help COMMAND" and "bulk help settings".
func help(streams Streams, args []string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		overview(streams.Out)
		return exitOK
	}
	if args[0] == "settings" {
		printSettings(streams.Out)
		return exitOK
	}
	c, err := find(args[0])
	if err != nil {
		return report(streams.Err, "bulk", err)
	}
	c.printHelp(streams.Out)
	return exitOK
}

func (c *command) printHelp(w io.Writer) {
	fmt.Fprintf(w, "bulk %s\n\n%s\n", c.synopsis(), strings.TrimSpace(c.help))
	if len(c.examples) > 0 {
		fmt.Fprintf(w, "\nExample:\n  %s\n", strings.Join(c.examples, "\n  "))
	}
	fmt.Fprintln(w, "\nFlags:")
	c.printFlags(w)
	if len(c.requires) > 0 {
		needs := "Needs " + strings.Join(c.requires, " and ") + ", from the environment, a flag or --stack: bulk help settings"
		fmt.Fprint(w, "\n"+table.Wrap(needs, "", ""))
	}
}

// printFlags prints the command's own flags and --json; the settings' flags have a page of their own.
func (c *command) printFlags(w io.Writer) {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	if c.flags != nil {
		c.flags(f)
	}
	f.Bool("json", false, "print the result as one JSON document")
	f.String("stack", "", "read the settings from the outputs of the production stack with this `NAME`")
	names, texts := []string{}, []string{}
	longest := 0
	f.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			text += " (default " + f.DefValue + ")"
		}
		name := strings.TrimSpace("--" + f.Name + " " + value)
		names, texts, longest = append(names, name), append(texts, text), max(longest, len(name))
	})
	for i, name := range names {
		fmt.Fprint(w, table.Wrap(texts[i], fmt.Sprintf("  %-*s   ", longest, name), strings.Repeat(" ", longest+5)))
	}
}

func printSettings(w io.Writer) {
	fmt.Fprint(w, `Every setting is an environment variable, the same for the Lambda functions and
for bulk, and for bulk a flag as well; a flag goes first:

  export STAGING_USER_POOL_ID=us-west-2_a2jf3ldGV
  bulk status --staging-cutoff 2026-01-31T12:00:00Z

The production stack knows them all. Where one is named, by --stack or MIGRATION_STACK,
they are what the functions were deployed with, whatever else the environment says:

  export MIGRATION_STACK=spaceport-migration
  bulk status

`)
	for _, v := range settings.Variables {
		fmt.Fprintf(w, "%s, --%s\n    %s\n", v.Name, flagOf(v.Name), v.Help)
		if v.Default != "" {
			fmt.Fprintf(w, "    default: %s\n", v.Default)
		}
	}
	fmt.Fprint(w, `
AWS credentials, Region and endpoints are the SDK's own: AWS_PROFILE, AWS_REGION,
AWS_ENDPOINT_URL and so on.
`)
}
