package userpool

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/spaceport/user-migration/trigger"
)

// meanings puts Cognito's errors into the trigger's words ("Amazon Cognito API reference, AdminInitiateAuth, Errors").
var meanings = map[string]error{
	"NotAuthorizedException":         trigger.ErrRefused, // wrong password, disabled, locked out
	"UserNotFoundException":          trigger.ErrRefused,
	"UserNotConfirmedException":      trigger.ErrRefused,
	"PasswordResetRequiredException": trigger.ErrRefused,
	"UserLambdaValidationException":  trigger.ErrRefused, // a trigger of staging's own lets them not in

	"TooManyRequestsException": trigger.ErrThrottled,
	"LimitExceededException":   trigger.ErrThrottled,

	"AccessDenied":                          trigger.ErrDenied, // of AssumeRole
	"AccessDeniedException":                 trigger.ErrDenied,
	"ForbiddenException":                    trigger.ErrDenied,
	"UnrecognizedClientException":           trigger.ErrDenied,
	"InvalidParameterException":             trigger.ErrMisconfigured, // such as an app client without the flow
	"ResourceNotFoundException":             trigger.ErrMisconfigured, // pool or app client
	"InvalidUserPoolConfigurationException": trigger.ErrMisconfigured,
}

// apiError is an answer of staging's. Its text leaves out Cognito's message: that can be the text of a Lambda function of
// staging's own, with anything about the user in it. Unwrap keeps it for the code.
type apiError struct {
	what, code string
	meaning    error
	cause      error
}

func (e *apiError) Error() string { return fmt.Sprintf("%s: %v (%s)", e.what, e.meaning, e.code) }

// Unwrap returns the meaning, and the SDK's error.
func (e *apiError) Unwrap() []error { return []error{e.meaning, e.cause} }

// isSecretHash tells a client of ours that has a secret, which is not to be, from a wrong password.
func isSecretHash(message string) bool {
	return strings.Contains(strings.ReplaceAll(strings.ToLower(message), "_", " "), "secret hash")
}

// translate names what was tried and what the error means.
func translate(what string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%s: %w: %w", what, trigger.ErrUnavailable, err)
	}
	meaning := meanings[api.ErrorCode()]
	switch {
	case meaning == nil:
		meaning = trigger.ErrUnavailable
	case api.ErrorCode() == "NotAuthorizedException" && isSecretHash(api.ErrorMessage()):
		// "Client … is configured with secret but SECRET_HASH was not received": nobody's password was looked at.
		meaning = trigger.ErrMisconfigured
	}
	return &apiError{what: what, code: api.ErrorCode(), meaning: meaning, cause: err}
}
