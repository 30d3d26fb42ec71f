// Command bulk is the operator's: everything between "the triggers are live" and "staging can be switched off".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
)

func main() {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	os.Exit(cli.Run(ctx, os.Args[1:], console.Standard(), os.Getenv))
}
