package lambdahost

import "time"

// takeIdle returns the most recently used idle environment, or nil.
func (h *Host) takeIdle(fn *function) *environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(fn.idle) == 0 {
		return nil
	}
	e := fn.idle[len(fn.idle)-1]
	fn.idle = fn.idle[:len(fn.idle)-1]
	return e
}

// release makes an environment idle, unless its function was replaced.
func (h *Host) release(e *environment) {
	h.mu.Lock()
	_, alive := h.environments[e]
	keep := alive && h.functions[e.fn.Name] == e.fn
	if keep {
		e.fn.idle = append(e.fn.idle, e)
	}
	h.mu.Unlock()
	if !keep {
		stop([]*environment{e})
	}
}

// coldStart starts an environment and waits for its first request for work. If
// that fails or takes longer than the limit, it is tried once more as part of
// the invocation, within the function's own timeout.
// Guide: Understanding the Lambda execution environment lifecycle, Init phase.
func (h *Host) coldStart(fn *function, inv *Invocation) (*environment, time.Time, *answer) {
	begin := time.Now()
	inv.Cold = true
	defer func() { inv.InitDuration = time.Since(begin) }()

	if e, failure := h.initialize(fn, inv.RequestID, h.initLimit); failure == nil {
		return e, time.Now().Add(fn.Timeout), nil
	}
	deadline := time.Now().Add(fn.Timeout)
	e, failure := h.initialize(fn, inv.RequestID, fn.Timeout)
	return e, deadline, failure
}

func (h *Host) initialize(fn *function, id string, limit time.Duration) (*environment, *answer) {
	e, err := h.start(fn)
	if err != nil {
		a := lambdaError(id, "Runtime.InvalidEntrypoint", err.Error())
		return nil, &a
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var a answer
	select {
	case <-e.ready:
		return e, nil
	case <-e.exited:
		a = lambdaError(id, "Runtime.ExitError", e.exitText())
	case <-timer.C:
		e.kill()
		a = timedOut(id, fn)
	}
	if reported := e.initError.Load(); reported != nil {
		a = *reported
	}
	return nil, &a
}
