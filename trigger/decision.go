package trigger

import (
	"slices"
	"time"

	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// action is what Cognito is told to do. The zero value is the safe one.
type action int

const (
	unchanged       action = iota // the event goes back as received: to Cognito, the user is unknown
	importConfirmed               // create the user with the password that was typed
	importForReset                // create the user in RESET_REQUIRED
)

// String returns the decision as it is in the log and the metrics.
func (a action) String() string {
	return [...]string{unchanged: "unchanged", importConfirmed: "import", importForReset: "import-for-reset"}[a]
}

// Reasons of the trigger's own.
const (
	UnsupportedEvent     userpool.Reason = "unsupported-event" // not an event that the trigger is for
	NoPassword           userpool.Reason = "no-password"
	InvalidUsername      userpool.Reason = "invalid-username" // no pool would accept it
	UnknownUser          userpool.Reason = "unknown-user"
	EmailMismatch        userpool.Reason = "email-mismatch" // the name resolved to a user with another email
	UnsupportedChallenge userpool.Reason = "unsupported-challenge"
	UserMismatch         userpool.Reason = "user-mismatch" // the accepted password is that of another user
	AlreadyBound         userpool.Reason = "already-bound" // migrated before; an operator can re-admit the user
)

// answers is what staging said about one user.
type answers struct {
	user     userpool.User          // AdminGetUser
	password *userpool.SignInResult // AdminInitiateAuth; nil for "forgot password"
}

// decisions is the decision table for eligible users whose password, if any, staging accepted. No password was typed at
// "forgot password", so there is none to keep.
var decisions = map[settings.MFAPolicy]columns{
	settings.MFAReset: {
		noMFA: row{importConfirmed, importForReset}, noFactor: row{importForReset, importForReset},
		mfa: row{importForReset, importForReset}, mfaNoFactor: row{importForReset, importForReset},
	},
	settings.MFARefuse: {
		noMFA: row{importConfirmed, importForReset}, noFactor: row{importForReset, importForReset},
		mfa: row{unchanged, unchanged}, mfaNoFactor: row{unchanged, unchanged},
	},
	settings.MFAAccept: {
		noMFA: row{importConfirmed, importForReset}, noFactor: row{importForReset, importForReset},
		mfa: row{importConfirmed, importForReset}, mfaNoFactor: row{importForReset, importForReset},
	},
}

// columns are by what staging says about the user's second factor: none, one that is demanded but not to be had, one,
// and one that cannot be served.
type columns struct{ noMFA, noFactor, mfa, mfaNoFactor row }

type row struct{ signIn, forgotPassword action }

// decide is pure: everything it needs is in its arguments. It must run only after both staging calls have ended, so
// that the response time does not tell whether a user exists.
func decide(typedName string, a answers, cutoff time.Time, policy settings.MFAPolicy) (action, userpool.Reason) {
	reason := notImportable(typedName, a.user, cutoff, policy)
	if reason == "" {
		reason = notAccepted(a)
	}
	if reason != "" {
		return unchanged, reason
	}
	column := decisions[policy].of(a)
	result := column.forgotPassword
	if a.password != nil {
		result = column.signIn
	}
	if result == unchanged {
		return unchanged, userpool.MFARejected
	}
	return result, ""
}

func (c columns) of(a answers) row {
	mfa := a.user.MFA || a.password != nil && slices.Contains(secondFactor, a.password.Challenge)
	noFactor := a.password != nil && a.password.FactorMissing
	switch {
	case mfa && noFactor:
		return c.mfaNoFactor
	case mfa:
		return c.mfa
	case noFactor:
		return c.noFactor
	}
	return c.noMFA
}

// notImportable returns why the user is not imported, whatever the password, or "".
func notImportable(
	typedName string, user userpool.User, cutoff time.Time, policy settings.MFAPolicy,
) userpool.Reason {
	switch reason := user.Ineligible(cutoff); {
	case reason != "":
		return reason
	case !user.HasEmail(typedName): // staging also resolves subs, phone numbers and aliases
		return EmailMismatch
	case user.MFA && policy == settings.MFARefuse:
		return userpool.MFARejected
	}
	return ""
}

// notAccepted returns why the password does not count, or "".
func notAccepted(a answers) userpool.Reason {
	switch p := a.password; {
	case p == nil:
		return ""
	case p.Rejected != "":
		return p.Rejected
	case p.Challenge != "" && !p.FactorMissing && !slices.Contains(secondFactor, p.Challenge):
		return UnsupportedChallenge
	case !p.IsFor(a.user): // the two calls resolved the name differently
		return UserMismatch
	}
	return ""
}

// secondFactor lists the challenges that mean "the password is right; now prove the second factor" ("Amazon Cognito API
// reference, AdminInitiateAuth").
var secondFactor = []string{"SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "SELECT_MFA_TYPE"}
