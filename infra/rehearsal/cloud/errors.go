package cloud

import (
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

// errorOf reads the error from an answer, in any of the formats that the services use.
func errorOf(r reply) *apiError {
	e := &apiError{status: r.status}
	var body struct {
		Type    string `json:"__type"`
		Lower   string `json:"message"`
		Message string
	}
	var form queryError
	switch {
	case json.Unmarshal(r.body, &body) == nil:
		e.code, e.message = body.Type, body.Message+body.Lower
	case xml.Unmarshal(r.body, &form) == nil:
		e.code, e.message = form.Error.Code, form.Error.Message
	}
	if header := r.header.Get("X-Amzn-Errortype"); e.code == "" {
		e.code = header
	}
	e.code = e.code[strings.LastIndex(e.code, "#")+1:]
	if e.code == "" {
		e.code = fmt.Sprintf("Http%d", r.status)
	}
	return e
}

// errorReply gives an error the format of its service.
func errorReply(service string, e *apiError) reply {
	switch service {
	case "sts", "iam", "cloudformation":
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
