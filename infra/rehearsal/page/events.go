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

// calm is how long a change waits, at least, for those that come with it.
const calm = 100 * time.Millisecond

// serveEvents sends the whole picture, and again whenever it has changed. A slow browser keeps nobody waiting. A picture that
// cannot be drawn ends the stream: a browser then asks again by itself.
func (s *site) serveEvents(out http.ResponseWriter, in *http.Request) {
	out.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(out)
	var sent []byte
	for {
		event, err := s.watched.look(in.Context())
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

// watched is the picture, drawn once for all who watch.
type watched struct {
	draw    func(context.Context) (picture, error)
	changes *changes

	mu     sync.Mutex
	newest event
}

// event is a picture as browsers read it.
type event struct {
	data     []byte
	outdated <-chan struct{} // closed by the first change since
	drawn    time.Time
	calm     time.Duration // as long as drawing took, so that no more than half of the time goes into it
}

func newWatched(draw func(context.Context) (picture, error)) *watched {
	return &watched{draw: draw, changes: newChanges()}
}

// look returns the newest picture, and draws one if that has been outdated for long enough.
func (w *watched) look(ctx context.Context) (event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.newest.isGood() {
		return w.newest, nil
	}
	began := time.Now()
	next := event{outdated: w.changes.next()} // before drawing, so that nothing falls between
	now, err := w.draw(ctx)
	if err != nil {
		return event{}, err
	}
	document, err := json.Marshal(now)
	if err != nil {
		return event{}, err
	}
	next.data, next.drawn = fmt.Appendf(nil, "data: %s\n\n", document), time.Now()
	next.calm = max(calm, next.drawn.Sub(began))
	w.newest = next
	return next, nil
}

func (e event) isGood() bool {
	if e.data == nil {
		return false
	}
	select {
	case <-e.outdated:
		return time.Since(e.drawn) < e.calm
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
	case <-time.After(e.calm):
		return true
	case <-ctx.Done():
		return false
	}
}

// changes tells any number of watchers that something is new. Telling never waits.
type changes struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
}

func newChanges() *changes { return &changes{changed: make(chan struct{})} }

func (c *changes) tell() {
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
