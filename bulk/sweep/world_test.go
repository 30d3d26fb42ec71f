package sweep

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// world is one staging user, Ada, and a production pool in memory. before and after run around every call that a sweep
// makes, with its name, and may fail it as a crash would.
type world struct {
	before, after func(call string) error

	mu       sync.Mutex
	lines    *ledgertest.Memory
	accounts map[string]*userpool.User // by e-mail
	letters  int
	moved    int
	clock    time.Time
	journal  []Entry
}

const (
	adaSub    = "staging-ada"
	adasEmail = "ada@example.com"
)

func ada() userpool.User {
	return userpool.User{
		Username: adaSub, Sub: adaSub, Status: "CONFIRMED", Enabled: true, Created: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Attributes: map[userpool.Attribute]string{"sub": adaSub, "email": adasEmail, "email_verified": "true"},
	}
}

func newWorld(lines ...ledger.Record) *world {
	w := &world{lines: ledgertest.New(lines...), accounts: map[string]*userpool.User{}, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.lines.Before = func(call string) error { return w.around(call, func() {}) }
	return w
}

func (w *world) around(call string, f func()) error {
	if w.before != nil {
		if err := w.before(call); err != nil {
			return err
		}
	}
	w.mu.Lock()
	f()
	w.mu.Unlock()
	if w.after != nil {
		return w.after(call)
	}
	return nil
}

// account puts an account into production, as the trigger, a sweep or an operator would.
func (w *world) account(status string, attributes map[userpool.Attribute]string) *userpool.User {
	u := &userpool.User{Sub: "production-ada", Status: status, Enabled: true, Created: w.clock, Attributes: map[userpool.Attribute]string{
		"sub": "production-ada", "email": adasEmail, "email_verified": "true",
	}}
	for name, value := range attributes {
		u.Attributes[name] = value
	}
	w.accounts[adasEmail] = u
	return u
}

func (w *world) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) { yield(ada(), nil) }
}

func (w *world) FindByEmail(context.Context, string) ([]userpool.User, error) {
	return []userpool.User{ada()}, nil
}

func (w *world) Get(_ context.Context, name string) (found userpool.User, err error) {
	err = w.around("Find", func() {
		for email, u := range w.accounts {
			if name == email || name == u.Sub {
				found = *u
			}
		}
	})
	if err == nil && found.Sub == "" {
		err = userpool.ErrUserNotFound
	}
	return found, err
}

func (w *world) Create(_ context.Context, email string, attributes map[userpool.Attribute]string) (sub string, err error) {
	exists := false
	err = w.around("Create", func() {
		if exists = w.accounts[email] != nil; !exists {
			sub = w.account("FORCE_CHANGE_PASSWORD", attributes).Sub
		}
	})
	if err == nil && exists {
		err = userpool.ErrUserExists
	}
	return sub, err
}

func (w *world) SetRandomPassword(context.Context, string) error {
	return w.around("SetRandomPassword", func() { w.accounts[adasEmail].Status = "CONFIRMED" })
}

func (w *world) SendReset(context.Context, string) error {
	return w.around("SendReset", func() {
		w.accounts[adasEmail].Status = "RESET_REQUIRED"
		w.letters++
	})
}

func (w *world) Move(ctx context.Context, line ledger.Record) (ledger.Progress, error) {
	p := ledger.Progress{Copied: map[string]int{"Projects-prod": 2}, Kept: map[string]int{}}
	if err := w.around("Move", func() { w.moved++ }); err != nil {
		return p, err
	}
	return p, w.lines.Complete(ctx, line.StagingSub, line.ProductionSub, p, w.clock)
}

func (w *world) Write(e Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.journal = append(w.journal, e)
	return nil
}

var errCrash = errors.New("crash")

func (w *world) run(t *testing.T, o Options) *Tally {
	t.Helper()
	w.clock = w.clock.Add(time.Hour)
	tally, err := New(Parts{
		Staging: w, Production: w, Accounts: w, Ledger: w.lines, Mover: w, Journal: w,
		Now: func() time.Time { return w.clock }, Fatal: func(err error) bool { return errors.Is(err, errCrash) },
	}, o).Run(t.Context())
	if err != nil {
		require.ErrorIs(t, err, errCrash)
	}
	return tally
}

func (w *world) last() Entry { return w.journal[len(w.journal)-1] }

var letters = Options{Letters: true}

func TestCrashAtEveryCall(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		for at := 1; ; at++ {
			w, calls := newWorld(), 0
			crash := func(string) error {
				if calls++; calls >= at {
					return errCrash
				}
				return nil
			}
			if when == "before" {
				w.before = crash
			} else {
				w.after = crash
			}
			w.run(t, letters)
			if calls < at {
				require.Greater(t, at, 10)
				break
			}
			w.before, w.after = nil, nil
			w.run(t, letters)
			name := fmt.Sprintf("%s call %d", when, at)
			line := w.lines.Record(adaSub)
			assert.Equal(t, ledger.Moved, line.State, name)
			assert.Equal(t, "production-ada", line.ProductionSub, name)
			assert.False(t, line.ResetAt.IsZero(), name)
			assert.Equal(t, "RESET_REQUIRED", w.accounts[adasEmail].Status, name)
			assert.LessOrEqual(t, w.letters, 2, name)
			before := w.letters
			w.run(t, letters)
			assert.Equal(t, before, w.letters, "%s: a further run writes to nobody", name)
		}
	}
}

// TestUserComesInMeanwhile has the trigger import Ada at each moment of a sweep, as her own sign-in would: she keeps her
// account, is not reset, and the ledger knows her path.
func TestUserComesInMeanwhile(t *testing.T) {
	for _, at := range []string{"Get", "BeginSweep", "Create"} {
		t.Run("before "+at, func(t *testing.T) {
			w := newWorld()
			w.before = func(call string) error {
				if call == at && w.accounts[adasEmail] == nil {
					w.before = nil
					require.NoError(t, w.lines.Import(t.Context(), adaSub, adasEmail, ledger.SignIn, w.clock))
					w.account("CONFIRMED", map[userpool.Attribute]string{"custom:staging_sub": adaSub})
				}
				return nil
			}
			w.run(t, letters)
			assert.Equal(t, Skipped, w.last().Status)
			assert.Contains(t, w.last().Details, string(ComingIn))
			assert.Equal(t, "CONFIRMED", w.accounts[adasEmail].Status)
			assert.Equal(t, ledger.SignIn, w.lines.Record(adaSub).Via)
			assert.False(t, w.lines.Record(adaSub).Bound(), "the hook binds her")
			assert.Zero(t, w.letters)
		})
	}
	t.Run("the sweep's account wins", func(t *testing.T) {
		w := newWorld()
		w.after = func(call string) error {
			if call == "Create" {
				w.after = nil
				return w.lines.Import(t.Context(), adaSub, adasEmail, ledger.SignIn, w.clock)
			}
			return nil
		}
		w.run(t, letters)
		assert.Equal(t, ledger.Sweep, w.lines.Record(adaSub).Via)
		assert.Equal(t, 1, w.letters, "Cognito refused her sign-in, so she gets the letter")
	})
	t.Run("between data and letter", func(t *testing.T) {
		w := newWorld()
		w.after = func(call string) error {
			if call == "Move" {
				return w.lines.FirstSignIn(t.Context(), adaSub, "production-ada", w.clock)
			}
			return nil
		}
		w.run(t, letters)
		assert.Zero(t, w.letters, "whoever came in is live")
	})
}

func TestWhoIsLeftAlone(t *testing.T) {
	hourAgo := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	line := func(change func(*ledger.Record)) ledger.Record {
		l := ledger.Record{StagingSub: adaSub, Email: adasEmail, State: ledger.Moved, Via: ledger.Sweep, ProductionSub: "production-ada", ImportedAt: hourAgo, PasswordSetAt: hourAgo}
		change(&l)
		return l
	}
	tests := []struct {
		name   string
		lines  []ledger.Record
		status string // of the production account; "" for none
		claims bool   // the account bears Ada's staging sub
		reason Reason
	}{
		{"came by sign-in", []ledger.Record{line(func(l *ledger.Record) { l.Via = ledger.SignIn })}, "CONFIRMED", true, AlreadyMoved},
		{"swept and came in", []ledger.Record{line(func(l *ledger.Record) { l.SeenAt = hourAgo })}, "CONFIRMED", true, CameIn},
		{"swept and written to", []ledger.Record{line(func(l *ledger.Record) { l.ResetAt = hourAgo })}, "RESET_REQUIRED", true, LetterSent},
		{"adopted", []ledger.Record{line(func(l *ledger.Record) { l.PasswordSetAt = time.Time{} })}, "CONFIRMED", false, CameIn},
		{"asked for a code and is not back", []ledger.Record{line(func(l *ledger.Record) {
			l.Via, l.State, l.ProductionSub = ledger.ForgotPassword, ledger.Imported, ""
		})}, "RESET_REQUIRED", true, NotYetBack},
		{"moving, and deleted in production", []ledger.Record{line(func(l *ledger.Record) { l.State = ledger.Moving })}, "", false, Deleted},
		{"has an account of their own", nil, "CONFIRMED", false, InProduction},
		{"has one that claims to be ours: a forgeable attribute ties nobody", nil, "CONFIRMED", true, InProduction},
		{"has one that waits for its first password, made by somebody else", nil, "FORCE_CHANGE_PASSWORD", false, InProduction},
		{"has one older than the line", nil, "FORCE_CHANGE_PASSWORD", true, InProduction},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(tt.lines...)
			if tt.status != "" {
				u := w.account(tt.status, nil)
				if tt.claims {
					u.Attributes["custom:staging_sub"] = adaSub
				}
			}
			before := w.lines.Record(adaSub)
			w.run(t, letters)
			assert.Equal(t, Skipped, w.last().Status)
			assert.Contains(t, w.last().Details, string(tt.reason))
			assert.Equal(t, before, w.lines.Record(adaSub), "the ledger is as it was")
			assert.Zero(t, w.letters)
			if tt.status != "" {
				assert.Equal(t, tt.status, w.accounts[adasEmail].Status)
			}
		})
	}
}

func TestAdoptNeedsALiveAccountOfTheSameVerifiedEmail(t *testing.T) {
	for name, change := range map[string]func(*userpool.User){
		"unverified": func(u *userpool.User) { u.Attributes["email_verified"] = "false" },
		"disabled":   func(u *userpool.User) { u.Enabled = false },
		"reset":      func(u *userpool.User) { u.Status = "RESET_REQUIRED" },
		"":           func(*userpool.User) {},
	} {
		w := newWorld()
		change(w.account("CONFIRMED", nil))
		w.run(t, Options{Letters: true, Adopt: true})
		line := w.lines.Record(adaSub)
		assert.Equal(t, name == "", line.Bound(), name)
		assert.Equal(t, name == "", line.Adopted, name)
		w.run(t, Options{Letters: true, Adopt: true})
		assert.Zero(t, w.letters, "an adopted user is never reset")
	}
}

func TestCrashWhileAdoptingNeverResets(t *testing.T) {
	for at := 1; at < 12; at++ {
		w, calls := newWorld(), 0
		w.account("CONFIRMED", nil)
		w.after = func(string) error {
			if calls++; calls >= at {
				return errCrash
			}
			return nil
		}
		w.run(t, Options{Letters: true, Adopt: true})
		w.after = nil
		w.run(t, Options{Letters: true, Adopt: true})
		assert.Equal(t, ledger.Moved, w.lines.Record(adaSub).State)
		assert.Zero(t, w.letters)
		assert.Equal(t, "CONFIRMED", w.accounts[adasEmail].Status)
	}
}

func TestRowsThatDidNotArriveHoldTheLetterBack(t *testing.T) {
	w := newWorld()
	w.before = func(call string) error {
		if call == "Move" {
			return errors.New("2 not moved: throttled")
		}
		return nil
	}
	tally := w.run(t, letters)
	assert.Equal(t, 1, tally.Of(Failed))
	assert.Contains(t, w.last().Details, "2 not moved")
	assert.Zero(t, w.letters, "the letter comes after the things are there")
	w.before = nil
	w.run(t, letters)
	assert.Equal(t, 1, w.letters)
}

func TestPlanForetells(t *testing.T) {
	w := newWorld()
	plan, err := New(Parts{Staging: w, Production: empty{}, Accounts: w, Ledger: w.lines, Journal: w, Now: time.Now, Fatal: func(error) bool { return false }}, letters).Plan(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, plan.Create)
	assert.Equal(t, 1, plan.Letters)
	assert.Equal(t, DryRun, w.last().Status)
	assert.Equal(t, map[string]int{"Get": 1}, w.lines.Calls(), "nothing but reads")
}

// empty is a pool without users.
type empty struct{}

func (empty) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(func(userpool.User, error) bool) {}
}

func (empty) FindByEmail(context.Context, string) ([]userpool.User, error) { return nil, nil }

func TestHopelessSweepStops(t *testing.T) {
	w := newWorld()
	w.before = func(string) error { return errors.New("no network") }
	crowd := many{}
	tally, err := New(Parts{Staging: crowd, Production: empty{}, Accounts: w, Ledger: w.lines, Journal: w, Now: time.Now, Fatal: func(error) bool { return false }}, letters).Run(t.Context())
	require.ErrorIs(t, err, ErrHopeless)
	assert.ErrorContains(t, err, "no network")
	assert.Less(t, tally.Of(Failed), 500, "of a hundred thousand")
}

type many struct{ empty }

func (many) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for i := range 100_000 {
			u := ada()
			u.Sub = fmt.Sprint(i)
			if !yield(u, nil) {
				return
			}
		}
	}
}
