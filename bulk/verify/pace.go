package verify

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

// A user waits for two or three calls. To compare some thousand users a second, which is what a machine can, 28 users
// in flight are enough at 2 ms a call, and 256 from 18 ms on. A user takes a share of maxUsers.
const (
	maxUsers     = 256
	leastLatency = 2 * time.Millisecond
	fullLatency  = 18 * time.Millisecond
)

// 256 users with some rows each take little, but a page can be 1 MB, and production's rows as much again. So fewer
// users are in flight when pages are large on average, and at most largePages of more than smallPage are held. The size
// of a page is its rows, or units of 4 KB if those are more: up to 256.
const (
	smallPage  = 16
	largePages = 16
	fullSize   = 8 // with two tables, 256 users have 4,096 units in flight, as many as largePages have
)

// pace bounds the users in flight, by staging's latency and the size of its pages, and the large pages held at once.
type pace struct {
	large   *semaphore.Weighted
	mu      sync.Mutex
	latency time.Duration
	size    float64 // of a page, on average
}

func newPace() *pace { return &pace{large: semaphore.NewWeighted(largePages), latency: leastLatency} }

func (p *pace) share() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(1, int64(fullLatency/p.latency), int64(p.size/fullSize))
}

// add follows the fastest of the last calls: a call that is retried, or waits for a busy machine, says nothing about
// the latency, and more users in flight would make it worse.
func (p *pace) add(call time.Duration, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = max(leastLatency, min(call, p.latency+p.latency/10))
	p.size += (float64(size) - p.size) / 16
}

type query func(ctx context.Context, t settings.Table, owner, after string) (rows.Page, error)

// paced returns query for one user's pages of a table, and what to call after the last. The size of a page is known
// when it is there, so a large one that has to wait is dropped and read again: those who wait hold nothing.
func (p *pace) paced(read query) (paced query, end func()) {
	large := false
	paced = func(ctx context.Context, t settings.Table, owner, after string) (rows.Page, error) {
		began := time.Now()
		page, err := read(ctx, t, owner, after)
		size := max(len(page.Rows), page.Units)
		p.add(time.Since(began), size)
		if err != nil || large || size <= smallPage {
			return page, err
		}
		if large = p.large.TryAcquire(1); large {
			return page, nil
		}
		page = rows.Page{}
		if err := p.large.Acquire(ctx, 1); err != nil {
			return page, err
		}
		large = true
		return read(ctx, t, owner, after)
	}
	return paced, func() {
		if large {
			p.large.Release(1)
		}
	}
}
