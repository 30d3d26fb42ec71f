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

// calm is how long a change waits for those that come with it.
const calm = 100 * time.Millisecond

// serveEvents sends the whole picture, and again whenever it has changed. Each browser draws for itself, so that a slow one keeps
// nobody waiting. A picture that cannot be drawn ends the stream: a browser then asks again by itself.
func (w *site) serveEvents(out http.ResponseWriter, in *http.Request) {
	out.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(out)
	var sent []byte
	for {
		next := w.changes.next() // before looking, so that nothing falls between
		event, err := w.event(in.Context())
		if err != nil {
			return
		}
		if !bytes.Equal(event, sent) {
			if _, err := out.Write(event); err != nil || stream.Flush() != nil {
				return
			}
			sent = event
		}
		if !waitCalm(in.Context(), next) {
			return
		}
	}
}

// event is the picture as the browser reads it.
func (w *site) event(ctx context.Context) ([]byte, error) {
	now, err := w.picture(ctx)
	if err != nil {
		return nil, err
	}
	document, err := json.Marshal(now)
	return fmt.Appendf(nil, "data: %s\n\n", document), err
}

func waitCalm(ctx context.Context, next <-chan struct{}) bool {
	select {
	case <-next:
	case <-ctx.Done():
		return false
	}
	select {
	case <-time.After(calm):
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
