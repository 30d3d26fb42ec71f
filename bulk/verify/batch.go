package verify

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/spaceport/user-migration/datamover/rows"
)

const batchSize = 100 // the most keys that BatchGetItem takes

// batches reads rows of several users in one request. Keys gather while the table answers an earlier request, and are
// sent when it has answered, or when they fill one. So a user never waits longer than for a call, whatever it takes.
type batches struct {
	target
	mu     sync.Mutex
	tables map[string]*gathering
}

type gathering struct {
	*batch
	inFlight int
}

type batch struct {
	keys []rows.Row
	rows map[rowID]rows.Row // nil: asked for, not found
	done chan struct{}
	err  error
}

type rowID [2]string // the values of a key

func newBatch() *batch { return &batch{rows: map[rowID]rows.Row{}, done: make(chan struct{})} }

// batchError is one failure of several users.
type batchError struct {
	error
	users int // who have met it so far
}

func (e *batchError) Unwrap() error { return e.error }

// BatchGet reads rows as rows.Store does. Every user of a run has the same ctx, since one user's request is another's.
func (b *batches) BatchGet(ctx context.Context, table string, keys []rows.Row, each func(rows.Row)) (err error) {
	ids, in := b.ask(ctx, table, keys)
	for i, id := range ids {
		<-in[i].done // which ends with ctx
		err = cmp.Or(err, in[i].err)
		if row := in[i].rows[id]; row != nil {
			each(row)
		}
	}
	return err
}

// ask returns each key's id, and the batch that it is in. A key that two users ask for is sent once.
func (b *batches) ask(ctx context.Context, table string, keys []rows.Row) (ids []rowID, in []*batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tables[table] == nil {
		b.tables[table] = &gathering{batch: newBatch()}
	}
	g := b.tables[table]
	for _, key := range keys {
		if len(g.keys) == batchSize {
			b.send(ctx, table, g)
		}
		names := slices.Sorted(maps.Keys(key))
		id := idOf(key, names)
		if _, asked := g.rows[id]; !asked {
			g.rows[id], g.keys = nil, append(g.keys, key)
		}
		ids, in = append(ids, id), append(in, g.batch)
	}
	if len(g.keys) == batchSize || g.inFlight == 0 {
		b.send(ctx, table, g)
	}
	return ids, in
}

func idOf(row rows.Row, names []string) (id rowID) {
	for i, name := range names {
		id[i] = row.Text(name)
	}
	return id
}

// send sends what has gathered, and when that is answered, what has gathered by then. It is called with mu held.
func (b *batches) send(ctx context.Context, table string, g *gathering) {
	sent := g.batch
	if len(sent.keys) == 0 {
		return
	}
	g.batch = newBatch()
	g.inFlight++
	names := slices.Sorted(maps.Keys(sent.keys[0]))
	go func() {
		defer close(sent.done)
		err := b.target.BatchGet(ctx, table, sent.keys, func(row rows.Row) { sent.rows[idOf(row, names)] = row })
		if err != nil {
			sent.err = &batchError{error: err}
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if g.inFlight--; g.inFlight == 0 {
			b.send(ctx, table, g)
		}
	}()
}
