package account

import (
	"bytes"
	"context"
	"errors"
	"io"
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

// Do opens connections to a request's host.
func (o opener) Do(request *http.Request) (*http.Response, error) {
	for range o.connections {
		go func() {
			for range maxTries {
				if o.open(request) {
					return
				}
			}
		}()
	}
	return nil, errWarming
}

const maxTries = 3

// open begins a request and cancels it when a connection is being opened, which is left to later requests. They join it
// if it is not there yet, and none waits for it (net/http, Transport.getConn). The request is never sent: its body is
// shorter than it says, so where it is given a connection that is open already, net/http closes that before anything is
// written, and open returns false.
func (o opener) open(request *http.Request) (opened bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opened = true
	trace := &httptrace.ClientTrace{
		ConnectStart: func(string, string) { cancel() },
		GotConn:      func(httptrace.GotConnInfo) { opened = false },
	}
	unsent := request.Clone(httptrace.WithClientTrace(ctx, trace))
	unsent.Body, unsent.ContentLength, unsent.GetBody = io.NopCloser(bytes.NewReader(nil)), 1, nil
	if response, err := o.client.Do(unsent); err == nil {
		response.Body.Close()
	}
	return opened
}
