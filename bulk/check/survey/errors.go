package survey

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/spaceport/user-migration/bulk/check"
)

// meanings are the errors that check tells apart. DynamoDB, Lambda, STS and Cognito each have words of their own.
var meanings = map[string]error{
	"AccessDenied":              check.ErrAccessDenied,
	"AccessDeniedException":     check.ErrAccessDenied,
	"NotAuthorizedException":    check.ErrAccessDenied,
	"ResourceNotFoundException": check.ErrMissing,
}

// translate puts an error into check's words, short enough for a line and without a request's id.
func translate(err error) error {
	var (
		api      smithy.APIError
		response *http.ResponseError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api) && meanings[api.ErrorCode()] != nil:
		return meanings[api.ErrorCode()]
	case errors.As(err, &api):
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	case errors.As(err, &response):
		return fmt.Errorf("HTTP %d, and no answer that can be read", response.HTTPStatusCode())
	}
	return err
}

// saysSomething tells an answer of AWS, of whatever kind, from no answer at all.
func saysSomething(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
