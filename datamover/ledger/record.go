// Package ledger keeps one record per staging user: by which path the user was imported, to which production user they
// are bound, and how far their data has been moved. It is the authority that a forged attribute meets, and it makes
// every step idempotent.
package ledger

import (
	"errors"
	"strings"
	"time"
)

// State is how far a user's migration has come.
type State string

const (
	Imported State = "imported" // production may create the user; not bound yet
	Moving   State = "moving"   // bound to a production user; data not complete
	Moved    State = "moved"    // all rows are in production
)

// Via is the path by which a user is migrated.
type Via string

const (
	SignIn         Via = "sign-in"
	ForgotPassword Via = "forgot-password"
	Sweep          Via = "sweep"
)

// Record is what the ledger knows of one staging user. Zero times and empty strings are absent in the table.
type Record struct {
	StagingSub    string         `dynamodbav:"stagingSub"`
	Email         string         `dynamodbav:"email,omitempty"` // folded, see FoldASCII
	State         State          `dynamodbav:"state,omitempty"`
	Via           Via            `dynamodbav:"via,omitempty"`
	ProductionSub string         `dynamodbav:"productionSub,omitempty"` // empty until bound
	Adopted       bool           `dynamodbav:"adopted,omitempty"`       // production had the user before the migration
	ImportedAt    time.Time      `dynamodbav:"importedAt,omitempty"`
	MovedAt       time.Time      `dynamodbav:"movedAt,omitempty"`
	SeenAt        time.Time      `dynamodbav:"seenAt,omitempty"`        // first sign-in of a user that a sweep migrated
	PasswordSetAt time.Time      `dynamodbav:"passwordSetAt,omitempty"` // steps of a sweep
	ResetAt       time.Time      `dynamodbav:"resetAt,omitempty"`
	Copied        map[string]int `dynamodbav:"copied,omitempty"` // table → rows that the migration wrote
	Kept          map[string]int `dynamodbav:"kept,omitempty"`   // table → rows that production had already
	Cursor        string         `dynamodbav:"cursor,omitempty"` // where the next mover continues
	LastError     string         `dynamodbav:"lastError,omitempty"`
}

// Exists reports whether the ledger has this record: Get returns the zero Record if it has not.
func (r Record) Exists() bool { return r.StagingSub != "" }

// Bound reports whether a production user owns this record.
func (r Record) Bound() bool { return r.ProductionSub != "" }

// CreatedBySweep reports whether a sweep created the production user, who has a random password until they sign in.
func (r Record) CreatedBySweep() bool { return r.Via == Sweep && !r.Adopted }

var (
	// ErrNoRecord is returned if the staging user was never imported, or an operator deleted the record.
	ErrNoRecord = errors.New("no ledger record")
	// ErrAlreadyBound is returned if a production user owns the record, so that it may not be imported again.
	ErrAlreadyBound = errors.New("ledger record is bound to a production user")
	// ErrBoundToAnotherUser is returned if the record is another production user's, or was imported under another email.
	ErrBoundToAnotherUser = errors.New("ledger record belongs to another production user")
	// ErrChanged is returned if the record is no longer the one that was read.
	ErrChanged = errors.New("ledger record has changed")
	// ErrNotMoving is returned if another mover completed the move, or an operator deleted the record.
	ErrNotMoving = errors.New("ledger record is not moving")
)

// FoldASCII lowers ASCII letters only. Unicode folding would take look-alikes such as the Kelvin sign for a K.
func FoldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// MaskEmail shows as much of an email as Cognito does in CodeDeliveryDetails: a***@e***. Anything else becomes ***.
func MaskEmail(email string) string {
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
