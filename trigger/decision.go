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
	WrongPassword        userpool.Reason = "wrong-password"
	UnsupportedChallenge userpool.Reason = "unsupported-challenge"
	UserMismatch         userpool.Reason = "user-mismatch" // the accepted password is that of another user
	AlreadyBound         userpool.Reason = "already-bound" // migrated before; an operator can re-admit the user
)

// answers is what staging said about one user.
type answers struct {
	user     userpool.User  // AdminGetUser
	password *passwordCheck // AdminInitiateAuth; nil for "forgot password"
}

type passwordCheck struct {
	accepted bool
	userpool.SignInResult
}

// decisions is the decision table for eligible users whose password, if any, staging accepted. No password was typed at
// "forgot password", so there is none to keep.
var decisions = map[settings.MFAPolicy]struct{ noMFA, mfa row }{
	settings.MFAReset:  {noMFA: row{importConfirmed, importForReset}, mfa: row{importForReset, importForReset}},
	settings.MFARefuse: {noMFA: row{importConfirmed, importForReset}, mfa: row{unchanged, unchanged}},
	settings.MFAAccept: {noMFA: row{importConfirmed, importForReset}, mfa: row{importConfirmed, importForReset}},
}

type row struct{ signIn, forgotPassword action }

// decide is pure: everything it needs is in its arguments. It must run only after both staging calls have ended, so
// that the response time does not tell whether a user exists.
func decide(typedName string, a answers, cutoff time.Time, policy settings.MFAPolicy) (action, userpool.Reason) {
	if reason := rejected(typedName, a, cutoff); reason != "" {
		return unchanged, reason
	}
	column := decisions[policy].noMFA
	if a.user.MFA || a.password != nil && a.password.Challenge != "" {
		column = decisions[policy].mfa
	}
	result := column.forgotPassword
	if a.password != nil {
		result = column.signIn
	}
	if result == unchanged {
		return unchanged, userpool.MFARejected
	}
	return result, ""
}

// rejected returns why the user is not imported under any policy, or "".
func rejected(typedName string, a answers, cutoff time.Time) userpool.Reason {
	switch p := a.password; {
	case a.user.Ineligible(cutoff) != "":
		return a.user.Ineligible(cutoff)
	case !a.user.HasEmail(typedName): // staging also resolves subs, phone numbers and aliases
		return EmailMismatch
	case p == nil:
		return ""
	case !p.accepted:
		return WrongPassword
	case p.Challenge != "" && !slices.Contains(secondFactor, p.Challenge):
		return UnsupportedChallenge
	case !p.IsFor(a.user): // the two calls resolved the name differently
		return UserMismatch
	}
	return ""
}

// secondFactor lists the challenges that mean "the password is right; now prove the second factor" ("Amazon Cognito API
// reference, AdminInitiateAuth"). MFA_SETUP is not one of them: that user has no second factor yet.
var secondFactor = []string{"SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "SELECT_MFA_TYPE"}
