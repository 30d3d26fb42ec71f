package directory

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
)

var (
	// ErrNoPool means that no such pool is there, in that Region and account.
	ErrNoPool = errors.New("no such user pool")
	// ErrDenied means that the credentials may not read the pool.
	ErrDenied = errors.New("access denied")
	// ErrThrottled means that the pool is busy, after many tries.
	ErrThrottled = errors.New("user pool is throttling")
)

var meanings = map[string]error{
	"ResourceNotFoundException": ErrNoPool,
	"AccessDenied":              ErrDenied, // of AssumeRole
	"AccessDeniedException":     ErrDenied,
	"NotAuthorizedException":    ErrDenied,
	"TooManyRequestsException":  ErrThrottled,
	"LimitExceededException":    ErrThrottled,
}

// translate names what was tried and, where it is known, what the error means.
func translate(what string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && meanings[api.ErrorCode()] != nil {
		return fmt.Errorf("%s: %w: %w", what, meanings[api.ErrorCode()], err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
