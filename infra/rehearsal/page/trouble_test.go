package page

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// trouble is everything that a developer would see in red: errors and warnings in the console, uncaught exceptions, and
// failed requests. Only Cognito may answer 400, which is how it rejects.
type trouble struct {
	cloudURL string

	mu   sync.Mutex
	seen []string
	urls map[network.RequestID]string
}

func (t *trouble) note(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			t.add("console %s: %s", e.Type, words(e.Args))
		}
	case *runtime.EventExceptionThrown:
		t.add("exception: %s %s", e.ExceptionDetails.Text, words([]*runtime.RemoteObject{e.ExceptionDetails.Exception}))
	case *log.EventEntryAdded:
		rejection := e.Entry.Source == log.EntrySourceNetwork && t.isCloud(e.Entry.URL) &&
			strings.Contains(e.Entry.Text, "status of 400")
		if (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) && !rejection {
			t.add("log %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		t.urls[e.RequestID] = e.Request.URL
	case *network.EventResponseReceived:
		if e.Response.Status >= http.StatusBadRequest && !(e.Response.Status == http.StatusBadRequest && t.isCloud(e.Response.URL)) {
			t.add("answer %d of %s", e.Response.Status, e.Response.URL)
		}
	case *network.EventLoadingFailed:
		t.add("request failed: %s %s", e.ErrorText, t.urls[e.RequestID])
	}
}

func (t *trouble) isCloud(url string) bool { return strings.TrimSuffix(url, "/") == t.cloudURL }

func (t *trouble) add(format string, args ...any) {
	t.seen = append(t.seen, fmt.Sprintf(format, args...))
}

func (t *trouble) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.seen...)
}

func words(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		if a != nil {
			all = append(all, string(a.Value)+a.Description)
		}
	}
	return strings.Join(all, " ")
}
