package ledgertest

import (
	"context"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// Begin does what ledger.Store.Begin does.
func (m *Memory) Begin(_ context.Context, stagingSub, email string, at time.Time, before ledger.Line) error {
	return m.call("Begin", stagingSub, func(line *ledger.Line) error {
		if unchanged(*line, ledger.Line{Via: ledger.Sweep, ImportedAt: at}) {
			return nil
		}
		if before.StagingSub == "" && line.StagingSub != "" || before.StagingSub != "" && !unchanged(*line, before) {
			return ledger.ErrChanged
		}
		*line = ledger.Line{
			StagingSub: stagingSub, Email: ledger.Fold(email), State: ledger.Imported, Via: ledger.Sweep, ImportedAt: at.UTC(),
		}
		return nil
	})
}

func unchanged(line, read ledger.Line) bool {
	return line.StagingSub != "" && line.Via == read.Via && line.ImportedAt.Equal(read.ImportedAt) && !line.Bound()
}

// TakeBack does what ledger.Store.TakeBack does.
func (m *Memory) TakeBack(_ context.Context, stagingSub string, at time.Time, before ledger.Line) error {
	return m.call("TakeBack", stagingSub, func(line *ledger.Line) error {
		if unchanged(*line, ledger.Line{Via: ledger.Sweep, ImportedAt: at}) {
			*line = before
		}
		return nil
	})
}

// Claim does what ledger.Store.Claim does.
func (m *Memory) Claim(_ context.Context, stagingSub, productionSub string) (ledger.Line, error) {
	return m.claim("Claim", stagingSub, productionSub, time.Time{})
}

// Adopt does what ledger.Store.Adopt does.
func (m *Memory) Adopt(_ context.Context, stagingSub, productionSub string, at time.Time) (ledger.Line, error) {
	return m.claim("Adopt", stagingSub, productionSub, at)
}

func (m *Memory) claim(call, stagingSub, productionSub string, seen time.Time) (claimed ledger.Line, err error) {
	err = m.call(call, stagingSub, func(line *ledger.Line) error {
		switch {
		case line.StagingSub == "":
			return ledger.ErrNoLine
		case !line.Bound():
			line.ProductionSub, line.State, line.Via, line.SeenAt = productionSub, ledger.Moving, ledger.Sweep, seen.UTC()
		case line.ProductionSub != productionSub:
			return ledger.ErrNotTheirs
		}
		claimed = *line
		return nil
	})
	return claimed, err
}

// PasswordSet does what ledger.Store.PasswordSet does.
func (m *Memory) PasswordSet(_ context.Context, stagingSub, productionSub string, at time.Time) error {
	return m.call("PasswordSet", stagingSub, owned(productionSub, func(line *ledger.Line) { line.PasswordSetAt = at.UTC() }))
}

// ResetSent does what ledger.Store.ResetSent does.
func (m *Memory) ResetSent(_ context.Context, stagingSub, productionSub string, at time.Time) error {
	return m.call("ResetSent", stagingSub, owned(productionSub, func(line *ledger.Line) { line.ResetAt = at.UTC() }))
}

func owned(productionSub string, change func(*ledger.Line)) func(*ledger.Line) error {
	return func(line *ledger.Line) error {
		if line.ProductionSub != productionSub {
			return ledger.ErrNotTheirs
		}
		change(line)
		return nil
	}
}
