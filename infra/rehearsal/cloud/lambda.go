package cloud

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
)

// Invoker runs Lambda functions, as a lambdahost.Host does.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (lambdahost.Invocation, error)
	// ServeHTTP answers the Lambda API.
	ServeHTTP(http.ResponseWriter, *http.Request)
}

func (c *Cloud) lambda(k *call) (reply, error) {
	invoker := c.functions.Load()
	if invoker == nil {
		return reply{}, reject("ResourceNotFoundException", "Function not found: %s", k.request.Resource)
	}
	k.http.Body = io.NopCloser(bytes.NewReader(k.body))
	recorder := httptest.NewRecorder() // it keeps the answer, so that a fault can still drop it
	(*invoker).ServeHTTP(recorder, k.http)
	return reply{status: recorder.Code, header: recorder.Header(), body: recorder.Body.Bytes()}, nil
}

// lambdaOperation names the operation behind a path such as /2015-03-31/functions/<name>/invocations.
func lambdaOperation(method, path string) (operation, function string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 {
		return method + " " + path, ""
	}
	function, _ = url.PathUnescape(parts[2])
	function = lambdahost.FunctionName(function)
	known := map[string]string{"POST invocations": "Invoke", "GET policy": "GetPolicy"}
	rest := strings.Join(parts[3:], "/")
	if operation = known[method+" "+rest]; operation == "" {
		operation = method + " " + path
	}
	return operation, function
}
