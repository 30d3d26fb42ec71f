package sweep

import "sync"

// room is how many more accounts may be made. Whoever holds a place may turn out not to need it, so the last places are
// waited for rather than refused: otherwise a few users who are in production already would turn everybody else away.
type room struct {
	limit int // 0: no limit

	mu          sync.Mutex
	changed     sync.Cond
	made, taken int
}

func newRoom(limit int) *room {
	r := &room{limit: limit}
	r.changed.L = &r.mu
	return r
}

// take gets a place, which must be kept or given back, or says that there is none.
func (r *room) take() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.limit > 0 && r.made < r.limit && r.made+r.taken == r.limit {
		r.changed.Wait()
	}
	if r.limit > 0 && r.made == r.limit {
		return false
	}
	r.taken++
	return true
}

// keep says that the account was made.
func (r *room) keep() { r.settle(1) }

// giveBack says that it was not.
func (r *room) giveBack() { r.settle(0) }

func (r *room) settle(made int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken--
	r.made += made
	r.changed.Broadcast()
}
