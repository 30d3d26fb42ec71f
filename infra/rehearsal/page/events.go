package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// delay is the least time between a change and its event, so that changes at about the same time are sent together.
const delay = 100 * time.Millisecond

// serveEvents sends the whole snapshot, and again whenever it has changed. A slow browser does not block others. An
// error ends the stream; the browser then reconnects.
func (s *site) serveEvents(out http.ResponseWriter, in *http.Request) {
	out.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(out)
	var sent []byte
	for {
		event, err := s.watched.latest(in.Context())
		if err != nil {
			return
		}
		if !bytes.Equal(event.data, sent) {
			if _, err := out.Write(event.data); err != nil || stream.Flush() != nil {
				return
			}
			sent = event.data
		}
		if !event.waitForNext(in.Context()) {
			return
		}
	}
}

// watched is the snapshot, read once for all browsers.
type watched struct {
	read    func(context.Context) (snapshot, error)
	changes *changes

	mu     sync.Mutex
	newest event
}

// event is a snapshot in the format of an event stream.
type event struct {
	data     []byte
	outdated <-chan struct{} // closed by the first change after it
	taken    time.Time
	delay    time.Duration // at least the time that reading took, so that reading takes at most half of the time
}

func newWatched(read func(context.Context) (snapshot, error)) *watched {
	return &watched{read: read, changes: newChanges()}
}

// latest returns the newest snapshot, and reads a new one if it has been outdated for long enough.
func (w *watched) latest(ctx context.Context) (event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.newest.isGood() {
		return w.newest, nil
	}
	began := time.Now()
	next := event{outdated: w.changes.next()} // before reading, so that no change is missed
	now, err := w.read(ctx)
	if err != nil {
		return event{}, err
	}
	document, err := json.Marshal(now)
	if err != nil {
		return event{}, err
	}
	next.data, next.taken = fmt.Appendf(nil, "data: %s\n\n", document), time.Now()
	next.delay = max(delay, next.taken.Sub(began))
	w.newest = next
	return next, nil
}

func (e event) isGood() bool {
	if e.data == nil {
		return false
	}
	select {
	case <-e.outdated:
		return time.Since(e.taken) < e.delay
	default:
		return true
	}
}

func (e event) waitForNext(ctx context.Context) bool {
	select {
	case <-e.outdated:
	case <-ctx.Done():
		return false
	}
	select {
	case <-time.After(e.delay):
		return true
	case <-ctx.Done():
		return false
	}
}

// changes notifies any number of watchers of a change. Notifying never blocks.
type changes struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
}

func newChanges() *changes { return &changes{changed: make(chan struct{})} }

func (c *changes) notify() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// next is closed at the next change.
func (c *changes) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}
