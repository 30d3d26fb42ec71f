package verify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func (w *world) PutIfAbsent(ctx context.Context, t settings.Table, row rows.Row, owner string) (bool, error) {
	row = row.OwnedBy(t, owner)
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.id(t.Target, row)
	if err := errors.Join(ctx.Err(), w.step("Put "+id)); err != nil {
		return false, err
	}
	if w.production[t.Target][id] != nil {
		return false, nil
	}
	w.production[t.Target][id] = row
	return true, w.step("Put answered " + id)
}

// Get knows every production user but those who were deleted.
func (w *world) Get(_ context.Context, name string) (userpool.User, error) {
	if w.deleted[name] {
		return userpool.User{}, userpool.ErrUserNotFound
	}
	return userpool.User{Sub: name}, w.step("Get " + name)
}

func again(w *world, records *ledgertest.Memory) *Mover {
	v := verifier(w)
	v.Users, v.parallel = nil, 1
	return &Mover{Verifier: *v, Target: w, Pool: w, Ledger: records, Now: func() time.Time { return now }}
}

// moveAgain plans and moves, and returns what each has printed.
func moveAgain(t *testing.T, m *Mover, records *ledgertest.Memory, asJSON bool) (sum Summary, plan, moved string) {
	t.Helper()
	var dry, live strings.Builder
	p := NewMoveWriter(&dry, asJSON, false, " --user ada@example.com")
	sum, err := m.Plan(t.Context(), records.All(t.Context()), 0, p.Write)
	require.NoError(t, err)
	require.NoError(t, p.End(sum))
	p = NewMoveWriter(&live, asJSON, true, "")
	sum, err = m.Move(t.Context(), records.All(t.Context()), p.Write)
	require.NoError(t, err)
	require.NoError(t, p.End(sum))
	return sum, dry.String(), live.String()
}

func TestMoveAgain(t *testing.T) {
	w, all := differing()
	all[0].MovedAt, all[0].LastError = now.Add(-time.Hour), "send reset email: email not delivered"
	all[1].Failures = 3
	records := ledgertest.New(append(all, ledger.Record{StagingSub: "dan", State: ledger.Moving, ProductionSub: "d"})...)
	var written []string
	w.fail = func(call string) error {
		if id, ok := strings.CutPrefix(call, "Put "); ok && !strings.HasPrefix(id, "answered") {
			written = append(written, id)
		}
		return nil
	}
	sum, plan, moved := moveAgain(t, again(w, records), records, false)
	golden.Equal(t, "move_plan", plan)
	golden.Equal(t, "move_live", moved)
	assert.Len(t, written, 8, "only what is missing")
	assert.Equal(t, 8, sum.Rows().Copied)
	assert.NotNil(t, w.production["Projects-prod"]["production-bob/written later"])
	assert.Equal(t, text("changed"), w.production["Projects-prod"]["production-ada/p00009"]["title"], "not overwritten")

	assert.Equal(t, all[0], records.Record("staging-ada"), "what came back is not counted twice; nothing else is changed")
	all[1].Copied = map[string]int{"Users-prod": 1, "Projects-prod": 4}
	assert.Equal(t, all[1], records.Record("staging-bob"))

	written = nil
	sum, plan, _ = moveAgain(t, again(w, records), records, false)
	golden.Equal(t, "move_nothing", plan)
	assert.Empty(t, written)
	assert.Zero(t, sum.Moved, "nobody was planned")
}

// TestMoveAgainJSON has one document for the plan, and one for the move.
func TestMoveAgainJSON(t *testing.T) {
	w, all := differing()
	records := ledgertest.New(all...)
	_, plan, moved := moveAgain(t, again(w, records), records, true)
	golden.Equal(t, "move_plan_json", plan)
	golden.Equal(t, "move_live_json", moved)
}

// TestMoveLaterTable copies a table that was added after everybody was moved, with the id in its rows.
func TestMoveLaterTable(t *testing.T) {
	w := newWorld()
	records := ledgertest.New(w.add("ada", 1))
	beta := settings.Table{Source: "Beta-staging", Target: "Beta-prod", OwnerKey: "user_id"}
	w.keys["Beta-prod"], w.production["Beta-prod"] = []string{"user_id"}, map[string]rows.Row{}
	w.staging["Beta-staging/staging-ada"] = []rows.Row{{"user_id": text("staging-ada"), "by": text("staging-ada")}}
	m := again(w, records)
	m.Tables = append(m.Tables, beta)
	moveAgain(t, m, records, false)
	assert.Equal(t, map[string]rows.Row{
		"production-ada": {"user_id": text("production-ada"), "by": text("production-ada")},
	}, w.production["Beta-prod"])
	assert.Equal(t, 1, records.Record("staging-ada").Copied["Beta-prod"])
}

func TestLeftAlone(t *testing.T) {
	for want, spoil := range map[string]func(*world, *ledger.Record){
		"production-user-deleted": func(w *world, _ *ledger.Record) { w.deleted = map[string]bool{"production-ada": true} },
		"move-in-progress":        func(_ *world, r *ledger.Record) { r.MovingUntil = now.Add(time.Minute) },
	} {
		w := newWorld()
		record := w.add("ada", 2)
		w.delete("production-ada/p00001")
		spoil(w, &record)
		records := ledgertest.New(record)
		m := again(w, records)
		sum, plan, _ := moveAgain(t, m, records, false)
		assert.Zero(t, sum.Moved, want)
		assert.Contains(t, plan, "left alone: "+want)
		assert.Contains(t, plan, "Left alone: 1 user")
		assert.Nil(t, w.production["Projects-prod"]["production-ada/p00001"], want)
		assert.Equal(t, record, records.Record("staging-ada"), want)
	}
}

// TestUnknownIsNotPlanned: production cannot say whether the user was deleted.
func TestUnknownIsNotPlanned(t *testing.T) {
	w := newWorld()
	records := ledgertest.New(w.add("ada", 2))
	w.delete("production-ada/p00001")
	w.fail = func(call string) error {
		if strings.HasPrefix(call, "Get ") {
			return userpool.ErrAccessDenied
		}
		return nil
	}
	sum, plan, _ := moveAgain(t, again(w, records), records, false)
	assert.Zero(t, sum.Moved)
	assert.Contains(t, plan, "ended by an error: access denied")
	assert.Nil(t, w.production["Projects-prod"]["production-ada/p00001"])
}

// TestTakenMeanwhile: between the plan and the move, another mover took the lease, the user was deleted, or the
// operator had them moved anew.
func TestTakenMeanwhile(t *testing.T) {
	for want, change := range map[string]func(*ledger.Record){
		"move-in-progress":        func(r *ledger.Record) { r.MovingUntil = now.Add(time.Minute) },
		"not-moved":               func(r *ledger.Record) { r.State = ledger.Moving },
		"production-user-deleted": func(*ledger.Record) {},
	} {
		w := newWorld()
		record := w.add("ada", 2)
		w.delete("production-ada/p00001")
		planned := ledgertest.New(record)
		m := again(w, planned)
		_, err := m.Plan(t.Context(), planned.All(t.Context()), 0, func(Comparison) error { return nil })
		require.NoError(t, err)
		change(&record)
		w.deleted = map[string]bool{"production-ada": want == "production-user-deleted"}
		records := ledgertest.New(record)
		m.Ledger = records
		var got []string
		sum, err := m.Move(t.Context(), planned.All(t.Context()), func(c Comparison) error {
			got = append(got, c.Skipped)
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, []string{want}, got)
		assert.Equal(t, 1, sum.Skipped)
		assert.Equal(t, record, records.Record("staging-ada"), "no lease is left: %s", want)
		assert.Nil(t, w.production["Projects-prod"]["production-ada/p00001"])
	}
}

func TestRejectedRows(t *testing.T) {
	w := newWorld()
	records := ledgertest.New(w.add("ada", 3))
	for _, id := range []string{"p00000", "p00001"} {
		w.delete("production-ada/" + id)
	}
	w.fail = func(call string) error {
		if call == "Put production-ada/p00000" {
			return &rows.RowError{Table: "Projects-prod", Key: "p00000"}
		}
		return nil
	}
	sum, _, moved := moveAgain(t, again(w, records), records, false)
	assert.Equal(t, 1, sum.Rows().Rejected)
	assert.Equal(t, 1, sum.Rows().Copied, "the others are written")
	golden.Equal(t, "move_rejected", moved)
	assert.True(t, records.Record("staging-ada").MovingUntil.IsZero())
}

// TestMoveKilled ends a move at every call, and runs it again when the lease has ended: the same end state.
func TestMoveKilled(t *testing.T) {
	killed := 0
	for at := 1; ; at++ {
		w := newWorld()
		records := ledgertest.New(w.add("ada", 3))
		want := len(w.production["Projects-prod"])
		w.delete("production-ada/p00000")
		w.delete("production-ada/p00002")
		m := again(w, records)
		plan := func() Summary {
			sum, err := m.Plan(t.Context(), records.All(t.Context()), 0, func(Comparison) error { return nil })
			require.NoError(t, err)
			return sum
		}
		require.Equal(t, 1, plan().Missing)
		calls, ctx, kill := 0, t.Context(), func() {}
		ctx, kill = context.WithCancel(ctx)
		w.fail = func(string) error {
			if calls++; calls == at {
				kill()
				return context.Canceled
			}
			return nil
		}
		_, err := m.Move(ctx, records.All(ctx), func(Comparison) error { return nil })
		kill()
		if w.fail = nil; err == nil {
			break
		}
		killed++
		m.Now = func() time.Time { return now.Add(time.Minute) } // its lease has ended
		plan()
		_, err = m.Move(t.Context(), records.All(t.Context()), func(Comparison) error { return nil })
		require.NoError(t, err)
		assert.Len(t, w.production["Projects-prod"], want, "killed at %d", at)
		record := records.Record("staging-ada")
		assert.Equal(t, ledger.Moved, record.State)
		assert.True(t, record.MovingUntil.IsZero() || !record.Leased(m.Now()))
	}
	assert.Greater(t, killed, 5)
}

// TestErrorsOfMoves are told of the user, who is not counted as done, and end with the lease free.
func TestErrorsOfMoves(t *testing.T) {
	w := newWorld()
	records := ledgertest.New(w.add("ada", 2), w.add("bob", 2))
	for _, id := range []string{"production-ada/p00001", "production-bob/p00001"} {
		w.delete(id)
	}
	w.fail = func(call string) error {
		if call == "Put production-ada/p00001" {
			return errors.New("no answer")
		}
		return nil
	}
	sum, _, moved := moveAgain(t, again(w, records), records, false)
	assert.Equal(t, 1, sum.Unread)
	assert.Equal(t, 1, sum.Copied, "bob is moved")
	assert.Contains(t, moved, "ended by an error: no answer")
	assert.Contains(t, moved, "Run the same command again.")
	assert.True(t, records.Record("staging-ada").MovingUntil.IsZero())
}
