package sweep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func TestTooManyFailuresEndASweep(t *testing.T) {
	w := newWorld()
	w.before = func(call string) error {
		if call == "Records" {
			return nil
		}
		return errors.New("no network")
	}
	s := w.sweeper(100_000, withResets)
	err := s.Run(t.Context())
	require.ErrorIs(t, err, ErrTooManyFailures)
	assert.ErrorContains(t, err, "no network")
	assert.Less(t, s.Failed, 500, "of a hundred thousand")
}

func TestFatalErrorEndsASweep(t *testing.T) {
	w := newWorld()
	w.before = killBefore(1)
	s := w.sweeper(100_000, withResets)
	err := s.Run(t.Context())
	require.ErrorIs(t, err, errKilled)
	require.NotErrorIs(t, err, ErrTooManyFailures)
	assert.LessOrEqual(t, s.Failed, 2*inFlight)
}

func TestOnlyTheUsersAskedFor(t *testing.T) {
	w := newWorld()
	s := w.sweeper(0, Options{Users: []string{adaEmail}})
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, []string{adaEmail}, s.CreatedEmails)
	err := w.sweeper(0, Options{Users: []string{"unknown@example.com"}}).Run(t.Context())
	require.EqualError(t, err, "staging has no user unknown@example.com")
}

func TestPlan(t *testing.T) {
	record := func(change func(*ledger.Record)) []ledger.Record {
		r := ledger.Record{
			StagingSub: adaSub, Email: adaEmail, State: ledger.Moving, Via: ledger.Sweep, ProductionSub: productionAda,
			ImportedAt: noon.Add(-time.Hour), PasswordSetAt: noon,
		}
		change(&r)
		return []ledger.Record{r}
	}
	tests := []struct {
		name         string
		records      []ledger.Record
		inProduction bool
		options      Options
		want         Planned
	}{
		{"to create", nil, false, withResets, Planned{Create: 1, Resets: 1}},
		{"to create, no reset", nil, false, Options{}, Planned{Create: 1}},
		{"to find", record(func(r *ledger.Record) { r.ProductionSub = "" }), true, withResets, Planned{Create: 1, Resets: 1}},
		{"exists", nil, true, withResets, Planned{}},
		{"to adopt", nil, true, Options{SendResets: true, Adopt: true}, Planned{Adopt: 1}},
		{"to complete", record(func(*ledger.Record) {}), true, withResets, Planned{Complete: 1, Resets: 1}},
		{"to complete, no reset", record(func(*ledger.Record) {}), true, Options{}, Planned{Complete: 1}},
		{"to complete, signed in", record(func(r *ledger.Record) { r.SeenAt = noon }), true, withResets,
			Planned{Complete: 1}},
		{"to complete, by sign-in", record(func(r *ledger.Record) { r.Via = ledger.SignIn }), true, withResets,
			Planned{Complete: 1}},
		{"to reset", record(func(r *ledger.Record) { r.State = ledger.Moved }), true, withResets,
			Planned{Resets: 1, Send: 1}},
		{"moved", record(func(r *ledger.Record) { r.State = ledger.Moved }), true, Options{}, Planned{}},
		{"imported", record(func(r *ledger.Record) { r.Via, r.ProductionSub = ledger.SignIn, "" }), true, withResets,
			Planned{}},
		{"imported, not created", record(func(r *ledger.Record) { r.Via, r.ProductionSub = ledger.SignIn, "" }), false,
			withResets, Planned{Create: 1, Resets: 1}},
	}
	for _, tt := range tests {
		for _, users := range [][]string{nil, {adaEmail}} {
			t.Run(tt.name, func(t *testing.T) {
				w := newWorld(tt.records...)
				if tt.inProduction {
					w.add(userpool.Confirmed, nil)
				}
				before := w.ada()
				tt.options.Users = users
				s := w.sweeper(1, tt.options)
				require.NoError(t, s.Plan(t.Context()))
				assert.Equal(t, 1, s.Users)
				assert.Equal(t, tt.want.Create+tt.want.Complete+tt.want.Adopt+tt.want.Resets > 0, w.last().Status == DryRun)
				assert.Positive(t, s.Planned.Seconds)
				s.Planned.Seconds = 0
				assert.Equal(t, tt.want, s.Planned)
				assert.Equal(t, before, w.ada())
				assert.Equal(t, map[string]int{}, w.records.Calls(), "reads only")
				for call := range w.calls {
					assert.Contains(t, []string{"Records", "AdminGetUser"}, call)
				}
				assert.False(t, users == nil && !before.Exists() && w.calls["AdminGetUser"] > 0,
					"which makes a user a monthly active one")
			})
		}
	}
}

func TestPlanStopsAtTheLimit(t *testing.T) {
	w := newWorld()
	s := w.sweeper(5, Options{SendResets: true, Limit: 2})
	require.NoError(t, s.Plan(t.Context()))
	assert.Equal(t, 2, s.Planned.Create)
	assert.Equal(t, 2, s.Planned.Resets)
	assert.Equal(t, 2, s.Users, "nobody is looked at after that")
	assert.True(t, s.Partial)
	assert.Empty(t, s.Skipped)
}

// empty is a production pool that has only whom the sweep creates.
type empty struct{ *sending }

func (e empty) Get(ctx context.Context, name string) (userpool.User, error) {
	if !strings.HasPrefix(name, "production-") {
		return userpool.User{}, e.around("AdminGetUser", func() {})
	}
	return e.sending.Get(ctx, name)
}

// TestLimitReadsLittle: a small batch of a large pool looks at a page of users, in the plan and then again.
func TestLimitReadsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &sending{world: newWorld(), answer: func(int32) error { return nil }}
		s := p.sweeper(30_000, Options{SendResets: true, Limit: 2, Live: true})
		s.Production = empty{p}
		s.Move = func(ctx context.Context, r ledger.Record, l ledger.Lease) (ledger.Progress, ledger.Lease, error) {
			return ledger.Progress{}, ledger.Lease{}, p.records.Complete(ctx, l, ledger.Progress{}, p.clock)
		}
		require.NoError(t, s.Plan(t.Context()))
		assert.Equal(t, map[string]int{"Records": 1, "AdminGetUser": 2}, p.calls)
		require.NoError(t, s.Run(t.Context()))
		assert.Equal(t, 2, p.calls["Records"])
		assert.Equal(t, 2, s.Created)
		assert.Len(t, p.entries, 6, "created, data moved, reset sent")
	})
}

// TestNothingToDo: where the plan finds that everybody is done, nobody is looked at again, and each has one line.
func TestNothingToDo(t *testing.T) {
	record := ledger.NewRecord(adaSub, adaSub, adaEmail, ledger.SignIn, noon)
	record.State, record.ProductionSub = ledger.Moved, productionAda
	w := newWorld(record)
	w.add(userpool.Confirmed, nil)
	s := w.sweeper(1, Options{SendResets: true, Live: true})
	require.NoError(t, s.Plan(t.Context()))
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, map[Reason]int{AlreadyMoved: 1}, s.Skipped)
	assert.Equal(t, map[string]int{"Records": 1}, w.calls)
	require.Len(t, w.entries, 1)
	assert.Equal(t, Skipped, w.entries[0].Status)
}

// TestLimitCountsOnlyCreatedUsers: a user who is in production already does not use up a place.
func TestLimitCountsOnlyCreatedUsers(t *testing.T) {
	created, rejected := createHundred(t, Options{Limit: 7})
	assert.Equal(t, 7, created)
	assert.Positive(t, rejected)
}

func TestNoLimit(t *testing.T) {
	created, rejected := createHundred(t, Options{})
	assert.Equal(t, 50, created)
	assert.Zero(t, rejected)
}

// createHundred creates a hundred users at once. Production has every other one already.
func createHundred(t *testing.T, o Options) (created, rejected int) {
	w := newWorld()
	s := w.sweeper(0, o)
	s.Production = everyOther{w}
	var done, limited atomic.Int32
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			u := ada()
			u.Sub = fmt.Sprint("staging-", i)
			u.Attributes["email"] = fmt.Sprint(i, "@example.com")
			err := (&migration{Sweeper: s, facts: facts{staging: u}}).createUser(t.Context())
			switch {
			case errors.Is(err, LimitReached):
				assert.EqualValues(t, o.Limit, s.newUsers.Load(), "no user is rejected before")
				limited.Add(1)
			case assert.NoError(t, err) && i%2 == 1:
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return int(done.Load()), int(limited.Load())
}

// everyOther is a production pool that has the users with an even number.
type everyOther struct{ *world }

func (everyOther) Create(_ context.Context, email string, _ map[userpool.Attribute]string) (sub string, err error) {
	if number, _, _ := strings.Cut(email, "@"); strings.ContainsAny(number[len(number)-1:], "02468") {
		return "", userpool.ErrUserExists
	}
	return "production-" + email, nil
}

func (everyOther) Get(context.Context, string) (userpool.User, error) {
	return userpool.User{Sub: "native", Status: userpool.Confirmed}, nil
}
