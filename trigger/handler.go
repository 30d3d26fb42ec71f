package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/metrics"
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
	letter  Letter
	log     metrics.Log
	now     func() time.Time
}

// NewHandler wires the handler.
func NewHandler(st staging, l importLedger, s settings.Settings, letter Letter, log metrics.Log) *Handler {
	return &Handler{
		staging: st, ledger: l, cutoff: s.StagingCutoff, custom: s.CustomAttributes, mfa: s.MFAUsers,
		letter: letter, log: log, now: time.Now,
	}
}

// Invoke answers one event. Whoever is not to be imported gets the event back byte for byte, which Cognito takes for
// "unknown user"; an outage is an error of a named type with nothing about the user in it.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	began := h.now()
	e, err := parseEvent(payload)
	if strings.HasPrefix(e.source, sourcesOfMessages) {
		return h.message(ctx, e), nil
	}
	var o outcome
	answer := payload
	if err == nil {
		answer, o, err = h.answer(ctx, e)
	}
	h.report(ctx, e, o, err, h.now().Sub(began))
	if err != nil {
		return nil, lambdaError(err)
	}
	return answer, nil
}

// answer decides, and imports whom it may.
func (h *Handler) answer(ctx context.Context, e event) ([]byte, outcome, error) {
	o, err := h.decide(ctx, e)
	if err != nil || o.reason != "" {
		return e.raw, o, err
	}
	attributes, dropped := ForProduction(o.user, h.custom)
	o.dropped = dropped
	answer, err := e.imported(attributes, o.keep)
	if err != nil {
		return nil, o, err
	}
	switch err := h.ledger.Import(ctx, o.user.Sub, o.user.Email(), o.via, h.now()); {
	case errors.Is(err, ledger.ErrBound):
		o.reason = AlreadyBound
		return e.raw, o, nil
	case err != nil:
		return nil, o, fmt.Errorf("%w: %w", errLedger, err)
	}
	return answer, o, nil
}

func (h *Handler) decide(ctx context.Context, e event) (o outcome, err error) {
	switch {
	case e.source == sourceForgotPassword:
		o, err = h.forgotPassword(ctx, e.userName)
		o.via = ledger.ForgotPassword
	case e.source != sourceAuthentication:
		o.reason = OtherSource
	case e.password == "":
		o.reason = NoPassword
	default:
		o, err = h.signIn(ctx, e.userName, e.password)
		o.via = ledger.SignIn
	}
	return o, err
}

// report writes the one line of an event, which is its metrics as well.
func (h *Handler) report(ctx context.Context, e event, o outcome, err error, took time.Duration) {
	level, decision := slog.LevelInfo, o.decision()
	tally := h.log.Tally()
	var attrs []any
	if o.user.Sub != "" {
		// Only of a user that staging knows: what a stranger types into the name field may be their password.
		attrs = []any{"stagingSub", o.user.Sub, "email", ledger.Mask(o.user.Email())}
	}
	switch {
	case err != nil:
		level, decision = slog.LevelError, couldNotDecide
		attrs = append(attrs, "error", err.Error())
		tally.Count(metrics.Errors, 1, "ErrorType", lambdaError(err).Type)
	case o.reason != "":
		if o.reason == OtherSource {
			level = slog.LevelWarn
		}
		attrs = append(attrs, "reason", o.reason)
	default:
		attrs = append(attrs, "via", o.via, "droppedAttributes", o.dropped)
		tally.Count(metrics.Imports, 1, "Via", string(o.via))
	}
	tally.Count(metrics.Decisions, 1, "Decision", decision, "Reason", string(o.reason))
	tally.Milliseconds(metrics.Duration, took)
	if o.waited > 0 {
		tally.Milliseconds(metrics.StagingLatency, o.waited)
	}
	h.log.Log(ctx, level, "migrate user", slices.Concat(attrs,
		[]any{"decision", decision, "source", e.source, "durationMs", took.Milliseconds()}, tally.Attrs(h.now()))...)
}

var errLedger = errors.New("ledger is not writable")

// lambdaError is what Cognito gets, and may show to the app: a type for the alarm and a fixed text. The cause is in the
// log only.
func lambdaError(err error) messages.InvokeResponse_Error {
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
