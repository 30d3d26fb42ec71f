package datamover

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// lateLedger performs one write, once, and answers too late: the caller has given up.
type lateLedger struct {
	*ledgertest.Memory
	call string
}

func (l *lateLedger) late(ctx context.Context, call string) error {
	if l.call != call {
		return nil
	}
	l.call = ""
	<-ctx.Done()
	return ctx.Err()
}

// tried is what the caller knows of a lease whose extension to next was not answered.
func tried(lease, next ledger.Lease, err, late error) (ledger.Lease, error) {
	if late == nil {
		return next, err
	}
	lease.Tried = next.Until
	return lease, late
}

func (l *lateLedger) Checkpoint(
	ctx context.Context, lease ledger.Lease, p ledger.Progress, now time.Time, d time.Duration,
) (ledger.Lease, error) {
	next, err := l.Memory.Checkpoint(ctx, lease, p, now, d)
	return tried(lease, next, err, l.late(ctx, "Checkpoint"))
}

func (l *lateLedger) Renew(ctx context.Context, lease ledger.Lease, now time.Time,
	d time.Duration) (ledger.Lease, error) {
	next, err := l.Memory.Renew(ctx, lease, now, d)
	return tried(lease, next, err, l.late(ctx, "Renew"))
}

func (l *lateLedger) TakeLease(
	ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration,
) (ledger.Record, ledger.Lease, error) {
	record, lease, err := l.Memory.TakeLease(ctx, stagingSub, productionSub, now, d)
	lease, err = tried(ledger.Lease{StagingSub: stagingSub, ProductionSub: productionSub}, lease, err,
		l.late(ctx, "TakeLease"))
	return record, lease, err
}

// TestLateAnswers has one answer of the ledger come too late. The background goes on under the lease as it then is.
func TestLateAnswers(t *testing.T) {
	for _, call := range []string{"Checkpoint", "TakeLease", "Renew"} {
		synctest.Test(t, func(t *testing.T) {
			m, records := newMemory(20), &lateLedger{ledgertest.New(bound()), call}
			h := newHook(m, records.Memory)
			h.ledger, h.mover.ledger = records, records
			var puts atomic.Int32
			m.before = func(c string) error {
				if c == "PutIfAbsent Projects-prod" {
					if puts.Add(1) <= 3 || call == "Renew" {
						time.Sleep(1100 * time.Millisecond)
					}
				}
				return nil
			}
			_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
			require.NoError(t, err)
			require.Equal(t, continued, h.decision(t), call)
			m.before = nil
			for i := 0; i < len(h.invoked); i++ {
				raw, err := json.Marshal(h.invoked[i])
				require.NoError(t, err)
				_, err = h.Invoke(t.Context(), raw)
				require.NoError(t, err, call)
			}
			assert.Equal(t, ledger.Moved, records.Record(ada).State, call)
		})
	}
	synctest.Test(t, func(t *testing.T) { // a renewal is under way when the work ends
		m, records := newMemory(1), &lateLedger{ledgertest.New(bound()), "Renew"}
		h := newHook(m, records.Memory)
		h.ledger, h.mover.ledger = records, records
		m.before = func(c string) error {
			if c == "PutIfAbsent Projects-prod" {
				time.Sleep(renewEvery + 5*time.Millisecond)
			}
			return nil
		}
		raw, err := json.Marshal(Continuation{StagingSub: ada, ProductionSub: adaNow})
		require.NoError(t, err)
		_, err = h.Invoke(t.Context(), raw)
		require.NoError(t, err)
		assert.Equal(t, moved, h.decision(t))
		assert.Equal(t, ledger.Moved, records.Record(ada).State)
	})
}

// TestNoWorkUnderAnExpiredLease: the holder waited, or its machine slept, and another mover has the user by now.
func TestNoWorkUnderAnExpiredLease(t *testing.T) {
	m, records := newMemory(2), ledgertest.New(bound())
	now := movedAt
	mover := newMover(m, records)
	mover.now = func() time.Time { return now }
	record, lease, err := records.TakeLease(t.Context(), ada, adaNow, now, LeaseFor)
	require.NoError(t, err)
	now = now.Add(LeaseFor + time.Second)
	other, otherLease, err := records.TakeLease(t.Context(), ada, adaNow, now, LeaseFor)
	require.NoError(t, err)
	_, _, err = mover.Move(t.Context(), other, otherLease)
	require.NoError(t, err)
	clear(m.target["Projects-prod"]) // the user deletes their projects
	_, _, err = mover.Move(t.Context(), record, lease)
	require.ErrorIs(t, err, ledger.ErrLeaseLost)
	assert.Empty(t, m.target["Projects-prod"])
}

// TestLeaseThatCannotBeRenewed ends the work when it has expired, whatever the ledger answers.
func TestLeaseThatCannotBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lease := ledger.Lease{StagingSub: ada, ProductionSub: adaNow, Until: time.Now().Add(LeaseFor)}
		away := func(_ context.Context, l ledger.Lease, _ time.Time, _ time.Duration) (ledger.Lease, error) {
			return l, userpool.ErrUnavailable
		}
		began := time.Now()
		err := NewKeeper(lease, away, time.Now).While(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		require.ErrorIs(t, err, ledger.ErrLeaseLost)
		assert.LessOrEqual(t, time.Since(began), LeaseFor)
	})
}

// TestOutagesInvokeNoBackgroundForEachSignIn has one user sign in a hundred times within a minute.
func TestOutagesInvokeNoBackgroundForEachSignIn(t *testing.T) {
	old := imported()
	old.ImportedAt = time.Now().Add(-time.Hour)
	for name, tt := range map[string]struct {
		record ledger.Record
		outage func(h *hook, m *memory)
	}{
		"staging's pool": {old, func(h *hook, _ *memory) { h.staging.err = userpool.ErrThrottled }},
		"production's table": {bound(),
			func(_ *hook, m *memory) { m.before = failing("PutIfAbsent Projects-prod", 1000, userpool.ErrThrottled) }},
	} {
		m := newMemory(1)
		h := newHook(m, ledgertest.New(tt.record))
		tt.outage(h, m)
		for range 100 {
			_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
			require.NoError(t, err)
		}
		assert.Len(t, h.invoked, 1, name)
	}
}

// TestLimitsOfAHook: whatever hangs, Cognito gets its answer within 5 s.
func TestLimitsOfAHook(t *testing.T) {
	const longestBudget = 3500 * time.Millisecond
	before := readTimeout + stagingTimeout + bindTimeout + firstSignInTimeout + leaseTimeout
	after := leaseTimeout + invokeTimeout + leaseTimeout // renew, invoke, free
	assert.Less(t, max(before, longestBudget)+after, 5*time.Second)
	assert.Less(t, readTimeout+stagingTimeout+leaseTimeout+invokeTimeout, 5*time.Second)
}
