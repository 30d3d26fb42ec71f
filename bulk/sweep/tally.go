package sweep

import (
	"maps"
	"sync"
)

// Tally counts what happened.
type Tally struct {
	mu       sync.Mutex
	statuses map[Status]int
	reasons  map[Reason]int
}

func newTally() *Tally { return &Tally{statuses: map[Status]int{}, reasons: map[Reason]int{}} }

func (t *Tally) count(s Status, r Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.statuses[s]++
	if r != "" {
		t.reasons[r]++
	}
}

// Of is how often a status was noted.
func (t *Tally) Of(s Status) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.statuses[s]
}

// Reasons are the skipped users by reason.
func (t *Tally) Reasons() map[Reason]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.reasons)
}
