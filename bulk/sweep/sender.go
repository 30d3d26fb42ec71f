package sweep

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/spaceport/user-migration/datamover/userpool"
)

// firstInFlight users are in flight until Cognito has accepted a reset email: if it accepts none, few are without one.
const firstInFlight = 5

// sender watches over the emails of one sweep. What Cognito answers about the pool's sender is no user's failure: it
// ends all emails.
type sender struct {
	first    chan struct{} // places until one email is accepted
	accepted chan struct{} // closed then
	once     sync.Once
	doubts   atomic.Int32 // failures in a row that may be the sender's
	err      atomic.Pointer[string]
}

func (s *sender) failed() bool { return s.err.Load() != nil }

// wait takes a place, and returns what gives it back.
func (s *sender) wait(ctx context.Context) (leave func()) {
	select {
	case <-s.accepted:
		return func() {}
	case <-ctx.Done():
		return func() {}
	case s.first <- struct{}{}:
		return func() { <-s.first }
	}
}

// judge reports whether the sender has failed, told by what Cognito answered to one email.
func (s *sender) judge(err error) (failed bool) {
	switch {
	case err == nil:
		s.doubts.Store(0)
		s.once.Do(func() { close(s.accepted) })
	case errors.Is(err, userpool.ErrSender), errors.Is(err, userpool.ErrDelivery) && s.doubts.Add(1) > 1:
		text := err.Error()
		s.err.CompareAndSwap(nil, &text)
		return true
	}
	return false
}
