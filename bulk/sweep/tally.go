package sweep

import (
	"maps"
	"slices"
	"sync"
)

// Tally counts what happened.
type Tally struct {
	mu       sync.Mutex
	statuses map[Status]int
	reasons  map[Reason]int
	created  []string // e-mails of the first few
}

// fewCreated is how many accounts are few enough to look at one by one.
const fewCreated = 5

func newTally() *Tally { return &Tally{statuses: map[Status]int{}, reasons: map[Reason]int{}} }

func (t *Tally) count(email string, s Status, r Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.statuses[s]++
	if s == Created && len(t.created) <= fewCreated {
		t.created = append(t.created, email)
	}
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

// FewCreated are the e-mails of the accounts that were made, where they are few.
func (t *Tally) FewCreated() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.created) > fewCreated {
		return nil
	}
	return slices.Sorted(slices.Values(t.created))
}

// Reasons are the skipped users by reason.
func (t *Tally) Reasons() map[Reason]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.reasons)
}
