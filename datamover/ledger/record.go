// Package ledger keeps one record per staging user: by which path the user was imported, to which production user they
// are bound, and how far their data has been moved. It is the authority that a forged attribute meets, and it makes
// every step idempotent.
package ledger

import (
	"cmp"
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
	StagingSub      string         `dynamodbav:"stagingSub"`
	StagingUsername string         `dynamodbav:"stagingUsername,omitempty"` // absent: the sub
	Email           string         `dynamodbav:"email,omitempty"`           // folded, see FoldASCII
	State           State          `dynamodbav:"state,omitempty"`
	Via             Via            `dynamodbav:"via,omitempty"`
	ProductionSub   string         `dynamodbav:"productionSub,omitempty"` // empty until bound
	Adopted         bool           `dynamodbav:"adopted,omitempty"`       // production had the user before the migration
	ImportedAt      time.Time      `dynamodbav:"importedAt,omitempty"`
	MovedAt         time.Time      `dynamodbav:"movedAt,omitempty"`
	GroupsAt        time.Time      `dynamodbav:"groupsAt,omitempty"`      // groups were carried over
	SeenAt          time.Time      `dynamodbav:"seenAt,omitempty"`        // first sign-in of a user that a sweep migrated
	PasswordSetAt   time.Time      `dynamodbav:"passwordSetAt,omitempty"` // steps of a sweep
	ResetAt         time.Time      `dynamodbav:"resetAt,omitempty"`
	Copied          map[string]int `dynamodbav:"copied,omitempty"` // table → rows that the migration wrote
	Kept            map[string]int `dynamodbav:"kept,omitempty"`   // table → rows that production had already
	// table → rows past their time to live, left behind
	Expired     map[string]int `dynamodbav:"expired,omitempty"`
	Cursor      string         `dynamodbav:"cursor,omitempty"`      // where the next mover continues
	MovingUntil time.Time      `dynamodbav:"movingUntil,omitempty"` // the mover's lease, in whole seconds
	LastError   string         `dynamodbav:"lastError,omitempty"`
	FailedRows  []string       `dynamodbav:"failedRows,omitempty"` // keys of rows that cannot be written, a few
	Failures    int            `dynamodbav:"failures,omitempty"`   // moves that ended with such rows
	RetryAfter  time.Time      `dynamodbav:"retryAfter,omitempty"` // when hook and background try again
}

// NewRecord returns the record of a user who is about to be created.
func NewRecord(stagingSub, stagingUsername, email string, via Via, at time.Time) Record {
	r := Record{StagingSub: stagingSub, Email: FoldASCII(email), State: Imported, Via: via, ImportedAt: at.UTC()}
	if stagingUsername != stagingSub {
		r.StagingUsername = stagingUsername
	}
	return r
}

// Exists reports whether the ledger has this record: Get returns the zero Record if it has not.
func (r Record) Exists() bool { return r.StagingSub != "" }

// Bound reports whether a production user owns this record.
func (r Record) Bound() bool { return r.ProductionSub != "" }

// Finished reports whether everything of the user is in production: all rows, and the groups that are carried over.
func (r Record) Finished(groups []string) bool {
	return r.State == Moved && (len(groups) == 0 || !r.GroupsAt.IsZero())
}

// Leased reports whether a mover has the user's lease.
func (r Record) Leased(now time.Time) bool { return r.MovingUntil.After(now) }

// Username returns the name by which staging knows the user.
func (r Record) Username() string { return cmp.Or(r.StagingUsername, r.StagingSub) }

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
	// ErrLeased is returned if another mover has the user's lease.
	ErrLeased = errors.New("another mover has the lease of the ledger record")
	// ErrLeaseLost is returned if the lease has expired and another mover took it, or an operator deleted the record.
	ErrLeaseLost = errors.New("the lease of the ledger record is lost")
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
