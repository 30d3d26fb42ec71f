package userpool

import (
	"fmt"
	"io"
	"log/slog"
)

// Password is a user's password. Printed, logged or encoded in any way it is [redacted]; only SignIn sends it.
type Password string

const redacted = "[redacted]"

// String returns [redacted].
func (Password) String() string { return redacted }

// LogValue returns [redacted].
func (Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]".
func (Password) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Format prints [redacted] for every verb.
func (Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }
