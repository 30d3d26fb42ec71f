// Package lambdahost runs AWS Lambda bootstrap binaries (provided.al2023) as
// processes on this machine and answers the Lambda Invoke API, so that what is
// rehearsed is what is deployed.
//
// It does not freeze idle environments, enforce memory or the size of payloads, try a
// failed init again, offer extensions or
// stream responses, and a function's log has its own lines only (no START,
// END, REPORT).
//
// "Guide" in comments is the AWS Lambda developer guide, followed by the
// chapter that a rule comes from; "API" is the AWS Lambda API reference.
package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// ErrClosed is returned by every call that would start something after Close.
var ErrClosed = errors.New("lambda host is closed")

// Options of a Host; each zero value has a default.
type Options struct {
	Region  string // "us-east-1"
	Account string // "123456789012"

	// Concurrency is how many invocations may run at once, all functions
	// together: 10, which is what a new account has.
	// Guide: Lambda quotas; Understanding Lambda function scaling.
	Concurrency int

	// RetryDelays are the waits after an event's first and second failure.
	// Lambda waits one minute and two; a rehearsal does not by default.
	// Guide: How Lambda handles errors and retries with asynchronous invocation.
	RetryDelays [2]time.Duration
}

// Host is safe for concurrent use.
type Host struct {
	options Options
	ctx     context.Context // ends at Close
	cancel  context.CancelFunc
	wg      sync.WaitGroup // every goroutine of the host
	mux     *http.ServeMux // the Invoke API

	mu           sync.Mutex
	changed      chan struct{} // closed and replaced whenever a count below falls
	closed       bool
	functions    map[string]*function
	environments map[*environment]struct{}
	running      int // invocations that hold a slot of Options.Concurrency
	queued       int // events not yet done, including running ones
	invocations  []*Invocation
	deadLetters  []Invocation
	tap          func(string, []byte)

	tapping sync.Mutex // held while the tap is called, never together with mu
}

// New returns a host without functions. Close it after use.
func New(o Options) *Host {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "123456789012"
	}
	if o.Concurrency == 0 {
		o.Concurrency = 10
	}
	h := &Host{
		options:      o,
		changed:      make(chan struct{}),
		functions:    map[string]*function{},
		environments: map[*environment]struct{}{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.mux = http.NewServeMux()
	h.mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	h.mux.HandleFunc("GET /2015-03-31/functions/{name}/policy", h.servePolicy)
	return h
}

// Close stops every environment and waits until nothing is running. Running
// invocations end as if killed, events still queued are dropped. Records and
// logs can still be read.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	all := slices.Collect(maps.Keys(h.environments))
	h.mu.Unlock()

	h.cancel()
	stop(all)
	h.wg.Wait()
	return nil
}

// Kill ends all environments of the function with SIGKILL, running ones too,
// and returns how many there were once they have ended.
func (h *Host) Kill(name string) int {
	h.mu.Lock()
	if fn := h.functions[name]; fn != nil {
		fn.idle = nil
	}
	all := h.living(name)
	h.mu.Unlock()

	for _, e := range all {
		e.kill()
	}
	return len(all)
}

// Recycle stops the function's idle environments, so that the next invocation
// is a cold start unless a running one finishes before.
func (h *Host) Recycle(name string) {
	h.mu.Lock()
	var idle []*environment
	if fn := h.functions[name]; fn != nil {
		idle, fn.idle = fn.idle, nil
	}
	h.mu.Unlock()
	stop(idle)
}

// Processes returns the process ids of the function's living environments.
func (h *Host) Processes(name string) []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	var pids []int
	for _, e := range h.living(name) {
		pids = append(pids, e.cmd.Process.Pid)
	}
	return pids
}

// Idle waits until no invocation is running and no event is queued.
func (h *Host) Idle(ctx context.Context) error {
	return h.wait(ctx, func() bool { return h.running == 0 && h.queued == 0 })
}

// wait blocks until the condition, called with the lock held, is true.
func (h *Host) wait(ctx context.Context, condition func() bool) error {
	for {
		h.mu.Lock()
		ok, changed := condition(), h.changed
		h.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// update changes what others wait for.
func (h *Host) update(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
	close(h.changed)
	h.changed = make(chan struct{})
}

// living returns the living environments of a function; the lock is held.
func (h *Host) living(name string) []*environment {
	var found []*environment
	for e := range h.environments {
		if e.fn.Name == name {
			found = append(found, e)
		}
	}
	return found
}

func (h *Host) arn(name string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", h.options.Region, h.options.Account, name)
}
