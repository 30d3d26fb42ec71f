package status

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// crowd makes up its users and their lines while they are read.
type crowd int

func (c crowd) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for i := range int(c) {
			if !yield(somebody(sub(i), "u@example.com"), nil) {
				return
			}
		}
	}
}

func (c crowd) EstimatedSize(context.Context) int { return int(c) }

func (c crowd) All(context.Context) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for i := range int(c) {
			if !yield(line(sub(i), "u@example.com", ledger.Moved, ledger.SignIn), nil) {
				return
			}
		}
	}
}

func sub(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i) }

func TestTheLedgersKeysAreAllThatIsKept(t *testing.T) {
	const lines = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	found, err := NewSurvey(crowd(lines), crowd(0), crowd(lines), noon, nil, clock).readLedger(t.Context(), func(ledger.Record) {})
	require.NoError(t, err)
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(found)
	each := float64(after.HeapAlloc-before.HeapAlloc) / lines
	assert.Less(t, each, 50.0, "bytes a line")
	t.Logf("%.0f bytes a line", each)

	o, err := NewSurvey(crowd(lines), crowd(0), crowd(lines), noon, nil, clock).Overview(t.Context())
	require.NoError(t, err)
	assert.True(t, o.SafeToDetach)
}
