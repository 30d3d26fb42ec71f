package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var withResets = Options{SendResets: true}

// TestNextStep is the decision table once more.
func TestNextStep(t *testing.T) {
	hourAgo := noon.Add(-time.Hour)
	unbound := func(via ledger.Via, at time.Time) ledger.Record {
		return ledger.Record{StagingSub: adaSub, Email: adaEmail, State: ledger.Imported, Via: via, ImportedAt: at}
	}
	bound := func(state ledger.State, via ledger.Via, changes ...func(*ledger.Record)) ledger.Record {
		r := unbound(via, hourAgo)
		r.State, r.ProductionSub = state, productionAda
		for _, change := range changes {
			change(&r)
		}
		return r
	}
	password := func(r *ledger.Record) { r.PasswordSetAt = hourAgo }
	reset := func(r *ledger.Record) { r.ResetAt = hourAgo }
	seen := func(r *ledger.Record) { r.SeenAt = hourAgo }
	adopted := func(r *ledger.Record) { r.Adopted = true }
	leased := func(r *ledger.Record) { r.MovingUntil = noon.Add(time.Second) }
	expired := func(r *ledger.Record) { r.MovingUntil = noon }
	ours := func(r *ledger.Record) { r.Cursor = "ours" }
	var (
		none    ledger.Record
		unread  *userpool.User
		missing = &userpool.User{}
		user    = func(status string) *userpool.User {
			u := &userpool.User{
				Sub: productionAda, Status: status, Enabled: true, Created: hourAgo, Attributes: ada().Attributes,
			}
			u.Attributes[userpool.AttrStagingSub] = adaSub
			return u
		}
		noResets = Options{}
		adopt    = Options{Adopt: true}
		noTime   = Options{Cutoff: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
		changed  = func(status string, change func(*userpool.User)) *userpool.User {
			u := user(status)
			change(u)
			return u
		}
		bens = changed(userpool.Confirmed,
			func(u *userpool.User) { u.Attributes[userpool.AttrStagingSub] = "staging-ben" })
		native    = changed(userpool.Confirmed, func(u *userpool.User) { delete(u.Attributes, userpool.AttrStagingSub) })
		disabled  = changed(userpool.Confirmed, func(u *userpool.User) { u.Enabled = false })
		confirmed = user(userpool.Confirmed)
		temporary = user(userpool.ForceChangePassword)
	)
	tests := []struct {
		name       string
		record     ledger.Record
		production *userpool.User
		options    Options
		step       *step
		reason     Reason
	}{
		{"not eligible", none, unread, noTime, done, "after-cutoff"},
		{"not eligible, however far", bound(ledger.Moving, ledger.Sweep), unread, noTime, done, "after-cutoff"},

		{"no record", none, unread, withResets, createUser, ""},
		{"no record, not in production", none, missing, withResets, createUser, ""},
		{"no record, in production", none, native, withResets, done, ProductionUserExists},
		{"no record, in production, to adopt", none, native, adopt, adoptUser, ""},
		{"record deleted, in production", none, confirmed, withResets, done, ProductionUserExists},
		{"record deleted, in production, to adopt", none, confirmed, adopt, adoptUser, ""},
		{"no record, not in production, to adopt", none, missing, adopt, createUser, ""},

		{"begun by a sweep", unbound(ledger.Sweep, hourAgo), unread, withResets, createUser, ""},
		{"begun by a sweep, in production", unbound(ledger.Sweep, hourAgo), confirmed, withResets, createUser, ""},
		{"begun by a sweep just now", unbound(ledger.Sweep, noon), unread, withResets, createUser, ""},
		{"imported just now", unbound(ledger.SignIn, noon.Add(-59*time.Second)), unread, withResets, done, SigningIn},
		{"imported a minute ago", unbound(ledger.SignIn, noon.Add(-time.Minute)), unread, withResets, readProduction, ""},
		{"imported within the hour", unbound(ledger.ForgotPassword, hourAgo.Add(time.Second)), confirmed, adopt, done,
			AwaitingUser},
		{"imported, never back", unbound(ledger.ForgotPassword, hourAgo), confirmed, withResets, completeImport, ""},
		{"imported, never back, temporary", unbound(ledger.SignIn, hourAgo), temporary, withResets, completeImport, ""},
		{"imported, another's", unbound(ledger.SignIn, hourAgo), bens, adopt, done, SameEmail},
		{"imported, native", unbound(ledger.SignIn, hourAgo), native, withResets, done, ProductionUserExists},
		{"imported, native, to adopt", unbound(ledger.SignIn, hourAgo), native, adopt, adoptUser, ""},
		{"imported, older than the import", unbound(ledger.SignIn, hourAgo),
			changed(userpool.Confirmed, func(u *userpool.User) { u.Created = hourAgo.Add(-61 * time.Second) }), withResets, done,
			ProductionUserExists},
		{"imported, email not verified", unbound(ledger.SignIn, hourAgo),
			changed(userpool.Confirmed, func(u *userpool.User) { u.Attributes["email_verified"] = "false" }), withResets, done,
			EmailUnverified},
		{"no record, another's", none, bens, adopt, done, SameEmail},
		{"moved, groups due", bound(ledger.Moved, ledger.SignIn), unread,
			Options{Groups: []string{"editors"}}, takeLease, ""},
		{"moved, groups carried over", bound(ledger.Moved, ledger.SignIn,
			func(r *ledger.Record) { r.GroupsAt = noon }), unread,
			Options{Groups: []string{"editors"}}, done, AlreadyMoved},
		{"moving, disabled", bound(ledger.Moving, ledger.Sweep), disabled, withResets, done, ProductionUserBlocked},
		{"moved, disabled", bound(ledger.Moved, ledger.Sweep, password), disabled, withResets, done, ProductionUserBlocked},
		{"moving, unconfirmed", bound(ledger.Moving, ledger.SignIn), user(userpool.Unconfirmed), withResets, done,
			ProductionUserBlocked},
		{"moving, reset sent but not recorded", bound(ledger.Moving, ledger.Sweep, password), user(userpool.ResetRequired),
			withResets, moveData, ""},
		{"imported, never created", unbound(ledger.SignIn, hourAgo), missing, withResets, createUser, ""},

		{"bound by a sweep", bound(ledger.Moving, ledger.Sweep), unread, withResets, takeLease, ""},
		{"bound by sign-in", bound(ledger.Moving, ledger.SignIn), unread, withResets, takeLease, ""},
		{"being moved", bound(ledger.Moving, ledger.Sweep, leased), unread, withResets, done, MoveInProgress},
		{"being reset", bound(ledger.Moved, ledger.Sweep, leased, password), unread, withResets, done, MoveInProgress},
		{"the mover's lease has expired", bound(ledger.Moving, ledger.SignIn, expired), unread, withResets, takeLease, ""},
		{"ours to move", bound(ledger.Moving, ledger.Sweep, leased, ours), unread, withResets, readProduction, ""},
		{"bound, deleted", bound(ledger.Moving, ledger.SignIn), missing, withResets, done, ProductionUserDeleted},
		{"no password", bound(ledger.Moving, ledger.Sweep), temporary, withResets, setPassword, ""},
		{"no password, recorded before", bound(ledger.Moving, ledger.Sweep, password), temporary, noResets, setPassword, ""},
		{"password not recorded", bound(ledger.Moving, ledger.Sweep), confirmed, withResets, recordPassword, ""},
		{"password recorded", bound(ledger.Moving, ledger.Sweep, password), confirmed, withResets, moveData, ""},
		{"signed in: no password", bound(ledger.Moving, ledger.Sweep, seen), confirmed, withResets, moveData, ""},
		{"signed in, temporary", bound(ledger.Moving, ledger.Sweep, seen), temporary, withResets, moveData, ""},
		{"adopted: no password", bound(ledger.Moving, ledger.Sweep, adopted), confirmed, withResets, moveData, ""},
		{"adopted, temporary", bound(ledger.Moving, ledger.Sweep, adopted), temporary, withResets, moveData, ""},
		{"by sign-in: no password", bound(ledger.Moving, ledger.SignIn), temporary, withResets, moveData, ""},

		{"moved", bound(ledger.Moved, ledger.Sweep, password), unread, withResets, takeLease, ""},
		{"moved, ours", bound(ledger.Moved, ledger.Sweep, password), confirmed, withResets, sendReset, ""},
		{"moved, deleted", bound(ledger.Moved, ledger.Sweep, password), missing, withResets, done, ProductionUserDeleted},
		{"moved, no reset wanted", bound(ledger.Moved, ledger.Sweep, password), unread, noResets, done, ResetNotRequested},
		{"moved and reset", bound(ledger.Moved, ledger.Sweep, password, reset), unread, withResets, done, ResetAlreadySent},
		{"moved and seen", bound(ledger.Moved, ledger.Sweep, password, seen), unread, withResets, done, SignedInSince},
		{"moved, reset and seen", bound(ledger.Moved, ledger.Sweep, password, reset, seen), unread, withResets, done,
			SignedInSince},
		{"moved by the hook", bound(ledger.Moved, ledger.Sweep), unread, withResets, done, SignedInSince},
		{"moved by sign-in", bound(ledger.Moved, ledger.SignIn), unread, withResets, done, AlreadyMoved},
		{"moved by forgot password", bound(ledger.Moved, ledger.ForgotPassword), unread, adopt, done, AlreadyMoved},
		{"moved and adopted", bound(ledger.Moved, ledger.Sweep, adopted), unread, withResets, done, AlreadyMoved},
		{"moved and adopted, to adopt", bound(ledger.Moved, ledger.Sweep, adopted), unread, adopt, done, AlreadyMoved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts{staging: ada(), record: tt.record, production: tt.production}
			if tt.record.Bound() && tt.production != nil || tt.record.Cursor == "ours" { // read under the lease
				f.lease = ledger.Lease{StagingSub: adaSub}
			}
			next, reason := nextStep(f, tt.options, noon)
			assert.Equal(t, tt.step, next)
			assert.Equal(t, tt.reason, reason)
		})
	}
}

// TestEveryReasonIsExplained: the log has no reason alone.
func TestEveryReasonIsExplained(t *testing.T) {
	for _, r := range []Reason{
		AlreadyMoved, SignedInSince, ResetAlreadySent, ResetNotRequested, SigningIn, AwaitingUser, ProductionUserExists,
		ProductionUserDeleted, ProductionUserBlocked, SameEmail, AliasInUse, EmailChanged, RowsFailed,
		SenderFailed, MoveInProgress,
		Reason(userpool.EmailChanged), LimitReached, Reason(userpool.MFARejected), Reason(userpool.Deleted),
		Reason(userpool.Federated), Reason(userpool.NotConfirmed), Reason(userpool.Disabled),
		Reason(userpool.EmailUnverified), Reason(userpool.AfterCutoff),
	} {
		assert.NotEmpty(t, r.Explain(), r)
	}
}

func assertMigrated(t *testing.T, w *world, name string) {
	t.Helper()
	record := w.ada()
	assert.Equal(t, ledger.Moved, record.State, name)
	assert.Equal(t, productionAda, record.ProductionSub, name)
	assert.False(t, record.PasswordSetAt.IsZero(), name)
	assert.False(t, record.ResetAt.IsZero(), name)
	assert.Equal(t, userpool.ResetRequired, w.users[adaEmail].Status, name)
}

// TestKilledBeforeEachCall: only an email that was sent and not recorded is sent again.
func TestKilledBeforeEachCall(t *testing.T) {
	calls := []string{
		"Records", "BeginSweep", "Create", "BindCreated", "SetRandomPassword", "PasswordSet", "Move",
		"TakeLease", "SendReset",
		"ResetSent", "Free",
	}
	for n, call := range calls {
		name := "killed before " + call
		w := newWorld()
		w.before = killBefore(n + 1)
		w.run(t, withResets)
		if call != "Records" { // then nobody was begun
			require.Equal(t, call != "Free", w.last().Status == Failed, name) // a lease that is not freed expires
		}
		w.before = nil
		w.run(t, withResets)
		w.run(t, withResets)
		assertMigrated(t, w, name)
		assert.Equal(t, 1, w.calls["SetRandomPassword"], name)
		assert.Equal(t, 1, w.calls["Move"], name)
		resets := 1
		if call == "ResetSent" {
			resets = 2
		}
		assert.Equal(t, resets, w.calls["SendReset"], name)
	}
	w := newWorld()
	w.run(t, withResets)
	made := 0
	for _, times := range w.calls {
		made += times
	}
	assert.Len(t, calls, made, "calls of a sweep of one user")
}

// TestAnswerLostAfterEachCall: only an email whose answer was lost is sent again.
func TestAnswerLostAfterEachCall(t *testing.T) {
	for n := 2; n <= 10; n++ { // the first call reads the ledger for a page of users
		w := newWorld()
		w.after = killBefore(n)
		w.run(t, withResets)
		require.Equal(t, Failed, w.last().Status)
		w.after = nil
		w.run(t, withResets)
		name := fmt.Sprintf("killed after call %d", n)
		assertMigrated(t, w, name)
		resets := w.calls["SendReset"]
		assert.LessOrEqual(t, resets, 2, name)
		w.run(t, withResets)
		assert.Equal(t, resets, w.calls["SendReset"], "%s: a further run sends no email", name)
		assert.Equal(t, 1, w.calls["SetRandomPassword"], name)
	}
}

// TestOwnPasswordStaysAfterAKill kills a sweep between the random password and its record. Ada then sets her own by
// "forgot password", before the sweep is run again.
func TestOwnPasswordStaysAfterAKill(t *testing.T) {
	tests := []struct {
		name        string
		seen, moved bool // what the hook did at her sign-in
		options     Options
	}{
		{"the hook recorded her sign-in and moved her data", true, true, withResets},
		{"the hook could not move her data", true, false, withResets},
		{"the hook could not record her sign-in", false, true, withResets},
		{"the hook could do neither", false, false, Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			killed := false
			w.before = func(call string) error {
				if killed = killed || call == "PasswordSet"; killed {
					return errKilled
				}
				return nil
			}
			w.run(t, tt.options)
			require.Equal(t, "random", w.passwords[adaEmail])
			require.True(t, w.ada().PasswordSetAt.IsZero())

			w.before = nil
			w.passwords[adaEmail] = "her own"
			if tt.seen {
				require.NoError(t, w.records.FirstSignIn(t.Context(), adaSub, productionAda, w.clock))
			}
			if tt.moved {
				require.NoError(t, w.complete(t))
			}
			w.run(t, tt.options)
			w.run(t, tt.options)
			assert.Equal(t, "her own", w.passwords[adaEmail])
			assert.Equal(t, userpool.Confirmed, w.users[adaEmail].Status)
			assert.Zero(t, w.calls["SendReset"])
			assert.Equal(t, ledger.Moved, w.ada().State)
		})
	}
}

// TestUserSignsInMeanwhile has the trigger import Ada at each moment of a sweep, as her own sign-in would: she is not
// reset, and the ledger has her path.
func TestUserSignsInMeanwhile(t *testing.T) {
	for _, at := range []string{"Records", "BeginSweep", "Create"} {
		t.Run("before "+at, func(t *testing.T) {
			w := newWorld()
			w.before = func(call string) error {
				if call == at && w.users[adaEmail] == nil {
					w.before = nil
					require.NoError(t, w.records.Import(t.Context(),
						ledger.NewRecord(adaSub, adaSub, adaEmail, ledger.SignIn, w.clock)))
					w.add(userpool.Confirmed, map[userpool.Attribute]string{userpool.AttrStagingSub: adaSub})
				}
				return nil
			}
			w.run(t, withResets)
			assert.Equal(t, Skipped, w.last().Status)
			assert.Contains(t, w.last().Details, "signing-in")
			assert.Equal(t, userpool.Confirmed, w.users[adaEmail].Status)
			assert.Equal(t, ledger.SignIn, w.ada().Via)
			assert.False(t, w.ada().Bound(), "the hook binds her")
			assert.Zero(t, w.calls["SendReset"])
			assert.Equal(t, at == "Create", w.calls["Create"] == 1, "a record that has changed is noticed")
		})
	}
	t.Run("the sweep's user wins", func(t *testing.T) {
		w := newWorld()
		w.after = func(call string) error {
			if call == "Create" {
				w.after = nil
				return w.records.Import(t.Context(), ledger.NewRecord(adaSub, adaSub, adaEmail, ledger.SignIn, w.clock))
			}
			return nil
		}
		w.run(t, withResets)
		assert.Equal(t, ledger.Sweep, w.ada().Via)
		assert.Equal(t, 1, w.calls["SendReset"], "Cognito rejected her sign-in, so she is sent the reset email")
	})
	t.Run("between data and reset", func(t *testing.T) {
		w := newWorld()
		w.after = func(call string) error {
			if call == "Move" {
				return w.records.FirstSignIn(t.Context(), adaSub, productionAda, w.clock)
			}
			return nil
		}
		w.run(t, withResets)
		assert.Zero(t, w.calls["SendReset"], "she has signed in")
		assert.Equal(t, DataMoved, w.last().Status, "and is not skipped")
	})
	t.Run("and the hook moves her data", func(t *testing.T) {
		w := newWorld()
		w.before = func(call string) error {
			if call == "Move" {
				w.before = nil
				return w.complete(t)
			}
			return nil
		}
		counters := w.run(t, Options{})
		assert.Equal(t, ledger.Moved, w.ada().State)
		assert.Zero(t, counters.Moved, "by this sweep")
		assert.Zero(t, counters.Failed)
	})
	t.Run("and another sweep has bound her", func(t *testing.T) {
		w := newWorld()
		w.after = func(call string) error {
			if call == "BeginSweep" {
				w.after = nil
				w.add(userpool.ForceChangePassword, map[userpool.Attribute]string{userpool.AttrStagingSub: adaSub})
			}
			return nil
		}
		w.before = func(call string) error {
			if call == "AdminGetUser" {
				_, _, err := w.records.BindCreated(t.Context(), adaSub, productionAda, w.clock, time.Minute)
				return err
			}
			return nil
		}
		w.run(t, withResets)
		assert.Equal(t, Skipped, w.last().Status)
		assert.Zero(t, w.calls["SetRandomPassword"])
	})
}

func TestSkipped(t *testing.T) {
	record := func(change func(*ledger.Record)) []ledger.Record {
		r := ledger.Record{
			StagingSub: adaSub, Email: adaEmail, State: ledger.Moved, Via: ledger.Sweep, ProductionSub: productionAda,
			ImportedAt: noon, PasswordSetAt: noon,
		}
		change(&r)
		return []ledger.Record{r}
	}
	tests := []struct {
		name    string
		records []ledger.Record
		status  string // of the production user, who is new; "" for none
		claims  bool   // the production user has Ada's staging sub
		reason  string
	}{
		{"migrated by sign-in", record(func(r *ledger.Record) { r.Via = ledger.SignIn }), "CONFIRMED", true, "already-moved"},
		{"swept, signed in", record(func(r *ledger.Record) { r.SeenAt = noon }), "CONFIRMED", true, "signed-in"},
		{"swept, reset", record(func(r *ledger.Record) { r.ResetAt = noon }), "RESET_REQUIRED", true, "reset-sent"},
		{"adopted", record(func(r *ledger.Record) { r.Adopted = true }), "CONFIRMED", false, "already-moved"},
		{"asked for a code and is not back", record(func(r *ledger.Record) {
			r.Via, r.State, r.ProductionSub = ledger.ForgotPassword, ledger.Imported, ""
			r.ImportedAt = noon.Add(time.Second)
		}), "RESET_REQUIRED", true, "awaiting-user"},
		{"moving, deleted in production", record(func(r *ledger.Record) { r.State = ledger.Moving }), "", false,
			"production-user-deleted"},
		{"has an own user", nil, "CONFIRMED", false, "production-user-exists"},
		{"has one that claims to be ours: an attribute that can be forged binds no user", nil, "CONFIRMED", true,
			"production-user-exists"},
		{"has one that an operator made with a temporary password", nil, "FORCE_CHANGE_PASSWORD", false,
			"production-user-exists"},
		{"has one older than the record", nil, "FORCE_CHANGE_PASSWORD", true, "production-user-exists"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(tt.records...)
			if tt.status != "" {
				u := w.add(tt.status, nil)
				if tt.claims {
					u.Attributes[userpool.AttrStagingSub] = adaSub
				}
				if !strings.Contains(tt.name, "older") {
					u.Created = noon.AddDate(1, 0, 0)
				}
			}
			before := w.ada()
			counters := w.run(t, withResets)
			assert.Equal(t, Skipped, w.last().Status)
			assert.Contains(t, w.last().Details, tt.reason+": ")
			assert.Equal(t, map[Reason]int{Reason(tt.reason): 1}, counters.Skipped)
			assert.Equal(t, before, w.ada(), "the ledger is as it was")
			assert.Zero(t, w.calls["SendReset"])
			assert.Zero(t, w.calls["SetRandomPassword"])
			if tt.status != "" {
				assert.Equal(t, tt.status, w.users[adaEmail].Status)
			}
		})
	}
}

// TestDeletedWhileUnderWay: production's answers end the migration, in whatever step.
func TestDeletedWhileUnderWay(t *testing.T) {
	for _, at := range []string{"SetRandomPassword", "SendReset"} {
		w := newWorld()
		w.before = func(call string) error {
			if call == at {
				return fmt.Errorf("set password: %w", userpool.ErrUserNotFound)
			}
			return nil
		}
		counters := w.run(t, withResets)
		assert.Equal(t, map[Reason]int{ProductionUserDeleted: 1}, counters.Skipped, at)
		assert.Equal(t, productionAda, w.last().ProductionSub)
	}
}

func TestAdoptNeedsTheSameVerifiedEmail(t *testing.T) {
	adopt := Options{SendResets: true, Adopt: true}
	for name, change := range map[string]func(*userpool.User){
		"unverified": func(u *userpool.User) { u.Attributes["email_verified"] = "false" },
		"other":      func(u *userpool.User) { u.Attributes["email"] = "ada@example.org" },
		"disabled":   func(u *userpool.User) { u.Enabled = false },
		"reset":      func(u *userpool.User) { u.Status = userpool.ResetRequired },
		"another staging user, by custom:staging_sub": func(u *userpool.User) {
			u.Attributes[userpool.AttrStagingSub] = "staging-ada-with-capitals"
		},
		"": func(*userpool.User) {},
	} {
		w := newWorld()
		change(w.add(userpool.Confirmed, nil))
		w.run(t, adopt)
		assert.Equal(t, name == "", w.ada().Bound(), name)
		assert.Equal(t, name == "", w.ada().Adopted, name)
		assert.Equal(t, name == "", w.ada().State == ledger.Moved, name)
		assert.True(t, w.ada().SeenAt.IsZero(), name)
		if name != "" {
			assert.Regexp(t, "^(production-user-exists|same-email): ", w.last().Details, name)
		}
		w.run(t, adopt)
		assert.Zero(t, w.calls["SendReset"], "an adopted user is never reset")
		assert.Zero(t, w.calls["SetRandomPassword"], "or given a password")
		if name == "" {
			assert.Equal(t, adaSub, w.users[adaEmail].StagingSub(), "so that no other user adopts the account")
		}
	}
}

// TestOneAccountIsAdoptedOnce has two staging users whose emails differ by case, and a pool that takes them for one.
func TestOneAccountIsAdoptedOnce(t *testing.T) {
	w := newWorld()
	w.add(userpool.Confirmed, nil)
	s := w.sweeper(0, Options{Adopt: true})
	s.Skipped = map[Reason]int{}
	var both sync.WaitGroup
	for _, sub := range []string{adaSub, "staging-ada-with-capitals"} {
		both.Go(func() {
			u := ada()
			u.Sub, u.Username = sub, sub
			assert.NoError(t, s.migrate(t.Context(), s.migration(u, ledger.Record{})))
		})
	}
	both.Wait()
	first, second := w.ada(), w.records.Record("staging-ada-with-capitals")
	assert.True(t, first.Bound() != second.Bound())
	assert.Equal(t, 1, s.Skipped[SameEmail]+s.Skipped[ProductionUserExists])
}

// TestSecondFactors: with MFA_USERS=refuse a sweep reads what a list does not tell, and writes nothing for the user.
func TestSecondFactors(t *testing.T) {
	for name, tt := range map[string]struct {
		inProduction bool
		options      Options
	}{
		"to create": {false, Options{RefuseMFA: true}},
		"to adopt":  {true, Options{RefuseMFA: true, Adopt: true}},
	} {
		w := newWorld()
		if tt.inProduction {
			w.add(userpool.Confirmed, nil)
		}
		s := w.sweeper(1, tt.options)
		require.NoError(t, s.Plan(t.Context()), name)
		assert.Equal(t, map[Reason]int{Reason(userpool.MFARejected): 1}, s.Skipped, name)
		assert.Zero(t, s.Planned.Create+s.Planned.Adopt, name)
		counters := w.run(t, tt.options)
		assert.Equal(t, map[Reason]int{Reason(userpool.MFARejected): 1}, counters.Skipped, name)
		assert.Contains(t, w.last().Details, "mfa-rejected: ", name)
		assert.Zero(t, w.calls["Create"]+w.calls["SetStagingSub"]+w.records.Calls()["BeginSweep"], name)
	}
	w := newWorld()
	w.run(t, Options{})
	assert.Equal(t, 1, w.calls["Create"], "no factor is looked at where MFA_USERS allows it")
}

// TestTwoSweepsAtOnce runs a second sweep at each call of the first.
func TestTwoSweepsAtOnce(t *testing.T) {
	for n := 1; n <= 11; n++ {
		t.Run(fmt.Sprint("at call ", n), func(t *testing.T) {
			w, calls := newWorld(), 0
			w.before = func(string) error {
				if calls++; calls == n {
					w.before = nil
					other := w.sweeper(1, withResets)
					other.returned = true // it does not wait for the first
					require.NoError(t, other.Run(t.Context()))
				}
				return nil
			}
			w.run(t, withResets)
			w.free()
			w.run(t, withResets)
			assertMigrated(t, w, "")
			assert.Equal(t, 1, w.calls["SendReset"])
			assert.Equal(t, 1, w.calls["SetRandomPassword"])
		})
	}
}

// TestReturnsToUsersWhoseLeaseEndsSoon waits for a mover that was killed.
func TestReturnsToUsersWhoseLeaseEndsSoon(t *testing.T) {
	for name, tt := range map[string]struct {
		left  time.Duration
		state ledger.State
	}{
		"45 s": {45 * time.Second, ledger.Moved},
		"60 s": {time.Minute, ledger.Moved},
		"61 s": {time.Minute + time.Second, ledger.Moving},
	} {
		synctest.Test(t, func(t *testing.T) {
			record := ledger.NewRecord(adaSub, adaSub, adaEmail, ledger.SignIn, noon)
			record.State, record.ProductionSub, record.MovingUntil = ledger.Moving, productionAda, time.Now().Add(tt.left)
			w := newWorld(record)
			w.add(userpool.Confirmed, nil)
			s := w.sweeper(1, withResets)
			s.Now = time.Now
			require.NoError(t, s.Run(t.Context()))
			assert.Equal(t, tt.state, w.ada().State, name)
			assert.Equal(t, tt.state == ledger.Moving, s.Skipped[MoveInProgress] == 1, name)
		})
	}
}

// TestNoCallToCognitoOutlivesItsLease has Cognito throttle the reset for longer than another sweep waits.
func TestNoCallToCognitoOutlivesItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := w.sweeper(1, withResets)
		s.Now = time.Now
		s.Production = throttled{w}
		w.before = func(call string) error {
			if call == "Renew" {
				return ledger.ErrLeaseLost
			}
			return nil
		}
		require.NoError(t, s.Run(t.Context()))
		assert.Zero(t, w.calls["SetRandomPassword"], "another sweep may have the user by now")
		assert.Contains(t, w.last().Details, "move-in-progress")
	})
}

// throttled takes an hour for a password, unless the call is given up.
type throttled struct{ *world }

func (w throttled) SetRandomPassword(ctx context.Context, sub string) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Hour):
		return w.world.SetRandomPassword(ctx, sub)
	}
}

func TestKilledWhileAdopting(t *testing.T) {
	adopt := Options{SendResets: true, Adopt: true}
	for n := 1; n < 16; n++ {
		for _, before := range []bool{true, false} {
			w := newWorld()
			w.add(userpool.Confirmed, nil)
			if before {
				w.before = killBefore(n)
			} else {
				w.after = killBefore(n)
			}
			w.run(t, adopt)
			w.before, w.after = nil, nil
			w.run(t, adopt)
			assert.Equal(t, ledger.Moved, w.ada().State)
			assert.True(t, w.ada().Adopted)
			assert.Zero(t, w.calls["SendReset"])
			assert.Zero(t, w.calls["SetRandomPassword"])
			assert.Equal(t, userpool.Confirmed, w.users[adaEmail].Status)
		}
	}
}

// TestNoResetAfterAnOutage: repeating helps, and the email comes last.
func TestNoResetAfterAnOutage(t *testing.T) {
	w := newWorld()
	w.before = func(call string) error {
		if call == "Move" {
			return &datamover.PartialError{Failed: 2, Outage: true, Causes: []error{errors.New("throttled")}}
		}
		return nil
	}
	counters := w.run(t, withResets)
	assert.Equal(t, 1, counters.Failed)
	assert.Contains(t, w.last().Details, "2 not moved: throttled")
	assert.Zero(t, w.calls["SendReset"])
	w.before = nil
	w.run(t, withResets)
	assert.Equal(t, 1, w.calls["SendReset"])
}

// TestRowsThatCannotBeWritten: repeating does not help, so the user gets in, and the rows are named.
func TestRowsThatCannotBeWritten(t *testing.T) {
	w := newWorld()
	w.before = func(call string) error {
		if call == "Move" {
			return &datamover.PartialError{Failed: 1, Rows: []string{"Projects-prod: projectId=7"}}
		}
		return nil
	}
	for range 2 {
		counters := w.run(t, withResets)
		assert.Equal(t, 1, counters.Failed)
		assert.Equal(t, 1, w.calls["SendReset"], "once")
		assert.Equal(t, ledger.Moving, w.ada().State)
	}
	failed := slices.IndexFunc(w.entries, func(e Entry) bool { return e.Status == Failed })
	require.GreaterOrEqual(t, failed, 0)
	assert.Contains(t, w.entries[failed].Details, "Projects-prod: projectId=7")
	w.before = nil
	w.run(t, withResets)
	assert.Equal(t, ledger.Moved, w.ada().State)
	assert.Equal(t, 1, w.calls["SendReset"])
}

// TestCompleteImport has a user who asked for a code and never came back.
func TestCompleteImport(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*userpool.User) // of staging, since the list was read
		reason Reason               // "": completed
	}{
		"as before":        {func(*userpool.User) {}, ""},
		"disabled":         {func(u *userpool.User) { u.Enabled = false }, "disabled"},
		"another email":    {func(u *userpool.User) { u.Attributes["email"] = "x@example.com" }, "email-changed"},
		"another user":     {func(u *userpool.User) { u.Sub = "x" }, "deleted"},
		"email unverified": {func(u *userpool.User) { u.Attributes["email_verified"] = "false" }, "email-unverified"},
	} {
		w := newWorld(ledger.NewRecord(adaSub, adaSub, adaEmail, ledger.ForgotPassword, noon))
		w.add(userpool.ResetRequired, map[userpool.Attribute]string{userpool.AttrStagingSub: adaSub})
		w.clock = noon.Add(codeLifetime)
		s := w.sweeper(1, withResets)
		s.Staging = changedStaging{staging(1), tt.change}
		require.NoError(t, s.Run(t.Context()), name)
		assert.Equal(t, tt.reason == "", w.ada().State == ledger.Moved, name)
		assert.Equal(t, tt.reason == "", w.ada().Bound(), name)
		assert.Equal(t, ledger.ForgotPassword, w.ada().Via, name)
		assert.Equal(t, userpool.ResetRequired, w.users[adaEmail].Status, name)
		assert.Zero(t, w.calls["SendReset"]+w.calls["SetRandomPassword"], name)
		if tt.reason != "" {
			assert.Equal(t, map[Reason]int{tt.reason: 1}, s.Skipped, name)
		}
	}
}

type changedStaging struct {
	staging
	change func(*userpool.User)
}

func (s changedStaging) Get(context.Context, string) (userpool.User, error) {
	u := ada()
	s.change(&u)
	return u, nil
}

// TestTwoEmails: two sweeps send the emails that --notify none held back. One waits for longer than its lease.
func TestTwoEmails(t *testing.T) {
	w := newWorld()
	w.run(t, Options{})
	require.Equal(t, ledger.Moved, w.ada().State)
	w.before = func(call string) error {
		if call == "AdminGetUser" {
			w.before = nil
			w.free() // throttled for 46 s, or the laptop slept
			require.NoError(t, w.sweeper(1, withResets).Run(t.Context()))
		}
		return nil
	}
	w.run(t, withResets)
	assert.Equal(t, 1, w.calls["SendReset"])
}

// TestNoPasswordAfterAReset: a sweep has read FORCE_CHANGE_PASSWORD and loses its lease. Another one completes the
// user, who then sets a password.
func TestNoPasswordAfterAReset(t *testing.T) {
	r := ledger.NewRecord(adaSub, adaSub, adaEmail, ledger.Sweep, noon)
	r.State, r.ProductionSub = ledger.Moving, productionAda
	w := newWorld(r)
	w.add(userpool.ForceChangePassword, nil)
	w.after = func(call string) error {
		if call == "AdminGetUser" {
			w.after = nil
			w.free()
			require.NoError(t, w.sweeper(1, withResets).Run(t.Context()))
			w.passwords[adaEmail], w.users[adaEmail].Status = "her own", userpool.Confirmed
			require.NoError(t, w.records.FirstSignIn(t.Context(), adaSub, productionAda, w.clock))
		}
		return nil
	}
	w.run(t, withResets)
	assert.Equal(t, "her own", w.passwords[adaEmail])
}

// TestAccountThatAnotherRecordHasBound is not adopted, whatever its custom:staging_sub says.
func TestAccountThatAnotherRecordHasBound(t *testing.T) {
	r := ledger.NewRecord("capitals", "capitals", adaEmail, ledger.Sweep, noon)
	r.State, r.ProductionSub, r.Adopted = ledger.Moved, productionAda, true
	w := newWorld(r)
	w.add(userpool.Confirmed, nil)
	w.run(t, Options{Adopt: true})
	assert.False(t, w.ada().Bound())
	assert.Contains(t, w.last().Details, "production-user-exists")
}

// TestImportedUserWithAnotherEmail changed it in production before the hook bound them: a second account would shut
// them out of their data for good.
func TestImportedUserWithAnotherEmail(t *testing.T) {
	for _, only := range [][]string{nil, {adaEmail}} {
		w := newWorld(ledger.NewRecord(adaSub, adaSub, adaEmail, ledger.SignIn, noon))
		u := w.add(userpool.Confirmed, map[userpool.Attribute]string{userpool.AttrStagingSub: adaSub,
			"email": "new@example.com"})
		delete(w.users, adaEmail)
		w.users["new@example.com"] = u
		w.clock = noon.Add(2 * time.Hour)
		s := w.sweeper(1, Options{Users: only})
		require.NoError(t, s.Plan(t.Context()))
		assert.Equal(t, map[Reason]int{EmailChanged: 1}, s.Skipped)
		require.NoError(t, s.Run(t.Context()))
		assert.Equal(t, map[Reason]int{EmailChanged: 1}, s.Skipped)
		assert.Zero(t, w.calls["Create"])
	}
}

// TestAliasInUse has a production pool that signs in by phone number too.
func TestAliasInUse(t *testing.T) {
	w := newWorld()
	w.before = func(call string) error {
		if call == "Create" {
			return userpool.ErrUserExists
		}
		return nil
	}
	counters := w.run(t, withResets)
	assert.Equal(t, map[Reason]int{AliasInUse: 1}, counters.Skipped)
	assert.False(t, w.ada().Exists(), "the record is taken back")
}

// TestGroupsAreDue: a user who was moved before groups were named lacks them, and nothing else is done again.
func TestGroupsAreDue(t *testing.T) {
	for _, via := range []ledger.Via{ledger.SignIn, ledger.Sweep} {
		record := ledger.NewRecord(adaSub, adaSub, adaEmail, via, noon.Add(-time.Hour))
		record.State, record.ProductionSub, record.MovedAt, record.SeenAt = ledger.Moved, productionAda, noon, noon
		w := newWorld(record)
		w.add(userpool.Confirmed, nil)
		s := w.sweeper(0, Options{SendResets: true, Groups: []string{"editors"}})
		s.Move = func(ctx context.Context, r ledger.Record, l ledger.Lease) (ledger.Progress, ledger.Lease, error) {
			p := ledger.Progress{GroupsAt: noon, MissingGroups: []string{"old"}}
			return p, ledger.Lease{}, w.records.Complete(ctx, l, p, noon)
		}
		s.Staging = list{ada()}
		require.NoError(t, s.Run(t.Context()))
		assert.Equal(t, 1, s.Moved, via)
		assert.Zero(t, s.Resets+s.Failed+len(s.Skipped), via)
		assert.Zero(t, w.calls["SetRandomPassword"], via)
		require.Len(t, w.entries, 1)
		assert.Contains(t, w.entries[0].Details, "groups that production does not have: old")
		assert.Equal(t, noon, w.ada().GroupsAt)
	}
}

// TestAttributesLeftOut are counted, for each user and for the sweep.
func TestAttributesLeftOut(t *testing.T) {
	w := newWorld()
	s := w.sweeper(0, Options{})
	u := ada()
	u.Attributes["phone_number_verified"], u.Attributes["custom:plan"] = "true", "pro"
	s.Staging = list{u}
	require.NoError(t, s.Run(t.Context()))
	assert.Equal(t, 2, s.LeftOut)
	assert.Contains(t, w.entries[1].Details, "attributes left out: 2")
}
