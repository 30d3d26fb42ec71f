package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// store is the contract of both ledgers.
type store interface {
	Import(ctx context.Context, r ledger.Record) error
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Record, error)
	Defer(ctx context.Context, stagingSub string, now time.Time, d time.Duration) (won bool, err error)
	FirstSignIn(ctx context.Context, stagingSub, productionSub string, at time.Time) error
	TakeLease(ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration) (
		ledger.Record, ledger.Lease, error)
	Renew(ctx context.Context, l ledger.Lease, now time.Time, d time.Duration) (ledger.Lease, error)
	Checkpoint(ctx context.Context, l ledger.Lease, p ledger.Progress, now time.Time,
		d time.Duration) (ledger.Lease, error)
	Complete(ctx context.Context, l ledger.Lease, p ledger.Progress, at time.Time) error
	Fail(ctx context.Context, l ledger.Lease, p ledger.Progress, f ledger.Failure) error
	Recount(ctx context.Context, l ledger.Lease, copied map[string]int) error
	Free(ctx context.Context, l ledger.Lease) error
	BeginSweep(ctx context.Context, r, before ledger.Record) error
	Revert(ctx context.Context, stagingSub string, at time.Time, before ledger.Record) error
	BindCreated(ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration) (
		ledger.Record, ledger.Lease, error)
	PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	ResetFailed(ctx context.Context, stagingSub, productionSub, reason string) (ledger.Record, error)
}

func TestContractInMemory(t *testing.T) {
	contract(t, ledgertest.New())
	sweepContract(t, ledgertest.New())
}

func TestContractInDynamoDB(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	contract(t, ledger.New(s.ProductionTables, s.Settings.LedgerTable))
	sweepContract(t, ledger.New(s.ProductionTables, s.Settings.LedgerTable))
}

var at = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// contract takes a record through a user's migration, and through everything that must be rejected on the way.
func contract(t *testing.T, l store) {
	ctx := t.Context()
	get := func(sub string) ledger.Record {
		t.Helper()
		record, err := l.Get(ctx, sub)
		require.NoError(t, err)
		return record
	}
	require.Zero(t, get("u"))
	_, err := l.Bind(ctx, "u", "p", "ada@example.com")
	require.ErrorIs(t, err, ledger.ErrNoRecord)

	require.NoError(t, l.Import(ctx, ledger.NewRecord("u", "u", "Ada@Example.com", ledger.Sweep, at)))
	imported := ledger.Record{StagingSub: "u", Email: "ada@example.com", State: ledger.Imported,
		Via: ledger.Sweep, ImportedAt: at}
	require.Equal(t, imported, get("u"))
	require.NoError(t, l.Import(ctx, ledger.NewRecord("u", "u", "new@example.com", ledger.SignIn, at.Add(1))),
		"an unbound record is overwritten")
	require.Equal(t, ledger.SignIn, get("u").Via)

	_, err = l.Bind(ctx, "u", "p", "ada@example.com")
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser, "another email")
	_, err = l.Bind(ctx, "u", "", "new@example.com")
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser, "no production user")
	_, _, err = l.TakeLease(ctx, "u", "p", at, time.Minute)
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser, "not bound")
	_, _, err = l.TakeLease(ctx, "unknown", "p", at, time.Minute)
	require.ErrorIs(t, err, ledger.ErrNoRecord)
	require.NoError(t, l.FirstSignIn(ctx, "u", "p", at))
	require.Zero(t, get("u").SeenAt, "not bound")
	deferred := func(now time.Time, stagingSub string) bool {
		won, err := l.Defer(ctx, stagingSub, now, time.Minute)
		require.NoError(t, err)
		return won
	}
	require.False(t, deferred(at, "unknown"))
	require.True(t, deferred(at, "u"))
	require.False(t, deferred(at.Add(59*time.Second), "u"), "once a minute")
	require.True(t, deferred(at.Add(time.Minute), "u"))

	record, err := l.Bind(ctx, "u", "p", "NEW@example.com")
	require.NoError(t, err)
	require.Equal(t, ledger.Moving, record.State)
	require.Equal(t, "p", record.ProductionSub)
	require.Equal(t, record, get("u"))
	again, err := l.Bind(ctx, "u", "p", "new@example.com")
	require.NoError(t, err, "the same user may bind twice")
	require.Equal(t, record, again)
	_, err = l.Bind(ctx, "u", "thief", "new@example.com")
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser)
	require.ErrorIs(t, l.Import(ctx, ledger.NewRecord("u", "u", "new@example.com", ledger.SignIn, at)),
		ledger.ErrAlreadyBound)

	require.NoError(t, l.FirstSignIn(ctx, "u", "p", at))
	require.NoError(t, l.FirstSignIn(ctx, "u", "p", at.Add(time.Hour)), "once is enough")
	require.NoError(t, l.FirstSignIn(ctx, "u", "thief", at.Add(time.Hour)))
	require.Equal(t, at, get("u").SeenAt)

	leaseContract(t, l, get)
}

// leaseContract moves a bound record under leases, beside another mover.
func leaseContract(t *testing.T, l store, get func(string) ledger.Record) {
	ctx := t.Context()
	some := ledger.Progress{Cursor: "t {}", Copied: map[string]int{"t": 2}, Kept: map[string]int{}}
	now := at.Add(time.Hour + 300*time.Millisecond)
	record, lease, err := l.TakeLease(ctx, "u", "p", now, 45*time.Second)
	require.NoError(t, err)
	require.Equal(t, record, get("u"))
	require.Equal(t, at.Add(time.Hour+45*time.Second), lease.Until, "whole seconds")
	require.Equal(t, lease.Until, record.MovingUntil)
	existing, _, err := l.TakeLease(ctx, "u", "p", now.Add(44*time.Second), time.Minute)
	require.ErrorIs(t, err, ledger.ErrLeased)
	require.Equal(t, record, existing)
	_, _, err = l.TakeLease(ctx, "u", "thief", now.Add(time.Hour), time.Minute)
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser)

	lost := lease
	lease, err = l.Renew(ctx, lease, now.Add(15*time.Second), 45*time.Second)
	require.NoError(t, err)
	require.Equal(t, lease.Until, get("u").MovingUntil)
	lease, err = l.Checkpoint(ctx, lease, some, now.Add(20*time.Second), 45*time.Second)
	require.NoError(t, err)
	require.Equal(t, "t {}", get("u").Cursor)
	require.Equal(t, some.Copied, get("u").Copied)
	require.Equal(t, lease.Until, get("u").MovingUntil)
	underLost := func(lost ledger.Lease) {
		t.Helper()
		before := get("u")
		_, err := l.Renew(ctx, lost, now, time.Hour)
		require.ErrorIs(t, err, ledger.ErrLeaseLost)
		_, err = l.Checkpoint(ctx, lost, ledger.Progress{Cursor: "rewind"}, now, time.Hour)
		require.ErrorIs(t, err, ledger.ErrLeaseLost)
		require.ErrorIs(t, l.Complete(ctx, lost, ledger.Progress{}, at), ledger.ErrLeaseLost)
		require.ErrorIs(t, l.Fail(ctx, lost, ledger.Progress{}, ledger.Failure{Reason: "x"}), ledger.ErrLeaseLost)
		require.ErrorIs(t, l.Free(ctx, lost), ledger.ErrLeaseLost)
		require.ErrorIs(t, l.Recount(ctx, lost, map[string]int{"T": 1}), ledger.ErrLeaseLost)
		require.Equal(t, before, get("u"))
	}
	underLost(lost)
	underLost(ledger.Lease{StagingSub: "u", ProductionSub: "thief", Until: lease.Until})
	underLost(ledger.Lease{StagingSub: "u", ProductionSub: "p", Until: lease.Until.Add(time.Second)})

	record, successor, err := l.TakeLease(ctx, "u", "p", now.Add(2*time.Minute), 45*time.Second)
	require.NoError(t, err, "a lease expires by itself")
	require.Equal(t, "t {}", record.Cursor)
	underLost(lease)
	require.NoError(t, l.Free(ctx, successor))
	freed := get("u")
	_, successor, err = l.TakeLease(ctx, "u", "p", now.Add(2*time.Minute), 45*time.Second)
	require.NoError(t, err)
	require.NoError(t, l.Recount(ctx, successor, map[string]int{"T": 7}))
	recounted := get("u")
	require.Equal(t, map[string]int{"T": 7}, recounted.Copied)
	recounted.Copied = freed.Copied
	require.Equal(t, freed, recounted, "nothing else changes, and the lease is free")
	_, successor, err = l.TakeLease(ctx, "u", "p", now.Add(2*time.Minute), 45*time.Second)
	require.NoError(t, err)
	require.NoError(t, l.Recount(ctx, successor, freed.Copied))
	require.Zero(t, get("u").MovingUntil)
	require.Equal(t, "t {}", get("u").Cursor)

	failed := ledger.Progress{Cursor: "remaining", Copied: some.Copied, Kept: some.Kept}
	_, lease, err = l.TakeLease(ctx, "u", "p", now, time.Minute)
	require.NoError(t, err)
	require.NoError(t, l.Fail(ctx, lease, failed, ledger.Failure{Reason: "throttled"}))
	require.Zero(t, get("u").Failures, "an outage is no failure of rows")
	require.Equal(t, "throttled", get("u").LastError)
	require.Equal(t, lease.Until, get("u").MovingUntil, "the holder tries again")
	lease.Tried, lease.Until = lease.Until, lease.Until.Add(-time.Second) // it did not get the last answer
	require.NoError(t, l.Fail(ctx, lease, failed, ledger.Failure{
		Reason: "1 not moved", Rows: []string{"t: id=1"}, Failures: 1, RetryAfter: now.Add(time.Minute),
	}))
	record = get("u")
	require.Equal(t, "1 not moved", record.LastError)
	require.Equal(t, []string{"t: id=1"}, record.FailedRows)
	require.Equal(t, 1, record.Failures)
	require.Equal(t, at.Add(time.Hour+time.Minute), record.RetryAfter)
	require.Equal(t, "remaining", record.Cursor)
	require.Equal(t, ledger.Moving, record.State)

	all := ledger.Progress{Copied: map[string]int{"t": 3}, Kept: map[string]int{"s": 1}}
	_, lease, err = l.TakeLease(ctx, "u", "p", now, time.Minute)
	require.NoError(t, err)
	require.NoError(t, l.Complete(ctx, lease, all, at))
	moved := get("u")
	assert.Equal(t, ledger.Record{
		StagingSub: "u", Email: "new@example.com", State: ledger.Moved, Via: ledger.SignIn, ProductionSub: "p",
		ImportedAt: at.Add(1), MovedAt: at, SeenAt: at, Copied: all.Copied, Kept: all.Kept,
	}, moved)
	_, err = l.Renew(ctx, lease, now, time.Hour)
	require.ErrorIs(t, err, ledger.ErrLeaseLost)
	require.Equal(t, moved, get("u"))
	bound, err := l.Bind(ctx, "u", "p", "new@example.com")
	require.NoError(t, err)
	require.Equal(t, moved, bound)
}

// sweepContract takes a record through a sweep, concurrently with a user who signs in.
func sweepContract(t *testing.T, l store) {
	ctx, none := t.Context(), ledger.Record{}
	get := func(sub string) ledger.Record {
		t.Helper()
		record, err := l.Get(ctx, sub)
		require.NoError(t, err)
		return record
	}
	begin := func(sub, email string, at time.Time, before ledger.Record) error {
		return l.BeginSweep(ctx, ledger.NewRecord(sub, sub, email, ledger.Sweep, at), before)
	}
	_, _, err := l.BindCreated(ctx, "s", "p", at, time.Minute)
	require.ErrorIs(t, err, ledger.ErrNoRecord)
	require.NoError(t, begin("s", "Ada@example.com", at, none))
	begun := ledger.Record{StagingSub: "s", Email: "ada@example.com", State: ledger.Imported,
		Via: ledger.Sweep, ImportedAt: at}
	require.Equal(t, begun, get("s"))
	require.NoError(t, begin("s", "Ada@example.com", at, none), "the first answer may have been lost")
	require.ErrorIs(t, begin("s", "ada@example.com", at.Add(9), none), ledger.ErrChanged, "there is a record now")

	require.NoError(t, l.Revert(ctx, "s", at.Add(1), none))
	require.Equal(t, begun, get("s"), "a record of another sweep is left alone")
	require.NoError(t, l.Revert(ctx, "s", at, none))
	require.Zero(t, get("s"))
	require.NoError(t, l.Revert(ctx, "s", at, none), "twice does no harm")

	require.NoError(t, l.Import(ctx, ledger.NewRecord("s", "s", "ada@example.com", ledger.ForgotPassword, at)))
	triggered := get("s")
	require.ErrorIs(t, begin("s", "ada@example.com", at, begun), ledger.ErrChanged, "not the record that was read")
	require.NoError(t, begin("s", "ada@example.com", at.Add(1), triggered))
	require.NoError(t, l.Revert(ctx, "s", at.Add(1), triggered))
	require.Equal(t, triggered, get("s"), "the trigger's record is restored")

	require.NoError(t, begin("s", "ada@example.com", at.Add(2), triggered))
	require.NoError(t, l.Import(ctx, ledger.NewRecord("s", "s", "ada@example.com", ledger.SignIn, at.Add(3))))
	require.NoError(t, l.Revert(ctx, "s", at.Add(2), triggered))
	require.Equal(t, ledger.SignIn, get("s").Via, "a user who signed in meanwhile is left alone")
	_, err = l.PasswordSet(ctx, "s", "p", at)
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser, "not bound")

	record, lease, err := l.BindCreated(ctx, "s", "p", at, time.Minute)
	require.NoError(t, err)
	require.Equal(t, ledger.Sweep, record.Via, "the user of the sweep won")
	require.Equal(t, ledger.Moving, record.State)
	require.Equal(t, ledger.Lease{StagingSub: "s", ProductionSub: "p",
		Until: at.Add(time.Minute).Truncate(time.Second)}, lease)
	require.Equal(t, lease.Until, record.MovingUntil)
	again, notOurs, err := l.BindCreated(ctx, "s", "p", at, time.Minute)
	require.NoError(t, err)
	require.Zero(t, notOurs, "someone else's, or an answer was lost")
	require.Equal(t, record, again)
	_, _, err = l.BindCreated(ctx, "s", "thief", at, time.Minute)
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser)
	require.ErrorIs(t, begin("s", "ada@example.com", at, record), ledger.ErrChanged, "bound")
	require.NoError(t, l.Revert(ctx, "s", record.ImportedAt, none))
	require.Equal(t, record, get("s"), "a bound record is never reverted")

	record, err = l.PasswordSet(ctx, "s", "p", at)
	require.NoError(t, err)
	require.Equal(t, get("s"), record)
	require.Equal(t, at, record.PasswordSetAt)
	record, err = l.ResetFailed(ctx, "s", "p", "not delivered")
	require.NoError(t, err)
	require.Equal(t, "not delivered", record.LastError)
	record, err = l.ResetSent(ctx, "s", "p", at.Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, record.LastError)
	require.Equal(t, get("s"), record)
	require.Equal(t, at.Add(time.Hour), record.ResetAt)
	_, err = l.ResetSent(ctx, "s", "thief", at)
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser)
	require.False(t, record.Adopted)
	require.True(t, record.CreatedBySweep())

	adopted := ledger.NewRecord("a", "a", "bob@example.com", ledger.Sweep, at)
	adopted.State, adopted.ProductionSub, adopted.Adopted = ledger.Moving, "there", true
	require.NoError(t, l.BeginSweep(ctx, adopted, none))
	require.NoError(t, l.BeginSweep(ctx, adopted, none), "an answer may be lost")
	require.Equal(t, adopted, get("a"))
	require.False(t, adopted.CreatedBySweep())
	thief := adopted
	thief.ProductionSub = "thief"
	require.ErrorIs(t, l.BeginSweep(ctx, thief, none), ledger.ErrChanged)
}
