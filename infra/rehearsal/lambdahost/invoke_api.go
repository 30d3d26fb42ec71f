package lambdahost

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// ServiceError is Lambda's rejection of an invocation. API: Invoke, Errors.
type ServiceError struct {
	Status  int
	Type    string
	Message string
}

func (e *ServiceError) Error() string { return e.Message }

// Errors of Invoke.
var (
	ErrNotFound  = &ServiceError{http.StatusNotFound, "ResourceNotFoundException", "Function not found"}
	ErrThrottled = &ServiceError{http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded."}

	errType     = &ServiceError{http.StatusBadRequest, "InvalidParameterValueException", "unknown invocation type"}
	errInternal = &ServiceError{http.StatusInternalServerError, "ServiceException", "internal error"}
)

// ServeHTTP answers Invoke and GetPolicy at /2015-03-31/functions/{name or ARN}/. API: Invoke.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mux.ServeHTTP(w, r)
}

func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has disconnected
	}
	name := FunctionName(r.PathValue("name"))
	switch r.Header.Get("X-Amz-Invocation-Type") {
	case "", "RequestResponse":
		var inv Invocation
		if inv, err = h.Invoke(r.Context(), name, payload); err == nil {
			inv.write(w)
		}
	case "Event":
		if err = h.InvokeEvent(name, payload); err == nil {
			w.WriteHeader(http.StatusAccepted)
		}
	default:
		err = errType
	}
	if err != nil {
		writeError(w, err)
	}
}

// servePolicy returns a function's resource policy. API: GetPolicy.
func (h *Host) servePolicy(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	f := h.functions[FunctionName(r.PathValue("name"))]
	h.mu.Unlock()
	if f == nil || f.Policy == "" {
		writeError(w, ErrNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"Policy": f.Policy, "RevisionId": "1"})
}

func (inv *Invocation) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Amz-Executed-Version", "$LATEST")
	header.Set("X-Amzn-Requestid", inv.RequestID)
	if inv.Error != nil {
		header.Set("X-Amz-Function-Error", "Unhandled")
	}
	_, _ = w.Write(inv.Response) // the caller may have disconnected
}

func writeError(w http.ResponseWriter, err error) {
	service := errInternal
	errors.As(err, &service)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", service.Type)
	w.WriteHeader(service.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": err.Error()})
}

// FunctionName takes a name or an ARN, whole or partial, and drops a version
// or alias. API: Invoke, FunctionName.
func FunctionName(s string) string {
	if _, after, ok := strings.Cut(s, "function:"); ok {
		s = after
	}
	name, _, _ := strings.Cut(s, ":")
	return name
}
