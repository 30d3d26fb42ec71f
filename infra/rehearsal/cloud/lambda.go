package cloud

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// Invoker runs Lambda functions.
type Invoker interface {
	// Invoke calls a function and waits. functionError is set if the function answered with an error, err if there was
	// no answer at all.
	Invoke(ctx context.Context, function string, payload []byte) (response []byte, functionError *FunctionError, err error)
	// ServeHTTP answers the Lambda API.
	ServeHTTP(http.ResponseWriter, *http.Request)
}

// FunctionError is an error that a function answered with.
type FunctionError struct {
	Type    string
	Message string
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

func (c *Cloud) lambda(k *call) (reply, error) {
	invoker := c.functions.get()
	if invoker == nil {
		return reply{}, &apiError{
			status:  http.StatusNotFound,
			code:    "ResourceNotFoundException",
			message: "Function not found: " + k.request.Resource,
		}
	}
	k.http.Body = io.NopCloser(bytes.NewReader(k.body))
	recorder := httptest.NewRecorder() // it keeps the answer, so that a fault can still drop it
	invoker.ServeHTTP(recorder, k.http)
	return reply{status: recorder.Code, header: recorder.Header(), body: recorder.Body.Bytes()}, nil
}

// lambdaOperation names the operation behind a path such as /2015-03-31/functions/<name>/invocations.
func lambdaOperation(method, path string) (operation, function string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 {
		return method, ""
	}
	function = functionName(parts[2])
	known := map[string]string{"POST invocations": "Invoke", "GET policy": "GetPolicy"}
	rest := strings.Join(parts[3:], "/")
	if operation = known[method+" "+rest]; operation == "" {
		operation = method + " " + rest
	}
	return operation, function
}

// functionName takes the name out of an ARN, which may be escaped in a path.
func functionName(arn string) string {
	if plain, err := url.PathUnescape(arn); err == nil {
		arn = plain
	}
	if _, rest, found := strings.Cut(arn, ":function:"); found {
		arn, _, _ = strings.Cut(rest, ":")
	}
	return arn
}

// formOperation reads the older protocol: a form with an Action.
func formOperation(body []byte) (operation, resource string) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", ""
	}
	return form.Get("Action"), form.Get("RoleArn")
}
