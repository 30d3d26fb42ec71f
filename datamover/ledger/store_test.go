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
	Import(ctx context.Context, stagingSub, email string, via ledger.Via, at time.Time) error
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Record, error)
	FirstSignIn(ctx context.Context, stagingSub, productionSub string, at time.Time) error
	Checkpoint(ctx context.Context, stagingSub, productionSub string, p ledger.Progress) error
	Complete(ctx context.Context, stagingSub, productionSub string, p ledger.Progress, at time.Time) error
	Fail(ctx context.Context, stagingSub, productionSub string, p ledger.Progress, reason string) error
	BeginSweep(ctx context.Context, stagingSub, email string, at time.Time, before ledger.Record) (ledger.Record, error)
	Revert(ctx context.Context, stagingSub string, at time.Time, before ledger.Record) error
	BindCreated(ctx context.Context, stagingSub, productionSub string) (ledger.Record, error)
	BindExisting(ctx context.Context, stagingSub, productionSub string) (ledger.Record, error)
	PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
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

	require.NoError(t, l.Import(ctx, "u", "Ada@Example.com", ledger.Sweep, at))
	imported := ledger.Record{StagingSub: "u", Email: "ada@example.com", State: ledger.Imported, Via: ledger.Sweep, ImportedAt: at}
	require.Equal(t, imported, get("u"))
	require.NoError(t, l.Import(ctx, "u", "new@example.com", ledger.SignIn, at.Add(1)), "an unbound record is overwritten")
	require.Equal(t, ledger.SignIn, get("u").Via)

	_, err = l.Bind(ctx, "u", "p", "ada@example.com")
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser, "another email")
	_, err = l.Bind(ctx, "u", "", "new@example.com")
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser, "no production user")
	require.ErrorIs(t, l.Checkpoint(ctx, "u", "p", ledger.Progress{}), ledger.ErrNotMoving, "not bound")
	require.NoError(t, l.FirstSignIn(ctx, "u", "p", at))
	require.Zero(t, get("u").SeenAt, "not bound")

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
	require.ErrorIs(t, l.Import(ctx, "u", "new@example.com", ledger.SignIn, at), ledger.ErrAlreadyBound)

	require.NoError(t, l.FirstSignIn(ctx, "u", "p", at))
	require.NoError(t, l.FirstSignIn(ctx, "u", "p", at.Add(time.Hour)), "once is enough")
	require.NoError(t, l.FirstSignIn(ctx, "u", "thief", at.Add(time.Hour)))
	require.Equal(t, at, get("u").SeenAt)

	some := ledger.Progress{Cursor: "t {}", Copied: map[string]int{"t": 2}, Kept: map[string]int{}}
	require.ErrorIs(t, l.Checkpoint(ctx, "u", "thief", some), ledger.ErrNotMoving)
	require.NoError(t, l.Checkpoint(ctx, "u", "p", some))
	require.Equal(t, "t {}", get("u").Cursor)
	require.Equal(t, some.Copied, get("u").Copied)
	require.ErrorIs(t, l.Fail(ctx, "u", "thief", some, "x"), ledger.ErrNotMoving)
	require.NoError(t, l.Fail(ctx, "u", "p", ledger.Progress{Cursor: "left", Copied: some.Copied, Kept: some.Kept}, "1 not moved"))
	require.Equal(t, "1 not moved", get("u").LastError)
	require.Equal(t, "left", get("u").Cursor)
	require.Equal(t, ledger.Moving, get("u").State)

	all := ledger.Progress{Copied: map[string]int{"t": 3}, Kept: map[string]int{"s": 1}}
	require.ErrorIs(t, l.Complete(ctx, "u", "thief", all, at), ledger.ErrNotMoving)
	require.NoError(t, l.Complete(ctx, "u", "p", all, at))
	moved := get("u")
	assert.Equal(t, ledger.Record{
		StagingSub: "u", Email: "new@example.com", State: ledger.Moved, Via: ledger.SignIn, ProductionSub: "p",
		ImportedAt: at.Add(1), MovedAt: at, SeenAt: at, Copied: all.Copied, Kept: all.Kept,
	}, moved)
	require.ErrorIs(t, l.Checkpoint(ctx, "u", "p", some), ledger.ErrNotMoving, "moved stays moved")
	require.ErrorIs(t, l.Complete(ctx, "u", "p", some, at), ledger.ErrNotMoving)
	require.ErrorIs(t, l.Fail(ctx, "u", "p", some, "x"), ledger.ErrNotMoving)
	record, err = l.Bind(ctx, "u", "p", "new@example.com")
	require.NoError(t, err)
	require.Equal(t, moved, record)
	require.ErrorIs(t, l.Checkpoint(ctx, "unknown", "p", some), ledger.ErrNotMoving)
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
		record, err := l.BeginSweep(ctx, sub, email, at, before)
		if err == nil {
			require.Equal(t, get(sub), record)
		}
		return err
	}
	_, err := l.BindCreated(ctx, "s", "p")
	require.ErrorIs(t, err, ledger.ErrNoRecord)
	require.NoError(t, begin("s", "Ada@example.com", at, none))
	begun := ledger.Record{StagingSub: "s", Email: "ada@example.com", State: ledger.Imported, Via: ledger.Sweep, ImportedAt: at}
	require.Equal(t, begun, get("s"))
	require.NoError(t, begin("s", "Ada@example.com", at, none), "the first answer may have been lost")
	require.ErrorIs(t, begin("s", "ada@example.com", at.Add(9), none), ledger.ErrChanged, "there is a record now")

	require.NoError(t, l.Revert(ctx, "s", at.Add(1), none))
	require.Equal(t, begun, get("s"), "a record of another sweep is left alone")
	require.NoError(t, l.Revert(ctx, "s", at, none))
	require.Zero(t, get("s"))
	require.NoError(t, l.Revert(ctx, "s", at, none), "twice does no harm")

	require.NoError(t, l.Import(ctx, "s", "ada@example.com", ledger.ForgotPassword, at))
	triggered := get("s")
	require.ErrorIs(t, begin("s", "ada@example.com", at, begun), ledger.ErrChanged, "not the record that was read")
	require.NoError(t, begin("s", "ada@example.com", at.Add(1), triggered))
	require.NoError(t, l.Revert(ctx, "s", at.Add(1), triggered))
	require.Equal(t, triggered, get("s"), "the trigger's record is restored")

	require.NoError(t, begin("s", "ada@example.com", at.Add(2), triggered))
	require.NoError(t, l.Import(ctx, "s", "ada@example.com", ledger.SignIn, at.Add(3)))
	require.NoError(t, l.Revert(ctx, "s", at.Add(2), triggered))
	require.Equal(t, ledger.SignIn, get("s").Via, "a user who signed in meanwhile is left alone")
	_, err = l.PasswordSet(ctx, "s", "p", at)
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser, "not bound")

	record, err := l.BindCreated(ctx, "s", "p")
	require.NoError(t, err)
	require.Equal(t, ledger.Sweep, record.Via, "the user of the sweep won")
	require.Equal(t, ledger.Moving, record.State)
	again, err := l.BindCreated(ctx, "s", "p")
	require.NoError(t, err)
	require.Equal(t, record, again)
	_, err = l.BindCreated(ctx, "s", "thief")
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser)
	require.ErrorIs(t, begin("s", "ada@example.com", at, record), ledger.ErrChanged, "bound")
	require.NoError(t, l.Revert(ctx, "s", record.ImportedAt, none))
	require.Equal(t, record, get("s"), "a bound record is never reverted")

	record, err = l.PasswordSet(ctx, "s", "p", at)
	require.NoError(t, err)
	require.Equal(t, get("s"), record)
	require.Equal(t, at, record.PasswordSetAt)
	record, err = l.ResetSent(ctx, "s", "p", at.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, get("s"), record)
	require.Equal(t, at.Add(time.Hour), record.ResetAt)
	_, err = l.ResetSent(ctx, "s", "thief", at)
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser)
	require.False(t, record.Adopted)
	require.True(t, record.CreatedBySweep())

	require.NoError(t, begin("a", "bob@example.com", at, none))
	record, err = l.BindExisting(ctx, "a", "there")
	require.NoError(t, err)
	require.True(t, record.Adopted)
	require.False(t, record.CreatedBySweep())
	require.Equal(t, record, get("a"))
	_, err = l.BindExisting(ctx, "a", "thief")
	require.ErrorIs(t, err, ledger.ErrBoundToAnotherUser)
}
