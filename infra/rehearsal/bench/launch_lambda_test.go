package bench

import (
	"context"
	"errors"
	"sync"
	"time"
)

var errConcurrency = errors.New("no concurrency left")

// concurrency is how many executions an account allows at once, besides those that functions have reserved.
type concurrency struct {
	mu           sync.Mutex
	limit, inUse int
}

// function is a Lambda function.
type function struct {
	account  *concurrency
	reserved int // 0: only the account's limit
	timeout  time.Duration
	handle   func(context.Context, []byte) ([]byte, error)

	idle, running int
	most          int // executions at once
	throttled     int
	slowest       time.Duration
}

// newFunction takes what it reserves from the account ("AWS Lambda developer guide, Reserved concurrency").
func newFunction(
	account *concurrency, reserved int, timeout time.Duration, handle func(context.Context, []byte) ([]byte, error),
) *function {
	account.limit -= reserved
	return &function{account: account, reserved: reserved, timeout: timeout, handle: handle}
}

func (f *function) invoke(payload []byte) ([]byte, error) {
	began := time.Now()
	cold, ok := f.start()
	if !ok {
		return nil, errConcurrency
	}
	defer f.end(began)
	if cold {
		time.Sleep(coldStart)
	}
	ctx, cancel := context.WithTimeout(context.Background(), f.timeout)
	defer cancel()
	return f.handle(ctx, payload)
}

func (f *function) start() (cold, ok bool) {
	f.account.mu.Lock()
	defer f.account.mu.Unlock()
	if f.reserved > 0 && f.running >= f.reserved || f.reserved == 0 && f.account.inUse >= f.account.limit {
		f.throttled++
		return false, false
	}
	if f.reserved == 0 {
		f.account.inUse++
	}
	f.running++
	f.most = max(f.most, f.running)
	if cold = f.idle == 0; !cold {
		f.idle--
	}
	return cold, true
}

func (f *function) end(began time.Time) {
	f.account.mu.Lock()
	defer f.account.mu.Unlock()
	if f.reserved == 0 {
		f.account.inUse--
	}
	f.running--
	f.idle++
	f.slowest = max(f.slowest, time.Since(began))
}

// maxEventAge is MaximumEventAgeInSeconds of the template, and maxRetries its MaximumRetryAttempts.
const (
	maxEventAge = 6 * time.Hour
	maxRetries  = 2
)

// deliver invokes a function asynchronously: after a function's error again in one minute and then in two, and while it
// is throttled after pauses from a second to five minutes ("AWS Lambda developer guide, How Lambda handles errors and
// retries with asynchronous invocation"). It returns the error with which the event is a dead letter.
func (f *function) deliver(payload []byte) error {
	queued, pause := time.Now(), time.Second
	for failures := 0; ; {
		_, err := f.invoke(payload)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errConcurrency) && time.Since(queued) < maxEventAge:
			time.Sleep(pause)
			pause = min(2*pause, 5*time.Minute)
		case errors.Is(err, errConcurrency), failures == maxRetries:
			return err
		default:
			failures++
			time.Sleep(time.Duration(failures) * time.Minute)
		}
	}
}
