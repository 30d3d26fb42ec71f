// Package sweep migrates the remaining staging users: it creates production users, moves data, and sends reset emails.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Options are what the operator decides about one sweep.
type Options struct {
	Limit      int      // create at most so many users; 0: no limit
	Users      []string // only the users with these emails; empty: all
	SendResets bool     // send a reset email when all data is there
	Adopt      bool     // bind production users who existed before the migration and have the same verified email

	Cutoff           time.Time
	CustomAttributes []string
}

// Dependencies are what a sweep works with. The contracts are those of userpool.Pool, ledger.Store and datamover.Mover.
type Dependencies struct {
	Staging interface {
		List(ctx context.Context) iter.Seq2[userpool.User, error]
		FindByEmail(ctx context.Context, email string) ([]userpool.User, error)
		EstimatedSize(ctx context.Context) int
	}
	Production interface {
		List(ctx context.Context) iter.Seq2[userpool.User, error]
		Get(ctx context.Context, name string) (userpool.User, error)
		Create(ctx context.Context, email string, attributes map[userpool.Attribute]string) (sub string, err error)
		SetRandomPassword(ctx context.Context, sub string) error
		SendReset(ctx context.Context, sub string) error
	}
	Ledger interface {
		Get(ctx context.Context, stagingSub string) (ledger.Record, error)
		BeginSweep(ctx context.Context, stagingSub, email string, at time.Time, before ledger.Record) (ledger.Record, error)
		Revert(ctx context.Context, stagingSub string, at time.Time, before ledger.Record) error
		BindCreated(ctx context.Context, stagingSub, productionSub string) (ledger.Record, error)
		BindExisting(ctx context.Context, stagingSub, productionSub string) (ledger.Record, error)
		PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
		ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	}
	Move     func(ctx context.Context, record ledger.Record) (ledger.Progress, error)
	Log      io.Writer         // the audit log: an Entry a line
	Progress *console.Progress // counts the users; may be nil
	Limits   quota.Limits      // of production
	Now      func() time.Time  // AWS's clock, since a user's age is compared with the record's
	Fatal    func(error) bool  // whether no other user can do better, such as after expired credentials
}

// Sweeper runs one sweep.
type Sweeper struct {
	Dependencies
	Counters

	options  Options
	creating sync.Mutex    // with Options.Limit, users are created one after the other
	newUsers atomic.Int64  // created by this sweep
	moving   chan struct{} // one place for each concurrent data move
	failures atomic.Int64  // consecutive
}

// inFlight users use the lowest quota fully, at a second or two each. movesInFlight bounds memory: two pages of rows.
const inFlight, movesInFlight, maxFailures = 48, 12, 64

// ErrTooManyFailures ends a sweep in which every user fails, such as without a network.
var ErrTooManyFailures = fmt.Errorf("aborted after %d consecutive failures", maxFailures)

// New returns a sweep that has not begun.
func New(d Dependencies, o Options) *Sweeper {
	return &Sweeper{Dependencies: d, options: o, moving: make(chan struct{}, movesInFlight)}
}

// Plan counts what Run would do. Nothing is written but the log.
func (s *Sweeper) Plan(ctx context.Context) error {
	s.Progress.Start("Reading staging", "users", cmp.Or(len(s.options.Users), s.Staging.EstimatedSize(ctx)))
	defer s.Progress.End()
	emails := users.NewEmailSet()
	if len(s.options.Users) == 0 { // else they are read one by one
		for u, err := range s.Production.List(ctx) {
			if err != nil {
				return err
			}
			emails.Add(u.Email())
		}
	}
	err := s.each(ctx, func(u userpool.User) error { return s.plan(ctx, emails, u) })
	s.Planned.Seconds = max( // data is moved meanwhile, which can only add to it
		float64(s.Planned.Create)/s.Limits.PerSecond(quota.UserCreation),
		float64(s.Planned.Create+s.Planned.Resets)/s.Limits.PerSecond(quota.UserAccountRecovery),
		float64(s.Users)/60/s.Limits.PerSecond(quota.UserList)) // 60 users a page
	return err
}

// Run migrates users until all are done, ctx ends, or every user fails. Users in progress are completed in any case.
func (s *Sweeper) Run(ctx context.Context) error {
	s.Progress.Start("Sweeping", "users", s.Users)
	defer s.Progress.End()
	return s.each(ctx, func(u userpool.User) error { return s.migrate(context.WithoutCancel(ctx), u) })
}

// each calls f concurrently for every user of the sweep. After the first error, or when ctx ends, no more are begun.
func (s *Sweeper) each(ctx context.Context, f func(userpool.User) error) error {
	s.Skipped = map[Reason]int{}
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for u, err := range s.users(running) {
		if err = errors.Join(err, running.Err()); err != nil {
			return cmp.Or(g.Wait(), ctx.Err(), err)
		}
		g.Go(func() error {
			defer s.Progress.Add(1)
			return f(u)
		})
	}
	return g.Wait()
}

func (s *Sweeper) users(ctx context.Context) iter.Seq2[userpool.User, error] {
	if len(s.options.Users) == 0 {
		return s.Staging.List(ctx)
	}
	return func(yield func(userpool.User, error) bool) {
		for _, email := range s.options.Users {
			found, err := s.Staging.FindByEmail(ctx, email)
			if len(found) == 0 {
				yield(userpool.User{}, cmp.Or(err, fmt.Errorf("staging has no user %s", email)))
				return
			}
			for _, u := range found {
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}

// plan counts one user's next step.
func (s *Sweeper) plan(ctx context.Context, emails *users.EmailSet, u userpool.User) error {
	m := &migration{Sweeper: s, facts: facts{staging: u}}
	err := m.keep(s.Ledger.Get(ctx, u.Sub))
	switch {
	case err != nil || m.record.Bound():
	case len(s.options.Users) > 0:
		err = m.readProduction(ctx)
	case emails.Has(u.Email()):
		m.production = &u // all that counts is that there is one
	default:
		m.production = &userpool.User{}
	}
	if err != nil {
		return err
	}
	return m.note(m.planStep())
}

// planStep counts the user's next step and returns what the log says about it.
func (m *migration) planStep() (Status, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Users++
	next, reason := nextStep(m.facts, m.options, m.Now())
	if next == createUser && m.options.Limit > 0 && m.Planned.Create == m.options.Limit {
		next, reason = done, LimitReached
	}
	then := ""
	if m.options.SendResets && next != done && (next == createUser || m.created()) {
		m.Planned.Resets++
		then = ", then send a reset email"
	}
	switch next {
	case createUser:
		m.Planned.Create++
		return DryRun, "would create the user and move the data" + then
	case adoptUser:
		m.Planned.Adopt++
		return DryRun, "would bind the existing production user if both emails are verified, and move the data"
	case readProduction:
		m.Planned.Complete++
		return DryRun, "would resume the copy to production user " + m.record.ProductionSub + then
	case sendReset:
		return DryRun, "would send a reset email: user and data are there"
	}
	return Skipped, string(reason)
}

// migrate migrates one user. An error ends the whole sweep.
func (s *Sweeper) migrate(ctx context.Context, u userpool.User) error {
	m := &migration{Sweeper: s, facts: facts{staging: u}}
	err := m.run(ctx)
	reason, skipped := errors.AsType[Reason](err)
	switch {
	case skipped:
		err = m.note(Skipped, string(reason))
	case errors.Is(err, userpool.ErrUserNotFound):
		err = m.note(Skipped, string(ProductionUserDeleted))
	case errors.Is(err, ledger.ErrChanged):
		err = m.note(Skipped, string(SigningIn))
	case err != nil:
		return errors.Join(m.note(Failed, err.Error()), s.fail(err))
	}
	s.failures.Store(0)
	return err
}

// fail returns an error if the sweep must end.
func (s *Sweeper) fail(err error) error {
	switch {
	case s.Fatal(err):
		return fmt.Errorf("aborted: %w", err)
	case s.failures.Add(1) >= maxFailures:
		return fmt.Errorf("%w: %w", ErrTooManyFailures, err)
	}
	return nil
}
