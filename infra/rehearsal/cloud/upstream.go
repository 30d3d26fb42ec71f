package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"
)

// upstream calls moto.
type upstream struct {
	address string
	client  *http.Client
	cognito sync.Mutex // moto answers 500 to some concurrent Cognito calls
}

func newUpstream(address string) *upstream {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true, IdleConnTimeout: time.Minute}
	return &upstream{address: address, client: &http.Client{Transport: transport}}
}

// send passes a request to moto on behalf of an account. moto reads the service and the region from the credential's
// scope and, before that, the account from a header of its own.
func (u *upstream) send(ctx context.Context, account, service string, r request) (reply, error) {
	url := "http://" + u.address + r.path
	outgoing, err := http.NewRequestWithContext(ctx, r.method, url, bytes.NewReader(r.body))
	if err != nil {
		return reply{}, err
	}
	for name, values := range r.header {
		if !hopByHop[name] {
			outgoing.Header[name] = values
		}
	}
	scope := fmt.Sprintf("AKIAPROXY/20260101/%s/%s/aws4_request", defaultRegion, service)
	outgoing.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+scope+", SignedHeaders=host, Signature=none")
	outgoing.Header.Set("x-moto-account-id", account)
	response, err := u.client.Do(outgoing)
	if err != nil {
		return reply{}, fmt.Errorf("ask moto: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, fmt.Errorf("read moto's answer: %w", err)
	}
	return reply{status: response.StatusCode, header: response.Header, body: body}, nil
}

// ask performs one Cognito operation at moto, and returns moto's error as an *apiError.
func (u *upstream) ask(ctx context.Context, account, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", operation, err)
	}
	answer, err := u.askRaw(ctx, account, operation, body)
	if err != nil {
		return err
	}
	if out == nil || answer == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode %s: %w", operation, err)
	}
	return nil
}

// askAbout performs an operation on one user, with more members.
func (c *Cloud) askAbout(ctx context.Context, p *pool, username, operation string, more map[string]any, out any) error {
	in := map[string]any{"UserPoolId": p.id, "Username": username}
	maps.Copy(in, more)
	return c.upstream.ask(ctx, p.account, operation, in, out)
}

func (u *upstream) askRaw(ctx context.Context, account, operation string, body []byte) ([]byte, error) {
	u.cognito.Lock()
	defer u.cognito.Unlock()
	answer, err := u.send(ctx, account, "cognito-idp", request{
		method: http.MethodPost,
		path:   "/",
		header: http.Header{
			"Content-Type": {"application/x-amz-json-1.1"},
			"X-Amz-Target": {cognitoTarget + "." + operation},
		},
		body: body,
	})
	if err != nil {
		return nil, err
	}
	switch {
	case answer.status >= http.StatusMultipleChoices:
		return nil, errorOf(answer)
	case len(answer.body) == 0:
		return nil, nil
	}
	return answer.body, nil
}

// request is what is sent on to moto, reply what comes back to the client.
type request struct {
	method, path string
	header       http.Header
	body         []byte
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Transfer-Encoding": true, "Upgrade": true, "Te": true, "Trailer": true,
	"Content-Length": true, "Authorization": true, "X-Moto-Account-Id": true,
}
