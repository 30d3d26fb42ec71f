package sweep

import (
	"cmp"
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
	err      atomic.Pointer[string]

	mu    sync.Mutex
	doubt func(sender bool) error // tells of a user's email that was not delivered, once it is known why
}

// errUndelivered is returned for an email that was not delivered, as long as that may be the sender's failure.
var errUndelivered = errors.New("email not delivered")

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

// judge decides what an email that was not sent means: it is the user's failure, or the sender's. After one that was
// not delivered the next one decides, and then tell is called. A user who had that in an earlier sweep raises no doubt.
func (s *sender) judge(err error, before bool, tell func(sender bool) error) error {
	var first func(bool) error
	switch {
	case errors.Is(err, userpool.ErrDelivery) && before:
		return cmp.Or(tell(false), errUndelivered)
	case errors.Is(err, userpool.ErrDelivery):
		s.mu.Lock()
		defer s.mu.Unlock()
		if first, s.doubt = s.doubt, tell; first == nil {
			return errUndelivered
		}
		s.doubt = nil
	case !errors.Is(err, userpool.ErrSender):
		return err
	}
	text := err.Error()
	if s.err.CompareAndSwap(nil, &text); first != nil {
		return first(true)
	}
	return nil // the user is finished without an email; a later sweep sends it
}

// accept says that the sender works: Cognito has accepted an email.
func (s *sender) accept() error {
	s.once.Do(func() { close(s.accepted) })
	return s.settle()
}

// settle ends a doubt.
func (s *sender) settle() error {
	s.mu.Lock()
	tell := s.doubt
	s.doubt = nil
	s.mu.Unlock()
	if tell == nil {
		return nil
	}
	return tell(s.failed())
}
