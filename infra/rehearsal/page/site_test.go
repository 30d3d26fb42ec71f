package page

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
)

// fakeSite serves the page without a cloud.
func fakeSite() *site {
	return &site{
		config: config{
			Endpoint: "http://127.0.0.1:1", PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(8)},
			Users: []journeys.ScenarioUser{journeys.Ada},
		},
		account: func(context.Context, string) (account, error) { return account{}, nil },
		watched: newWatched(func(context.Context) (snapshot, error) { return snapshot{}, nil }),
	}
}

// open serves the site as Serve does.
func open(t *testing.T, w *site) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = w.guarded(server.Listener.Addr().String())
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server
}

func get(t *testing.T, server *httptest.Server, path string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	require.NoError(t, err)
	if change != nil {
		change(request)
	}
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, errors.Join(err, response.Body.Close()))
	return response, string(body)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	server := open(t, fakeSite())
	for _, path := range []string{"/", "/rehearsal.json", "/account", "/nothing-here"} {
		response, _ := get(t, server, path, nil)
		h := response.Header
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		assert.Equal(t, response.StatusCode != http.StatusNotFound, h.Get("Cache-Control") == "no-store", path)
		policy := h.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'self';", path)
		assert.Contains(t, policy, "connect-src 'self' http://127.0.0.1:1;", path)
		assert.Contains(t, policy, "frame-ancestors 'none'", path)
		assert.NotContains(t, policy, "unsafe", path)
		assert.Empty(t, h.Get("Access-Control-Allow-Origin"), path)
	}
}

func TestAForeignNameIsRejected(t *testing.T) {
	server := open(t, fakeSite())
	host := strings.TrimPrefix(server.URL, "http://")
	_, port, _ := strings.Cut(host, ":")
	for name, want := range map[string]int{
		host: http.StatusOK, "localhost:" + port: http.StatusOK,
		"spaceport.example:" + port: http.StatusMisdirectedRequest, "127.0.0.1:1": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/rehearsal.json"} {
			response, body := get(t, server, path, func(r *http.Request) { r.Host = name })
			assert.Equal(t, want, response.StatusCode, "%s as %s", path, name)
			assert.Equal(t, want == http.StatusOK, len(body) > 100 || strings.Contains(body, "Ada"), "%s as %s", path, name)
		}
	}
}

func TestNoFolderIsListed(t *testing.T) {
	server := open(t, fakeSite())
	for path, want := range map[string]int{
		"/": http.StatusOK, "/signin/app.js": http.StatusOK, "/signin/": http.StatusNotFound, "/signin": http.StatusNotFound,
		"/observer/": http.StatusNotFound,
	} {
		response, _ := get(t, server, path, nil)
		assert.Equal(t, want, response.StatusCode, path)
	}
}

func TestAccountNeedsAToken(t *testing.T) {
	w := fakeSite()
	w.account = func(_ context.Context, token string) (account, error) {
		switch token {
		case "good":
			return account{Email: "ada@example.com", State: "moved", Projects: []project{}}, nil
		case "old":
			return account{}, errToken
		}
		return account{}, errors.New("read user: no answer")
	}
	server := open(t, w)
	for authorization, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer ": http.StatusUnauthorized, "good": http.StatusUnauthorized,
		"Basic good": http.StatusUnauthorized,
		"Bearer old": http.StatusUnauthorized, "Bearer good": http.StatusOK, "Bearer x": http.StatusBadGateway,
	} {
		response, body := get(t, server, "/account", func(r *http.Request) { r.Header.Set("Authorization", authorization) })
		assert.Equal(t, want, response.StatusCode, authorization)
		var said map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &said), authorization)
		assert.Equal(t, want != http.StatusOK, said["error"] != nil, authorization)
		if want == http.StatusOK {
			assert.JSONEq(t, `{"email":"ada@example.com","name":"","productionSub":"","stagingSub":"","state":"moved",
				"profile":null,"projectCount":0,"projects":[]}`, body)
		}
	}
}

// subscribe returns the events of one browser as they arrive.
func subscribe(t *testing.T, server *httptest.Server) <-chan snapshot {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	events := make(chan snapshot)
	go func() {
		defer close(events)
		defer func() { _ = response.Body.Close() }()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var p snapshot
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok || json.Unmarshal([]byte(data), &p) != nil {
				continue
			}
			select {
			case events <- p:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return events
}

func TestEventsComeAtOnceAndAtEachChange(t *testing.T) {
	w := fakeSite()
	var d decisions
	w.watched.read = func(context.Context) (snapshot, error) { return snapshot{Decisions: d.newest(nil)}, nil }
	events := subscribe(t, open(t, w))
	assert.Empty(t, (<-events).Decisions)

	d.read("", []byte(`{"decision":"import"}`))
	d.read("", []byte(`{"decision":"moved"}`))
	w.watched.changes.notify()
	w.watched.changes.notify()
	assert.Len(t, (<-events).Decisions, 2, "both at once")

	w.watched.changes.notify()
	select {
	case <-events:
		t.Error("an event without a change")
	case <-time.After(3 * delay):
	}
}

// TestAllWatchersShareASnapshot: reading a large ledger takes seconds, so it is done once for all, at most half of the
// time.
func TestAllWatchersShareASnapshot(t *testing.T) {
	const took = 300 * time.Millisecond
	w := fakeSite()
	var mu sync.Mutex
	var reading, reads int
	w.watched.read = func(context.Context) (snapshot, error) {
		mu.Lock()
		reading++
		reads++
		assert.Equal(t, 1, reading, "one at a time")
		now := snapshot{LedgerCount: reads}
		mu.Unlock()
		time.Sleep(took)
		mu.Lock()
		reading--
		mu.Unlock()
		return now, nil
	}
	server := open(t, w)
	var watchers []<-chan snapshot
	for range 4 {
		watchers = append(watchers, subscribe(t, server))
	}
	for _, events := range watchers {
		assert.Equal(t, 1, (<-events).LedgerCount)
	}
	began := time.Now()
	for busy := time.After(6 * took); ; w.watched.changes.notify() {
		select {
		case <-busy:
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	for _, events := range watchers {
		assert.Equal(t, 2, (<-events).LedgerCount)
	}
	mu.Lock()
	defer mu.Unlock()
	assert.LessOrEqual(t, time.Duration(reads-1)*2*took, time.Since(began)+took, "it waits as long as it reads")
}

func TestAnErrorEndsTheStream(t *testing.T) {
	w, reads := fakeSite(), 0
	w.watched.read = func(context.Context) (snapshot, error) {
		if reads++; reads > 1 {
			return snapshot{}, errors.New("read ledger: throttled")
		}
		return snapshot{}, nil
	}
	events := subscribe(t, open(t, w))
	<-events
	w.watched.changes.notify()
	_, more := <-events
	assert.False(t, more, "a browser reconnects and then gets the whole snapshot")
}

func TestASlowBrowserDoesNotBlockOthers(t *testing.T) {
	w := fakeSite()
	big := strings.Repeat("x", 8<<20) // more than any buffer between the two
	w.watched.read = func(context.Context) (snapshot, error) {
		return snapshot{Messages: []cloud.Message{{Body: big}}},
			nil
	}
	server := open(t, w)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	require.NoError(t, err)
	slow, err := server.Client().Do(request)
	require.NoError(t, err)
	defer func() { _ = slow.Body.Close() }() // never read

	began := time.Now()
	for range 1000 {
		w.watched.changes.notify()
	}
	assert.Less(t, time.Since(began), time.Second)
	assert.Len(t, (<-subscribe(t, server)).Messages, 1, "another browser is served")
}

// TestTheSignInIsSelfContained: a team copies that folder for its own front end.
func TestTheSignInIsSelfContained(t *testing.T) {
	imports := regexp.MustCompile(`(?:from|import)\s*\(?\s*["']([^"']+)["']`)
	scripts, err := fs.Glob(files, "web/signin/*.js")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, name := range scripts {
		text, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		for _, found := range imports.FindAllStringSubmatch(string(text), -1) {
			assert.Regexp(t, `^\./[a-z_-]+\.js$`, found[1], name)
		}
	}
}
