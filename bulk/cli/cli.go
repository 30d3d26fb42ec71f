// Package cli is bulk's command line: one function of context, arguments, streams and environment, so that tests run it
// in-process. A command is one file: flags, one call, print. What it returns decides the exit code, see app.exit.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/version"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // could not run
	exitUsage       = 2 // usage or configuration
	exitFindings    = 3 // some users failed or differ, or a check failed
	exitInterrupted = 130
)

// errFindings is returned by a command that ran and has printed what is wrong.
var errFindings = errors.New("there are findings")

// findings returns err, or errFindings if there are some.
func findings(err error, some bool) error {
	if err == nil && some {
		return errFindings
	}
	return err
}

// usageError is a wrong usage or configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// commands are in the order of the runbook. A test replaces them.
var commands = func(a *app) []*cobra.Command {
	return []*cobra.Command{
		checkCommand(a), backupCommand(a), attachCommand(a), sweepCommand(a), statusCommand(a), verifyCommand(a),
		moveCommand(a), poolCommand(a, "detach", nil),
	}
}

// Run runs bulk and returns its exit code. getenv returns our own variables; the SDK reads AWS's. The Ctrl-C that ends
// ctx lets a command end in good order; another one ends it at once.
func Run(ctx context.Context, args []string, s console.Streams, getenv func(string) string) int {
	a := &app{Streams: s, getenv: getenv, now: time.Now}
	a.progress = console.NewProgress(s.Err, s.ErrTerminal, s.ErrColumns, a.now)
	a.Out = &console.Text{W: s.Out, Bar: a.progress}
	a.page = &console.Text{W: s.Out, Bar: a.progress, Columns: s.OutColumns, Color: s.Color}
	root := describe("bulk", nil)
	root.SilenceErrors, root.SilenceUsage = true, true
	// cobra calls this after parsing: an error before it is a usage error.
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		a.flags, a.resume = cmd.Flags(), cmd.Annotations["resume"]
		if a.page.Flags = given(root.PersistentFlags()); a.json {
			a.page = &console.Text{W: s.Out, Bar: a.progress}
		}
		if a.flags.Lookup("live") == nil { // else nothing is written before it is confirmed
			a.leave(a.resume)
		}
		return rejectEmpty(cmd.Flags())
	}
	root.Version = version.String()
	root.SetArgs(append([]string{}, args...)) // never nil, which means os.Args
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(mistake)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		a.page.Columns = cmp.Or(a.page.Columns, console.DefaultColumns)
		cmd.SetOut(a.page)
		help(cmd, args)
	})
	cobra.EnableCommandSorting = false
	a.flags = root.PersistentFlags()
	a.flags.BoolVar(&a.json, "json", false, "print the result as one JSON document")
	a.flags.StringVar(&a.stackName, "stack", "", "read the settings from the outputs of the production stack `NAME`")
	for _, v := range settings.Variables { // "bulk help settings" lists them
		a.flags.String(flagOf(v.Name), "", v.Help)
		_ = a.flags.MarkHidden(flagOf(v.Name))
	}
	root.AddCommand(append(commands(a), settingsTopic())...)
	root.InitDefaultHelpCmd()
	helps, _, _ := root.Find([]string{"help"})
	helps.Args = func(_ *cobra.Command, args []string) error {
		_, _, err := root.Find(args)
		return err
	}
	a.leave("Nothing was changed: run the same command again.")
	defer a.warnOfPersonalData()
	again, code := make(chan os.Signal, 1), make(chan int, 1)
	context.AfterFunc(ctx, func() { signal.Notify(again, os.Interrupt, syscall.SIGTERM) })
	go func() {
		cmd, err := root.ExecuteContextC(ctx)
		a.progress.Clear()
		code <- a.exit(ctx, cmd, err)
	}()
	select {
	case code := <-code:
		return code
	case <-again:
		a.progress.Clear()
		return a.interrupted("Stopped at once.")
	}
}

// given returns the settings' flags as they were given, for another command with the same settings.
func given(flags *pflag.FlagSet) (text string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Name != "json" && f.Name != flagOf("STAGING_EXTERNAL_ID") {
			text += " " + console.Quote("--"+f.Name, f.Value.String())
		}
	})
	return text
}

// rejectEmpty rejects a name that is empty, as of a variable that is not set: without a name, a command means all
// users.
func rejectEmpty(flags *pflag.FlagSet) error {
	for _, name := range []string{"user", "canary-user", "table"} {
		flag := flags.Lookup(name)
		if flag == nil || !flag.Changed {
			continue
		}
		names := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			names = list.GetSlice()
		}
		if slices.Contains(names, "") {
			return usagef("--%s is empty", name)
		}
	}
	return nil
}

// warnOfPersonalData names what was written and has to be kept safe.
func (a *app) warnOfPersonalData() {
	path, _ := a.personal.Load().(string)
	if _, err := os.Stat(path); err == nil {
		a.progress.Println(path + " holds personal data: keep it where only you can read it, and delete it after the " +
			"migration.")
	}
}

func (a *app) interrupted(how string) int {
	a.progress.Println(how + " " + a.left.Load().(func() string)())
	return exitInterrupted
}

// exit prints err, if any, and returns the exit code.
func (a *app) exit(ctx context.Context, cmd *cobra.Command, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case ctx.Err() != nil:
		return a.interrupted("Interrupted.")
	}
	if a.announceTarget != nil { // the role that cannot be assumed may be that of a wrong stack
		a.announceTarget()
	}
	a.progress.Println(fmt.Sprintf("%s: %v", cmd.CommandPath(), err))
	if a.resume == "" || errors.As(err, new(usageError)) {
		a.progress.Println(fmt.Sprintf("Run %q for usage.", cmd.CommandPath()+" --help"))
		return exitUsage
	}
	if text, _ := remedy(err); text != "" {
		a.progress.Println(text)
	}
	return exitFailed
}

// mistake says what is wrong with a flag, as the user wrote it.
func mistake(_ *cobra.Command, err error) error {
	switch e := err.(type) {
	case *pflag.InvalidValueError:
		isNot := map[string]string{
			"int": "a whole number", "float64": "a number", "bool": "true or false", "stringToInt": "CATEGORY=N",
		}
		return fmt.Errorf("--%s: %q is not %s", e.GetFlag().Name, e.GetValue(), isNot[e.GetFlag().Value.Type()])
	case *pflag.ValueRequiredError:
		return fmt.Errorf("--%s needs a value", e.GetFlag().Name)
	case *pflag.NotExistError:
		if flag, _, _ := strings.Cut(e.GetSpecifiedShortnames(), "="); flag != "" {
			return fmt.Errorf("unknown flag: -%s", flag)
		}
	}
	return err
}

// noArguments rejects an argument, and names the flag that it may be.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if flag := cmd.Flags().Lookup(args[0]); flag != nil {
		return usagef("unexpected argument %q (did you mean --%s?)", args[0], flag.Name)
	}
	return usagef("unexpected argument %q", args[0])
}

// oneArgument demands one argument of that name.
func oneArgument(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s is missing", name)
		}
		return noArguments(cmd, args[1:])
	}
}
