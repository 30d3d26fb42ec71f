package userpool

import (
	"errors"
	"fmt"

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

// translate names what was tried and what the error means. Its text holds nothing of the user: Cognito's messages and
// the SDK's do not either.
func translate(what string, err error) error {
	meaning := trigger.ErrUnavailable
	var api smithy.APIError
	if errors.As(err, &api) && meanings[api.ErrorCode()] != nil {
		meaning = meanings[api.ErrorCode()]
	}
	return fmt.Errorf("%s: %w: %w", what, meaning, err)
}
