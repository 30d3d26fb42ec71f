// Command rehearsal plays the whole migration on one machine: two accounts in a local cloud, the real Lambda binaries,
// and users who migrate.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spaceport/user-migration/infra/rehearsal/bench"
)

var commands = map[string]func(context.Context, io.Writer) error{"demo": demo, "page": play, "bench": bench.Run}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rehearsal:", err)
		os.Exit(exitCode(err))
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 || commands[args[0]] == nil {
		return errUsage
	}
	return commands[args[0]](ctx, out)
}

var errUsage = errors.New("usage: rehearsal demo (play the journeys), page (play them in a browser) or bench (measure)")

func exitCode(err error) int {
	switch {
	case errors.Is(err, context.Canceled):
		return 130
	case errors.Is(err, errUsage):
		return 2
	}
	return 1
}
