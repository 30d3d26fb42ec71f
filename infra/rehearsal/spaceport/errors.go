package spaceport

import (
	"errors"

	"github.com/aws/smithy-go"
)

// Code is the error code of an API call, "" for none.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Answer is an error as the app sees it: code and text, without the SDK's request id. "" for no error.
func Answer(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
