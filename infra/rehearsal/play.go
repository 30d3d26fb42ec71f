package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/page"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// play serves the page until it is told to stop, which is how it is to end.
func play(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "Starting a local cloud, and putting people into staging (a few seconds).")
	err := serve(ctx, out)
	switch {
	case ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)):
		fmt.Fprintln(out, "\nThe page is closed; nothing is left running.")
		return nil
	case err != nil:
		return fmt.Errorf("%w\nIf that does not tell what to do: make clean, then make rehearsal, which installs and builds everything anew", err)
	}
	return nil
}

func serve(ctx context.Context, out io.Writer) (err error) {
	s, err := spaceport.Start(ctx, spaceport.Options{Cloud: cloud.Options{Indexed: true}}) // somebody waits for it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, role := range journeys.Cast {
		if err := role.Enter(ctx, s); err != nil {
			return err
		}
	}
	p, err := page.Serve(ctx, s, journeys.Cast)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	explain(out, p.URL(), filepath.Dir(filepath.Dir(s.Bulk())), s.OperatorEnv())
	<-ctx.Done()
	return nil
}

func explain(out io.Writer, url, folder string, operator map[string]string) {
	fmt.Fprintf(out, "\nThe sign-in page:  %s  (Ctrl-C ends it)\n", url)
	fmt.Fprint(out, `
To try in the browser; everybody is listed there with their password:
  - sign in as Ada with her staging password, and watch the ledger
  - as Ben, choose "Forgot your password?": the letter is on the page
  - as Gus, who has an authenticator app, or as Dan, who is disabled

To be the operator, paste this into a second terminal:

`)
	fmt.Fprintf(out, "cd %s\nunset AWS_PROFILE AWS_SESSION_TOKEN\n", quote(folder))
	for _, name := range slices.Sorted(maps.Keys(operator)) {
		fmt.Fprintf(out, "export %s=%s\n", name, quote(operator[name]))
	}
	fmt.Fprint(out, `
And then, for example, while the page shows what comes of it:

.build/bulk check
.build/bulk sweep
.build/bulk sweep --live --limit 2
.build/bulk status

`)
}

// quote makes a word that a POSIX shell takes as it is.
func quote(value string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,="
	if value != "" && strings.Trim(value, plain) == "" {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
