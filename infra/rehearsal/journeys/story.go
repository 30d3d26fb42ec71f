// Package journeys plays users who migrate from staging to production, and prints each step.
package journeys

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Journey is one scenario: the steps of one user's migration, or of a migration that must not happen.
type Journey struct {
	Title string
	walk  func(*story)
}

// Outcome is how a journey ended.
type Outcome struct {
	Title string
	Took  time.Duration
	Err   error
}

// Play plays one journey and prints its steps to out.
func Play(ctx context.Context, s *spaceport.Spaceport, j Journey, out io.Writer) Outcome {
	began := time.Now()
	st := &story{Spaceport: s, ctx: ctx, out: out}
	j.walk(st)
	return Outcome{Title: j.Title, Took: time.Since(began), Err: st.err}
}

// story is one journey in progress. After a failed step, the following ones are skipped.
type story struct {
	*spaceport.Spaceport
	ctx context.Context
	out io.Writer
	err error
}

// step runs do and prints the outcome with its time.
func (s *story) step(what string, do func() error) {
	if s.err != nil {
		return
	}
	began := time.Now()
	if err := do(); err != nil {
		s.err = fmt.Errorf("%s: %w", what, err)
		fmt.Fprintf(s.out, "      FAILED %s: %v\n", what, err)
		return
	}
	fmt.Fprintf(s.out, "      ok  %-82s %6d ms\n", what, time.Since(began).Milliseconds())
}

// add creates a user in staging.
func (s *story) add(u spaceport.User) (stagingSub string) {
	if s.err != nil {
		return ""
	}
	stagingSub, s.err = s.Add(s.ctx, u)
	return stagingSub
}

// limit is the time that Cognito gives a trigger.
const limit = 5 * time.Second

func inTime(began time.Time) error {
	if took := time.Since(began); took >= limit {
		return fmt.Errorf("took %s", took)
	}
	return nil
}

// expect compares the answer to the app with the one that it must get.
func expect(err error, want string) error {
	if got := spaceport.Answer(err); got != want {
		return fmt.Errorf("the app got the answer %q, not %q", got, want)
	}
	return nil
}

// Cognito's answers to the app.
const (
	signedIn      = ""
	wrongPassword = "NotAuthorizedException: Incorrect username or password."
	resetRequired = "PasswordResetRequiredException: Password reset required for the user"
	busy          = "UserLambdaValidationException: " +
		"UserMigration failed with error the migration is busy, please try again."
)

func ensure(ok bool, otherwise string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(otherwise, args...)
}
