package ledgertest

import (
	"context"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// BeginSweep does what ledger.Store.BeginSweep does.
func (m *Memory) BeginSweep(_ context.Context, r, before ledger.Record) error {
	return m.call("BeginSweep", r.StagingSub, func(record *ledger.Record) error {
		if record.Via == ledger.Sweep && record.ImportedAt.Equal(r.ImportedAt) && record.ProductionSub == r.ProductionSub {
			return nil
		}
		if before.Exists() != record.Exists() || before.Exists() && !unchanged(*record, before) {
			return ledger.ErrChanged
		}
		*record = r
		return nil
	})
}

func unchanged(record, read ledger.Record) bool {
	return record.Exists() && record.Via == read.Via && record.ImportedAt.Equal(read.ImportedAt) && !record.Bound()
}

// Revert does what ledger.Store.Revert does.
func (m *Memory) Revert(_ context.Context, stagingSub string, at time.Time, before ledger.Record) error {
	return m.call("Revert", stagingSub, func(record *ledger.Record) error {
		if unchanged(*record, ledger.Record{Via: ledger.Sweep, ImportedAt: at}) {
			*record = before
		}
		return nil
	})
}

// BindCreated does what ledger.Store.BindCreated does.
func (m *Memory) BindCreated(
	_ context.Context, stagingSub, productionSub string, now time.Time, d time.Duration,
) (bound ledger.Record, lease ledger.Lease, err error) {
	err = m.call("BindCreated", stagingSub, func(record *ledger.Record) error {
		switch {
		case !record.Exists():
			return ledger.ErrNoRecord
		case !record.Bound():
			record.ProductionSub, record.State, record.Via = productionSub, ledger.Moving, ledger.Sweep
			lease = ledger.Lease{StagingSub: stagingSub, ProductionSub: productionSub, Until: until(now.Add(d))}
			record.MovingUntil = lease.Until
		case record.ProductionSub != productionSub:
			return ledger.ErrBoundToAnotherUser
		}
		bound = *record
		return nil
	})
	return bound, lease, err
}

// PasswordSet does what ledger.Store.PasswordSet does.
func (m *Memory) PasswordSet(_ context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error) {
	return m.recordStep("PasswordSet", stagingSub, productionSub, func(r *ledger.Record) { r.PasswordSetAt = at.UTC() })
}

// ResetSent does what ledger.Store.ResetSent does.
func (m *Memory) ResetSent(_ context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error) {
	return m.recordStep("ResetSent", stagingSub, productionSub, func(r *ledger.Record) {
		r.ResetAt, r.LastError = at.UTC(), ""
	})
}

// ResetFailed does what ledger.Store.ResetFailed does.
func (m *Memory) ResetFailed(_ context.Context, stagingSub, productionSub, reason string) (ledger.Record, error) {
	return m.recordStep("ResetFailed", stagingSub, productionSub, func(r *ledger.Record) { r.LastError = reason })
}

func (m *Memory) recordStep(
	call, stagingSub, productionSub string, change func(*ledger.Record),
) (updated ledger.Record, err error) {
	err = m.call(call, stagingSub, func(record *ledger.Record) error {
		if record.ProductionSub != productionSub {
			return ledger.ErrBoundToAnotherUser
		}
		change(record)
		updated = *record
		return nil
	})
	return updated, err
}
