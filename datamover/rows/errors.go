package rows

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// ErrTable means that no row of a table can be read or written: it is missing, or not allowed.
var ErrTable = errors.New("table cannot be used")

// ErrPosition means that a position is none of this table's.
var ErrPosition = errors.New("no position in this table")

// KeyError names a table whose key is not the one that is configured or needed.
type KeyError struct {
	Table, Want, Has string
	cause            error
}

func (e *KeyError) Error() string {
	if e.Has == "" {
		return fmt.Sprintf("table %s: partition key is not %s as configured (%v)", e.Table, e.Want, e.cause)
	}
	return fmt.Sprintf("table %s: key is %s, not %s", e.Table, e.Has, e.Want)
}

// Unwrap makes a KeyError an ErrTable.
func (e *KeyError) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrTable}
	}
	return []error{ErrTable, e.cause}
}

// translate names what was tried, and marks errors that every row of the table would meet.
func translate(what string, err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) || code(err) == "AccessDeniedException" {
		return fmt.Errorf("%s: %w: %w", what, ErrTable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
