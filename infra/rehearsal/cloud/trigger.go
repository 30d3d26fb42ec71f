package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Cognito developer guide, Customizing user pool workflows with Lambda triggers, "Things to know": a function must
// answer within 5 seconds; if it does not, the call is made again, three times in all.
const triggerAttempts = 3

// event is what a trigger receives (same page, "User pool Lambda trigger common parameters").
type event struct {
	Version       string        `json:"version"`
	TriggerSource string        `json:"triggerSource"`
	Region        string        `json:"region"`
	UserPoolID    string        `json:"userPoolId"`
	UserName      string        `json:"userName"`
	CallerContext callerContext `json:"callerContext"`
	Request       any           `json:"request"`
	Response      any           `json:"response"`
}

type callerContext struct {
	SDKVersion string `json:"awsSdkVersion"`
	ClientID   string `json:"clientId"`
}

// AdminConfirmSignUp and the like name no client; Cognito then writes this.
const noClient = "CLIENT_ID_NOT_APPLICABLE"

func newEvent(q *query, source, userName string, request, response any) event {
	clientID := noClient
	if q.client != nil {
		clientID = q.client.id
	}
	return event{
		Version: "1", TriggerSource: source, Region: q.pool.region, UserPoolID: q.pool.id, UserName: userName,
		CallerContext: callerContext{SDKVersion: "aws-sdk-unknown-unknown", ClientID: clientID},
		Request:       request, Response: response,
	}
}

// fire calls a pool's trigger and returns the response member of the returned event. No lock is held meanwhile, since
// the function calls the proxy itself.
func (c *Cloud) fire(ctx context.Context, q *query, trigger string, e event) (json.RawMessage, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	function := q.pool.triggers[trigger]
	var answer []byte
	for range triggerAttempts {
		if answer, err = c.attempt(ctx, q, e.TriggerSource, function, payload); !c.worthRetrying(err) {
			break
		}
	}
	if err != nil {
		return nil, triggerFailure(trigger, err)
	}
	return readResponse(trigger, answer)
}

func (c *Cloud) worthRetrying(err error) bool {
	var fromFunction *FunctionError
	return err != nil && (c.retryErrors || !errors.As(err, &fromFunction))
}

func (c *Cloud) attempt(ctx context.Context, q *query, source, function string, payload []byte) ([]byte, error) {
	line := Request{
		Time: time.Now(), Account: q.pool.account, Caller: "cognito", Service: "trigger", Operation: source,
		Resource: function, Status: 200,
	}
	answer, err := c.invoke(ctx, function, payload)
	line.Duration = time.Since(line.Time)
	if err != nil {
		line.Status, line.ErrorCode = 500, errorName(err)
	}
	c.log.add(line)
	return answer, err
}

var errNoFunctions = errors.New("no such function")

func (c *Cloud) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	invoker := c.functions.get()
	if invoker == nil {
		return nil, errNoFunctions
	}
	ctx, cancel := context.WithTimeout(ctx, c.triggerTimeout)
	defer cancel()
	type outcome struct {
		answer []byte
		err    error
	}
	done := make(chan outcome, 1) // an Invoker may ignore its context
	go func() {
		answer, functionError, err := invoker.Invoke(ctx, function, payload)
		if functionError != nil {
			err = functionError
		}
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func errorName(err error) string {
	var fromFunction *FunctionError
	switch {
	case errors.As(err, &fromFunction):
		return fromFunction.Type
	case errors.Is(err, context.DeadlineExceeded):
		return "Timeout"
	}
	return "Invocation"
}

// triggerFailure is the client's view (API reference, InitiateAuth, Errors).
func triggerFailure(trigger string, err error) error {
	var fromFunction *FunctionError
	if errors.As(err, &fromFunction) {
		return reject("UserLambdaValidationException", "%s failed with error %s.", trigger, fromFunction.Message)
	}
	return reject("UnexpectedLambdaException", "%s invocation failed due to error %s.", trigger, err)
}

// readResponse requires the event to be returned: the guide says of post authentication that a function that does not
// return it can fail the sign-in.
func readResponse(trigger string, answer []byte) (json.RawMessage, error) {
	var back struct {
		TriggerSource string          `json:"triggerSource"`
		Response      json.RawMessage `json:"response"`
	}
	err := json.Unmarshal(answer, &back)
	if err != nil || back.Response == nil || back.TriggerSource == "" {
		return nil, badResponse(trigger, "Unrecognizable lambda output")
	}
	return back.Response, nil
}

func badResponse(trigger, what string) error {
	return reject("InvalidLambdaResponseException", "%s: %s", trigger, what)
}

// attributesOf is the user as a trigger sees them, including the status.
func attributesOf(u *user) map[string]string {
	all := map[string]string{"cognito:user_status": u.UserStatus}
	for _, a := range u.UserAttributes {
		all[a.Name] = a.Value
	}
	return all
}
