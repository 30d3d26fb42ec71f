package page

import (
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// trouble is everything that a developer would see in red: errors and warnings in the console, uncaught exceptions, and
// failed requests. Only Cognito may answer 400, which is how it rejects.
type trouble struct {
	cloudURL string

	mu   sync.Mutex
	seen []string
}

func (t *trouble) note(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning ||
			e.Type == runtime.ConsoleAPICalledTypeAssert {
			t.add("console %s: %s", e.Type, words(e.Args))
		}
	case *runtime.EventExceptionThrown:
		t.add("exception: %s %s", e.ExceptionDetails.Text, words([]*runtime.RemoteObject{e.ExceptionDetails.Exception}))
	case *log.EventEntryAdded:
		rejection := strings.TrimSuffix(e.Entry.URL, "/") == t.cloudURL && strings.Contains(e.Entry.Text, "status of 400")
		if (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) && !rejection {
			t.add("log %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	}
}

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
