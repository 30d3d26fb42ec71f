package page

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed web
var files embed.FS

// site serves the browser.
type site struct {
	config  config
	account func(ctx context.Context, accessToken string) (account, error) // or errToken
	watched *watched
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	web, err := fs.Sub(files, "web")
	if err != nil {
		panic(err) // the name is a constant
	}
	served := http.FileServerFS(web)
	mux.Handle("GET /{$}", served)
	mux.HandleFunc("GET /", func(out http.ResponseWriter, in *http.Request) {
		if strings.HasSuffix(in.URL.Path, "/") { // the file server would list what is in there
			http.NotFound(out, in)
			return
		}
		served.ServeHTTP(out, in)
	})
	mux.HandleFunc("GET /rehearsal.json", func(out http.ResponseWriter, _ *http.Request) {
		answer(out, http.StatusOK, s.config)
	})
	mux.HandleFunc("GET /account", s.serveAccount)
	mux.HandleFunc("GET /events", s.serveEvents)
	return mux
}

// guarded serves requests to that host by its name or as localhost. Any other name may be a foreign site's, whose name
// resolves to this machine so that it can read what only this machine may see.
func (s *site) guarded(host string) http.Handler {
	_, port, _ := strings.Cut(host, ":")
	policy := strings.Join([]string{
		"default-src 'self'", "connect-src 'self' " + s.config.Endpoint, "base-uri 'none'", "form-action 'self'",
		"frame-ancestors 'none'", "object-src 'none'",
	}, "; ")
	routes := s.routes()
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		h := out.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if in.Host != host && in.Host != "localhost:"+port {
			http.Error(out, "this page is served as "+host+" only", http.StatusMisdirectedRequest)
			return
		}
		routes.ServeHTTP(out, in)
	})
}

func answer(out http.ResponseWriter, status int, document any) {
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(status)
	_ = json.NewEncoder(out).Encode(document) // the browser may have disconnected
}

func reject(out http.ResponseWriter, status int, why string) {
	answer(out, status, map[string]string{"error": why})
}
