// Command bulk is the operator's: everything between "the triggers are live" and "staging can be switched off".
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
)

// gcPercent trades processor time, of which bulk needs little while it waits for AWS, for memory: hashes of all users
// are kept, and garbage must not double them.
const gcPercent = 30

func main() {
	debug.SetGCPercent(gcPercent)
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	os.Exit(cli.Run(ctx, os.Args[1:], console.Standard(), os.Getenv))
}
