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

// store is what both ledgers promise.
type store interface {
	Import(ctx context.Context, stagingSub, email string, via ledger.Via, at time.Time) error
	Get(ctx context.Context, stagingSub string) (ledger.Line, error)
	Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Line, error)
	Seen(ctx context.Context, stagingSub, productionSub string, at time.Time) error
	Checkpoint(ctx context.Context, stagingSub, productionSub string, p ledger.Progress) error
	Finish(ctx context.Context, stagingSub, productionSub string, p ledger.Progress, at time.Time) error
	Fail(ctx context.Context, stagingSub, productionSub string, p ledger.Progress, reason string) error
	Begin(ctx context.Context, stagingSub, email string, at time.Time, before ledger.Line) error
	TakeBack(ctx context.Context, stagingSub string, at time.Time, before ledger.Line) error
	Claim(ctx context.Context, stagingSub, productionSub string) (ledger.Line, error)
	Adopt(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Line, error)
	PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) error
	ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) error
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

// contract walks a ledger through a user's life, and through everything that must be refused on the way.
func contract(t *testing.T, l store) {
	ctx := t.Context()
	get := func(sub string) ledger.Line {
		t.Helper()
		line, err := l.Get(ctx, sub)
		require.NoError(t, err)
		return line
	}
	_, err := l.Get(ctx, "u")
	require.ErrorIs(t, err, ledger.ErrNoLine)
	_, err = l.Bind(ctx, "u", "p", "ada@example.com")
	require.ErrorIs(t, err, ledger.ErrNoLine)

	require.NoError(t, l.Import(ctx, "u", "Ada@Example.com", ledger.Sweep, at))
	imported := ledger.Line{StagingSub: "u", Email: "ada@example.com", State: ledger.Imported, Via: ledger.Sweep, ImportedAt: at}
	require.Equal(t, imported, get("u"))
	require.NoError(t, l.Import(ctx, "u", "new@example.com", ledger.SignIn, at.Add(1)), "an unbound line is renewed")
	require.Equal(t, ledger.SignIn, get("u").Via)

	_, err = l.Bind(ctx, "u", "p", "ada@example.com")
	require.ErrorIs(t, err, ledger.ErrNotTheirs, "another e-mail")
	_, err = l.Bind(ctx, "u", "", "new@example.com")
	require.ErrorIs(t, err, ledger.ErrNotTheirs, "nobody")
	require.ErrorIs(t, l.Checkpoint(ctx, "u", "p", ledger.Progress{}), ledger.ErrNotMoving, "not bound")
	require.NoError(t, l.Seen(ctx, "u", "p", at))
	require.Zero(t, get("u").SeenAt, "not bound")

	line, err := l.Bind(ctx, "u", "p", "NEW@example.com")
	require.NoError(t, err)
	require.Equal(t, ledger.Moving, line.State)
	require.Equal(t, "p", line.ProductionSub)
	require.Equal(t, line, get("u"))
	again, err := l.Bind(ctx, "u", "p", "new@example.com")
	require.NoError(t, err, "the same user may bind twice")
	require.Equal(t, line, again)
	_, err = l.Bind(ctx, "u", "thief", "new@example.com")
	require.ErrorIs(t, err, ledger.ErrNotTheirs)
	require.ErrorIs(t, l.Import(ctx, "u", "new@example.com", ledger.SignIn, at), ledger.ErrBound)

	require.NoError(t, l.Seen(ctx, "u", "p", at))
	require.NoError(t, l.Seen(ctx, "u", "p", at.Add(time.Hour)), "once is enough")
	require.NoError(t, l.Seen(ctx, "u", "thief", at.Add(time.Hour)))
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
	require.ErrorIs(t, l.Finish(ctx, "u", "thief", all, at), ledger.ErrNotMoving)
	require.NoError(t, l.Finish(ctx, "u", "p", all, at))
	moved := get("u")
	assert.Equal(t, ledger.Line{
		StagingSub: "u", Email: "new@example.com", State: ledger.Moved, Via: ledger.SignIn, ProductionSub: "p",
		ImportedAt: at.Add(1), MovedAt: at, SeenAt: at, Copied: all.Copied, Kept: all.Kept,
	}, moved)
	require.ErrorIs(t, l.Checkpoint(ctx, "u", "p", some), ledger.ErrNotMoving, "moved stays moved")
	require.ErrorIs(t, l.Finish(ctx, "u", "p", some, at), ledger.ErrNotMoving)
	require.ErrorIs(t, l.Fail(ctx, "u", "p", some, "x"), ledger.ErrNotMoving)
	line, err = l.Bind(ctx, "u", "p", "new@example.com")
	require.NoError(t, err)
	require.Equal(t, moved, line)
	require.ErrorIs(t, l.Checkpoint(ctx, "nobody", "p", some), ledger.ErrNotMoving)
}

// sweepContract walks a ledger through a sweep, beside a user who comes in by themselves.
func sweepContract(t *testing.T, l store) {
	ctx, none := t.Context(), ledger.Line{}
	get := func(sub string) ledger.Line {
		t.Helper()
		line, err := l.Get(ctx, sub)
		require.NoError(t, err)
		return line
	}
	_, err := l.Claim(ctx, "s", "p")
	require.ErrorIs(t, err, ledger.ErrNoLine)
	require.NoError(t, l.Begin(ctx, "s", "Ada@example.com", at, none))
	begun := ledger.Line{StagingSub: "s", Email: "ada@example.com", State: ledger.Imported, Via: ledger.Sweep, ImportedAt: at}
	require.Equal(t, begun, get("s"))
	require.NoError(t, l.Begin(ctx, "s", "Ada@example.com", at, none), "the first answer may have been lost")
	require.ErrorIs(t, l.Begin(ctx, "s", "ada@example.com", at.Add(9), none), ledger.ErrChanged, "there is a line now")

	require.NoError(t, l.TakeBack(ctx, "s", at.Add(1), none))
	require.Equal(t, begun, get("s"), "another Begin's line is left alone")
	require.NoError(t, l.TakeBack(ctx, "s", at, none))
	_, err = l.Get(ctx, "s")
	require.ErrorIs(t, err, ledger.ErrNoLine)
	require.NoError(t, l.TakeBack(ctx, "s", at, none), "twice does no harm")

	require.NoError(t, l.Import(ctx, "s", "ada@example.com", ledger.ForgotPassword, at))
	triggered := get("s")
	require.ErrorIs(t, l.Begin(ctx, "s", "ada@example.com", at, begun), ledger.ErrChanged, "not the line that was read")
	require.NoError(t, l.Begin(ctx, "s", "ada@example.com", at.Add(1), triggered))
	require.NoError(t, l.TakeBack(ctx, "s", at.Add(1), triggered))
	require.Equal(t, triggered, get("s"), "the trigger's line stands again")

	require.NoError(t, l.Begin(ctx, "s", "ada@example.com", at.Add(2), triggered))
	require.NoError(t, l.Import(ctx, "s", "ada@example.com", ledger.SignIn, at.Add(3)))
	require.NoError(t, l.TakeBack(ctx, "s", at.Add(2), triggered))
	require.Equal(t, ledger.SignIn, get("s").Via, "who came in meanwhile is left alone")
	require.ErrorIs(t, l.PasswordSet(ctx, "s", "p", at), ledger.ErrNotTheirs, "not bound")

	line, err := l.Claim(ctx, "s", "p")
	require.NoError(t, err)
	require.Equal(t, ledger.Sweep, line.Via, "the sweep's account won")
	require.Equal(t, ledger.Moving, line.State)
	again, err := l.Claim(ctx, "s", "p")
	require.NoError(t, err)
	require.Equal(t, line, again)
	_, err = l.Claim(ctx, "s", "thief")
	require.ErrorIs(t, err, ledger.ErrNotTheirs)
	require.ErrorIs(t, l.Begin(ctx, "s", "ada@example.com", at, line), ledger.ErrChanged, "bound")
	require.NoError(t, l.TakeBack(ctx, "s", line.ImportedAt, none))
	require.Equal(t, line, get("s"), "a bound line is never taken back")

	require.NoError(t, l.PasswordSet(ctx, "s", "p", at))
	require.NoError(t, l.ResetSent(ctx, "s", "p", at.Add(time.Hour)))
	require.ErrorIs(t, l.ResetSent(ctx, "s", "thief", at), ledger.ErrNotTheirs)
	require.Equal(t, at, get("s").PasswordSetAt)
	require.Equal(t, at.Add(time.Hour), get("s").ResetAt)

	require.NoError(t, l.Begin(ctx, "a", "bob@example.com", at, none))
	line, err = l.Adopt(ctx, "a", "there", at.Add(1))
	require.NoError(t, err)
	require.Equal(t, at.Add(1), line.SeenAt)
	require.Equal(t, line, get("a"))
	_, err = l.Adopt(ctx, "a", "thief", at)
	require.ErrorIs(t, err, ledger.ErrNotTheirs)
}
