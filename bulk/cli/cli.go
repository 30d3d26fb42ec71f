package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/datamover/settings"
)

// commands lists every command in the order in which an operator meets them.
func commands() []*command {
	return []*command{
		attachCommand(),
		checkCommand(),
		backupCommand(),
		sweepCommand(),
		statusCommand(),
		verifyCommand(),
		detachCommand(),
	}
}

// command is one of bulk's commands; see the package's text.
type command struct {
	name, summary string
	usage         string
	help          string
	examples      []string
	requires      []string            // variables that must be set
	offline       func() bool         // whether the flags ask for something that needs no settings; may be nil
	flags         func(*flag.FlagSet) // may be nil
	operands      []string            // what must follow the flags, by name
	goOn          string              // what to do after Ctrl-C
	run           func(context.Context, *session) error
}

// Run runs bulk and returns its exit code. getenv gives our own variables; those of AWS are read by its SDK.
func Run(ctx context.Context, args []string, streams Streams, getenv func(string) string) int {
	return run(ctx, args, streams, getenv, time.Now)
}

func run(ctx context.Context, args []string, streams Streams, getenv func(string) string, now func() time.Time) int {
	g := newGlobals()
	rest, err := g.parse(newFlagSet("bulk", g), args)
	switch {
	case errors.Is(err, flag.ErrHelp) || err == nil && len(rest) == 0:
		overview(streams.Out)
		return exitOK
	case err != nil:
		return report(streams.Err, "bulk", err)
	case rest[0] == "help":
		return help(streams, rest[1:])
	}
	c, err := find(rest[0])
	if err != nil {
		return report(streams.Err, "bulk", err)
	}
	return c.start(ctx, rest[1:], g, streams, getenv, now)
}

func find(name string) (*command, error) {
	names := []string{"help"}
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	return nil, usagef("there is no command %q%s", name, didYouMean(name, names, ""))
}

// start parses what follows the command's name and runs it.
func (c *command) start(ctx context.Context, args []string, g *globals, streams Streams, getenv func(string) string, now func() time.Time) int {
	f := newFlagSet("bulk "+c.name, g)
	if c.flags != nil {
		c.flags(f)
	}
	operands, err := g.parseAll(f, args)
	if errors.Is(err, flag.ErrHelp) {
		c.printHelp(streams.Out)
		return exitOK
	}
	if err == nil {
		err = c.checkOperands(operands)
	}
	s := &session{Streams: streams, json: g.json, args: operands, now: now}
	if stack := cmp.Or(g.stack, getenv("MIGRATION_STACK")); err == nil && stack != "" && !c.isOffline() {
		s.stack, err = stackOutputs(ctx, stack)
	}
	if err == nil {
		s.settings, err = g.settings(getenv, s.stack, c.required())
	}
	if err == nil {
		s.meter = progress.New(streams.Err, progress.Options{Terminal: streams.ErrTerminal, Width: streams.Width, Now: now})
		err = c.run(ctx, s)
		s.meter.Clear()
	}
	if err != nil && ctx.Err() != nil {
		fmt.Fprintf(streams.Err, "Interrupted. %s\n", c.goOn)
		return exitInterrupted
	}
	return report(streams.Err, "bulk "+c.name, err)
}

func (c *command) required() []string {
	if c.isOffline() {
		return nil
	}
	return c.requires
}

func (c *command) isOffline() bool { return c.offline != nil && c.offline() }

func (c *command) checkOperands(operands []string) error {
	switch {
	case len(operands) < len(c.operands):
		return usagef("%s is missing: bulk %s", strings.Join(c.operands[len(operands):], " "), c.synopsis())
	case len(operands) > len(c.operands):
		return usagef("%q is one argument too many: bulk %s", operands[len(c.operands)], c.synopsis())
	}
	return nil
}

func (c *command) synopsis() string { return strings.TrimSpace(c.name + " " + c.usage) }

// globals are the flags of every command: --json, --stack, and one for each variable.
type globals struct {
	json   bool
	stack  string
	values map[string]string // variable → what a flag gave it
}

func newGlobals() *globals { return &globals{values: map[string]string{}} }

// newFlagSet makes a set that holds the global flags and says nothing by itself.
func newFlagSet(name string, g *globals) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&g.json, "json", g.json, "print the result as one JSON document")
	f.StringVar(&g.stack, "stack", g.stack, "read the settings from the outputs of the production stack with this `NAME`")
	for _, v := range settings.Variables {
		f.Func(flagOf(v.Name), v.Help, func(value string) error {
			g.values[v.Name] = value
			return nil
		})
	}
	return f
}

// flagOf is the flag that stands for a variable: STAGING_CUTOFF is --staging-cutoff.
func flagOf(variable string) string { return strings.ReplaceAll(strings.ToLower(variable), "_", "-") }

// parse reads flags up to the first argument that is none.
func (g *globals) parse(f *flag.FlagSet, args []string) (rest []string, err error) {
	err = f.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return nil, explain(f, err)
	}
	return f.Args(), err
}

// parseAll reads flags wherever they stand, and returns all else. After "--" nothing is a flag.
func (g *globals) parseAll(f *flag.FlagSet, args []string) (operands []string, err error) {
	for len(args) > 0 {
		rest, err := g.parse(f, args)
		if err != nil {
			return nil, err
		}
		if read := len(args) - len(rest); read > 0 && args[read-1] == "--" {
			return append(operands, rest...), nil
		}
		if len(rest) == 0 {
			break
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
	return operands, nil
}

// explain puts a mistake in the flags into our words, with the nearest flag there is.
func explain(f *flag.FlagSet, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return usagef("%s", strings.NewReplacer(" for flag -", " for --", " for -", " for --", "argument: -", "argument: --").Replace(err.Error()))
	}
	var names []string
	f.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return usagef("there is no flag --%s%s", strings.TrimPrefix(name, "-"), didYouMean(name, names, "--"))
}

// settings reads the variables: a flag goes before all else. Where there is a stack its outputs are what the functions were
// deployed with, and the environment has no say, nor in what it leaves at its default. It names all that is wrong at once.
func (g *globals) settings(getenv func(string) string, stack map[string]string, required []string) (settings.Settings, error) {
	s, err := settings.Read(func(name string) string {
		if value, given := g.values[name]; given {
			return value
		}
		if stack != nil {
			return valueIn(stack, name)
		}
		return getenv(name)
	}, required...)
	if err != nil {
		return s, &settingsError{err}
	}
	return s, nil
}

// stringList is a flag that may be repeated.
type stringList []string

func (l *stringList) String() string { return strings.Join(*l, ", ") }

// Set adds one more.
func (l *stringList) Set(value string) error {
	if value == "" {
		return errors.New("it is empty")
	}
	*l = append(*l, value)
	return nil
}
