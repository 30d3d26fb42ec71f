// Package trigger answers Cognito's Migrate user trigger: it asks staging who an unknown user is, and imports those whom
// staging knows, trusts and lets in.
package trigger

import (
	"errors"
	"strings"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// User is a staging user as AdminGetUser tells.
type User struct {
	Username   string
	Sub        string
	Status     string // UserStatus, such as CONFIRMED
	Enabled    bool
	Created    time.Time
	Attributes map[string]string
	MFA        bool // has a second factor set up
}

// Email is the user's e-mail as staging has it, verified or not.
func (u User) Email() string { return u.Attributes["email"] }

// Ineligible says why a staging user may not be imported by any path, or "" where they may. That they are not yet bound
// to a production user is the ledger's to say.
func (u User) Ineligible(cutoff time.Time) Reason {
	switch {
	case u.Status == "EXTERNAL_PROVIDER":
		return Federated
	case u.Status != "CONFIRMED":
		return NotConfirmed
	case !u.Enabled:
		return Disabled
	case u.Email() == "" || !strings.EqualFold(u.Attributes["email_verified"], "true"):
		return EmailUnverified
	case !cutoff.IsZero() && (u.Created.IsZero() || !u.Created.Before(cutoff)):
		return AfterCutoff
	}
	return ""
}

// isTyped tells whether the user may come in under the name that was typed: only under their own verified e-mail.
// Staging also resolves subs, phone numbers and aliases.
func (u User) isTyped(name string) bool { return ledger.Fold(name) == ledger.Fold(u.Email()) }

// Proof is what staging answered to a password that it accepted.
type Proof struct {
	Sub       string // of the token; empty where there is a challenge
	Challenge string // empty where there are tokens
	Username  string // whom the challenge is for, where staging says so
}

// isOf tells whether it was this user's password.
func (p Proof) isOf(u User) bool {
	if p.Challenge == "" {
		return p.Sub != "" && p.Sub == u.Sub
	}
	return p.Username == "" || p.Username == u.Username
}

// Reason says why a user is not imported. The words are those of the log and of the metrics.
type Reason string

const (
	Federated       Reason = "federated"
	NotConfirmed    Reason = "not-confirmed"
	Disabled        Reason = "disabled"
	EmailUnverified Reason = "email-unverified"
	AfterCutoff     Reason = "after-cutoff"

	OtherSource    Reason = "other-source" // not an event that the trigger is for
	NoPassword     Reason = "no-password"
	UnusableName   Reason = "unusable-name" // no pool would accept it
	UnknownUser    Reason = "unknown-user"
	NotTheirEmail  Reason = "not-their-email" // the name resolved to a user with another e-mail
	WrongPassword  Reason = "wrong-password"
	OtherChallenge Reason = "challenge"
	OtherUser      Reason = "other-user" // the password is another user's than the one that was read
	MFARefused     Reason = "mfa-refused"
	AlreadyBound   Reason = "already-bound" // came over before; an operator can re-admit them
)

// What staging may answer. Anything else is an error of the adapter that wraps one of the second group.
var (
	ErrUnknownUser = errors.New("staging does not know the user")
	// ErrRefused covers a wrong password and every state in which staging lets nobody in.
	ErrRefused = errors.New("staging refused the sign-in")

	ErrThrottled     = errors.New("staging is throttling")
	ErrUnavailable   = errors.New("staging is unavailable")
	ErrDenied        = errors.New("staging denies access")
	ErrMisconfigured = errors.New("staging rejects the request")
)
