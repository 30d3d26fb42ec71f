package trigger

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
)

// outcome is what becomes of a user: refused for a reason, or imported, with the password kept or with a reset.
type outcome struct {
	user   User
	reason Reason // empty: import
	keep   bool   // the password was proven and stays

	via     ledger.Via
	waited  time.Duration // for staging
	dropped int           // custom attributes that are left behind
}

// The decisions, as they stand in the log and in the metrics.
const (
	untouched      = "untouched" // the event goes back as it came
	imported       = "import"
	importedReset  = "import-for-reset"
	couldNotDecide = "error"
)

func (o outcome) decision() string {
	switch {
	case o.reason != "":
		return untouched
	case o.keep:
		return imported
	}
	return importedReset
}

// signIn decides about a user who typed a password. Both calls to staging run at once.
func (h *Handler) signIn(ctx context.Context, name, password string) (outcome, error) {
	return h.asTyped(name, func(name string) (outcome, error) {
		proof, user, err := h.askBoth(ctx, name, password)
		switch {
		case errors.Is(err, ErrUnknownUser):
			return outcome{reason: UnknownUser}, nil
		case err != nil && !errors.Is(err, ErrRefused):
			return outcome{}, err
		}
		return h.judge(name, user, proof, err), nil
	})
}

// judge is the decision table's column for a sign-in, once staging knows the user. refusal is nil or ErrRefused.
func (h *Handler) judge(name string, user User, proof Proof, refusal error) outcome {
	no := func(r Reason) outcome { return outcome{user: user, reason: r} }
	if r := h.inadmissible(user, name); r != "" {
		return no(r)
	}
	switch {
	case refusal != nil:
		return no(WrongPassword)
	case proof.Challenge != "" && !secondFactor[proof.Challenge]:
		return no(OtherChallenge)
	case !proof.isOf(user):
		return no(OtherUser)
	case proof.Challenge == "" && !user.MFA:
		return outcome{user: user, keep: true}
	}
	switch h.mfa {
	case settings.MFAAccept:
		return outcome{user: user, keep: true}
	case settings.MFARefuse:
		return no(MFARefused)
	}
	return outcome{user: user}
}

// forgotPassword decides about a user who typed only their name: the mailbox will prove them.
func (h *Handler) forgotPassword(ctx context.Context, name string) (outcome, error) {
	return h.asTyped(name, func(name string) (outcome, error) {
		user, err := h.staging.Find(ctx, name)
		switch {
		case errors.Is(err, ErrUnknownUser):
			return outcome{reason: UnknownUser}, nil
		case err != nil:
			return outcome{}, err
		}
		reason := h.inadmissible(user, name)
		if reason == "" && user.MFA && h.mfa == settings.MFARefuse {
			reason = MFARefused
		}
		return outcome{user: user, reason: reason}, nil
	})
}

func (h *Handler) inadmissible(user User, name string) Reason {
	if r := user.Ineligible(h.cutoff); r != "" {
		return r
	}
	if !user.isTyped(name) {
		return NotTheirEmail
	}
	return ""
}

// secondFactor names the challenges that say: the password is right, now prove the second factor ("Amazon Cognito API
// reference, AdminInitiateAuth"). MFA_SETUP is not among them, since that user has no factor to stand in for.
var secondFactor = map[string]bool{"SMS_MFA": true, "SOFTWARE_TOKEN_MFA": true, "EMAIL_OTP": true, "SELECT_MFA_TYPE": true}

// askBoth tries the password and reads the user at once. An unknown user or an outage goes before a refused password.
func (h *Handler) askBoth(ctx context.Context, name, password string) (proof Proof, user User, err error) {
	var refusal error
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		proof, err = h.staging.Authenticate(ctx, name, password)
		if errors.Is(err, ErrRefused) {
			refusal, err = err, nil
		}
		return err
	})
	g.Go(func() (err error) {
		user, err = h.staging.Find(ctx, name)
		return err
	})
	if err := g.Wait(); err != nil {
		return Proof{}, User{}, err
	}
	return proof, user, refusal
}

// asTyped asks for the name as typed and, if staging does not know it, once more in lower case: case-sensitive pools
// hold what was typed at sign-up.
func (h *Handler) asTyped(name string, ask func(name string) (outcome, error)) (o outcome, err error) {
	if !usable(name) {
		return outcome{reason: UnusableName}, nil
	}
	began := h.now()
	o, err = ask(name)
	if lower := ledger.Fold(name); err == nil && o.reason == UnknownUser && lower != name {
		o, err = ask(lower)
	}
	o.waited = h.now().Sub(began)
	return o, err
}

// maxName is the longest user name that a pool takes ("Amazon Cognito API reference, AdminGetUser").
const maxName = 128

// usable tells whether a pool could know the name at all; staging is not bothered with any other.
func usable(name string) bool {
	if name == "" || len(name) > 4*maxName || strings.ToValidUTF8(name, "") != name {
		return false
	}
	runes := 0
	for _, r := range name {
		if runes++; runes > maxName || !visible(r) {
			return false
		}
	}
	return true
}

// visible is what Cognito takes in names and, with white space, in messages ("Amazon Cognito API reference").
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
}
