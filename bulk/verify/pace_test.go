package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/rows"
)

// many returns a world that takes its time, and users with some projects each.
func many(users, projects int, latency time.Duration) (*world, []ledger.Record) {
	w := newWorld()
	w.latency = latency
	var records []ledger.Record
	for i := range users {
		records = append(records, w.add(fmt.Sprintf("u%04d", i), projects))
	}
	return w, records
}

func verified(ctx context.Context, w *world, records []ledger.Record) (Summary, time.Duration, error) {
	began := time.Now()
	v := verifier(w)
	v.Users = nil
	sum, err := v.All(ctx, ledgertest.New(records...).All(ctx), 0, func(Comparison) error { return nil })
	return sum, time.Since(began), err
}

// TestCallsAndTime: one user at a time takes four calls, so 16 at once take 25 s at 100 ms a call, and 0.5 s at 2 ms.
func TestCallsAndTime(t *testing.T) {
	for latency, want := range map[time.Duration]struct {
		calls float64
		time  time.Duration
	}{
		2 * time.Millisecond:   {2.2, 500 * time.Millisecond},
		20 * time.Millisecond:  {2.2, time.Second},
		100 * time.Millisecond: {2.2, 2500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, records := many(1000, 2, latency)
			sum, took, err := verified(t.Context(), w, records)
			require.NoError(t, err)
			assert.Equal(t, 1000, sum.Whole)
			assert.Equal(t, 3000, sum.Rows().Same)
			assert.Equal(t, 2000, w.calls["Query"])
			calls := float64(w.calls["Query"]+w.calls["BatchGet"]) / 1000
			t.Logf("%v a call: %.2f calls a user, %v", latency, calls, took)
			assert.LessOrEqual(t, calls, want.calls, latency)
			assert.LessOrEqual(t, took, want.time, latency)
		})
	}
}

// TestPlanTakesAsFewCalls: it compares as verify does.
func TestPlanTakesAsFewCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, all := many(1000, 2, 100*time.Millisecond)
		w.delete("production-u0007/p00001")
		records := ledgertest.New(all...)
		m := again(w, records)
		m.parallel = 0
		began := time.Now()
		sum, err := m.Plan(t.Context(), records.All(t.Context()), 0, func(Comparison) error { return nil })
		require.NoError(t, err)
		assert.Equal(t, 1, sum.Missing)
		assert.LessOrEqual(t, w.calls["Query"]+w.calls["BatchGet"], 2200)
		assert.Less(t, time.Since(began), 3*time.Second)
	})
}

// TestSameUserTwice: DynamoDB rejects a request that has a key twice.
func TestSameUserTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, records := many(2, 60, time.Millisecond)
		var twice []ledger.Record
		for range 3 {
			twice = append(twice, records...)
		}
		sum, err := verifier(w).All(t.Context(), func(yield func(ledger.Record, error) bool) {
			for _, r := range twice {
				if !yield(r, nil) {
					return
				}
			}
		}, 0, func(Comparison) error { return nil })
		require.NoError(t, err)
		assert.Equal(t, 6, sum.Whole)
		assert.Equal(t, 6*61, sum.Rows().Same)
	})
}

// TestFailedBatch is an error of every user in it, and does not end the run.
func TestFailedBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, records := many(1000, 2, 100*time.Millisecond)
		failed := 0
		w.fail = func(call string) error {
			if !strings.HasPrefix(call, "BatchGet") || !strings.Contains(call, "production-u0500/p00000") {
				return nil
			}
			for _, r := range records {
				if strings.Contains(call, r.ProductionSub+"/") {
					failed++
				}
			}
			return rows.ErrBusy
		}
		sum, _, err := verified(t.Context(), w, records)
		require.NoError(t, err)
		assert.Equal(t, 1000, sum.Moved)
		assert.Equal(t, failed, sum.Unread)
		assert.Greater(t, failed, maxUnread, "many users")
		assert.Equal(t, 1000-failed, sum.Whole)
	})
}

// TestUsersOfAFailedBatch count as a few in a row; those who fail alone count each.
func TestUsersOfAFailedBatch(t *testing.T) {
	for failed, want := range map[error]int{&batchError{error: rows.ErrBusy}: 5, rows.ErrBusy: 100} {
		r := verifier(newWorld()).newRun(func(context.Context, ledger.Record) (Comparison, error) {
			return Comparison{}, fmt.Errorf("compare: %w", failed)
		}, func(Comparison) error { return nil })
		r.unread = -100
		for range 100 {
			require.NoError(t, r.compare(t.Context(), ledger.Record{}))
		}
		assert.Equal(t, want, r.unread+100)
	}
}

// TestBatchesThatFailEndTheRun: all of them at once if the table cannot be used, else after some.
func TestBatchesThatFailEndTheRun(t *testing.T) {
	for want, most := range map[error]int{rows.ErrTable: 4, rows.ErrBusy: 20} {
		synctest.Test(t, func(t *testing.T) {
			w, records := many(1000, 2, 100*time.Millisecond)
			w.fail = func(call string) error {
				if strings.HasPrefix(call, "BatchGet") {
					return fmt.Errorf("read Users-prod: %w", want)
				}
				return nil
			}
			_, _, err := verified(t.Context(), w, records)
			require.ErrorIs(t, err, want)
			assert.LessOrEqual(t, w.calls["BatchGet"], most, want)
		})
	}
}

// TestCanceledAtOnce: a goroutine that was left would be reported by synctest.
func TestCanceledAtOnce(t *testing.T) {
	for _, after := range []time.Duration{50, 150, 450, 1050} {
		synctest.Test(t, func(t *testing.T) {
			w, records := many(300, 120, 100*time.Millisecond)
			ctx, cancel := context.WithTimeoutCause(t.Context(), after*time.Millisecond, errors.New("interrupted"))
			defer cancel()
			_, took, err := verified(ctx, w, records)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, after*time.Millisecond, took)
		})
	}
}

// TestLargePages are held by few users at once, large by their rows or by their bytes. Users with small ones go on.
func TestLargePages(t *testing.T) {
	for name, test := range map[string]struct{ projects, units, most, queries int }{
		"rows":  {projects: pageSize, most: 16*pageSize + 256, queries: 128},
		"bytes": {projects: 10, units: 256, most: 16 * 10, queries: 64},
		"small": {projects: 10, units: 2, most: 256 * 11, queries: 512},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, records := many(600, test.projects, 100*time.Millisecond)
			w.units = test.units
			sum, took, err := verified(t.Context(), w, records)
			require.NoError(t, err, name)
			assert.Equal(t, 600, sum.Whole, name)
			assert.Equal(t, 600*(1+test.projects), sum.Rows().Same, name)
			assert.LessOrEqual(t, w.mostAsked, test.most, name)
			assert.LessOrEqual(t, w.mostQueries, test.queries, name)
			assert.LessOrEqual(t, w.calls["Query"], 4*600, "%s: read twice at most", name)
			t.Logf("%s: at once %d keys and %d queries, %v, %v", name, w.mostAsked, w.mostQueries, w.calls, took)
		})
	}
}
