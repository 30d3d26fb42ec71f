package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
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

// fire calls a pool's trigger with an empty response, and decodes the returned event's into it. The guide says of post
// authentication that a function that does not return the event can fail the sign-in. No lock is held meanwhile, since
// the function calls the proxy itself.
func (c *Cloud) fire(ctx context.Context, q *query, trigger, source, userName string, request, response any) error {
	clientID := "CLIENT_ID_NOT_APPLICABLE" // as Cognito writes where an operation names no client
	if q.client != nil {
		clientID = q.client.id
	}
	payload, err := json.Marshal(event{
		Version: "1", TriggerSource: source, Region: defaultRegion, UserPoolID: q.pool.id, UserName: userName,
		CallerContext: callerContext{SDKVersion: "aws-sdk-unknown-unknown", ClientID: clientID},
		Request:       request, Response: response,
	})
	if err != nil {
		return err
	}
	var answer []byte
	var failed *lambdahost.FunctionError
	for range triggerAttempts {
		answer, err = c.attempt(ctx, q, source, q.pool.triggers[trigger], payload)
		if err == nil || errors.As(err, &failed) { // the guide documents a retry only if no answer came in time
			break
		}
	}
	switch { // the client's view: API reference, InitiateAuth, Errors
	case failed != nil:
		return reject("UserLambdaValidationException", "%s failed with error %s.", trigger, failed.Message)
	case err != nil:
		return reject("UnexpectedLambdaException", "%s invocation failed due to error %s.", trigger, err)
	}
	var back struct {
		TriggerSource string          `json:"triggerSource"`
		Response      json.RawMessage `json:"response"`
	}
	err = json.Unmarshal(answer, &back)
	if err != nil || back.TriggerSource == "" || back.Response == nil || json.Unmarshal(back.Response, response) != nil {
		return reject("InvalidLambdaResponseException", "%s: Unrecognizable lambda output", trigger)
	}
	return nil
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

func (c *Cloud) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	invoker := c.functions.Load()
	if invoker == nil {
		return nil, errors.New("no such function")
	}
	ctx, cancel := context.WithTimeout(ctx, c.triggerTimeout)
	defer cancel()
	done, err := (*invoker).Invoke(ctx, function, payload)
	if err == nil && done.Error != nil {
		err = done.Error
	}
	return done.Response, err
}

func errorName(err error) string {
	var failed *lambdahost.FunctionError
	switch {
	case errors.As(err, &failed):
		return failed.Type
	case errors.Is(err, context.DeadlineExceeded):
		return "Timeout"
	}
	return "Invocation"
}

// attributesOf is the user as a trigger sees them, including the status.
func attributesOf(u *user) map[string]string {
	all := map[string]string{"cognito:user_status": u.UserStatus}
	for _, a := range u.UserAttributes {
		all[a.Name] = a.Value
	}
	return all
}

type postRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	NewDeviceUsed  *bool             `json:"newDeviceUsed,omitempty"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// postTrigger runs the hook, whose failure is the operation's: PostAuthentication before the user gets the tokens,
// PostConfirmation when a user has a new password (Cognito developer guide, Post authentication and Post confirmation
// Lambda trigger). The metadata of a sign-in comes from RespondToAuthChallenge only, says the former.
func (c *Cloud) postTrigger(ctx context.Context, q *query, trigger, source, username string) error {
	if q.pool.triggers[trigger] == "" {
		return nil
	}
	u, err := c.lookUp(ctx, q.pool, username)
	if err != nil || u == nil {
		return err
	}
	request := postRequest{UserAttributes: attributesOf(u), ClientMetadata: q.in.ClientMetadata}
	if trigger == "PostAuthentication" {
		request.NewDeviceUsed, request.ClientMetadata = new(bool), nil
	}
	return c.fire(ctx, q, trigger, source, u.Username, request, &struct{}{})
}
