package lambdahost

import (
	"slices"
	"time"
)

// InvokeEvent queues an event and returns. It is tried three times, and is
// then a dead letter if every attempt ends in an error of the function.
// Guide: Invoking a Lambda function asynchronously.
func (h *Host) InvokeEvent(name string, payload []byte) error {
	payload, err := h.check(name, payload)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.queued++
	h.wg.Go(func() {
		h.deliver(Invocation{Function: name, RequestID: requestID(), Event: true, Payload: payload})
		h.update(func() { h.queued-- })
	})
	return nil
}

// DeadLetters returns the last attempts at events whose attempts all failed.
func (h *Host) DeadLetters() []Invocation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.deadLetters)
}

func (h *Host) deliver(event Invocation) {
	for {
		if h.wait(h.ctx, h.takeSlot) != nil {
			return // closed
		}
		event.Attempt++
		inv := h.run(event)
		if inv.Error == nil || h.ctx.Err() != nil {
			return
		}
		if event.Attempt > len(h.options.RetryDelays) {
			h.update(func() { h.deadLetters = append(h.deadLetters, inv) })
			return
		}
		select {
		case <-time.After(h.options.RetryDelays[event.Attempt-1]):
		case <-h.ctx.Done():
			return
		}
	}
}
