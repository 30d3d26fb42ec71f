package cloud

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// FaultKind says what a fault does to a request.
type FaultKind int

// What can go wrong. The error codes are those of the service that is called.
const (
	Throttle     FaultKind = iota // rejected as too many
	ServerError                   // 500, not performed
	AccessDenied                  // rejected as not allowed
	Latency                       // performed after Delay
	Reset                         // connection closed, not performed
	ResetAfter                    // performed, then the connection is closed: the answer is lost
	HookBefore                    // Hook is called, then the request is performed
	Rejected                      // answered with Code and Text, not performed
	HookAfter                     // the request is performed, then Hook is called, then the answer is sent
)

// Fault is an error to inject. Empty fields match every request; it skips the first After matching requests, then
// hits each following one with probability Rate (0 means always), at most Times times (0 means no limit).
type Fault struct {
	Account, Caller, Service, Operation, Table string

	After int
	Times int
	Rate  float64

	Kind  FaultKind
	Code  string
	Text  string
	Delay time.Duration
	Hook  func(Request)
}

// Inject sets a fault. The function returned takes it away.
func (c *Cloud) Inject(f Fault) (remove func()) {
	armed := &armedFault{Fault: f}
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.armed = append(c.faults.armed, armed)
	return func() { c.faults.remove(armed) }
}

type armedFault struct {
	Fault
	seen, hit int
}

type faults struct {
	mu    sync.Mutex
	armed []*armedFault
	dice  *rand.Rand
}

func (s *faults) remove(f *armedFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = slices.DeleteFunc(s.armed, func(other *armedFault) bool { return other == f })
}

// hits returns the faults that this request meets, in the order they were set.
func (s *faults) hits(r Request) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var met []Fault
	for _, f := range s.armed {
		if f.strikes(r, s.dice) {
			met = append(met, f.Fault)
		}
	}
	return met
}

func (f *armedFault) strikes(r Request, dice *rand.Rand) bool {
	filter := Filter{Account: f.Account, Caller: f.Caller, Service: f.Service, Operation: f.Operation, Resource: f.Table}
	if !filter.matches(r) {
		return false
	}
	f.seen++
	if f.seen <= f.After || f.Times > 0 && f.hit >= f.Times {
		return false
	}
	if f.Rate > 0 && dice.Float64() >= f.Rate {
		return false
	}
	f.hit++
	return true
}

// before does what faults do before a request is performed. It says whether the connection is to be dropped.
func before(k *call, met []Fault) (drop bool, err error) {
	for _, f := range met {
		switch f.Kind {
		case Throttle:
			return false, throttled(k.request.Service)
		case Rejected:
			return false, reject(f.Code, "%s", f.Text)
		case ServerError:
			return false, serverError(k.request.Service)
		case AccessDenied:
			return false, denied(k.request.Service, k.callerARN(), k.action(), k.request.Resource)
		case Latency:
			time.Sleep(f.Delay)
		case Reset:
			return true, nil
		case HookBefore:
			f.Hook(k.request)
		}
	}
	return false, nil
}

func after(k *call, met []Fault) (drop bool) {
	for _, f := range met {
		switch f.Kind {
		case ResetAfter:
			drop = true
		case HookAfter:
			f.Hook(k.request)
		}
	}
	return drop
}
