// Package journeys plays people who move from staging to production, and tells what happens to them.
package journeys

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Journey is one person's way over.
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

// Play walks one journey and tells it to out.
func Play(ctx context.Context, s *spaceport.Spaceport, j Journey, out io.Writer) Outcome {
	began := time.Now()
	st := &story{Spaceport: s, ctx: ctx, out: out}
	j.walk(st)
	return Outcome{Title: j.Title, Took: time.Since(began), Err: st.err}
}

// story is one journey under way. After a step that failed, all that follow are left out.
type story struct {
	*spaceport.Spaceport
	ctx context.Context
	out io.Writer
	err error
}

// step does something and tells it, with its time.
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

// meet puts somebody into staging.
func (s *story) meet(p spaceport.Person) (stagingSub string) {
	if s.err != nil {
		return ""
	}
	stagingSub, s.err = s.Add(s.ctx, p)
	return stagingSub
}

// limit is what Cognito leaves a trigger.
const limit = 5 * time.Second

func inTime(began time.Time) error {
	if took := time.Since(began); took >= limit {
		return fmt.Errorf("took %s", took)
	}
	return nil
}

// expect compares what the app was told with what it must be told.
func expect(err error, want string) error {
	if got := spaceport.Answer(err); got != want {
		return fmt.Errorf("the app was told %q, not %q", got, want)
	}
	return nil
}

// What Cognito tells the app about whoever it does not let in.
const (
	letIn         = ""
	wrongPassword = "NotAuthorizedException: Incorrect username or password."
	resetRequired = "PasswordResetRequiredException: Password reset required for the user"
)

func that(ok bool, otherwise string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(otherwise, args...)
}
