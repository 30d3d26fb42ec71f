package rows

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
)

var (
	// ErrTable is returned if no row of a table can be read or written: it is missing, access is denied, or its key
	// differs.
	ErrTable = errors.New("table cannot be used")
	// ErrPosition is returned for a position that is not of this table.
	ErrPosition = errors.New("not a position of this table")
	// ErrBusy is returned if a table left every key of a batch unanswered, after many attempts.
	ErrBusy = errors.New("table is too busy")
)

// RowError is returned if DynamoDB rejects one row, such as one that is too large. Repeating cannot help.
type RowError struct {
	Table, Key string
	cause      error
}

func (e *RowError) Error() string { return fmt.Sprintf("write %s, %s: %v", e.Table, e.Key, e.cause) }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.cause }

// Permanent reports whether repeating cannot help: a row is rejected, or a table cannot be used.
func Permanent(err error) bool { return errors.Is(err, ErrTable) || errors.As(err, new(*RowError)) }

// KeyError is returned if a table's key is not the one that is configured or needed. It wraps ErrTable.
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

// Unwrap returns ErrTable and the cause.
func (e *KeyError) Unwrap() []error { return []error{ErrTable, e.cause} }

// DynamoDB's error codes ("Amazon DynamoDB developer guide, Error handling"). What the SDK retries is not listed.
const (
	codeValidation    = "ValidationException"
	codeTableNotFound = "ResourceNotFoundException"
	codeAccessDenied  = "AccessDeniedException"
)

// translate names what was tried, and marks errors that every row of the table would meet.
func translate(action string, err error) error {
	switch code(err) {
	case codeTableNotFound, codeAccessDenied, codeValidation:
		return fmt.Errorf("%s: %w: %w", action, ErrTable, err)
	}
	return fmt.Errorf("%s: %w", action, err)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
