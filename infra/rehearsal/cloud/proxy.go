package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	cognitoTarget = "AWSCognitoIdentityProviderService"
	publicCaller  = "public"
)

// call is one request from outside, on its way through the proxy.
type call struct {
	request Request
	caller  *identity // nil where the operation needs no signature
	http    *http.Request
	body    []byte
	in      input // of the JSON protocol
}

func (k *call) callerARN() string {
	if k.caller == nil {
		return "anonymous"
	}
	return k.caller.arn()
}

// action is the operation's name in a policy.
func (k *call) action() string {
	if k.request.Service == "lambda" && k.request.Operation == "Invoke" {
		return "lambda:InvokeFunction"
	}
	return k.request.Service + ":" + k.request.Operation
}

// ServeHTTP answers any request of an AWS client.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowBrowsers(w.Header())
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusOK)
		return
	}
	if poolID, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/.well-known/jwks.json"); ok {
		answer, err := c.serveKeys(r.Context(), poolID, r.URL.Path)
		if err != nil {
			answer = errorReply("cognito-idp", asAPIError(err))
		}
		answer.write(w)
		return
	}
	k, err := c.read(r)
	answer, drop := reply{}, false
	if err == nil {
		// What has begun is performed even if the client disconnects, as it is in the cloud.
		answer, drop, err = c.answer(context.WithoutCancel(r.Context()), k)
	}
	if err != nil {
		e := asAPIError(err)
		k.request.ErrorCode = e.code
		answer = errorReply(k.request.Service, e)
	}
	k.request.Duration = time.Since(k.request.Time)
	k.request.Status = answer.status
	if drop {
		k.request.Status = 0
	}
	c.log.add(k.request)
	if drop {
		hangUp(w)
		return
	}
	answer.write(w)
}

// served are the services of this cloud, and of those that are served in part the operations. Cognito's are in
// operations.
var served = map[string][]string{
	"cognito-idp": nil, "dynamodb": nil, "cloudformation": {"DescribeStacks"}, "iam": {"SimulatePrincipalPolicy"},
	"lambda": {"Invoke", "GetPolicy"}, "ses": {"GetAccount"}, "sts": {"AssumeRole", "GetCallerIdentity"},
}

// answer performs a request, unless a fault, a policy or a quota prevents it.
func (c *Cloud) answer(ctx context.Context, k *call) (answer reply, drop bool, err error) {
	if only, ok := served[k.request.Service]; !ok || only != nil && !slices.Contains(only, k.request.Operation) {
		return reply{}, false, notServed(k.action())
	}
	if k.caller != nil && !c.allowed(k) {
		return reply{}, false, denied(k.request.Service, k.callerARN(), k.action(), k.request.Resource)
	}
	met := c.faults.hits(k.request)
	if drop, err := before(k, met); drop || err != nil {
		return reply{}, drop, err
	}
	if !c.quotas.take(k.request) {
		return reply{}, false, throttled(k.request.Service)
	}
	answer, err = c.perform(ctx, k)
	if err != nil {
		e := asAPIError(err)
		answer, k.request.ErrorCode = errorReply(k.request.Service, e), e.code
	} else if answer.status >= http.StatusMultipleChoices {
		k.request.ErrorCode = errorOf(answer).code
	}
	k.request.Status = answer.status
	return answer, after(k, met), nil
}

func (c *Cloud) allowed(k *call) bool {
	// AWS STS API reference: GetCallerIdentity needs no permission and cannot be denied.
	return k.request.Operation == "GetCallerIdentity" || k.caller.may(k.action())
}

func (c *Cloud) perform(ctx context.Context, k *call) (reply, error) {
	switch k.request.Service {
	case "cognito-idp":
		return c.cognito(ctx, k)
	case "sts":
		return c.sts(k)
	case "iam":
		return c.iam(k)
	case "cloudformation":
		return c.cloudformation(k)
	case "lambda":
		return c.lambda(k)
	case "ses":
		return c.ses(k)
	case "dynamodb":
		// moto's tables are not safe for threads: two first rows of one partition, or two conditional writes of one item, can
		// both succeed where DynamoDB performs one after the other.
		if !strings.HasPrefix(k.request.Operation, "Describe") {
			c.tables.Lock()
			defer c.tables.Unlock()
		}
	}
	return c.upstream.send(ctx, k.request.Account, k.request.Service, request{
		method: k.http.Method, path: k.http.URL.RequestURI(), header: k.http.Header, body: k.body,
	})
}

// read finds the caller and the operation. The call is never nil, so that a rejected request is logged too.
func (c *Cloud) read(r *http.Request) (*call, error) {
	k := &call{request: Request{Time: time.Now()}, http: r}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return k, reject("RequestTimeout", "read body: %v", err)
	}
	k.body = body
	signed, isSigned := readScope(r.Header)
	k.request.Service = signed.service
	k.request.Operation, k.request.Resource = describe(k)
	return k, c.identify(k, signed, isSigned)
}

// identify says which account the call is for. Cognito checks no signature in its public operations (API reference:
// "Amazon Cognito doesn't evaluate IAM policies in requests for this API operation"); they belong to the account of the
// client or the token.
func (c *Cloud) identify(k *call, signed scope, isSigned bool) error {
	if target, _, _ := strings.Cut(k.http.Header.Get("X-Amz-Target"), "."); target == cognitoTarget {
		k.request.Service = "cognito-idp"
		// What is not served is an error for whoever asks.
		if op, served := operations[k.request.Operation]; op.isPublic() || !served && !isSigned {
			k.request.Caller = publicCaller
			c.locate(k)
			return nil
		}
	}
	if !isSigned {
		return &apiError{
			status:  http.StatusForbidden,
			code:    "MissingAuthenticationTokenException",
			message: "Missing Authentication Token",
		}
	}
	caller, known := c.identities.Load(signed.key)
	if !known {
		return unknownKey(signed.service)
	}
	k.caller = caller.(*identity)
	k.request.Caller, k.request.Account = k.caller.name, k.caller.account
	return nil
}

// describe returns the operation and the resource of a call.
func describe(k *call) (operation, resource string) {
	if _, operation, found := strings.Cut(k.http.Header.Get("X-Amz-Target"), "."); found {
		_ = json.Unmarshal(k.body, &k.in) // what is not JSON is rejected later
		tables := slices.Sorted(maps.Keys(k.in.RequestItems))
		return operation, cmp.Or(append([]string{k.in.TableName, k.in.UserPoolID}, tables...)...)
	}
	switch k.request.Service {
	case "lambda":
		return lambdaOperation(k.http.Method, k.http.URL.Path)
	case "ses":
		name := k.http.Method + " " + k.http.URL.Path
		return cmp.Or(sesOperations[name], name), ""
	}
	form, _ := url.ParseQuery(string(k.body)) // the Query protocol
	return form.Get("Action"), form.Get("RoleArn")
}

func (r reply) write(w http.ResponseWriter) {
	for name, values := range r.header {
		if !hopByHop[name] && !strings.HasPrefix(name, "Access-Control-") {
			w.Header()[name] = values
		}
	}
	if w.Header().Get("X-Amzn-Requestid") == "" {
		w.Header().Set("X-Amzn-Requestid", randomHex(16))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}

// hangUp closes the connection so that the client sees a reset.
func hangUp(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// allowBrowsers allows a page to call this cloud directly, as Cognito does.
func allowBrowsers(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
	h.Set(
		"Access-Control-Allow-Headers",
		"authorization, cache-control, content-type, x-amz-date, x-amz-security-token, x-amz-target, "+
			"x-amz-user-agent, amz-sdk-invocation-id, amz-sdk-request",
	)
	h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date")
	h.Set("Access-Control-Max-Age", "172800")
}
