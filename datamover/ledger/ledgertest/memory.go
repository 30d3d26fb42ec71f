// Package ledgertest holds a ledger in memory for tests. It is held to the same contract as the one in DynamoDB.
package ledgertest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// Memory is a ledger in memory. Before, if set, runs before every call and may reject it, as a crash or an outage
// would; Calls counts the calls by name.
type Memory struct {
	Before func(call string) error

	mu      sync.Mutex
	records map[string]ledger.Record
	calls   map[string]int
}

// New returns a ledger with those records.
func New(records ...ledger.Record) *Memory {
	m := &Memory{records: map[string]ledger.Record{}, calls: map[string]int{}}
	for _, record := range records {
		m.records[record.StagingSub] = record
	}
	return m
}

// Record returns a record as it is, zero if there is none.
func (m *Memory) Record(stagingSub string) ledger.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[stagingSub]
}

// Calls returns how often each method was called.
func (m *Memory) Calls() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.calls)
}

// Import does what ledger.Store.Import does.
func (m *Memory) Import(_ context.Context, r ledger.Record) error {
	return m.call("Import", r.StagingSub, func(record *ledger.Record) error {
		if record.Bound() {
			return ledger.ErrAlreadyBound
		}
		*record = r
		return nil
	})
}

// Get does what ledger.Store.Get does.
func (m *Memory) Get(ctx context.Context, stagingSub string) (found ledger.Record, err error) {
	if err := ctx.Err(); err != nil {
		return found, err
	}
	err = m.call("Get", stagingSub, func(record *ledger.Record) error {
		found = *record
		return nil
	})
	return found, err
}

// All does what ledger.Store.All does, in the order of the subs.
func (m *Memory) All(ctx context.Context) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		m.mu.Lock()
		m.calls["All"]++
		records := maps.Clone(m.records)
		m.mu.Unlock()
		if m.Before != nil {
			if err := m.Before("All"); err != nil {
				yield(ledger.Record{}, err)
				return
			}
		}
		for _, sub := range slices.Sorted(maps.Keys(records)) {
			if err := ctx.Err(); err != nil {
				yield(ledger.Record{}, err)
				return
			}
			if !yield(records[sub], nil) {
				return
			}
		}
	}
}

// Bind does what ledger.Store.Bind does.
func (m *Memory) Bind(_ context.Context, stagingSub, productionSub, email string) (bound ledger.Record, err error) {
	err = m.call("Bind", stagingSub, func(record *ledger.Record) error {
		switch {
		case productionSub == "":
			return ledger.ErrBoundToAnotherUser
		case !record.Exists():
			return ledger.ErrNoRecord
		case !record.Bound() && record.Email == ledger.FoldASCII(email):
			record.ProductionSub, record.State, record.RetryAfter = productionSub, ledger.Moving, time.Time{}
		case record.ProductionSub != productionSub:
			return ledger.ErrBoundToAnotherUser
		}
		bound = *record
		return nil
	})
	return bound, err
}

// Defer does what ledger.Store.Defer does.
func (m *Memory) Defer(_ context.Context, stagingSub string, now time.Time, d time.Duration) (won bool, err error) {
	err = m.call("Defer", stagingSub, func(record *ledger.Record) error {
		if won = record.Exists() && !record.Bound() && !record.RetryAfter.After(until(now)); won {
			record.RetryAfter = until(now.Add(d))
		}
		return nil
	})
	return won, err
}

// FirstSignIn does what ledger.Store.FirstSignIn does.
func (m *Memory) FirstSignIn(_ context.Context, stagingSub, productionSub string, at time.Time) error {
	return m.call("FirstSignIn", stagingSub, func(record *ledger.Record) error {
		if record.ProductionSub == productionSub && record.SeenAt.IsZero() {
			record.SeenAt = at.UTC()
		}
		return nil
	})
}

// call runs f on a copy of the record and keeps the copy if f agrees.
func (m *Memory) call(name, stagingSub string, f func(*ledger.Record) error) error {
	m.mu.Lock()
	m.calls[name]++
	m.mu.Unlock()
	if m.Before != nil {
		if err := m.Before(name); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	record := m.records[stagingSub]
	if err := f(&record); err != nil {
		return err
	}
	if !record.Exists() {
		delete(m.records, stagingSub)
	} else {
		m.records[stagingSub] = record
	}
	return nil
}
