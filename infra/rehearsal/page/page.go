// Package page lets a reader play the migration in their own browser: the sign-in that a user sees, against the local
// cloud, and beside it the ledger, the mailbox and the functions' decisions.
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

// Page is the served page, on this machine only.
type Page struct {
	url    string
	server *http.Server
	untap  func()
}

// Serve serves the page for two accounts on a free port of the loopback interface. The users, who must exist already,
// are listed with their passwords. Close it before the accounts.
func Serve(ctx context.Context, s *spaceport.Spaceport, users []journeys.ScenarioUser) (*Page, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the page: %w", err)
	}
	site, untap, err := watch(ctx, s, users)
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

// URL is the page's address.
func (p *Page) URL() string { return p.url }

// Close stops serving at once and ends all event streams.
func (p *Page) Close() error {
	p.untap()
	return p.server.Close()
}

// watch returns the site of two accounts, which follows their changes.
func watch(ctx context.Context, s *spaceport.Spaceport, users []journeys.ScenarioUser) (*site, func(), error) {
	config, err := readConfig(ctx, s, users)
	if err != nil {
		return nil, nil, err
	}
	emails, err := stagingEmails(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	decisions := &decisions{emails: emails}
	watched := newWatched(observer{s, decisions}.snapshot)
	s.Lambdas.OnLog(func(function string, line []byte) {
		if decisions.read(function, line) {
			watched.changes.notify()
		}
	})
	untap := s.Cloud.Tap(func(r cloud.Request) {
		if changesSnapshot(r, s.Settings.LedgerTable) {
			watched.changes.notify()
		}
	})
	return &site{config: config, account: accounts{s}.of, watched: watched}, untap, nil
}

// changesSnapshot reports whether a request may have written the ledger or sent an email. Reads do not count: the page
// reads both itself.
func changesSnapshot(r cloud.Request, ledgerTable string) bool {
	switch r.Service {
	case "dynamodb":
		return r.Resource == ledgerTable && !reads[r.Operation]
	case "cognito-idp":
		return true // most can send an email
	}
	return false
}

var reads = map[string]bool{"GetItem": true, "Query": true, "Scan": true, "DescribeTable": true}
