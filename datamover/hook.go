package datamover

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Cognito waits 5 s for a hook ("Amazon Cognito developer guide, Customizing user pool workflows with Lambda
// triggers"). The worst case is read + bind + first sign-in, then the rest of the budget, then the invocation of the
// background move: under 5 s for every budget that is allowed.
const (
	readTimeout        = 300 * time.Millisecond
	bindTimeout        = 700 * time.Millisecond
	firstSignInTimeout = 300 * time.Millisecond
	invokeTimeout      = 700 * time.Millisecond
)

// hookLedger is what the hook needs of the ledger; the contract is that of ledger.Store.
type hookLedger interface {
	moveLedger
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Record, error)
	FirstSignIn(ctx context.Context, stagingSub, productionSub string, at time.Time) error
}

// invoker invokes the background function and does not wait for it.
type invoker func(context.Context, Continuation) error

// Handler is the datamover's Lambda handler: Cognito's hook, and the background moves that it starts.
type Handler struct {
	mover  *Mover
	ledger hookLedger
	invoke invoker
	budget time.Duration
	log    metrics.Log
	now    func() time.Time
}

// NewHandler wires the handler. budget is how long a sign-in may wait for its data.
func NewHandler(m *Mover, l hookLedger, invoke invoker, budget time.Duration, log metrics.Log) *Handler {
	return &Handler{mover: m, ledger: l, invoke: invoke, budget: budget, log: log, now: time.Now}
}

// event is what the hook reads of Cognito's event, and the event of a background move.
type event struct {
	TriggerSource string `json:"triggerSource"`
	UserName      string `json:"userName"`
	Request       struct {
		UserAttributes map[userpool.Attribute]attribute `json:"userAttributes"`
	} `json:"request"`
	Continuation
}

// stagingSub is the staging user that the production user claims to be. Any user who may write the attribute can claim
// it.
func (e event) stagingSub() string { return e.attribute(userpool.AttrStagingSub) }

// productionSub falls back to the user name, which is the sub if email is the user name.
func (e event) productionSub() string {
	if sub := e.attribute(userpool.AttrSub); sub != "" {
		return sub
	}
	return e.UserName
}

// verifiedEmail is empty if production has not verified the email: then it proves nothing.
func (e event) verifiedEmail() string {
	if !strings.EqualFold(e.attribute(userpool.AttrEmailVerified), "true") {
		return ""
	}
	return e.attribute(userpool.AttrEmail)
}

func (e event) attribute(name userpool.Attribute) string {
	return string(e.Request.UserAttributes[name])
}

// attribute is text, even if it was sent as something else: email_verified has been seen as a JSON boolean.
type attribute string

func (a *attribute) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	*a = attribute(text)
	return nil
}

// Invoke returns Cognito's event byte for byte, whatever happens to the data. Only a background move can fail, which
// makes Lambda retry it and then send its event to the dead-letter queue.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		counters := h.log.Counters()
		counters.Count(metrics.HookDecisions, 1, "Decision", ignored)
		h.log.WarnContext(ctx, "hook",
			append(counters.Attrs(h.now()), "decision", ignored, "reason", "not a Cognito event")...)
		return payload, nil
	}
	if e.TriggerSource == "" && e.Continuation.StagingSub != "" {
		return []byte("null"), h.background(ctx, e.Continuation)
	}
	if e.stagingSub() != "" {
		h.onSignIn(ctx, e)
	}
	return payload, nil
}

// onSignIn runs when a production user with a staging sub has signed in or confirmed a new password.
func (h *Handler) onSignIn(ctx context.Context, e event) {
	began := h.now()
	log := h.log.With("source", e.TriggerSource, "stagingSub", e.stagingSub(), "productionSub", e.productionSub())
	counters := h.log.Counters()
	decision, attrs := h.decide(ctx, log, counters, e, began)
	took := h.now().Sub(began)
	counters.Count(metrics.HookDecisions, 1, "Decision", decision)
	counters.Milliseconds(metrics.Duration, took)
	recordMetrics(counters, decision)
	log.Log(ctx, level(decision), "hook", slices.Concat(attrs,
		[]any{"decision", decision, "durationMs", took.Milliseconds()}, counters.Attrs(h.now()))...)
}

func recordMetrics(counters *metrics.Counters, decision string) {
	switch decision {
	case rejected:
		counters.Count(metrics.RejectedClaims, 1)
	case continued:
		counters.Count(metrics.Continuations, 1)
	}
}

// The decisions, as they are in the log and in the metrics.
const (
	ignored            = "ignored" // not a Cognito event
	alreadyMoved       = "already-moved"
	moved              = "moved"
	continued          = "continued"           // in the background
	rejected           = "rejected"            // the claim is false: nothing is moved
	deferred           = "deferred"            // the ledger did not answer; the next sign-in tries again
	incomplete         = "incomplete"          // some rows failed; Lambda, a sign-in or a sweep tries again
	movedElsewhere     = "moved-elsewhere"     // another mover completed the move
	continuationFailed = "continuation-failed" // the background move could not be invoked; the next sign-in continues
)

func level(decision string) slog.Level {
	switch decision {
	case rejected, deferred:
		return slog.LevelWarn
	case incomplete, continuationFailed:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func (h *Handler) decide(
	ctx context.Context, log *slog.Logger, counters *metrics.Counters, e event, began time.Time,
) (decision string, attrs []any) {
	record, err := within(ctx, readTimeout, func(ctx context.Context) (ledger.Record, error) {
		return h.ledger.Get(ctx, e.stagingSub())
	})
	switch {
	case err == nil && !record.Exists():
		err = ledger.ErrNoRecord
	case err == nil && !record.Bound():
		record, err = h.bind(ctx, e)
	}
	switch {
	case errors.Is(err, ledger.ErrNoRecord), errors.Is(err, ledger.ErrBoundToAnotherUser), errors.Is(err, errUnverified):
		return rejected, []any{"reason", err.Error()}
	case err != nil:
		return h.deferMove(ctx, e, err)
	case record.ProductionSub != e.productionSub():
		return rejected, []any{"reason", ledger.ErrBoundToAnotherUser.Error()}
	}
	h.recordFirstSignIn(ctx, log, record)
	if record.State == ledger.Moved {
		return alreadyMoved, nil
	}
	return h.move(ctx, counters, record, began)
}

var errUnverified = errors.New("production has not verified the email")

func (h *Handler) bind(ctx context.Context, e event) (ledger.Record, error) {
	email := e.verifiedEmail()
	if email == "" {
		return ledger.Record{}, errUnverified
	}
	return within(ctx, bindTimeout, func(ctx context.Context) (ledger.Record, error) {
		return h.ledger.Bind(ctx, e.stagingSub(), e.productionSub(), email)
	})
}

// deferMove lets the sign-in pass without the ledger, and leaves everything to the background: the next sign-in may be
// weeks away.
func (h *Handler) deferMove(ctx context.Context, e event, cause error) (decision string, attrs []any) {
	err := h.continueInBackground(ctx, Continuation{
		StagingSub: e.stagingSub(), ProductionSub: e.productionSub(), Email: e.verifiedEmail(),
	})
	if err != nil {
		return deferred, []any{"error", errors.Join(cause, err).Error()}
	}
	return continued, []any{"error", cause.Error()}
}

func (h *Handler) continueInBackground(ctx context.Context, c Continuation) error {
	ctx, cancel := context.WithTimeout(ctx, invokeTimeout)
	defer cancel()
	return h.invoke(ctx, c)
}

func within[T any](ctx context.Context, d time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}

// recordFirstSignIn tells the sweep that a user it created has signed in. If it fails, the next sign-in repeats it.
func (h *Handler) recordFirstSignIn(ctx context.Context, log *slog.Logger, record ledger.Record) {
	if !record.CreatedBySweep() || !record.SeenAt.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstSignInTimeout)
	defer cancel()
	if err := h.ledger.FirstSignIn(ctx, record.StagingSub, record.ProductionSub, h.now()); err != nil {
		log.ErrorContext(ctx, "could not record the user's sign-in", "error", err.Error())
	}
}

// move moves what the budget allows, which began with the hook, and leaves the rest to the background: what there was
// no time for, and what failed.
func (h *Handler) move(
	ctx context.Context, counters *metrics.Counters, record ledger.Record, began time.Time,
) (decision string, attrs []any) {
	budget, cancel := context.WithDeadline(ctx, began.Add(h.budget))
	defer cancel()
	attrs, err := h.run(budget, counters, record)
	switch {
	case err == nil:
		return moved, attrs
	case errors.Is(err, ledger.ErrNotMoving):
		return movedElsewhere, attrs
	case budget.Err() == nil:
		attrs = append(attrs, "error", err.Error())
	}
	err = h.continueInBackground(ctx, Continuation{StagingSub: record.StagingSub, ProductionSub: record.ProductionSub})
	if err != nil {
		return continuationFailed, append(attrs, "continuationError", err.Error())
	}
	return continued, attrs
}

// run runs the mover. attrs count the rows of the whole move, the metrics those of this run.
func (h *Handler) run(
	ctx context.Context, counters *metrics.Counters, record ledger.Record,
) (attrs []any, err error) {
	_, before := h.mover.start(record)
	progress, err := h.mover.Move(ctx, record)
	copied, kept, failed := total(progress.Copied), total(progress.Kept), 0
	var partial *PartialError
	if errors.As(err, &partial) {
		failed = partial.Failed
	}
	counters.Count(metrics.RowsCopied, copied-total(before.Copied))
	counters.Count(metrics.RowsKept, kept-total(before.Kept))
	counters.Count(metrics.RowsFailed, failed)
	return []any{"copied", copied, "kept", kept}, err
}

func total(byTable map[string]int) (n int) {
	for _, count := range byTable {
		n += count
	}
	return n
}
