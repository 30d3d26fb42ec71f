// Package sweep brings over the staging users who have not come by themselves: account, data, and then a letter.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Options are what the operator decides about one sweep.
type Options struct {
	Limit   int      // at most so many accounts are created; 0: no limit
	Users   []string // only these e-mails; none: everybody
	Letters bool     // send the letter with the code when all is there
	Adopt   bool     // bind production users who have the same verified e-mail

	Cutoff           time.Time
	CustomAttributes []string
}

// userList lists a user pool; the contract is that of bulk/userpool.
type userList interface {
	List(ctx context.Context) iter.Seq2[userpool.User, error]
}

// directory also finds somebody in it.
type directory interface {
	userList
	FindByEmail(ctx context.Context, email string) ([]userpool.User, error)
}

// accountMaker makes production's accounts; the contract is that of bulk/userpool.
type accountMaker interface {
	Get(ctx context.Context, name string) (userpool.User, error)
	Create(ctx context.Context, email string, attributes map[userpool.Attribute]string) (sub string, err error)
	SetRandomPassword(ctx context.Context, sub string) error
	SendReset(ctx context.Context, sub string) error
}

// sweepLedger is what a sweep asks of the ledger; the contract is that of ledger.Store.
type sweepLedger interface {
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	BeginSweep(ctx context.Context, stagingSub, email string, at time.Time, before ledger.Record) (ledger.Record, error)
	Revert(ctx context.Context, stagingSub string, at time.Time, before ledger.Record) error
	BindCreated(ctx context.Context, stagingSub, productionSub string) (ledger.Record, error)
	PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	BindExisting(ctx context.Context, stagingSub, productionSub string) (ledger.Record, error)
}

// mover moves a user's rows; the contract is that of datamover.Mover.
type mover interface {
	Move(ctx context.Context, line ledger.Record) (ledger.Progress, error)
}

// Journal keeps what happened to each user.
type Journal interface{ Write(Entry) error }

// Parts are what a sweep works with.
type Parts struct {
	Staging    directory
	Production userList
	Accounts   accountMaker
	Ledger     sweepLedger
	Mover      mover
	Journal    Journal
	Now        func() time.Time // AWS's clock, since accounts are told apart by their age
	Fatal      func(error) bool // whether no further user can do better, such as after expired credentials
	Done       func()           // called once a user, for progress; may be nil
}

// Sweeper runs one sweep.
type Sweeper struct {
	Parts
	options Options

	tally  *Tally
	room   *room         // for accounts
	moving chan struct{} // room for data moves
	brake  brake
}

// inFlight is how many users are under way at once: enough that the slowest quota is always waited for, with a second or
// two for each user's calls. movesInFlight bounds memory, which is two pages of rows for each.
const (
	inFlight      = 48
	movesInFlight = 12
)

// New returns a sweep that has not begun.
func New(p Parts, o Options) *Sweeper {
	return &Sweeper{Parts: p, options: o, tally: newTally(), room: newRoom(o.Limit), moving: make(chan struct{}, movesInFlight)}
}

// Run sweeps until everybody was looked at, ctx ends, or nothing works any more. Users in flight are finished first in
// any case. The tally holds what happened; failed users are counted there and are no error.
func (s *Sweeper) Run(ctx context.Context) (*Tally, error) {
	err := s.each(ctx, func(u userpool.User) error { return s.sweep(context.WithoutCancel(ctx), u) })
	return s.tally, err
}

// each calls f for every chosen user, many at a time. The first error of f ends it, when those under way have ended.
func (s *Sweeper) each(ctx context.Context, f func(userpool.User) error) error {
	taking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	users := make(chan userpool.User)
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for u := range users {
				if err := f(u); err != nil {
					stop(err)
				}
				if s.Done != nil {
					s.Done()
				}
			}
		})
	}
	err := s.feed(taking, users)
	close(users)
	wg.Wait()
	return cmp.Or(context.Cause(taking), err)
}

// feed hands out users until there are no more, or taking ends.
func (s *Sweeper) feed(taking context.Context, users chan<- userpool.User) error {
	for u, err := range s.chosen(taking) {
		if err != nil {
			return err
		}
		select {
		case users <- u:
		case <-taking.Done():
			return taking.Err()
		}
	}
	return nil
}

// chosen streams the users to look at.
func (s *Sweeper) chosen(ctx context.Context) iter.Seq2[userpool.User, error] {
	if len(s.options.Users) == 0 {
		return s.Staging.List(ctx)
	}
	return func(yield func(userpool.User, error) bool) {
		for _, email := range s.options.Users {
			found, err := s.Staging.FindByEmail(ctx, email)
			if err == nil && len(found) == 0 {
				err = &UnknownError{Email: email}
			}
			if err != nil {
				yield(userpool.User{}, err)
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

// UnknownError names somebody who was asked for and whom staging does not know.
type UnknownError struct{ Email string }

func (e *UnknownError) Error() string { return "staging has no user " + e.Email }

// sweep brings one user over. An error is one that ends the whole sweep.
func (s *Sweeper) sweep(ctx context.Context, u userpool.User) error {
	p := &person{Sweeper: s, user: u}
	err := p.bringOver(ctx)
	var skip *skipped
	switch {
	case errors.As(err, &skip):
		return s.brake.release(p.note(Skipped, string(skip.reason)))
	case err != nil:
		return errors.Join(p.note(Failed, err.Error()), s.brake.pull(err, s.Fatal(err)))
	}
	return s.brake.release(nil)
}

// brake ends a sweep in which everybody fails, as when the network is gone: a hundred thousand failures say no more than
// a few do.
type brake struct{ inARow atomic.Int64 }

const failuresInARow = inFlight + 16

// ErrHopeless ends a sweep in which nothing works any more.
var ErrHopeless = errors.New("the sweep was stopped, since nothing works any more")

func (b *brake) pull(err error, fatal bool) error {
	if fatal || b.inARow.Add(1) >= failuresInARow {
		return &HopelessError{Cause: err}
	}
	return nil
}

func (b *brake) release(err error) error {
	b.inARow.Store(0)
	return err
}

// HopelessError says why a sweep was stopped.
type HopelessError struct{ Cause error }

func (e *HopelessError) Error() string { return ErrHopeless.Error() + ": " + e.Cause.Error() }

// Unwrap returns ErrHopeless and the cause.
func (e *HopelessError) Unwrap() []error { return []error{ErrHopeless, e.Cause} }
