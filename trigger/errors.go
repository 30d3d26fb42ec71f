package trigger

import (
	"errors"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/spaceport/user-migration/datamover/userpool"
)

var (
	errMalformedEvent = errors.New("not a Cognito event")
	errLedger         = errors.New("ledger is not writable")
)

// errorTypes gives every error a type for the alarm, and a text that end users may see: Cognito passes it on to the
// app. The cause is only in the log.
var errorTypes = []struct {
	err        error
	name, text string
}{
	{errMalformedEvent, "MalformedEvent", "the event is not a Cognito event"},
	{errLedger, "LedgerUnavailable", unavailable},
	{userpool.ErrThrottled, "StagingThrottled", "the migration is busy, please try again"},
	{userpool.ErrAccessDenied, "StagingAccessDenied", unavailable},
	{userpool.ErrMisconfigured, "StagingMisconfigured", unavailable},
}

const unavailable = "the migration is not available right now"

// lambdaError is what Cognito receives for err.
func lambdaError(err error) messages.InvokeResponse_Error {
	for _, t := range errorTypes {
		if errors.Is(err, t.err) {
			return messages.InvokeResponse_Error{Type: t.name, Message: t.text}
		}
	}
	return messages.InvokeResponse_Error{Type: "StagingUnavailable", Message: unavailable}
}
