package account

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// renewBefore is when credentials are renewed in the background, so that no warm invocation waits for AssumeRole.
	renewBefore = 10 * time.Minute
	// usableUntil is how close to their end credentials are still used; a request must not arrive after it.
	usableUntil = 30 * time.Second
)

// refreshAhead caches credentials and renews them while they still serve. aws.CredentialsCache would make the caller
// wait for every renewal.
type refreshAhead struct {
	source  aws.CredentialsProvider
	base    aws.CredentialsProvider // what source signs with, or nil
	timeout time.Duration           // bounds a renewal that was frozen together with its Lambda environment
	now     func() time.Time

	mu      sync.Mutex
	current aws.Credentials
	renewal *renewal // under way, or nil
}

type renewal struct {
	done chan struct{}
	err  error // set before done is closed
}

// Retrieve returns credentials that serve now. It waits only where there are none.
func (r *refreshAhead) Retrieve(ctx context.Context) (aws.Credentials, error) {
	// A second renewal is tried, since the first may be one that began before the environment was frozen.
	var failed error
	for range 3 {
		current, left := r.cached()
		if left > renewBefore {
			return current, nil
		}
		if left <= usableUntil && r.base != nil { // a code that a person types does not count towards the time-out
			if _, err := r.base.Retrieve(ctx); err != nil {
				return aws.Credentials{}, fmt.Errorf("assume staging role: %w", err)
			}
		}
		renewal := r.renew()
		if left > usableUntil {
			return current, nil
		}
		select {
		case <-ctx.Done():
			return aws.Credentials{}, fmt.Errorf("assume staging role: %w", ctx.Err())
		case <-renewal.done:
			failed = renewal.err
		}
		if errors.Is(failed, syscall.ECONNREFUSED) { // the SDK has tried again, and nothing was frozen
			break
		}
	}
	if failed == nil {
		failed = errors.New("credentials came expired; is this clock right?")
	}
	return aws.Credentials{}, fmt.Errorf("assume staging role: %w", failed)
}

func (r *refreshAhead) cached() (current aws.Credentials, left time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.current.HasKeys() {
		return aws.Credentials{}, 0
	}
	return r.current, r.current.Expires.Sub(r.now())
}

// renew starts a renewal, or joins the one under way.
func (r *refreshAhead) renew() *renewal {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.renewal != nil {
		return r.renewal
	}
	started := &renewal{done: make(chan struct{})}
	r.renewal = started
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
		defer cancel()
		fresh, err := r.source.Retrieve(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err == nil {
			r.current = fresh
		}
		r.renewal, started.err = nil, err
		close(started.done)
	}()
	return started
}
