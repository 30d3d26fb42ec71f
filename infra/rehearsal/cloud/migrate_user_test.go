package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
)

// answerWith puts a response into the event that it received, as a function does.
func answerWith(response string) handler {
	return func(_ context.Context, payload []byte) ([]byte, *lambdahost.FunctionError, error) {
		back, err := merge(payload, map[string]any{"response": json.RawMessage(response)})
		return back, nil, err
	}
}

// fails is a function whose code returns an error; says is one with this response.
func fails(kind, message string) handler {
	return func(context.Context, []byte) ([]byte, *lambdahost.FunctionError, error) {
		return nil, &lambdahost.FunctionError{Type: kind, Message: message}, nil
	}
}

func says(response string) handler {
	return func(context.Context, []byte) ([]byte, *lambdahost.FunctionError, error) {
		return []byte(response), nil, nil
	}
}

// late is a function that runs into its timeout.
func late(ctx context.Context, _ []byte) ([]byte, *lambdahost.FunctionError, error) {
	<-ctx.Done()
	return nil, nil, ctx.Err()
}

var hooked = withTriggers(types.LambdaConfigType{
	UserMigration: functionARN("migrate"), PostAuthentication: functionARN("hook"), PostConfirmation: functionARN("hook"),
})

const goodUser = `{"userAttributes":{"email":"Ann@example.com","email_verified":"true",` +
	`"preferred_username":"ann","custom:staging_sub":"1234"},` +
	`"finalUserStatus":"CONFIRMED","messageAction":"SUPPRESS"}`

func TestMigrationAtSignIn(t *testing.T) {
	w := newWorld(t, emailAsUsername, productionSchema, hideUsers, hooked)
	lambdas.on("migrate", answerWith(goodUser))
	lambdas.on("hook", echo)

	const weak = "abc" // the policy is not enforced at migration
	out, err := w.idp.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: &w.client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": "ann@Example.com", "PASSWORD": weak},
		ClientMetadata: map[string]string{"from": "web"},
	})
	require.NoError(t, err)
	require.NotNil(t, out.AuthenticationResult)
	require.Equal(t, "CONFIRMED", w.status("ann@example.com"))
	require.Zero(t, w.messages("ann@example.com"))

	require.JSONEq(t, `{"version":"1","triggerSource":"UserMigration_Authentication","region":"us-east-1",
		"userPoolId":"`+w.pool+`","userName":"ann@Example.com",
		"callerContext":{"awsSdkVersion":"aws-sdk-unknown-unknown","clientId":"`+w.client+`"},
		"request":{"password":"abc","validationData":{"from":"web"},"userAttributes":null},
		"response":{"userAttributes":null,"forceAliasCreation":null,"enableSMSMFA":null,"finalUserStatus":null,`+
		`"messageAction":null,"desiredDeliveryMediums":null}}`,
		lambdas.events("migrate")[0])

	u, err := w.get("ann@example.com")
	require.NoError(t, err)
	hook := lambdas.events("hook")
	require.Len(t, hook, 1)
	var e struct {
		TriggerSource, UserName string
		Request                 struct{ UserAttributes map[string]string }
	}
	require.NoError(t, json.Unmarshal([]byte(hook[0]), &e))
	require.Equal(t, "PostAuthentication_Authentication", e.TriggerSource)
	require.Equal(t, *u.Username, e.UserName)
	require.Equal(t, map[string]string{
		"sub": *u.Username, "email": "Ann@example.com", "email_verified": "true", "preferred_username": "ann",
		"custom:staging_sub": "1234", "cognito:user_status": "CONFIRMED",
	}, e.Request.UserAttributes)

	require.NoError(t, w.signIn("ann@example.com", weak))
	require.Len(t, lambdas.events("migrate"), 1, "the trigger is not called for a user who exists")
	require.Len(t, lambdas.events("hook"), 2)
	require.Equal(t, 1, w.c.CountRequests(Filter{Service: "trigger", Operation: "UserMigration_Authentication"}))
}

func TestMigrationWithReset(t *testing.T) {
	for name, verified := range map[string]string{"verified email": "true", "unverified email": "false"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emailAsUsername, hooked)
			lambdas.on("migrate", answerWith(`{"userAttributes":{"email":"ann@example.com","email_verified":"`+verified+`"}}`))
			lambdas.on("hook", echo)
			rejectedWith(t, w.signIn("ann@example.com", password), "PasswordResetRequiredException")
			require.Equal(t, "RESET_REQUIRED", w.status("ann@example.com"))
			require.Empty(t, lambdas.events("hook"))
			require.Equal(t, 1, w.messages("ann@example.com"), "a welcome: messageAction was not SUPPRESS")
		})
	}
}

func TestMigrationAtForgotPassword(t *testing.T) {
	w := newWorld(t, emailAsUsername, productionSchema, hideUsers, hooked)
	lambdas.on("migrate", answerWith(goodUser))
	lambdas.on("hook", echo)
	out, err := w.forgotPassword("ann@example.com")
	require.NoError(t, err)
	require.Equal(t, "A***@e***", *out.CodeDeliveryDetails.Destination)
	require.Equal(t, "RESET_REQUIRED", w.status("ann@example.com"))
	message, ok := w.c.LastMessage("ann@example.com")
	require.True(t, ok)

	require.NoError(t, w.confirmForgot("ann@example.com", message.Code, "Brand-New-1"))
	require.Equal(t, "CONFIRMED", w.status("ann@example.com"))
	require.Contains(t, lambdas.events("hook")[0], `"triggerSource":"PostConfirmation_ConfirmForgotPassword"`)
	require.Contains(t, lambdas.events("hook")[0], `"custom:staging_sub":"1234"`)
	require.NotContains(t, lambdas.events("migrate")[0], "password")
	require.NoError(t, w.signIn("ann@example.com", "Brand-New-1"))
}

func TestMigrationRejected(t *testing.T) {
	respond := func(members string) string {
		return `{"userAttributes":{"email":"ann@example.com","preferred_username":"ann"` + members + `}`
	}
	const confirmed = `},"finalUserStatus":"CONFIRMED"`
	tests := map[string]string{
		"unchanged":               `{"userAttributes":null,"finalUserStatus":null}`,
		"no attributes":           `{"userAttributes":{` + confirmed + `}`,
		"sub":                     respond(`,"sub":"1"` + confirmed),
		"not in the schema":       respond(`,"custom:color":"red"` + confirmed),
		"flag alone":              respond(`,"phone_number_verified":"true"` + confirmed),
		"too long":                respond(`,"custom:staging_sub":"0123456789012345678901234567890123456789"` + confirmed),
		"other email":             `{"userAttributes":{"email":"bob@a.b","preferred_username":"ann"` + confirmed + `}`,
		"no email":                `{"userAttributes":{"preferred_username":"ann"` + confirmed + `}`,
		"required missing":        `{"userAttributes":{"email":"ann@example.com"` + confirmed + `}`,
		"unknown status":          respond(`},"finalUserStatus":"ARCHIVED"`),
		"empty status":            respond(`},"finalUserStatus":""`),
		"unknown message action":  respond(confirmed + `,"messageAction":"NO"`),
		"unknown delivery medium": respond(confirmed + `,"desiredDeliveryMediums":["PIGEON"]`),
	}
	hidden := newWorld(t, emailAsUsername, productionSchema, hideUsers, hooked)
	legacy := newWorld(t, emailAsUsername, productionSchema, hooked)
	for name, response := range tests {
		t.Run(name, func(t *testing.T) {
			lambdas.on("migrate", answerWith(response))
			rejectedWith(t, hidden.signIn("ann@example.com", password), "NotAuthorizedException",
				"Incorrect username or password.")
			rejectedWith(t, legacy.signIn("ann@example.com", password), "UserNotFoundException")

			require.NoError(t, hidden.forgot("ann@example.com"), "a made-up delivery")
			rejectedWith(t, legacy.forgot("ann@example.com"), "UserNotFoundException")

			rejectedWith(t, legacy.find("ann@example.com"), "UserNotFoundException")
			require.Zero(t, hidden.messages("ann@example.com"))
		})
	}
}

func TestTriggerFailures(t *testing.T) {
	notInvocable := func(context.Context, []byte) ([]byte, *lambdahost.FunctionError, error) {
		return nil, nil, errors.New("throttled")
	}
	tests := map[string]struct {
		answer        handler
		code, message string
		attempts      int
	}{
		"function error": {fails("StagingUnavailable", "staging cannot be asked"), "UserLambdaValidationException",
			"UserMigration failed with error staging cannot be asked.", 1},
		"late":          {late, "UnexpectedLambdaException", "", 3},
		"not invocable": {notInvocable, "UnexpectedLambdaException", "", 3},
		"not JSON":      {says("hello"), "InvalidLambdaResponseException", "", 1},
		"null":          {says("null"), "InvalidLambdaResponseException", "", 1},
		"attributes of the wrong kind": {answerWith(`{"userAttributes":{"email_verified":true}}`),
			"InvalidLambdaResponseException", "", 1},
	}
	w := newWorld(t, emailAsUsername, hideUsers, hooked)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			lambdas.reset()
			lambdas.on("migrate", test.answer)
			rejectedWith(t, w.signIn("ann@example.com", password), test.code, test.message)
			require.Len(t, lambdas.events("migrate"), test.attempts)
			rejectedWith(t, w.forgot("ann@example.com"), test.code)
		})
	}
}

func TestTriggerThatAnswersAtTheLastAttempt(t *testing.T) {
	w := newWorld(t, emailAsUsername, productionSchema, hooked)
	lambdas.on("hook", echo)
	var calls atomic.Int32
	lambdas.on("migrate", func(ctx context.Context, payload []byte) ([]byte, *lambdahost.FunctionError, error) {
		if calls.Add(1) < 3 {
			return late(ctx, payload)
		}
		return answerWith(goodUser)(ctx, payload)
	})
	require.NoError(t, w.signIn("ann@example.com", password))
	require.Equal(t, 2, w.c.CountRequests(Filter{Service: "trigger", ErrorCode: "Timeout"}))
}

func TestHookFailureFailsTheSignIn(t *testing.T) {
	w := newWorld(t, hooked)
	w.confirm("ann")
	lambdas.on("hook", fails("Broken", "no"))
	rejectedWith(t, w.signIn("ann", password), "UserLambdaValidationException", "PostAuthentication failed with error no.")
	lambdas.on("hook", says("{}"))
	rejectedWith(t, w.signIn("ann", password), "InvalidLambdaResponseException")
}

// The functions call the proxy while Cognito waits for them: nothing may be locked meanwhile.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, emailAsUsername, hooked)
	userName := func(payload []byte) string {
		var e struct{ UserName string }
		_ = json.Unmarshal(payload, &e)
		return e.UserName
	}
	lambdas.on("migrate", func(ctx context.Context, payload []byte) ([]byte, *lambdahost.FunctionError, error) {
		return answerWith(`{"userAttributes":{"email":"`+userName(payload)+`"},"finalUserStatus":"CONFIRMED",`+
			`"messageAction":"SUPPRESS"}`)(ctx, payload)
	})
	lambdas.on("hook", func(_ context.Context, payload []byte) ([]byte, *lambdahost.FunctionError, error) {
		return payload, nil, w.find(userName(payload))
	})
	errs := make([]error, 12)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = w.signIn(fmt.Sprintf("user%d@example.com", i), password) })
	}
	wait.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, lambdas.events("hook"), len(errs))
}
