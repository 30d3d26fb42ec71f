package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spaceport/user-migration/datamover/settings"
)

// What bulk returns to the shell.
const (
	exitOK          = 0
	exitFailed      = 1 // could not run
	exitUsage       = 2 // called wrongly, or not configured
	exitFindings    = 3 // ran, and found what has to be seen to
	exitInterrupted = 130
)

// errFindings says that the command ran and has printed what is wrong.
var errFindings = errors.New("not all is well")

// usageError is a mistake in how bulk was called.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// settingsError is everything that is wrong with the settings, each with the flag that can be used instead.
type settingsError struct{ cause error }

func (e *settingsError) Error() string {
	lines := []string{"settings are missing or wrong (--stack, or MIGRATION_STACK, takes them from the production stack):"}
	for _, problem := range each(e.cause) {
		lines = append(lines, "  "+problem.Error()+flagFor(problem.Error()))
	}
	return strings.Join(lines, "\n")
}

func (e *settingsError) Unwrap() error { return e.cause }

func each(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return []error{err}
}

func flagFor(problem string) string {
	for _, v := range settings.Variables {
		if strings.HasPrefix(problem, v.Name+" ") || strings.HasPrefix(problem, v.Name+":") {
			return " (or --" + flagOf(v.Name) + ")"
		}
	}
	return ""
}

// report prints an error, if there is one, and returns the exit code.
func report(w io.Writer, who string, err error) int {
	var (
		usage         *usageError
		configuration *settingsError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &usage):
		fmt.Fprintf(w, "%s: %v\n", who, err)
		if !strings.Contains(err.Error(), "did you mean") {
			fmt.Fprintf(w, "%s --help shows how.\n", who)
		}
		return exitUsage
	case errors.As(err, &configuration):
		fmt.Fprintf(w, "%s: %v\nbulk help settings shows them all.\n", who, err)
		return exitUsage
	}
	fmt.Fprintf(w, "%s: %v\n", who, err)
	if hint := advice(err); hint != "" {
		fmt.Fprintln(w, hint)
	}
	return exitFailed
}
