package lambdahost

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// call is an invocation in an environment.
type call struct {
	id       string
	arn      string
	payload  []byte
	deadline time.Time
	answered chan answer // buffered: one answer per call
}

// answer is what the caller gets: a response, or an error and its JSON.
type answer struct {
	body []byte
	err  *FunctionError
}

// runtimeAPI serves one environment. Guide: Using the Lambda runtime API for
// custom runtimes. Its errors and status codes are those of the OpenAPI
// specification that the chapter links to.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.failure)
	return mux
}

func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	select {
	case e.ready <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	select {
	case c := <-e.work:
		c.write(w)
	case <-r.Context().Done():
	}
}

func (c *call) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Lambda-Runtime-Aws-Request-Id", c.id)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", c.arn)
	header.Set("Lambda-Runtime-Trace-Id", fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0",
		time.Now().Unix(), randomHex(12), randomHex(8)))
	_, _ = w.Write(c.payload) // the end of a runtime is seen by its exit
}

func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		runtimeError(w, "InvalidRequest", err.Error())
		return
	}
	e.settle(w, r, answer{body: body})
}

func (e *environment) failure(w http.ResponseWriter, r *http.Request) {
	e.settle(w, r, readFailure(r))
}

// settle answers the current invocation, which a runtime can do once.
func (e *environment) settle(w http.ResponseWriter, r *http.Request, a answer) {
	c := e.current.Load()
	if c == nil || c.id != r.PathValue("id") || !e.current.CompareAndSwap(c, nil) {
		runtimeError(w, "InvalidRequestID", "Invalid request ID")
		return
	}
	c.answered <- a
	accept(w)
}

func accept(w http.ResponseWriter) {
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func runtimeError(w http.ResponseWriter, kind, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(failed(kind, message).body)
}

func readFailure(r *http.Request) answer {
	body, _ := io.ReadAll(r.Body)
	a := answer{body: body, err: &FunctionError{}}
	if json.Unmarshal(body, a.err) != nil {
		a.err.Message = string(body)
	}
	return a
}

func failed(kind, message string) answer {
	e := &FunctionError{Type: kind, Message: message}
	body, _ := json.Marshal(e) // two strings
	return answer{body: body, err: e}
}
