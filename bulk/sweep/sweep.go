// Package sweep migrates the remaining staging users: it creates production users, moves data, and sends reset emails.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
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
	Live       bool     // Plan is for a Run that follows
	Limit      int      // create at most so many users; 0: no limit
	Users      []string // only the users with these emails; empty: all
	SendResets bool     // send a reset email when all data is there
	Adopt      bool     // bind production users who existed before the migration and have the same verified email
	RefuseMFA  bool     // read each user in staging, and skip those with a second factor

	Cutoff           time.Time
	CustomAttributes []string
	Groups           []string // that are carried over
	CaseSensitive    bool     // the production pool
	UniqueEmails     bool     // no two users of the staging pool can share one, whatever its case

	senderFailed bool // no account is created whose email cannot be sent
}

// Dependencies are what a sweep works with. The contracts are those of userpool.Pool, ledger.Store and datamover.Mover.
type Dependencies struct {
	Staging interface {
		List(ctx context.Context) iter.Seq2[userpool.User, error]
		FindByEmail(ctx context.Context, email string) ([]userpool.User, error)
		Get(ctx context.Context, name string) (userpool.User, error)
		EstimatedSize(ctx context.Context) int
	}
	Production interface {
		List(ctx context.Context) iter.Seq2[userpool.User, error]
		EstimatedSize(ctx context.Context) int
		Get(ctx context.Context, name string) (userpool.User, error)
		Create(ctx context.Context, email string, attributes map[userpool.Attribute]string) (sub string, err error)
		SetRandomPassword(ctx context.Context, sub string) error
		SetStagingSub(ctx context.Context, sub, stagingSub string) error
		SendReset(ctx context.Context, sub string) error
	}
	Ledger interface {
		Get(ctx context.Context, stagingSub string) (ledger.Record, error)
		All(ctx context.Context) iter.Seq2[ledger.Record, error]
		BeginSweep(ctx context.Context, r, before ledger.Record) error
		Revert(ctx context.Context, stagingSub string, at time.Time, before ledger.Record) error
		Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Record, error)
		BindCreated(ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration) (
			ledger.Record, ledger.Lease, error)
		TakeLease(ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration) (
			ledger.Record, ledger.Lease, error)
		Renew(ctx context.Context, l ledger.Lease, now time.Time, d time.Duration) (ledger.Lease, error)
		Free(ctx context.Context, l ledger.Lease) error
		PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
		ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
		ResetFailed(ctx context.Context, stagingSub, productionSub, reason string) (ledger.Record, error)
	}
	Records  func(ctx context.Context, stagingSubs []string) (map[string]ledger.Record, error) // those that exist
	Move     func(context.Context, ledger.Record, ledger.Lease) (ledger.Progress, ledger.Lease, error)
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
	listing  sync.Mutex    // of production
	creating sync.Mutex    // with Options.Limit, users are created one after the other
	adopting sync.Mutex    // one after the other
	newUsers atomic.Int64  // created by this sweep
	moving   chan struct{} // one place for each concurrent data move
	failures atomic.Int64  // consecutive

	toDo *users.EmailSet // staging subs of those for whom a plan has found something to do; nil: no plan was made
	full atomic.Bool     // a plan has found as many users to create as --limit allows
	// subs of users who share their email with one who is migrated; nil until they were looked for
	seconds  map[string]bool
	sender   sender
	leftOut  atomic.Int64    // attributes
	claimed  *users.EmailSet // staging subs that production users name; nil until production was listed
	bound    *users.EmailSet // production subs that the ledger has bound; filled to adopt
	later    []userpool.User // whom another mover had
	until    time.Time       // when the last of their leases ends
	returned bool            // to them
}

// inFlight users use the lowest quota fully, at a second or two each. movesInFlight bounds memory: two pages of rows.
const inFlight, movesInFlight, maxFailures = 48, 12, 64

// ErrTooManyFailures ends a sweep in which every user fails, such as without a network.
var ErrTooManyFailures = fmt.Errorf("aborted after %d consecutive failures", maxFailures)

// New returns a sweep that has not begun.
func New(d Dependencies, o Options) *Sweeper {
	return &Sweeper{
		bound: users.NewEmailSet(), Dependencies: d, options: o, moving: make(chan struct{}, movesInFlight),
		sender: sender{first: make(chan struct{}, firstInFlight), accepted: make(chan struct{})},
	}
}

// Run migrates users until all are done, ctx ends, or every user fails: all users, or those for whom Plan has found
// something to do. Users in progress are completed in any case. Then it returns once to those whom another mover had,
// and whose lease ends soon.
func (s *Sweeper) Run(ctx context.Context) error {
	if s.toDo != nil && s.Planned.Users() == 0 {
		return nil
	}
	if s.toDo == nil {
		s.Skipped = map[Reason]int{}
	}
	if err := s.readBound(ctx); err != nil {
		return err
	}
	if s.seconds == nil {
		if err := s.findPairs(ctx); err != nil {
			return err
		}
	}
	s.full.Store(false)
	err := s.migrateAll(ctx, "Sweeping", s.Planned.Users(), s.planned(users.Once(s.users(ctx))))
	err = errors.Join(err, s.sender.settle())
	s.LeftOut = int(s.leftOut.Load())
	if text := s.sender.err.Load(); text != nil {
		s.Sender = *text
		return err
	}
	if err != nil || len(s.later) == 0 {
		return err
	}
	users := s.later
	s.returned = true
	select {
	case <-ctx.Done():
	case <-time.After(s.until.Sub(s.Now())):
	}
	return s.migrateAll(ctx, "Returning to users whose data was being moved", len(users), seq(users))
}

// readBound reads whom the ledger has bound: an account is adopted once, whatever its custom:staging_sub says.
func (s *Sweeper) readBound(ctx context.Context) error {
	if !s.options.Adopt {
		return nil
	}
	for r, err := range s.Ledger.All(ctx) {
		if err != nil {
			return err
		}
		s.bound.Add(r.ProductionSub)
	}
	return nil
}

// isClaimed reports whether a production user with another email names the staging user. Cognito cannot be searched by
// a custom attribute, so production is listed once.
func (s *Sweeper) isClaimed(ctx context.Context, stagingSub string) (bool, error) {
	s.listing.Lock()
	defer s.listing.Unlock()
	if s.claimed == nil {
		s.Progress.Note("looking in production")
		claimed := users.NewEmailSet()
		for u, err := range s.Production.List(ctx) {
			if err != nil {
				return false, err
			}
			claimed.Add(u.StagingSub())
		}
		s.claimed = claimed
	}
	return s.claimed.Has(stagingSub), nil
}

func (s *Sweeper) migrateAll(ctx context.Context, what string, total int, users userSeq) error {
	s.Progress.Start(what, "users", total, s.Outcome)
	defer s.Progress.End()
	return s.each(ctx, users, inFlight, func(m *migration) error { return s.migrate(context.WithoutCancel(ctx), m) })
}

// planned returns those users for whom Plan has found something to do, if it was called, and ends with the last of
// them.
func (s *Sweeper) planned(all userSeq) userSeq {
	if s.toDo == nil {
		return all
	}
	return func(yield func(userpool.User, error) bool) {
		left := s.Planned.Users()
		for u, err := range all {
			if err == nil && !s.toDo.Has(u.Sub) {
				continue
			}
			if left--; !yield(u, err) || left == 0 {
				return
			}
		}
	}
}

type userSeq = iter.Seq2[userpool.User, error]

func seq(users []userpool.User) userSeq {
	return func(yield func(userpool.User, error) bool) {
		for _, u := range users {
			if !yield(u, nil) {
				return
			}
		}
	}
}

// each calls f concurrently for every user. After the first error, or when ctx ends, no more are begun.
func (s *Sweeper) each(ctx context.Context, users userSeq, parallel int, f func(*migration) error) error {
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for m, err := range s.migrations(ctx, users) {
		if err = errors.Join(err, running.Err()); err != nil {
			return cmp.Or(g.Wait(), ctx.Err(), err)
		}
		if s.sender.failed() || s.full.Load() {
			break
		}
		g.Go(func() error {
			if s.full.Load() {
				return nil
			}
			defer s.Progress.Add(1)
			return f(m)
		})
	}
	return g.Wait()
}

const pageSize = 60 // of ListUsers

// migrations reads the ledger for a page of users at a time.
func (s *Sweeper) migrations(ctx context.Context, all userSeq) iter.Seq2[*migration, error] {
	return func(yield func(*migration, error) bool) {
		var page []userpool.User
		flush := func() bool {
			subs := make([]string, len(page))
			for i, u := range page {
				subs[i] = u.Sub
			}
			records, err := s.Records(ctx, subs)
			if err != nil {
				return yield(nil, err)
			}
			for _, u := range page {
				if !yield(s.migration(u, records[u.Sub]), nil) {
					return false
				}
			}
			page = page[:0]
			return true
		}
		for u, err := range all {
			if err != nil {
				yield(nil, err)
				return
			}
			if page = append(page, u); len(page) == pageSize && !flush() {
				return
			}
		}
		if len(page) > 0 {
			flush()
		}
	}
}

func (s *Sweeper) users(ctx context.Context) userSeq {
	if len(s.options.Users) == 0 {
		return s.Staging.List(ctx)
	}
	return func(yield func(userpool.User, error) bool) {
		found, none, err := users.Find(ctx, s.Staging, s.options.UniqueEmails, s.options.Users...)
		if len(none) > 0 {
			err = fmt.Errorf("staging has no user %s", strings.Join(none, ", "))
		}
		if err != nil {
			yield(userpool.User{}, err)
			return
		}
		seq(found)(yield)
	}
}

func (s *Sweeper) migration(u userpool.User, r ledger.Record) *migration {
	m := &migration{Sweeper: s, facts: facts{staging: u, record: r, second: s.seconds[u.Sub]}}
	if r.State == ledger.Moved {
		m.undelivered = r.LastError
	}
	return m
}

// migrate migrates one user. An error ends the whole sweep.
func (s *Sweeper) migrate(ctx context.Context, m *migration) error {
	err := m.run(ctx)
	reason, skipped := errors.AsType[Reason](err)
	if errors.Is(err, ledger.ErrLeased) || errors.Is(err, ledger.ErrLeaseLost) {
		reason, skipped = MoveInProgress, true
	}
	switch {
	case errors.Is(err, errUndelivered):
		return nil // it is told when it is known whether the sender failed
	case reason == MoveInProgress && m.postpone():
		return nil
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

// postpone leaves the user for the end, if the lease ends within a minute.
func (m *migration) postpone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	until := m.record.MovingUntil
	if m.returned || until.Sub(m.Now()) > time.Minute {
		return false
	}
	m.later = append(m.later, m.staging)
	m.until = slices.MaxFunc([]time.Time{m.until, until}, time.Time.Compare)
	return true
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
