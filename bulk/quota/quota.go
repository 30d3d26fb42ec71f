// Package quota keeps bulk inside its share of Cognito's request quotas, which live users need too.
package quota

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Category is one of Cognito's groups of operations that share a quota.
type Category string

// The categories that bulk draws on.
const (
	UserCreation        Category = "UserCreation"
	UserAccountRecovery Category = "UserAccountRecovery"
	UserList            Category = "UserList"
	UserRead            Category = "UserRead"
)

// Documented is what an account has in a Region, requests per second ("Cognito developer guide, Quotas"). Only
// UserAccountRecovery cannot be raised.
var Documented = map[Category]float64{UserCreation: 50, UserAccountRecovery: 30, UserList: 30, UserRead: 120}

// ErrThrottled says that Cognito refused a call as one too many. It was not performed.
var ErrThrottled = errors.New("throttled")

// Limits is one account's buckets.
type Limits struct {
	buckets map[Category]*bucket
}

// New gives every category that share of its quota: the documented one, or the one in raised.
func New(share float64, raised map[Category]float64) *Limits {
	l := &Limits{buckets: map[Category]*bucket{}}
	for category, perSecond := range Documented {
		if r, ok := raised[category]; ok {
			perSecond = r
		}
		l.buckets[category] = newBucket(perSecond * share)
	}
	return l
}

// PerSecond is how often a category may be called when nothing throttles.
func (l *Limits) PerSecond(c Category) float64 { return l.buckets[c].full }

// Do calls f when the category has room, and again as long as it is throttled: that is no failure, only a wait.
func (l *Limits) Do(ctx context.Context, c Category, f func() error) error {
	for {
		if err := l.buckets[c].wait(ctx); err != nil {
			return fmt.Errorf("wait for %s: %w", c, err)
		}
		err := f()
		if !errors.Is(err, ErrThrottled) {
			return err
		}
		l.buckets[c].slowDown()
	}
}

const (
	slowest     = 0.1              // of full speed, however much is throttled
	afterSlowed = time.Second      // further refusals within this are of the same burst
	fullAgain   = 20 * time.Second // from standstill to full speed
)

// bucket halves its rate when it is throttled, and recovers by itself.
type bucket struct {
	full    float64
	limiter *rate.Limiter
	now     func() time.Time

	mu      sync.Mutex
	slowed  time.Time // when it was last halved
	checked time.Time // when it last recovered some
}

func newBucket(perSecond float64) *bucket {
	// A burst of one: calls are spread evenly, and what others need is never taken at a stroke.
	return &bucket{full: perSecond, limiter: rate.NewLimiter(rate.Limit(perSecond), 1), now: time.Now}
}

func (b *bucket) wait(ctx context.Context) error {
	b.recover()
	return b.limiter.Wait(ctx)
}

func (b *bucket) slowDown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.Sub(b.slowed) < afterSlowed {
		return
	}
	b.slowed, b.checked = now, now
	b.limiter.SetLimit(rate.Limit(max(slowest*b.full, float64(b.limiter.Limit())/2)))
}

func (b *bucket) recover() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if float64(b.limiter.Limit()) >= b.full {
		return
	}
	now := b.now()
	gained := b.full * now.Sub(b.checked).Seconds() / fullAgain.Seconds()
	b.checked = now
	b.limiter.SetLimit(rate.Limit(min(b.full, float64(b.limiter.Limit())+gained)))
}
