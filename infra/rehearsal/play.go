package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/datamover/settings"
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
	case ctx.Err() != nil && wasStopped(err):
		fmt.Fprintln(out, "\nThe page is closed; nothing is left running.")
		return nil
	case err != nil:
		return fmt.Errorf("%w\nIf that does not tell what to do: make clean, then make rehearsal, which installs and builds everything anew", err)
	}
	return nil
}

// wasStopped tells whether an error says that, and nothing else: what could not be cleaned up may stand beside it.
func wasStopped(err error) bool {
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(one error) bool { return !wasStopped(one) })
	case interface{ Unwrap() error }:
		return wasStopped(e.Unwrap())
	}
	return err == nil || err == context.Canceled
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
	explain(out, p.URL(), s.Root(), s.OperatorEnv())
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
	fmt.Fprintf(out, "cd %s\nunset %s\n", quote(folder), strings.Join(otherwise(operator), " "))
	for _, name := range slices.Sorted(maps.Keys(operator)) {
		fmt.Fprintf(out, "export %s=%s\n", name, quote(operator[name]))
	}
	fmt.Fprint(out, `
And then, for example, while the page shows what comes of it:

.build/bulk check
.build/bulk sweep
.build/bulk sweep --live --user straggler-1@example.com --user straggler-2@example.com
.build/bulk status
.build/bulk verify

Let bulk end before the page does: it tries a cloud that is gone again for a minute.

`)
}

// otherwise are the variables that would lead bulk elsewhere, of those that the operator does not set.
func otherwise(operator map[string]string) []string {
	names := []string{
		"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
		"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_STS", "MIGRATION_STACK",
	}
	for _, v := range settings.Variables {
		names = append(names, v.Name)
	}
	return slices.DeleteFunc(names, func(name string) bool { return operator[name] != "" })
}

// quote makes a word that a POSIX shell takes as it is.
func quote(value string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,="
	if value != "" && strings.Trim(value, plain) == "" {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
