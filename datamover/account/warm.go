package account

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Warming is an account to which clients open connections for later calls. A call opens that many and fails without
// sending anything, so it needs no credentials.
func Warming(cfg aws.Config, connections int) aws.Config {
	cfg.HTTPClient = opener{cfg.HTTPClient, connections}
	cfg.Credentials, cfg.Retryer = aws.AnonymousCredentials{}, func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

var errWarming = errors.New("only a connection was opened")

type opener struct {
	client      aws.HTTPClient
	connections int
}

// Do opens connections to a request's host. A request that is canceled leaves its connection to later ones, which join
// it if it is not there yet (net/http, Transport.getConn), and no request waits for it.
func (o opener) Do(request *http.Request) (*http.Response, error) {
	for range o.connections {
		ctx, cancel := context.WithCancel(context.Background())
		trace := &httptrace.ClientTrace{ConnectStart: func(string, string) { cancel() }}
		canceled := request.Clone(httptrace.WithClientTrace(ctx, trace))
		go func() {
			defer cancel()
			if response, err := o.client.Do(canceled); err == nil {
				response.Body.Close()
			}
		}()
	}
	return nil, errWarming
}
