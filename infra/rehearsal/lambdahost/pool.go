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

// release makes an environment idle.
func (h *Host) release(e *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, alive := h.environments[e]; alive {
		e.fn.idle = append(e.fn.idle, e)
	}
}

// initLimit is how long a process may take until it requests its first invocation.
// Guide: Understanding the Lambda execution environment lifecycle, Init phase.
const initLimit = 10 * time.Second

// coldStart starts an environment and waits for its first request for work. Unlike Lambda, it does not try again.
func (h *Host) coldStart(fn *function, inv *Invocation) (*environment, *answer) {
	begin := time.Now()
	inv.Cold = true
	defer func() { inv.InitDuration = time.Since(begin) }()

	e, err := h.start(fn)
	if err != nil {
		a := lambdaError(inv.RequestID, "Runtime.InvalidEntrypoint", err.Error())
		return nil, &a
	}
	timer := time.NewTimer(initLimit)
	defer timer.Stop()
	var a answer
	select {
	case <-e.ready:
		return e, nil
	case <-e.exited:
		a = lambdaError(inv.RequestID, "Runtime.ExitError", e.exitText())
	case <-timer.C:
		e.kill()
		a = timedOut(inv.RequestID, fn)
	}
	if reported := e.initError.Load(); reported != nil {
		a = *reported
	}
	return nil, &a
}
