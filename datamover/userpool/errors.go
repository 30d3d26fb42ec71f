package userpool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// Errors of every method. An error that is none of these wraps ErrUnavailable.
var (
	// ErrUserNotFound is returned if the pool has no such user.
	ErrUserNotFound = errors.New("user not found")
	// ErrUserExists is returned if the pool has a user with that email.
	ErrUserExists = errors.New("user exists")
	// ErrSender is returned if the pool's sender cannot send: a quota, the SES sandbox, an identity, a role.
	ErrSender = errors.New("the pool's sender cannot send email")
	// ErrDelivery is returned if one email was not sent, for a reason that may be the sender's or the address's.
	ErrDelivery = errors.New("email not delivered")
	// ErrUserBlocked is returned if the user may not reset the password, such as a disabled one.
	ErrUserBlocked = errors.New("user cannot reset the password")
	// ErrNoGroup is returned if the pool has no group of that name.
	ErrNoGroup = errors.New("no such group")
	// ErrPoolNotFound is returned if there is no such pool in that Region and account.
	ErrPoolNotFound = fmt.Errorf("user pool not found: %w", ErrMisconfigured)

	ErrThrottled     = errors.New("user pool is throttling")
	ErrUnavailable   = errors.New("user pool is unavailable")
	ErrAccessDenied  = errors.New("access denied")
	ErrMisconfigured = errors.New("request rejected")
)

// meanings is the table of Cognito's error codes ("Amazon Cognito API reference, Common Errors", and each operation's).
var meanings = map[string]error{
	"UserNotFoundException":   ErrUserNotFound,
	"UsernameExistsException": ErrUserExists,

	"TooManyRequestsException": ErrThrottled,
	"LimitExceededException":   ErrThrottled,

	"AccessDenied":                ErrAccessDenied, // of AssumeRole
	"AccessDeniedException":       ErrAccessDenied,
	"ForbiddenException":          ErrAccessDenied,
	"NotAuthorizedException":      ErrAccessDenied,
	"UnrecognizedClientException": ErrAccessDenied,

	"InvalidParameterException":             ErrMisconfigured, // such as an app client without the flow
	"InvalidUserPoolConfigurationException": ErrMisconfigured,
	"InvalidLambdaResponseException":        ErrMisconfigured,
	"OperationNotEnabledException":          ErrMisconfigured,
	"UnsupportedOperationException":         ErrMisconfigured,
	"ResourceNotFoundException":             ErrPoolNotFound,
}

// The answers to a password check that are about one user ("Amazon Cognito API reference, AdminInitiateAuth, Errors").
var (
	rejections = map[string]Reason{
		"NotAuthorizedException":         RejectedByStaging,
		"UserNotFoundException":          RejectedByStaging,
		"UserNotConfirmedException":      NotConfirmed,
		"PasswordResetRequiredException": NotConfirmed,
		"UserLambdaValidationException":  RejectedByTrigger,
	}
	factorMissing = []string{
		"MFAMethodNotFoundException", "InvalidSmsRoleAccessPolicyException", "InvalidSmsRoleTrustRelationshipException",
		"InvalidEmailRoleAccessPolicyException", "CodeDeliveryFailureException",
	}
)

// notAuthorized tells the causes of a NotAuthorizedException apart, by the texts that Cognito documents or is known to
// send. The first match counts; with any other text the cause is unknown.
var notAuthorized = []struct {
	text   string
	reason Reason
}{
	{" failed with error", RejectedByTrigger}, // then comes the function's own text
	{"incorrect username or password", WrongPassword},
	{"password attempts exceeded", TooManyAttempts},
	{"user is disabled", Disabled},
	{"security reasons", BlockedByThreatProtection},
	{"temporary password has expired", NotConfirmed},
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

// signInError sorts an error of a password check: an answer about the user is a result.
func signInError(action string, err error) (SignInResult, error) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return SignInResult{}, translate(action, err)
	}
	code, message := api.ErrorCode(), strings.ToLower(api.ErrorMessage())
	reason := rejections[code]
	switch {
	case slices.Contains(factorMissing, code):
		return SignInResult{FactorMissing: true}, nil
	case code == "NotAuthorizedException" && isSecretHash(message):
		return SignInResult{}, &apiError{action, code, ErrMisconfigured, err}
	case reason == "":
		return SignInResult{}, translate(action, err)
	}
	if code == "NotAuthorizedException" {
		for _, cause := range notAuthorized {
			if strings.Contains(message, cause.text) {
				return SignInResult{Rejected: cause.reason}, nil
			}
		}
	}
	return SignInResult{Rejected: reason}, nil
}

// What AdminResetUserPassword answers about the sender ("Amazon Cognito API reference, AdminResetUserPassword,
// Errors"). Cognito passes on SES's own text, by which an answer about the sender is told from one about a user.
var (
	resetMeanings = map[string]error{
		"LimitExceededException": ErrSender, "InvalidEmailRoleAccessPolicyException": ErrSender,
		"InvalidSmsRoleAccessPolicyException": ErrSender, "InvalidSmsRoleTrustRelationshipException": ErrSender,
		"CodeDeliveryFailureException": ErrDelivery, "UnexpectedLambdaException": ErrDelivery,
		"UserLambdaValidationException": ErrDelivery, "InvalidLambdaResponseException": ErrDelivery,
		"NotAuthorizedException": ErrUserBlocked,
	}
	senderTexts = []string{"identit", "daily", "quota", "sandbox", "paused", "suspended"}
)

const attemptLimit = "attempt limit exceeded" // of one user

// translateReset is translate for a reset email.
func translateReset(action string, err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return translate(action, err)
	}
	meaning, text := resetMeanings[api.ErrorCode()], strings.ToLower(api.ErrorMessage())
	switch {
	case strings.Contains(text, attemptLimit):
		meaning = nil
	case slices.ContainsFunc(senderTexts, func(s string) bool { return strings.Contains(text, s) }):
		meaning = ErrSender
	}
	if meaning == nil {
		return translate(action, err)
	}
	return &apiError{action, api.ErrorCode(), meaning, err}
}

// translateGroup is translate where a group is named ("Amazon Cognito API reference, AdminAddUserToGroup, Errors").
func translateGroup(action string, err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ResourceNotFoundException" {
		return &apiError{action, api.ErrorCode(), ErrNoGroup, err}
	}
	return translate(action, err)
}

// isSecretHash recognizes "Client … is configured with secret but SECRET_HASH was not received": no password was
// checked.
func isSecretHash(message string) bool {
	return strings.Contains(strings.ReplaceAll(message, "_", " "), "secret hash")
}
