// Package ledger keeps one line per staging user: who was imported, by which path, to which production user they are
// bound, and how far their data has come. It is what a forged attribute meets, and what makes every step repeatable.
package ledger

import (
	"errors"
	"strings"
	"time"
)

// State is how far a user has come.
type State string

const (
	Imported State = "imported" // production may create the account; nobody has come for it yet
	Moving   State = "moving"   // bound to a production user; data on its way
	Moved    State = "moved"    // all rows are in production
)

// Via is the path by which a user came.
type Via string

const (
	SignIn         Via = "sign-in"
	ForgotPassword Via = "forgot-password"
	Sweep          Via = "sweep"
)

// Line is what the ledger knows of one staging user. Zero times and empty strings are absent in the table.
type Line struct {
	StagingSub    string         `dynamodbav:"stagingSub"`
	Email         string         `dynamodbav:"email,omitempty"` // folded, see Fold
	State         State          `dynamodbav:"state,omitempty"`
	Via           Via            `dynamodbav:"via,omitempty"`
	ProductionSub string         `dynamodbav:"productionSub,omitempty"` // empty until bound
	ImportedAt    time.Time      `dynamodbav:"importedAt,omitempty"`
	MovedAt       time.Time      `dynamodbav:"movedAt,omitempty"`
	SeenAt        time.Time      `dynamodbav:"seenAt,omitempty"`        // first time a swept user came in
	PasswordSetAt time.Time      `dynamodbav:"passwordSetAt,omitempty"` // steps of a sweep
	ResetAt       time.Time      `dynamodbav:"resetAt,omitempty"`
	Copied        map[string]int `dynamodbav:"copied,omitempty"` // table → rows that this migration wrote
	Kept          map[string]int `dynamodbav:"kept,omitempty"`   // table → rows that production held already
	Cursor        string         `dynamodbav:"cursor,omitempty"` // where the next mover goes on
	LastError     string         `dynamodbav:"lastError,omitempty"`
}

// Bound tells whether a production user owns this line.
func (l Line) Bound() bool { return l.ProductionSub != "" }

var (
	// ErrNoLine means that the staging user was never imported, or that an operator took the line back.
	ErrNoLine = errors.New("ledger has no such line")
	// ErrBound means that a production user owns the line already, so that nobody may be imported on it again.
	ErrBound = errors.New("ledger line is bound to a production user")
	// ErrNotTheirs means that the line is another production user's, or was imported under another e-mail.
	ErrNotTheirs = errors.New("ledger line is not this production user's")
	// ErrChanged means that the line is no longer the one that was read.
	ErrChanged = errors.New("ledger line has changed")
	// ErrNotMoving means that somebody else finished the move, or took the line back.
	ErrNotMoving = errors.New("ledger line is not moving")
)

// Fold lowers ASCII letters and nothing else, as the e-mail rules here need it: Unicode folding would take look-alikes
// such as the Kelvin sign for the letter.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// Mask shows as much of an e-mail as Cognito does in CodeDeliveryDetails: a***@e***. Anything else becomes ***.
func Mask(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok {
		return "***"
	}
	return initial(local) + "***@" + initial(domain) + "***"
}

func initial(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
