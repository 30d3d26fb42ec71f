// Package page lets somebody play the migration themselves: the sign-in that a user sees, in their own browser, against the
// local cloud; and beside it, to look at, the ledger, the mailbox and what the functions decide.
package page

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Page is the page as it is served, on this machine only.
type Page struct {
	url    string
	server *http.Server
	untap  func()
}

// Serve shows two accounts on a free port of the loopback interface. People are listed with their passwords; whoever they
// are, they are to be there already. Close it before the accounts.
func Serve(ctx context.Context, s *spaceport.Spaceport, people []journeys.Role) (*Page, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the page: %w", err)
	}
	site, untap, err := watch(ctx, s, people)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p := &Page{
		url:    "http://" + listener.Addr().String() + "/",
		server: &http.Server{Handler: site.guarded(listener.Addr().String()), ReadHeaderTimeout: 10 * time.Second},
		untap:  untap,
	}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// URL is what to open in a browser.
func (p *Page) URL() string { return p.url }

// Close stops serving at once, also whoever is watching.
func (p *Page) Close() error {
	p.untap()
	return p.server.Close()
}

// watch makes the site of two accounts, which follows what happens in them.
func watch(ctx context.Context, s *spaceport.Spaceport, people []journeys.Role) (*site, func(), error) {
	terms, err := readTerms(ctx, s, people)
	if err != nil {
		return nil, nil, err
	}
	decisions := &decisions{}
	watched := newWatched(observer{s, decisions}.picture)
	s.Lambdas.OnLog(func(function string, line []byte) {
		if decisions.read(function, line) {
			watched.changes.tell()
		}
	})
	untap := s.Cloud.Tap(func(r cloud.Request) {
		if changesPicture(r, s.Settings.LedgerTable) {
			watched.changes.tell()
		}
	})
	return &site{terms: terms, account: accounts{s}.of, watched: watched}, untap, nil
}

// changesPicture tells whether a request may have written the ledger or posted a letter. Looking at either must not count:
// the page does so itself.
func changesPicture(r cloud.Request, ledgerTable string) bool {
	switch r.Service {
	case "dynamodb":
		return r.Resource == ledgerTable && !reads[r.Operation]
	case "cognito-idp":
		return true // most can end in a letter
	}
	return false
}

var reads = map[string]bool{"GetItem": true, "Query": true, "Scan": true, "DescribeTable": true}
