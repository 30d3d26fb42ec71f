package userpool

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// Errors of every method. An error that is none of these wraps ErrUnavailable.
var (
	// ErrUserNotFound is returned if the pool has no such user.
	ErrUserNotFound = errors.New("user not found")
	// ErrUserExists is returned if the pool has a user with that email.
	ErrUserExists = errors.New("user exists")
	// ErrSignInRejected is returned for a wrong password and for every state in which the pool lets no user in.
	ErrSignInRejected = errors.New("sign-in rejected")
	// ErrPoolNotFound is returned if there is no such pool in that Region and account.
	ErrPoolNotFound = fmt.Errorf("user pool not found: %w", ErrMisconfigured)

	ErrThrottled     = errors.New("user pool is throttling")
	ErrUnavailable   = errors.New("user pool is unavailable")
	ErrAccessDenied  = errors.New("access denied")
	ErrMisconfigured = errors.New("request rejected")
)

// meanings is the table of Cognito's error codes ("Amazon Cognito API reference, Common Errors", and each operation's).
var meanings = map[string]error{
	"UserNotFoundException":          ErrUserNotFound,
	"UsernameExistsException":        ErrUserExists,
	"UserNotConfirmedException":      ErrSignInRejected,
	"PasswordResetRequiredException": ErrSignInRejected,
	"UserLambdaValidationException":  ErrSignInRejected, // one of the pool's own triggers rejects the user

	"TooManyRequestsException": ErrThrottled,
	"LimitExceededException":   ErrThrottled,

	"AccessDenied":                ErrAccessDenied, // of AssumeRole
	"AccessDeniedException":       ErrAccessDenied,
	"ForbiddenException":          ErrAccessDenied,
	"NotAuthorizedException":      ErrAccessDenied,
	"UnrecognizedClientException": ErrAccessDenied,

	"InvalidParameterException":             ErrMisconfigured, // such as an app client without the flow
	"InvalidUserPoolConfigurationException": ErrMisconfigured,
	"ResourceNotFoundException":             ErrPoolNotFound,
}

// signInMeanings is what a code means if it answers a password check ("AdminInitiateAuth, Errors").
var signInMeanings = map[string]error{
	"NotAuthorizedException": ErrSignInRejected, // wrong password, disabled, locked out
	"UserNotFoundException":  ErrSignInRejected,
}

// apiError is an answer of Cognito. Its text leaves out Cognito's message: that can be the text of one of the pool's
// own Lambda functions, with anything about the user in it. Unwrap keeps it for the code.
type apiError struct {
	action, code string
	meaning      error
	cause        error
}

func (e *apiError) Error() string { return fmt.Sprintf("%s: %v (%s)", e.action, e.meaning, e.code) }

// Unwrap returns the meaning, and the SDK's error.
func (e *apiError) Unwrap() []error { return []error{e.meaning, e.cause} }

// translate returns what err means, and names what was tried.
func translate(action string, err error) error {
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api):
		return &apiError{action, api.ErrorCode(), cmp.Or(meanings[api.ErrorCode()], ErrUnavailable), err}
	}
	return fmt.Errorf("%s: %w: %w", action, ErrUnavailable, err)
}

// translateSignIn is translate for a password check.
func translateSignIn(action string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) || signInMeanings[api.ErrorCode()] == nil {
		return translate(action, err)
	}
	meaning := signInMeanings[api.ErrorCode()]
	if isSecretHash(api.ErrorMessage()) {
		meaning = ErrMisconfigured
	}
	return &apiError{action, api.ErrorCode(), meaning, err}
}

// isSecretHash recognizes "Client … is configured with secret but SECRET_HASH was not received": no password was
// checked.
func isSecretHash(message string) bool {
	return strings.Contains(strings.ReplaceAll(strings.ToLower(message), "_", " "), "secret hash")
}
