package lambdahost

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// Invocation is one run of a function, as caller and billing see it.
type Invocation struct {
	Function     string
	RequestID    string // the same for all attempts at an event
	Event        bool   // asynchronous
	Attempt      int    // 1, for events up to 3
	Payload      []byte
	Response     []byte         // what the caller gets; after an error its JSON
	Error        *FunctionError // nil after success
	Running      bool           // the members below are not known yet
	Cold         bool
	Start        time.Time
	InitDuration time.Duration // process start to first /next; only if Cold
	Duration     time.Duration // /next answered to response
	MaxRSS       int64         // bytes, of the process so far; 0 if it has ended or is unknown
}

// FunctionError is an error of the function, or of Lambda about it.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Invoke runs the function and waits for it. An error of the function is in the
// Invocation; the error returned is a *ServiceError, ErrClosed, or that of ctx,
// in which case the function continues without its caller.
func (h *Host) Invoke(ctx context.Context, name string, payload []byte) (Invocation, error) {
	if err := ctx.Err(); err != nil {
		return Invocation{}, err
	}
	payload, err := h.check(name, payload)
	if err != nil {
		return Invocation{}, err
	}
	done, err := h.begin(Invocation{Function: name, RequestID: requestID(), Attempt: 1, Payload: payload})
	if err != nil {
		return Invocation{}, err
	}
	select {
	case inv := <-done:
		return inv, nil
	case <-ctx.Done():
		return Invocation{}, ctx.Err()
	}
}

// begin runs an invocation in the background if there is a slot for it.
func (h *Host) begin(inv Invocation) (<-chan Invocation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case !h.takeSlot():
		return nil, ErrThrottled
	}
	done := make(chan Invocation, 1)
	h.wg.Go(func() { done <- h.run(inv) })
	return done, nil
}

// Invocations returns all of them so far, in the order they started.
func (h *Host) Invocations() []Invocation {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Invocation, len(h.invocations))
	for i, inv := range h.invocations {
		all[i] = *inv
	}
	return all
}

// check returns the payload as the function gets it.
func (h *Host) check(name string, payload []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case h.functions[name] == nil:
		return nil, fmt.Errorf("%w: %s", ErrNotFound, h.arn(name))
	case len(payload) == 0:
		return []byte("{}"), nil
	}
	return bytes.Clone(payload), nil
}

// takeSlot is called with the lock held.
func (h *Host) takeSlot() bool {
	if h.closed || h.running >= h.options.Concurrency {
		return false
	}
	h.running++
	return true
}

// run performs an invocation that has a slot, records it, and frees the slot.
func (h *Host) run(inv Invocation) Invocation {
	inv.Start, inv.Running = time.Now(), true
	record := new(Invocation)
	*record = inv
	h.mu.Lock()
	fn := h.functions[inv.Function]
	h.invocations = append(h.invocations, record)
	h.mu.Unlock()

	a := h.perform(fn, &inv)
	inv.Response, inv.Error, inv.Running = a.body, a.err, false
	h.flush(fn)
	h.update(func() {
		*record = inv
		h.running--
	})
	return inv
}

func (h *Host) perform(fn *function, inv *Invocation) answer {
	e := h.takeIdle(fn)
	if e == nil {
		var failure *answer
		if e, failure = h.coldStart(fn, inv); failure != nil {
			return *failure
		}
	}
	timer := time.NewTimer(fn.Timeout)
	defer timer.Stop()
	c := &call{
		id:       inv.RequestID,
		arn:      h.arn(fn.Name),
		payload:  inv.Payload,
		deadline: time.Now().Add(fn.Timeout),
		answered: make(chan answer, 1),
	}
	e.current.Store(c)
	begin := time.Now()
	a := e.exchange(c, timer.C)
	inv.Duration = time.Since(begin)
	h.finish(e, inv, timer.C)
	return a
}

// exchange delivers the call and waits for the answer, the end of the process
// or the function's timeout.
func (e *environment) exchange(c *call, timeout <-chan time.Time) answer {
	work := e.work
	for {
		select {
		case work <- c:
			work = nil // delivered
		case a := <-c.answered:
			return a
		case <-e.exited:
			select {
			case a := <-c.answered: // its last answer, as after a panic
				return a
			default:
				return lambdaError(c.id, "Runtime.ExitError", e.exitText())
			}
		case <-timeout:
			e.kill()
			return timedOut(c.id, e.fn)
		}
	}
}

// finish waits for the runtime to request its next invocation, which completes
// this one, and keeps the environment.
// Guide: Understanding the Lambda execution environment lifecycle, Invoke phase.
func (h *Host) finish(e *environment, inv *Invocation, timeout <-chan time.Time) {
	select {
	case <-e.ready:
		inv.MaxRSS = peakMemory(e.cmd.Process.Pid)
		h.release(e)
	case <-e.exited:
	case <-timeout:
		e.kill()
	}
}

func timedOut(id string, fn *function) answer {
	return lambdaError(id, "Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", fn.Timeout.Seconds()))
}

func lambdaError(id, kind, text string) answer {
	return failed(kind, fmt.Sprintf("RequestId: %s Error: %s", id, text))
}

func requestID() string {
	h := randomHex(16)
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:])
}
