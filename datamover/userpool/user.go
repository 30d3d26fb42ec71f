// Package userpool is the adapter for a Cognito user pool, staging's or production's. It knows users, the rule of
// eligibility, and what Cognito's errors mean.
package userpool

import (
	"strings"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// User is a user of either pool.
type User struct {
	Username   string
	Sub        string
	Status     string // UserStatus, such as CONFIRMED
	Enabled    bool
	Created    time.Time
	Modified   time.Time
	Attributes map[Attribute]string
	MFA        bool // has a second factor; only Get tells, List does not
}

// Values of UserStatus that decide something here ("Amazon Cognito API reference, UserType").
const (
	Confirmed           = "CONFIRMED"
	Unconfirmed         = "UNCONFIRMED"
	ResetRequired       = "RESET_REQUIRED"
	ForceChangePassword = "FORCE_CHANGE_PASSWORD"
	ExternalProvider    = "EXTERNAL_PROVIDER"
)

// Email is the user's email, verified or not.
func (u User) Email() string { return u.Attributes[AttrEmail] }

// EmailVerified reports whether the pool has verified the email. Pools that were filled by script hold "True" too.
func (u User) EmailVerified() bool {
	return u.Email() != "" && strings.EqualFold(u.Attributes[AttrEmailVerified], "true")
}

// HasEmail reports whether name is the user's email, but for the case of ASCII letters.
func (u User) HasEmail(name string) bool {
	return ledger.FoldASCII(name) == ledger.FoldASCII(u.Email())
}

// StagingSub is the staging user that a production user says they were. Only the ledger can confirm it.
func (u User) StagingSub() string { return u.Attributes[AttrStagingSub] }

// NeedsPassword reports whether the user has only a temporary password, with which "forgot password" is rejected.
func (u User) NeedsPassword() bool { return u.Status == ForceChangePassword }

// Blocked reports whether Cognito lets the user neither sign in nor set a password, or there is no user.
func (u User) Blocked() bool {
	return !u.Enabled || u.Status != Confirmed && u.Status != ResetRequired && u.Status != ForceChangePassword
}

// Ineligible returns why a staging user may not be migrated by any path, or "". Whether the user is bound already is
// for the ledger to say.
func (u User) Ineligible(cutoff time.Time) Reason {
	switch {
	case u.Status == ExternalProvider:
		return Federated
	case u.Status != Confirmed:
		return NotConfirmed
	case !u.Enabled:
		return Disabled
	case !u.EmailVerified():
		return EmailUnverified
	case !cutoff.IsZero() && (u.Created.IsZero() || !u.Created.Before(cutoff)):
		return AfterCutoff
	}
	return ""
}

// Reason says why a user is not migrated. Logs and metrics use the same words.
type Reason string

// The reasons for which a staging user is not eligible.
const (
	Federated       Reason = "federated"
	NotConfirmed    Reason = "not-confirmed"
	Disabled        Reason = "disabled"
	EmailUnverified Reason = "email-unverified"
	AfterCutoff     Reason = "after-cutoff"
	MFARejected     Reason = "mfa-rejected" // MFA_USERS is refuse

	// Why staging does not let a user in who is eligible.
	WrongPassword             Reason = "wrong-password"
	TooManyAttempts           Reason = "too-many-attempts"
	BlockedByThreatProtection Reason = "blocked-by-threat-protection"
	RejectedByTrigger         Reason = "rejected-by-trigger" // one of staging's own functions
	RejectedByStaging         Reason = "rejected-by-staging" // the cause is not known

	Deleted      Reason = "deleted"       // the user is no longer in the pool
	EmailChanged Reason = "email-changed" // the user has another email now
)
