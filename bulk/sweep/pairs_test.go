package sweep

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// list is a staging pool.
type list []userpool.User

func (l list) List(context.Context) iter.Seq2[userpool.User, error] { return seq(l) }
func (l list) EstimatedSize(context.Context) int                    { return len(l) }

func (l list) FindByEmail(_ context.Context, email string) (found []userpool.User, err error) {
	for _, u := range l {
		if u.Email() == email {
			found = append(found, u)
		}
	}
	return found, nil
}

func (l list) FindBySub(_ context.Context, sub string) (userpool.User, error) {
	i := slices.IndexFunc(l, func(u userpool.User) bool { return u.Sub == sub })
	if i < 0 {
		return userpool.User{}, userpool.ErrUserNotFound
	}
	return l[i], nil
}

func (l list) Get(ctx context.Context, name string) (userpool.User, error) {
	return l.FindBySub(ctx, name)
}

func named(sub, email string, created time.Time) userpool.User {
	u := ada()
	u.Sub, u.Username, u.Created = sub, sub, created
	u.Attributes["sub"], u.Attributes["email"] = sub, email
	return u
}

func TestOneUserOnce(t *testing.T) {
	user := ada()
	for name, tt := range map[string]struct {
		list  list
		users []string
		count int
	}{
		"named three times":                {list{user}, []string{adaEmail, adaEmail, "Ada@example.com"}, 1},
		"named in other case only":         {list{user}, []string{"ADA@example.com"}, 1},
		"listed twice":                     {list{user, named("ben", "ben@example.com", noon), user}, nil, 2},
		"listed twice, one after another":  {list{user, user}, nil, 1},
		"named in other case, of capitals": {list{named("ada", "Ada@Example.com", noon)}, []string{"aDa@example.com"}, 1},
	} {
		w := newWorld()
		s := w.sweeper(0, Options{Users: tt.users, SendResets: true})
		s.Staging = tt.list
		require.NoError(t, s.Plan(t.Context()), name)
		assert.Equal(t, tt.count, s.Planned.Create, name)
		assert.Equal(t, tt.count, s.Users, name)
		if tt.count > 1 {
			continue // the world has only Ada's account
		}
		require.NoError(t, s.Run(t.Context()), name)
		assert.Equal(t, 1, s.Created, name)
		assert.Equal(t, 1, s.Resets, name)
		assert.Equal(t, 1, w.calls["SendReset"], name)
		assert.Empty(t, s.Skipped, name)
		assert.Empty(t, s.Pairs, name)
	}
}

// TestPairs: of several users with one email, the bound one is migrated, else the older, else the smaller sub.
func TestPairs(t *testing.T) {
	const capitals, lower = "Ann.Lee@example.com", "ann.lee@example.com"
	bound := ledger.NewRecord("b", "b", lower, ledger.SignIn, noon)
	bound.State, bound.ProductionSub = ledger.Moved, "production-b"
	off := named("b", lower, noon)
	off.Enabled = false
	for name, tt := range map[string]struct {
		list      list
		records   []ledger.Record
		options   Options
		remaining []string // subs
	}{
		"older first":  {list{named("b", capitals, noon), named("a", lower, noon.Add(1))}, nil, Options{}, []string{"a"}},
		"older second": {list{named("b", capitals, noon.Add(1)), named("a", lower, noon)}, nil, Options{}, []string{"b"}},
		"smaller sub":  {list{named("b", capitals, noon), named("a", lower, noon)}, nil, Options{}, []string{"b"}},
		"bound": {list{named("a", capitals, noon), named("b", lower, noon)}, []ledger.Record{bound},
			Options{}, []string{"a"}},
		"two of one":     {list{named("a", lower, noon), named("b", lower, noon)}, nil, Options{}, []string{"b"}},
		"case-sensitive": {list{named("a", capitals, noon), named("b", lower, noon)}, nil, Options{CaseSensitive: true}, nil},
		"one disabled":   {list{named("a", capitals, noon), off}, nil, Options{}, nil},
		"three": {list{named("c", "ANN.LEE@example.com", noon.Add(2)), named("b", capitals, noon.Add(1)),
			named("a", lower, noon)},
			nil, Options{}, []string{"b", "c"}},
		"with a limit": {list{named("b", capitals, noon.Add(1)), named("a", lower, noon)}, nil,
			Options{Limit: 5}, []string{"b"}},
		"by the younger's email": {list{named("b", capitals, noon.Add(1)), named("a", lower, noon)}, nil,
			Options{Users: []string{capitals}}, []string{"b"}},
	} {
		w := newWorld(tt.records...)
		s := w.sweeper(0, tt.options)
		s.Staging = tt.list
		require.NoError(t, s.Plan(t.Context()), name)
		var remaining []string
		for _, pair := range s.Pairs {
			remaining = append(remaining, pair.Sub)
			u, _ := tt.list.FindBySub(t.Context(), pair.Sub)
			_, reason := nextStep(s.migration(u, w.records.Record(u.Sub)).facts, tt.options, noon)
			assert.Equal(t, SameEmail, reason, name)
		}
		assert.Equal(t, tt.remaining, remaining, name)
		assert.Equal(t, len(remaining), s.Skipped[SameEmail], name)
		if len(remaining) > 0 {
			assert.Equal(t, 1-len(tt.records), s.Planned.Create, name)
		}
	}
}

// sending is a production pool that creates everyone, and answers to the nth reset.
type sending struct {
	*world
	resets atomic.Int32
	answer func(n int32) error
	most   atomic.Int32 // accounts before the first accepted email
}

func (p *sending) Create(
	_ context.Context, email string, _ map[userpool.Attribute]string,
) (sub string, err error) {
	return "production-" + email, p.around("Create", func() {})
}

func (p *sending) Get(_ context.Context, name string) (userpool.User, error) {
	u := ada()
	u.Sub = name
	return u, nil
}

func (p *sending) SetRandomPassword(context.Context, string) error {
	return p.around("SetRandomPassword", func() {})
}

func (p *sending) SendReset(context.Context, string) error {
	n := p.resets.Add(1)
	if n <= firstInFlight {
		time.Sleep(time.Second) // the others wait
	}
	time.Sleep(time.Duration(n) * time.Millisecond) // answers arrive in this order
	p.mu.Lock()
	p.most.CompareAndSwap(0, int32(p.calls["Create"]))
	p.mu.Unlock()
	return p.answer(n)
}

func (p *sending) sweep(t *testing.T, users int) *Sweeper {
	s := p.sweeper(staging(users), withResets)
	s.Production = p
	s.Move = func(ctx context.Context, r ledger.Record, l ledger.Lease) (ledger.Progress, ledger.Lease, error) {
		return ledger.Progress{}, ledger.Lease{}, p.records.Complete(ctx, l, ledger.Progress{}, p.clock)
	}
	require.NoError(t, s.Run(t.Context()))
	return s
}

// TestSenderFails at the 4th of 8 emails: a sender's failure is not a user's failure.
func TestSenderFails(t *testing.T) {
	quota := fmt.Errorf("send reset email: %w (LimitExceededException)", userpool.ErrSender)
	synctest.Test(t, func(t *testing.T) {
		p := &sending{world: newWorld(), answer: func(n int32) error {
			if n >= 4 {
				return quota
			}
			return nil
		}}
		s := p.sweep(t, 100)
		assert.Equal(t, 3, s.Resets)
		assert.Zero(t, s.Failed)
		assert.Contains(t, s.Sender, "LimitExceededException")
		assert.Less(t, s.Created, 60, "nobody new begins")
		moved := 0
		for r, err := range p.records.All(t.Context()) {
			require.NoError(t, err)
			if r.State == ledger.Moved {
				moved++
			}
		}
		assert.Equal(t, s.Created, moved, "who was in flight is finished")
		created, sent := s.Created, s.Resets
		p.answer = func(int32) error { return nil }
		s = p.sweep(t, 100)
		assert.Empty(t, s.Sender)
		assert.Equal(t, 100-created, s.Created)
		assert.Equal(t, 100-sent, s.Resets, "what is left, once each")
	})
}

func TestDoubtsAboutTheSender(t *testing.T) {
	undelivered := fmt.Errorf("send reset email: %w", userpool.ErrDelivery)
	for name, tt := range map[string]struct {
		failing func(n int32) bool
		failed  int
		ends    bool
	}{
		"one user":          {func(n int32) bool { return n == 9 }, 1, false},
		"two, not in a row": {func(n int32) bool { return n == 9 || n == 20 }, 2, false},
		"two in a row":      {func(n int32) bool { return n >= 9 }, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &sending{world: newWorld(), answer: func(n int32) error {
				if tt.failing(n) {
					return undelivered
				}
				return nil
			}}
			s := p.sweep(t, 100)
			assert.Equal(t, tt.ends, s.Sender != "", name)
			assert.Equal(t, tt.failed, s.Failed, name)
		})
	}
	// Addresses that cannot be reached are told from a broken sender in every later sweep.
	synctest.Test(t, func(t *testing.T) {
		p := &sending{world: newWorld(), answer: func(n int32) error {
			if n == 9 || n == 20 {
				return undelivered
			}
			return nil
		}}
		s := p.sweep(t, 60)
		assert.Equal(t, []int{2, 58}, []int{s.Failed, s.Resets})
		p.answer = func(int32) error { return undelivered }
		for range 3 {
			s = p.sweep(t, 60)
			assert.Empty(t, s.Sender)
			assert.Equal(t, 2, s.Failed)
		}
		p.answer = func(int32) error { return nil }
		s = p.sweep(t, 60)
		assert.Equal(t, []int{0, 2}, []int{s.Failed, s.Resets})
		for r, err := range p.records.All(t.Context()) {
			require.NoError(t, err)
			assert.Empty(t, r.LastError)
		}
	})
	// That is known also if the same sweep carries their groups over first.
	synctest.Test(t, func(t *testing.T) {
		p := &sending{world: newWorld(), answer: func(n int32) error {
			if n == 9 || n == 20 {
				return undelivered
			}
			return nil
		}}
		p.sweep(t, 60)
		p.answer = func(int32) error { return undelivered }
		o := withResets
		o.Groups = []string{"editors"}
		s := p.sweeper(staging(60), o)
		s.Production = p
		s.Move = func(ctx context.Context, _ ledger.Record, l ledger.Lease) (ledger.Progress, ledger.Lease, error) {
			carried := ledger.Progress{GroupsAt: p.clock}
			return carried, ledger.Lease{}, p.records.Complete(ctx, l, carried, p.clock)
		}
		require.NoError(t, s.Run(t.Context()))
		assert.Empty(t, s.Sender)
		assert.Equal(t, 2, s.Failed)
	})
	synctest.Test(t, func(t *testing.T) {
		p := &sending{world: newWorld(), answer: func(int32) error { return errors.New("user is disabled") }}
		s := p.sweep(t, 20)
		assert.Empty(t, s.Sender)
		assert.Equal(t, 20, s.Failed)
	})
}

// TestSlowStart: if Cognito accepts no email, few accounts are without one.
func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &sending{world: newWorld(), answer: func(int32) error { return nil }}
		s := p.sweep(t, 100)
		assert.Equal(t, 100, s.Resets)
		assert.LessOrEqual(t, p.most.Load(), int32(firstInFlight))
	})
	synctest.Test(t, func(t *testing.T) {
		p := &sending{world: newWorld(), answer: func(int32) error { return userpool.ErrSender }}
		s := p.sweep(t, 100)
		assert.LessOrEqual(t, s.Created, firstInFlight)
		assert.Zero(t, s.Resets)
	})
}
