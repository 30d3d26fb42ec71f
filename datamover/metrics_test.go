package datamover

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/metrics/metricstest"
	"github.com/spaceport/user-migration/datamover/rows"
)

// counted is the last line of the log as CloudWatch reads it, without the dimension that every metric has.
func counted(t *testing.T, h *hook) map[string]float64 {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	all := map[string]float64{}
	for name, value := range metricstest.Read(t, []byte(lines[len(lines)-1])) {
		all[strings.Replace(name, " Function=datamover", "", 1)] = value
	}
	return all
}

func TestMetricsOfEveryDecision(t *testing.T) {
	movedRecord := bound()
	movedRecord.State = ledger.Moved
	failing := func(at string) func(string) error {
		return func(call string) error {
			if call == at {
				return errors.New("away")
			}
			return nil
		}
	}
	counts := func(copied, kept, failed float64) map[string]float64 {
		return map[string]float64{"RowsCopied": copied, "RowsKept": kept, "RowsFailed": failed}
	}
	tests := []struct {
		name     string
		record   ledger.Record
		event    []byte
		prepare  func(m *memory, records *ledgertest.Memory)
		decision string
		also     map[string]float64
	}{
		{"first sign-in", imported(), recorded(t, "post_authentication"), nil, moved, counts(6, 0, 0)},
		{"production holds a row", imported(), recorded(t, "post_authentication"), func(m *memory, _ *ledgertest.Memory) {
			m.target["Projects-prod"] = map[string]rows.Row{adaNow + "/p0002": {"title": text("edited")}}
		}, moved, counts(5, 1, 0)},
		{"rows fail", imported(), recorded(t, "post_authentication"),
			func(m *memory, _ *ledgertest.Memory) { m.before = failing("PutIfAbsent Projects-prod") }, continued,
			map[string]float64{"RowsCopied": 1, "RowsKept": 0, "RowsFailed": 5, "Continuations": 1}},
		{"already moved", movedRecord, recorded(t, "post_authentication"), nil, alreadyMoved, nil},
		{"ledger away", imported(), recorded(t, "post_authentication"),
			func(_ *memory, l *ledgertest.Memory) { l.Before = failing("Get") }, continued,
			map[string]float64{"Continuations": 1}},
		{"forged claim", bound(), signedIn(t, "a-forger"), nil, rejected, map[string]float64{"RejectedClaims": 1}},
		{"not an event", imported(), []byte(`{"request":7}`), nil, ignored, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, records := newMemory(5), ledgertest.New(tt.record)
			if tt.prepare != nil {
				tt.prepare(m, records)
			}
			h := newHook(m, records)
			_, err := h.Invoke(t.Context(), tt.event)
			require.NoError(t, err)
			got := counted(t, h)
			_, timed := got["Duration"]
			assert.Equal(t, tt.decision != ignored, timed)
			delete(got, "Duration")
			want := map[string]float64{"HookDecisions": 1, "HookDecisions Decision=" + tt.decision: 1}
			maps.Copy(want, tt.also)
			assert.Equal(t, want, got)
		})
	}
}

func TestNativeUserIsNoMetric(t *testing.T) {
	records := ledgertest.New(imported())
	h := newHook(newMemory(1), records)
	_, err := h.Invoke(t.Context(), recorded(t, "confirm_sign_up_native"))
	require.NoError(t, err)
	assert.Empty(t, h.log.String())
	assert.Empty(t, records.Calls())
}

// TestContinuedRowsAreCountedOnce adds up the metrics of a move that took three invocations.
func TestContinuedRowsAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const projects = 100
		m, records := newMemory(projects), ledgertest.New(imported())
		m.before = slow(200 * time.Millisecond)
		h := newHook(m, records)
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		first := counted(t, h)
		assert.Equal(t, 1.0, first["Continuations"])
		assert.Equal(t, 1.0, first["HookDecisions Decision=continued"])
		assert.InDelta(t, 3000, first["Duration"], 1000)

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, continueMove(ctx, t, h))
		second := counted(t, h)
		assert.Equal(t, 1.0, second["Continuations"])
		assert.NotContains(t, second, "Duration", "no user waits for a background move")
		assert.NotContains(t, second, "HookDecisions")

		m.before = nil
		require.NoError(t, continueMove(t.Context(), t, h))
		third := counted(t, h)
		assert.NotContains(t, third, "Continuations")
		for i, run := range []map[string]float64{first, second, third} {
			assert.Positive(t, run["RowsCopied"], "run %d", i+1)
			assert.Zero(t, run["RowsFailed"])
		}
		again := first["RowsCopied"] + second["RowsCopied"] + third["RowsCopied"] - projects - 1
		assert.True(t, again >= 0 && again <= 2*pageSize,
			"at most a page that each run could not record counts twice: %v", again)
	})
}

func TestMetricsOfBackgroundMoves(t *testing.T) {
	movedRecord := bound()
	movedRecord.State = ledger.Moved
	for name, tt := range map[string]struct {
		records *ledgertest.Memory
		want    map[string]float64 // nil: none
	}{
		"moves":         {ledgertest.New(bound()), map[string]float64{"RowsCopied": 3, "RowsKept": 0, "RowsFailed": 0}},
		"rejected":      {ledgertest.New(), map[string]float64{"RejectedClaims": 1}},
		"already moved": {ledgertest.New(movedRecord), nil},
	} {
		h := newHook(newMemory(2), tt.records)
		h.invoked = []Continuation{{StagingSub: ada, ProductionSub: adaNow}}
		err := continueMove(t.Context(), t, h)
		assert.Equal(t, name == "rejected", err != nil)
		if tt.want == nil {
			assert.NotContains(t, h.log.String(), "_aws", name)
			continue
		}
		assert.Equal(t, tt.want, counted(t, h), name)
	}
}
