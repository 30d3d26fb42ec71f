package verify

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

// A user waits for two or three calls. To compare some thousand users a second, which is what a machine can, 16 users in
// flight are enough at 2 ms a call, and 256 from 32 ms on. A user takes a share of maxUsers.
const (
	maxUsers     = 256
	leastLatency = 2 * time.Millisecond
	fullLatency  = 32 * time.Millisecond
)

// 256 users with some rows each take little. A page can be 1 MB, and production's rows as much again: of pages of more
// than smallPage rows or units of 4 KB, a run holds as many as it has users in flight at least.
const (
	smallPage  = 16
	largePages = 16
)

// pace bounds the users in flight by the latency of staging, and the large pages held at once.
type pace struct {
	large   *semaphore.Weighted
	mu      sync.Mutex
	latency time.Duration
}

func newPace() *pace { return &pace{large: semaphore.NewWeighted(largePages), latency: leastLatency} }

func (p *pace) share() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(1, int64(fullLatency/p.latency))
}

// add follows the fastest of the last calls: a call that is retried, or waits for a busy machine, says nothing about the
// latency, and more users in flight would make it worse.
func (p *pace) add(call time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = max(leastLatency, min(call, p.latency+p.latency/10))
}

type query func(ctx context.Context, t settings.Table, owner, after string) (rows.Page, error)

// paced returns query for one user's pages of a table, and what to call after the last. The size of a page is known when
// it is there, so a large one that has to wait is dropped and read again: those who wait hold nothing. Then few users
// are in flight until the others' latency says otherwise.
func (p *pace) paced(read query) (paced query, end func()) {
	large := false
	paced = func(ctx context.Context, t settings.Table, owner, after string) (rows.Page, error) {
		began := time.Now()
		page, err := read(ctx, t, owner, after)
		p.add(time.Since(began))
		if err != nil || large || max(len(page.Rows), page.Units) <= smallPage {
			return page, err
		}
		if large = p.large.TryAcquire(1); large {
			return page, nil
		}
		page = rows.Page{}
		p.add(leastLatency)
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
