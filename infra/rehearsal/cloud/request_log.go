package cloud

import (
	"slices"
	"sync"
	"time"
)

// Request is one line of the log. It has the operation and the resource but none of the content: no user, password,
// code or token.
type Request struct {
	Time      time.Time
	Account   string
	Caller    string // identity or role; "public" for calls that carry no signature; "cognito" for triggers
	Service   string // "cognito-idp", "dynamodb", "sts", "lambda", … and "trigger"
	Operation string
	Resource  string // table, pool, role or function
	Status    int    // 0: the connection was closed without an answer
	ErrorCode string
	Duration  time.Duration
}

// Filter selects requests; empty fields match all.
type Filter struct {
	Account, Caller, Service, Operation, Resource, ErrorCode string
}

func (f Filter) matches(r Request) bool {
	fits := func(want, have string) bool { return want == "" || want == have }
	return fits(f.Account, r.Account) && fits(f.Caller, r.Caller) && fits(f.Service, r.Service) &&
		fits(f.Operation, r.Operation) && fits(f.Resource, r.Resource) && fits(f.ErrorCode, r.ErrorCode)
}

// Requests returns the log so far.
func (c *Cloud) Requests() []Request {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	return append([]Request(nil), c.log.lines...)
}

// CountRequests returns how many requests of the log match.
func (c *Cloud) CountRequests(f Filter) int {
	return len(slices.DeleteFunc(c.Requests(), func(r Request) bool { return !f.matches(r) }))
}

// ResetRequests empties the log.
func (c *Cloud) ResetRequests() {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.lines = nil
}

// Tap calls see with every request from now on, once it is done. It runs in the request's own goroutine.
func (c *Cloud) Tap(see func(Request)) (remove func()) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.taps = append(c.log.taps, &see)
	return func() {
		c.log.mu.Lock()
		defer c.log.mu.Unlock()
		c.log.taps = slices.DeleteFunc(slices.Clone(c.log.taps), func(other *func(Request)) bool { return other == &see })
	}
}

type requestLog struct {
	mu    sync.Mutex
	lines []Request
	taps  []*func(Request)
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	l.lines = append(l.lines, r)
	taps := l.taps
	l.mu.Unlock()
	for _, see := range taps {
		(*see)(r)
	}
}
