// Package trigger answers Cognito's Migrate user trigger: it imports eligible users that staging authenticates.
package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// budget bounds one answer. Cognito waits 5 s, and tries three times after a time-out, but not after an error ("Amazon
// Cognito developer guide, Customizing user pool workflows with Lambda triggers").
const budget = 3300 * time.Millisecond

// importLedger records an import before Cognito creates the user. It returns ledger.ErrAlreadyBound for a bound record.
type importLedger interface {
	Import(ctx context.Context, r ledger.Record) error
}

// Handler is the trigger's Lambda handler.
type Handler struct {
	staging    staging
	clientID   string // staging's app client
	ledger     importLedger
	cutoff     time.Time
	custom     []string
	mfa        settings.MFAPolicy
	resetEmail ResetEmail
	log        metrics.Log
	now        func() time.Time
}

// NewHandler wires the handler.
func NewHandler(st staging, l importLedger, s settings.Settings, email ResetEmail, log metrics.Log) *Handler {
	return &Handler{
		staging: st, clientID: s.StagingClientID, ledger: l, cutoff: s.StagingCutoff, custom: s.CustomAttributes,
		mfa: s.MFAUsers, resetEmail: email, log: log, now: time.Now,
	}
}

// outcome is what happened to one event.
type outcome struct {
	user    userpool.User // zero if staging does not know the user
	action  action
	reason  userpool.Reason // why the event is unchanged
	via     ledger.Via
	waited  time.Duration // for staging
	dropped int           // custom attributes that are not copied
}

// Invoke answers one event. A user who is not imported gets the event back byte for byte, which to Cognito means
// "unknown user"; an outage is an error of a named type with nothing about the user in it.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	began := h.now()
	e, err := parseEvent(payload)
	if strings.HasPrefix(e.source, sourceCustomMessage) {
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

// answer decides and, if the user is imported, writes the ledger record first.
func (h *Handler) answer(ctx context.Context, e event) ([]byte, outcome, error) {
	o, err := h.decide(ctx, e)
	if err != nil || o.action == unchanged {
		return e.raw, o, err
	}
	attributes, dropped := userpool.ProductionAttributes(o.user, h.custom)
	o.dropped = dropped
	answer, err := e.imported(attributes, o.action == importConfirmed)
	if err != nil {
		return nil, o, err
	}
	record := ledger.NewRecord(o.user.Sub, o.user.Username, o.user.Email(), o.via, h.now())
	switch err := h.ledger.Import(ctx, record); {
	case errors.Is(err, ledger.ErrAlreadyBound):
		o.action, o.reason = unchanged, AlreadyBound
		return e.raw, o, nil
	case err != nil:
		return nil, o, fmt.Errorf("%w: %w", errLedger, err)
	}
	return answer, o, nil
}

func (h *Handler) decide(ctx context.Context, e event) (outcome, error) {
	o := outcome{via: ledger.SignIn}
	switch {
	case e.source == sourceForgotPassword:
		o.via, e.password = ledger.ForgotPassword, ""
	case e.source != sourceAuthentication:
		o.reason = UnsupportedEvent
	case e.password == "":
		o.reason = NoPassword
	}
	if o.reason == "" && !validUsername(e.userName) {
		o.reason = InvalidUsername
	}
	if o.reason != "" {
		return o, nil
	}
	began := h.now()
	a, signInErr, err := h.askStaging(ctx, e.userName, e.password)
	o.waited = h.now().Sub(began)
	if errors.Is(err, userpool.ErrUserNotFound) {
		o.reason = UnknownUser
		return o, nil
	}
	if err != nil {
		return o, err
	}
	o.user = a.user
	if signInErr != nil && notImportable(e.userName, a.user, h.cutoff, h.mfa) == "" {
		return o, signInErr
	}
	o.action, o.reason = decide(e.userName, a, h.cutoff, h.mfa)
	return o, nil
}

// report writes the one log line of an event, which carries its metrics.
func (h *Handler) report(ctx context.Context, e event, o outcome, err error, took time.Duration) {
	level, decision := slog.LevelInfo, o.action.String()
	counters := h.log.Counters()
	var attrs []any
	if o.user.Sub != "" {
		// Only of a user that staging knows: what anyone else types into the name field may be their password.
		attrs = []any{"stagingSub", o.user.Sub, "email", ledger.MaskEmail(o.user.Email())}
	}
	switch {
	case err != nil:
		level, decision = slog.LevelError, "error"
		attrs = append(attrs, "error", err.Error())
		counters.Count(metrics.Errors, 1, "ErrorType", lambdaError(err).Type)
	case o.reason != "":
		if o.reason == UnsupportedEvent {
			level = slog.LevelWarn
		}
		attrs = append(attrs, "reason", o.reason)
	default:
		attrs = append(attrs, "via", o.via, "droppedAttributes", o.dropped)
		counters.Count(metrics.Imports, 1, "Via", string(o.via))
	}
	counters.Count(metrics.Decisions, 1, "Decision", decision, "Reason", string(o.reason))
	counters.Milliseconds(metrics.Duration, took)
	if o.waited > 0 {
		counters.Milliseconds(metrics.StagingLatency, o.waited)
	}
	h.log.Log(ctx, level, "migrate user", slices.Concat(attrs,
		[]any{"decision", decision, "source", e.source, "durationMs", took.Milliseconds()}, counters.Attrs(h.now()))...)
}
