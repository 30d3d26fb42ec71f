package ledgertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

func until(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// TakeLease does what ledger.Store.TakeLease does.
func (m *Memory) TakeLease(
	_ context.Context, stagingSub, productionSub string, now time.Time, d time.Duration,
) (taken ledger.Record, lease ledger.Lease, err error) {
	err = m.call("TakeLease", stagingSub, func(record *ledger.Record) error {
		taken = *record
		switch {
		case !record.Exists():
			return ledger.ErrNoRecord
		case record.ProductionSub != productionSub || productionSub == "":
			return ledger.ErrBoundToAnotherUser
		case record.MovingUntil.After(until(now)):
			return ledger.ErrLeased
		}
		lease = ledger.Lease{StagingSub: stagingSub, ProductionSub: productionSub, Until: until(now.Add(d))}
		record.MovingUntil = lease.Until
		taken = *record
		return nil
	})
	if err != nil && lease == (ledger.Lease{}) && !answered(err) {
		lease = ledger.Lease{StagingSub: stagingSub, ProductionSub: productionSub, Tried: until(now.Add(d))}
	}
	return taken, lease, err
}

func answered(err error) bool {
	return errors.Is(err, ledger.ErrNoRecord) || errors.Is(err, ledger.ErrBoundToAnotherUser) ||
		errors.Is(err, ledger.ErrLeased)
}

// Renew does what ledger.Store.Renew does.
func (m *Memory) Renew(_ context.Context, l ledger.Lease, now time.Time, d time.Duration) (ledger.Lease, error) {
	return m.extend("Renew", l, now, d, func(*ledger.Record) {})
}

// Checkpoint does what ledger.Store.Checkpoint does.
func (m *Memory) Checkpoint(
	_ context.Context, l ledger.Lease, p ledger.Progress, now time.Time, d time.Duration,
) (ledger.Lease, error) {
	return m.extend("Checkpoint", l, now, d, func(record *ledger.Record) { progress(record, p) })
}

func progress(record *ledger.Record, p ledger.Progress) {
	record.Cursor, record.Copied, record.Kept = p.Cursor, maps.Clone(p.Copied), maps.Clone(p.Kept)
	if len(p.Expired) > 0 {
		record.Expired = maps.Clone(p.Expired)
	}
	if !p.GroupsAt.IsZero() {
		record.GroupsAt = p.GroupsAt.UTC()
	}
}

func (m *Memory) extend(
	call string, l ledger.Lease, now time.Time, d time.Duration, change func(*ledger.Record),
) (ledger.Lease, error) {
	next := ledger.Lease{StagingSub: l.StagingSub, ProductionSub: l.ProductionSub, Until: until(now.Add(d))}
	err := m.under(call, l, func(record *ledger.Record) {
		change(record)
		record.MovingUntil = next.Until
	})
	if err != nil && !errors.Is(err, ledger.ErrLeaseLost) {
		l.Tried = next.Until
	}
	if err != nil {
		return l, err
	}
	return next, nil
}

// Complete does what ledger.Store.Complete does.
func (m *Memory) Complete(_ context.Context, l ledger.Lease, p ledger.Progress, at time.Time) error {
	return m.under("Complete", l, func(record *ledger.Record) {
		progress(record, p)
		record.State, record.MovedAt, record.Cursor, record.LastError = ledger.Moved, at.UTC(), "", ""
		record.FailedRows, record.Failures, record.RetryAfter = nil, 0, time.Time{}
		record.MovingUntil = time.Time{}
	})
}

// Fail does what ledger.Store.Fail does.
func (m *Memory) Fail(_ context.Context, l ledger.Lease, p ledger.Progress, f ledger.Failure) error {
	return m.under("Fail", l, func(record *ledger.Record) {
		progress(record, p)
		if record.LastError = f.Reason; f.Failures > 0 {
			record.MovingUntil = time.Time{}
			record.FailedRows, record.Failures, record.RetryAfter = slices.Clone(f.Rows), f.Failures, until(f.RetryAfter)
		}
	})
}

// Recount does what ledger.Store.Recount does.
func (m *Memory) Recount(_ context.Context, l ledger.Lease, copied map[string]int) error {
	return m.under("Recount", l, func(record *ledger.Record) { record.Copied, record.MovingUntil = copied, time.Time{} })
}

// Free does what ledger.Store.Free does.
func (m *Memory) Free(_ context.Context, l ledger.Lease) error {
	return m.under("Free", l, func(record *ledger.Record) { record.MovingUntil = time.Time{} })
}

func (m *Memory) under(call string, l ledger.Lease, change func(*ledger.Record)) error {
	return m.call(call, l.StagingSub, func(record *ledger.Record) error {
		if record.ProductionSub != l.ProductionSub || !l.Ends(record.MovingUntil) {
			return ledger.ErrLeaseLost
		}
		change(record)
		return nil
	})
}
