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

// Memory is a ledger in memory. Before, where it is set, runs ahead of every call and may refuse it, as a crash or an
// outage would; Calls counts them by name.
type Memory struct {
	Before func(call string) error

	mu    sync.Mutex
	lines map[string]ledger.Line
	calls map[string]int
}

// New returns a ledger that holds lines.
func New(lines ...ledger.Line) *Memory {
	m := &Memory{lines: map[string]ledger.Line{}, calls: map[string]int{}}
	for _, line := range lines {
		m.lines[line.StagingSub] = line
	}
	return m
}

// Line returns a line as it stands, zero if there is none.
func (m *Memory) Line(stagingSub string) ledger.Line {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lines[stagingSub]
}

// Calls returns how often each method was called.
func (m *Memory) Calls() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.calls)
}

// Import does what ledger.Store.Import does.
func (m *Memory) Import(_ context.Context, stagingSub, email string, via ledger.Via, at time.Time) error {
	return m.call("Import", stagingSub, func(line *ledger.Line) error {
		if line.Bound() {
			return ledger.ErrBound
		}
		*line = ledger.Line{
			StagingSub: stagingSub, Email: ledger.Fold(email), State: ledger.Imported, Via: via, ImportedAt: at.UTC(),
		}
		return nil
	})
}

// Get does what ledger.Store.Get does.
func (m *Memory) Get(ctx context.Context, stagingSub string) (found ledger.Line, err error) {
	if err := ctx.Err(); err != nil {
		return found, err
	}
	err = m.call("Get", stagingSub, func(line *ledger.Line) error {
		if found = *line; found.StagingSub == "" {
			return ledger.ErrNoLine
		}
		return nil
	})
	return found, err
}

// All does what ledger.Store.All does, in the order of the subs.
func (m *Memory) All(ctx context.Context) iter.Seq2[ledger.Line, error] {
	return func(yield func(ledger.Line, error) bool) {
		m.mu.Lock()
		m.calls["All"]++
		lines := maps.Clone(m.lines)
		m.mu.Unlock()
		if m.Before != nil {
			if err := m.Before("All"); err != nil {
				yield(ledger.Line{}, err)
				return
			}
		}
		for _, sub := range slices.Sorted(maps.Keys(lines)) {
			if err := ctx.Err(); err != nil {
				yield(ledger.Line{}, err)
				return
			}
			if !yield(lines[sub], nil) {
				return
			}
		}
	}
}

// Bind does what ledger.Store.Bind does.
func (m *Memory) Bind(_ context.Context, stagingSub, productionSub, email string) (bound ledger.Line, err error) {
	err = m.call("Bind", stagingSub, func(line *ledger.Line) error {
		switch {
		case productionSub == "":
			return ledger.ErrNotTheirs
		case line.StagingSub == "":
			return ledger.ErrNoLine
		case !line.Bound() && line.Email == ledger.Fold(email):
			line.ProductionSub, line.State = productionSub, ledger.Moving
		case line.ProductionSub != productionSub:
			return ledger.ErrNotTheirs
		}
		bound = *line
		return nil
	})
	return bound, err
}

// Seen does what ledger.Store.Seen does.
func (m *Memory) Seen(_ context.Context, stagingSub, productionSub string, at time.Time) error {
	return m.call("Seen", stagingSub, func(line *ledger.Line) error {
		if line.ProductionSub == productionSub && line.SeenAt.IsZero() {
			line.SeenAt = at.UTC()
		}
		return nil
	})
}

// Checkpoint does what ledger.Store.Checkpoint does.
func (m *Memory) Checkpoint(_ context.Context, stagingSub, productionSub string, p ledger.Progress) error {
	return m.call("Checkpoint", stagingSub, whileMoving(productionSub, func(line *ledger.Line) {
		line.Cursor, line.Copied, line.Kept = p.Cursor, maps.Clone(p.Copied), maps.Clone(p.Kept)
	}))
}

// Finish does what ledger.Store.Finish does.
func (m *Memory) Finish(_ context.Context, stagingSub, productionSub string, p ledger.Progress, at time.Time) error {
	return m.call("Finish", stagingSub, whileMoving(productionSub, func(line *ledger.Line) {
		line.State, line.MovedAt, line.Cursor, line.LastError = ledger.Moved, at.UTC(), "", ""
		line.Copied, line.Kept = maps.Clone(p.Copied), maps.Clone(p.Kept)
	}))
}

// Fail does what ledger.Store.Fail does.
func (m *Memory) Fail(_ context.Context, stagingSub, productionSub string, p ledger.Progress, reason string) error {
	return m.call("Fail", stagingSub, whileMoving(productionSub, func(line *ledger.Line) {
		line.Cursor, line.Copied, line.Kept, line.LastError = p.Cursor, maps.Clone(p.Copied), maps.Clone(p.Kept), reason
	}))
}

func whileMoving(productionSub string, change func(*ledger.Line)) func(*ledger.Line) error {
	return func(line *ledger.Line) error {
		if line.ProductionSub != productionSub || line.State != ledger.Moving {
			return ledger.ErrNotMoving
		}
		change(line)
		return nil
	}
}

// call runs f on a copy of the line and keeps the copy if f agrees.
func (m *Memory) call(name, stagingSub string, f func(*ledger.Line) error) error {
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
	line := m.lines[stagingSub]
	if err := f(&line); err != nil {
		return err
	}
	if line.StagingSub == "" {
		delete(m.lines, stagingSub)
	} else {
		m.lines[stagingSub] = line
	}
	return nil
}
