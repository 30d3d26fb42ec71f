package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
)

// budget bounds one answer. Cognito waits 5 s, a cold start included ("Cognito developer guide, Customizing user pool
// workflows with Lambda triggers"); an error of ours inside 4 s is better than a time-out, which Cognito tries thrice.
const budget = 3300 * time.Millisecond

// staging answers for the staging pool. Errors are those of this package.
type staging interface {
	// Authenticate proves a password, once: it never sends the same one twice where staging may have counted it.
	Authenticate(ctx context.Context, name, password string) (Proof, error)
	// Find reads a user by any name that staging resolves, or ErrUnknownUser.
	Find(ctx context.Context, name string) (User, error)
}

// importLedger records an import before production creates the account, or ledger.ErrBound.
type importLedger interface {
	Import(ctx context.Context, stagingSub, email string, via ledger.Via, at time.Time) error
}

// Handler is the trigger's Lambda handler.
type Handler struct {
	staging staging
	ledger  importLedger
	cutoff  time.Time
	custom  []string
	mfa     settings.MFAPolicy
	log     *slog.Logger
	now     func() time.Time
}

// NewHandler wires the handler.
func NewHandler(st staging, l importLedger, s settings.Settings, log *slog.Logger) *Handler {
	return &Handler{
		staging: st, ledger: l, cutoff: s.StagingCutoff, custom: s.CustomAttributes, mfa: s.MFAUsers,
		log: log, now: time.Now,
	}
}

// Invoke answers one event. Whoever is not to be imported gets the event back byte for byte, which Cognito takes for
// "unknown user"; an outage is an error of a named type with nothing about the user in it.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	began := h.now()
	e, err := parseEvent(payload)
	if err != nil {
		h.log.ErrorContext(ctx, "migrate user", "decision", "error", "error", err.Error())
		return nil, lambdaError(err)
	}
	if e.source != sourceAuthentication && e.source != sourceForgotPassword {
		h.log.WarnContext(ctx, "migrate user", "decision", "untouched", "reason", "other-source", "source", e.source)
		return payload, nil
	}
	answer, attrs, err := h.answer(ctx, e)
	attrs = append(attrs, "source", e.source, "durationMs", h.now().Sub(began).Milliseconds())
	if err != nil {
		h.log.ErrorContext(ctx, "migrate user", append(attrs, "decision", "error", "error", err.Error())...)
		return nil, lambdaError(err)
	}
	h.log.InfoContext(ctx, "migrate user", attrs...)
	return answer, nil
}

// answer decides, and imports whom it may. attrs say what is logged of it.
func (h *Handler) answer(ctx context.Context, e event) (answer []byte, attrs []any, err error) {
	o, via, err := h.decide(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if o.user.Sub != "" {
		// Only of a user that staging knows: what a stranger types into the name field may be their password.
		attrs = []any{"stagingSub", o.user.Sub, "email", ledger.Mask(o.user.Email())}
	}
	if o.reason == "" {
		switch err := h.ledger.Import(ctx, o.user.Sub, o.user.Email(), via, h.now()); {
		case errors.Is(err, ledger.ErrBound):
			o.reason = AlreadyBound
		case err != nil:
			return nil, attrs, fmt.Errorf("%w: %w", errLedger, err)
		}
	}
	if o.reason != "" {
		return e.raw, append(attrs, "decision", "untouched", "reason", o.reason), nil
	}
	mapped, dropped := ForProduction(o.user, h.custom)
	answer, err = e.imported(mapped, o.keep)
	decision := "import-for-reset"
	if o.keep {
		decision = "import"
	}
	return answer, append(attrs, "decision", decision, "via", via, "droppedAttributes", dropped), err
}

func (h *Handler) decide(ctx context.Context, e event) (o outcome, via ledger.Via, err error) {
	if e.source == sourceForgotPassword {
		o, err = h.forgotPassword(ctx, e.userName)
		return o, ledger.ForgotPassword, err
	}
	if e.password == "" {
		return outcome{reason: NoPassword}, ledger.SignIn, nil
	}
	o, err = h.signIn(ctx, e.userName, e.password)
	return o, ledger.SignIn, err
}

var errLedger = errors.New("ledger is not writable")

// lambdaError is what Cognito gets, and may show to the app: a type for the alarm and a fixed text. The cause is in the
// log only.
func lambdaError(err error) error {
	for _, known := range []struct {
		err        error
		name, text string
	}{
		{errNotAnEvent, "MalformedEvent", "the event is not one of Cognito's"},
		{errLedger, "LedgerUnavailable", "the migration is not available right now"},
		{ErrThrottled, "StagingThrottled", "the migration is busy, please try again"},
		{ErrDenied, "StagingAccessDenied", "the migration is not available right now"},
		{ErrMisconfigured, "StagingMisconfigured", "the migration is not available right now"},
	} {
		if errors.Is(err, known.err) {
			return messages.InvokeResponse_Error{Type: known.name, Message: known.text}
		}
	}
	return messages.InvokeResponse_Error{Type: "StagingUnavailable", Message: "the migration is not available right now"}
}
