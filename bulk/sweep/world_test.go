package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// world is one staging user, Ada, and a production pool in memory. before and after run around every call that a sweep
// makes, with its name, and may fail it as a kill or an outage would.
type world struct {
	before, after func(call string) error

	mu        sync.Mutex
	records   *ledgertest.Memory
	users     map[string]*userpool.User // of production, by email
	passwords map[string]string         // of production, by email
	calls     map[string]int            // that were performed
	clock     time.Time
	entries   []Entry
}

const (
	adaSub        = "staging-ada"
	adaEmail      = "ada@example.com"
	productionAda = "production-ada"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ada() userpool.User {
	return userpool.User{
		Username: adaSub, Sub: adaSub, Status: userpool.Confirmed, Enabled: true,
		Created:    time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Attributes: map[userpool.Attribute]string{"sub": adaSub, "email": adaEmail, "email_verified": "true"},
	}
}

func newWorld(records ...ledger.Record) *world {
	w := &world{
		records: ledgertest.New(records...), users: map[string]*userpool.User{}, passwords: map[string]string{},
		calls: map[string]int{}, clock: noon,
	}
	w.records.Before = func(call string) error {
		if call == "Complete" {
			return nil // a part of Move
		}
		return w.around(call, func() {})
	}
	return w
}

func (w *world) around(call string, f func()) error {
	if w.before != nil {
		if err := w.before(call); err != nil {
			return err
		}
	}
	w.mu.Lock()
	w.calls[call]++
	f()
	w.mu.Unlock()
	if w.after != nil {
		return w.after(call)
	}
	return nil
}

// killBefore has every call fail from the nth on.
func killBefore(n int) func(string) error {
	var calls atomic.Int64
	return func(string) error {
		if calls.Add(1) >= int64(n) {
			return errKilled
		}
		return nil
	}
}

var errKilled = errors.New("killed")

// add puts Ada into production, as the trigger, a sweep or an operator would.
func (w *world) add(status string, attributes map[userpool.Attribute]string) *userpool.User {
	u := &userpool.User{
		Sub: productionAda, Status: status, Enabled: true, Created: w.clock,
		Attributes: map[userpool.Attribute]string{"sub": productionAda, "email": adaEmail, "email_verified": "true"},
	}
	maps.Copy(u.Attributes, attributes)
	w.users[adaEmail] = u
	return u
}

func (w *world) EstimatedSize(context.Context) int { return len(w.users) }

func (w *world) Records(_ context.Context, subs []string) (map[string]ledger.Record, error) {
	found := map[string]ledger.Record{}
	err := w.around("Records", func() {
		for _, sub := range subs {
			if record := w.records.Record(sub); record.Exists() {
				found[sub] = record
			}
		}
	})
	return found, err
}

func (w *world) Get(_ context.Context, name string) (found userpool.User, err error) {
	err = w.around("AdminGetUser", func() {
		for email, u := range w.users {
			if name == email || name == u.Sub {
				found = *u
				found.Attributes = maps.Clone(u.Attributes)
			}
		}
	})
	if err == nil && found.Sub == "" {
		err = userpool.ErrUserNotFound
	}
	return found, err
}

func (w *world) Create(
	_ context.Context, email string, attributes map[userpool.Attribute]string,
) (sub string, err error) {
	exists := false
	err = w.around("Create", func() {
		if exists = w.users[email] != nil; !exists {
			sub = w.add(userpool.ForceChangePassword, attributes).Sub
		}
	})
	if err == nil && exists {
		err = userpool.ErrUserExists
	}
	return sub, err
}

func (w *world) SetRandomPassword(context.Context, string) error {
	return w.around("SetRandomPassword", func() {
		w.users[adaEmail].Status = userpool.Confirmed
		w.passwords[adaEmail] = "random"
	})
}

func (w *world) SendReset(context.Context, string) error {
	return w.around("SendReset", func() { w.users[adaEmail].Status = userpool.ResetRequired })
}

func (w *world) SetStagingSub(_ context.Context, _, stagingSub string) error {
	return w.around("SetStagingSub", func() { w.users[adaEmail].Attributes[userpool.AttrStagingSub] = stagingSub })
}

func (w *world) Move(
	ctx context.Context, _ ledger.Record, lease ledger.Lease,
) (ledger.Progress, ledger.Lease, error) {
	p := ledger.Progress{Copied: map[string]int{"Projects-prod": 2}, Kept: map[string]int{}}
	if err := w.around("Move", func() {}); err != nil {
		return p, lease, err
	}
	if err := w.records.Complete(ctx, lease, p, w.clock); err != nil {
		return p, lease, err
	}
	return p, ledger.Lease{}, nil
}

// complete has another mover move Ada's data.
func (w *world) complete(t *testing.T) error {
	t.Helper()
	w.free()
	_, lease, err := w.records.TakeLease(t.Context(), adaSub, productionAda, w.clock, time.Minute)
	require.NoError(t, err)
	return w.records.Complete(t.Context(), lease, ledger.Progress{}, w.clock)
}

// free lets every lease expire.
func (w *world) free() { w.clock = w.clock.Add(datamover.LeaseFor + time.Second) }

// List streams production.
func (w *world) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for _, u := range w.users {
			if !yield(*u, nil) {
				return
			}
		}
	}
}

// Write takes a line of the log.
func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var e Entry
	err := json.Unmarshal(line, &e)
	w.entries = append(w.entries, e)
	return len(line), err
}

// staging is a staging pool with so many users. The first is Ada.
type staging int

func (s staging) Get(context.Context, string) (userpool.User, error) {
	u := ada()
	u.MFA = true
	return u, nil
}

func (s staging) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for i := range s {
			u := ada()
			if i > 0 {
				u.Sub = fmt.Sprint("staging-", i)
				u.Username, u.Attributes["sub"], u.Attributes["email"] = u.Sub, u.Sub, fmt.Sprint(i, "@example.com")
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (s staging) EstimatedSize(context.Context) int { return int(s) }

func (s staging) FindByEmail(_ context.Context, email string) (found []userpool.User, err error) {
	if email == adaEmail {
		found = append(found, ada())
	}
	return found, nil
}

func (w *world) sweeper(users staging, o Options) *Sweeper {
	return New(Dependencies{
		Staging: users, Production: w, Ledger: w.records, Records: w.Records, Move: w.Move, Log: w, Limits: quota.New(1, nil),
		Now: func() time.Time { return w.clock }, Fatal: func(err error) bool { return errors.Is(err, errKilled) },
	}, o)
}

// run sweeps Ada, an hour after the last run. Only a kill may end it.
func (w *world) run(t *testing.T, o Options) *Counters {
	t.Helper()
	w.clock = w.clock.Add(time.Hour)
	s := w.sweeper(1, o)
	if err := s.Run(t.Context()); err != nil {
		require.ErrorIs(t, err, errKilled)
	}
	return &s.Counters
}

func (w *world) last() Entry { return w.entries[len(w.entries)-1] }

func (w *world) ada() ledger.Record { return w.records.Record(adaSub) }
