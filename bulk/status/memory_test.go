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

// generated makes its users and their records while they are read.
type generated struct {
	pool
	n      int
	prefix string
}

func (g generated) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for i := range g.n {
			if !yield(user(g.prefix+sub(i), sub(i)+"@example.com"), nil) {
				return
			}
		}
	}
}

func (g generated) EstimatedSize(context.Context) int { return g.n }

type generatedRecords struct {
	records
	n int
}

func (g generatedRecords) All(context.Context) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for i := range g.n {
			if !yield(record(sub(i), "u@example.com", ledger.Moved, ledger.SignIn), nil) {
				return
			}
		}
	}
}

func sub(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i) }

func TestOnlyTheLedgersKeysAreKept(t *testing.T) {
	const records = 100_000
	c := collector(generated{n: records}, generated{n: records, prefix: "production-"}, generatedRecords{n: records})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	found, err := c.readLedger(t.Context(), func(ledger.Record) error { return nil })
	require.NoError(t, err)
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(found)
	each := float64(after.HeapAlloc-before.HeapAlloc) / records
	assert.Less(t, each, 50.0, "bytes a record")
	t.Logf("%.0f bytes a record", each)

	o, err := c.Overview(t.Context())
	require.NoError(t, err)
	assert.True(t, o.SafeToDetach)
}
