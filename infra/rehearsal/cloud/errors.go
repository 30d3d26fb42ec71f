package cloud

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error as a service would answer it.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func reject(code, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) *apiError {
	return reject("InvalidParameterException", format, args...)
}

func notAuthorized(message string) *apiError { return reject("NotAuthorizedException", "%s", message) }

// notServed says that something fails here only.
func notServed(what string) *apiError {
	return reject("InvalidParameterException", "This local cloud does not serve %s.", what)
}

func incorrectPassword() *apiError { return notAuthorized("Incorrect username or password.") }

func userNotFound() *apiError { return reject("UserNotFoundException", "User does not exist.") }

// asAPIError turns what a handler returned into what the client sees. An error of the proxy itself is a 500: it must
// not look like an answer of the service.
func asAPIError(err error) *apiError {
	var known *apiError
	if errors.As(err, &known) {
		return known
	}
	return &apiError{status: http.StatusInternalServerError, code: "InternalErrorException", message: err.Error()}
}

// errorOf reads the error from an answer of moto or of the Lambda API.
func errorOf(r reply) *apiError {
	e := &apiError{status: r.status}
	var body struct {
		Type    string `json:"__type"`
		Message string // or message
	}
	_ = json.Unmarshal(r.body, &body) // a function's error and a crash of moto are not JSON of this kind
	code := cmp.Or(body.Type, r.header.Get("X-Amzn-Errortype"), fmt.Sprintf("Http%d", r.status))
	e.code, e.message = code[strings.LastIndex(code, "#")+1:], body.Message
	return e
}

// errorReply gives an error the format of its service.
func errorReply(service string, e *apiError) reply {
	if errorsOf(service) == queryErrors {
		return queryErrorReply(e)
	}
	kind := e.code
	if service == "dynamodb" {
		kind = "com.amazonaws.dynamodb.v20120810#" + e.code
	}
	body, _ := json.Marshal(map[string]string{"__type": kind, "message": e.message})
	return reply{
		status: e.status,
		header: http.Header{
			"Content-Type":     {contentType(service)},
			"X-Amzn-Errortype": {e.code},
		},
		body: body,
	}
}

func contentType(service string) string {
	switch service {
	case "dynamodb":
		return "application/x-amz-json-1.0"
	case "lambda":
		return "application/json"
	}
	return "application/x-amz-json-1.1"
}

// queryError is an error in the Query protocol, which STS, IAM and CloudFormation have.
type queryError struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Error   struct {
		Type    string
		Code    string
		Message string
	}
	RequestID string `xml:"RequestId"`
}

func queryErrorReply(e *apiError) reply {
	var body queryError
	body.Error.Type, body.Error.Code, body.Error.Message = "Sender", e.code, e.message
	if e.status >= http.StatusInternalServerError {
		body.Error.Type = "Receiver"
	}
	return xmlReply(e.status, body)
}

func xmlReply(status int, body any) reply {
	text, _ := xml.Marshal(body)
	return reply{status: status, header: http.Header{"Content-Type": {"text/xml"}}, body: text}
}

// usualErrors are the codes and statuses of errors that every service has in its own way.
type usualErrors struct {
	throttled, failed, unknownKey, denied string
	busy, forbidden                       int
}

var (
	otherErrors = usualErrors{
		throttled: "TooManyRequestsException", failed: "InternalErrorException", unknownKey: "UnrecognizedClientException",
		denied: "AccessDeniedException", busy: 400, forbidden: 400,
	}
	queryErrors   = usualErrors{"Throttling", "InternalFailure", "InvalidClientTokenId", "AccessDenied", 400, 403}
	serviceErrors = map[string]usualErrors{
		"dynamodb": {
			"ProvisionedThroughputExceededException", "InternalServerError", "UnrecognizedClientException",
			"AccessDeniedException", 400, 400,
		},
		"lambda": {
			"TooManyRequestsException", "ServiceException", "UnrecognizedClientException", "AccessDeniedException", 429, 403,
		},
		"sts": queryErrors, "iam": queryErrors, "cloudformation": queryErrors,
	}
)

func errorsOf(service string) usualErrors { return cmp.Or(serviceErrors[service], otherErrors) }

func throttled(service string) *apiError {
	return &apiError{errorsOf(service).busy, errorsOf(service).throttled, "Rate exceeded"}
}

func serverError(service string) *apiError {
	return &apiError{http.StatusInternalServerError, errorsOf(service).failed, "Internal server error"}
}

// unknownKey is the answer to a key that was never issued.
func unknownKey(service string) *apiError {
	const message = "The security token included in the request is invalid."
	return &apiError{errorsOf(service).forbidden, errorsOf(service).unknownKey, message}
}

// denied is the answer to an action that the caller's policies do not allow.
func denied(service, caller, action, resource string) *apiError {
	return &apiError{errorsOf(service).forbidden, errorsOf(service).denied, fmt.Sprintf("User: %s is not authorized to "+
		"perform: %s on resource: %s because no identity-based policy allows the %[2]s action", caller, action, resource)}
}
