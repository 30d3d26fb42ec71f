package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/page"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// play serves the page until ctx is canceled, which is not an error.
func play(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "Starting a local cloud and creating users in staging (a few seconds).")
	err := serve(ctx, out)
	switch {
	case ctx.Err() != nil && wasStopped(err):
		fmt.Fprintln(out, "\nThe page is closed; nothing is left running.")
		return nil
	case err != nil:
		return fmt.Errorf("%w\nIf that does not help: make clean, then make rehearsal, to build everything again", err)
	}
	return nil
}

// wasStopped reports whether every error in err is context.Canceled: an error of the cleanup may be joined to it.
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
	s, err := spaceport.Start(ctx, spaceport.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, u := range journeys.ScenarioUsers {
		if err := u.Create(ctx, s); err != nil {
			return err
		}
	}
	p, err := page.Serve(ctx, s, journeys.ScenarioUsers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	explain(out, p.URL(), s)
	<-ctx.Done()
	return nil
}

func explain(out io.Writer, url string, s *spaceport.Spaceport) {
	operator := s.OperatorEnv()
	operator["AWS_DEFAULT_REGION"] = operator["AWS_REGION"] // of version 1 of the AWS CLI
	fmt.Fprintf(out, "\nThe sign-in page:  %s  (Ctrl-C ends it)\n", url)
	fmt.Fprint(out, `
To try in the browser, which lists all users with their passwords:
  - sign in as Ada with her staging password, and watch the ledger
  - as Ben, choose "Forgot your password?"; the page shows the email
  - sign in as Gus, who has an authenticator app, or as Dan, who is disabled

To sign in with your own front end or an AWS SDK, set its Cognito endpoint, and USER_PASSWORD_AUTH:

`)
	fmt.Fprintf(out, "  endpoint       %s\n  region         %s\n  user pool id   %s\n  app client id  %s\n",
		s.Cloud.URL(), s.Cloud.Region(), s.ProductionPool, s.ProductionApp)
	fmt.Fprint(out, `
To run bulk as the operator, paste this into a second terminal:

`)
	fmt.Fprintf(out, "cd %s\nunset %s\n", console.Quote(s.Root()), strings.Join(conflicting(operator), " "))
	for _, name := range slices.Sorted(maps.Keys(operator)) {
		fmt.Fprintf(out, "export %s=%s\n", name, console.Quote(operator[name]))
	}
	fmt.Fprintln(out, "alias bulk=$PWD/.build/bulk")
	fmt.Fprint(out, `
Then, for example, while the page shows the results:

bulk check
bulk sweep
bulk sweep --live --user user-1@example.com --user user-2@example.com
bulk status
bulk verify
bulk detach
bulk attach

This cloud serves what bulk, the functions and a sign-in ask of Cognito, DynamoDB, STS, IAM, CloudFormation, Lambda and
SES. Anything else, such as CloudWatch's logs, is an error that says so.

Stop bulk before you stop the page, or bulk retries for about a minute.

`)
}

// conflicting returns the variables that would point bulk elsewhere, except those that the operator sets.
func conflicting(operator map[string]string) []string {
	names := []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}
	for _, service := range []string{
		"CLOUDFORMATION", "COGNITO_IDENTITY_PROVIDER", "DYNAMODB", "IAM", "LAMBDA", "SESV2", "STS",
	} {
		names = append(names, "AWS_ENDPOINT_URL_"+service)
	}
	for _, v := range settings.Variables {
		names = append(names, v.Name)
	}
	return slices.DeleteFunc(names, func(name string) bool { return operator[name] != "" })
}
