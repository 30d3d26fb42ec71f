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
)

// Cognito waits 5 s for a hook ("Cognito developer guide, Customizing user pool workflows with Lambda triggers"). The
// worst case is read + bind + seen, then the rest of the budget, then the hand-over: under 5 s for every budget allowed.
const (
	readTimeout     = 300 * time.Millisecond
	bindTimeout     = 700 * time.Millisecond
	seenTimeout     = 300 * time.Millisecond
	handOverTimeout = 700 * time.Millisecond
)

// hookLedger is what the hook asks of the ledger; the contract is that of ledger.Store.
type hookLedger interface {
	moveLedger
	Get(ctx context.Context, stagingSub string) (ledger.Line, error)
	Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Line, error)
	Seen(ctx context.Context, stagingSub, productionSub string, at time.Time) error
}

// Handler is the datamover's Lambda handler: Cognito's hook, and the hand-overs that it sends to itself.
type Handler struct {
	mover    *Mover
	ledger   hookLedger
	handOver func(context.Context, HandOver) error // asynchronous invocation of this same function
	budget   time.Duration
	log      metrics.Log
	now      func() time.Time
}

// NewHandler wires the handler. budget is how long a sign-in may wait for its data.
func NewHandler(m *Mover, l hookLedger, handOver func(context.Context, HandOver) error, budget time.Duration, log metrics.Log) *Handler {
	return &Handler{mover: m, ledger: l, handOver: handOver, budget: budget, log: log, now: time.Now}
}

// event is what the hook reads of Cognito's event, and of a hand-over.
type event struct {
	TriggerSource string `json:"triggerSource"`
	UserName      string `json:"userName"`
	Request       struct {
		UserAttributes map[string]attribute `json:"userAttributes"`
	} `json:"request"`
	HandOver
}

// stagingSub is the staging user that the production user says they were; anybody who may write the attribute can say so.
func (e event) stagingSub() string { return e.attribute("custom:staging_sub") }

// productionSub falls back to the user name, which is the sub where e-mail is the user name.
func (e event) productionSub() string {
	if sub := e.attribute("sub"); sub != "" {
		return sub
	}
	return e.UserName
}

// verifiedEmail is empty where production has not verified it: then it proves nothing.
func (e event) verifiedEmail() string {
	if !strings.EqualFold(e.attribute("email_verified"), "true") {
		return ""
	}
	return e.attribute("email")
}

func (e event) attribute(name string) string { return string(e.Request.UserAttributes[name]) }

// attribute is text, however it was sent: a flag such as email_verified has been seen as a JSON boolean.
type attribute string

func (a *attribute) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	*a = attribute(text)
	return nil
}

// Invoke answers Cognito with the very bytes that it sent, whatever happens to the data. Only a hand-over can fail, which
// makes Lambda try it again and then keep it in the dead-letter queue.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		tally := h.log.Tally()
		tally.Count(metrics.HookDecisions, 1, "Decision", ignored)
		h.log.WarnContext(ctx, "hook", append(tally.Attrs(h.now()), "decision", ignored, "reason", "event is not of Cognito's shape")...)
		return payload, nil
	}
	if e.TriggerSource == "" && e.HandOver.StagingSub != "" {
		return []byte("null"), h.resume(ctx, e.HandOver)
	}
	if e.stagingSub() != "" {
		h.arrived(ctx, e)
	}
	return payload, nil
}

// arrived runs when a production user who says that they were a staging user came in.
func (h *Handler) arrived(ctx context.Context, e event) {
	began := h.now()
	log := h.log.With("source", e.TriggerSource, "stagingSub", e.stagingSub(), "productionSub", e.productionSub())
	tally := h.log.Tally()
	decision, attrs := h.decide(ctx, log, tally, e, began)
	took := h.now().Sub(began)
	tally.Count(metrics.HookDecisions, 1, "Decision", decision)
	tally.Milliseconds(metrics.Duration, took)
	conclude(tally, decision)
	log.Log(ctx, level(decision), "hook", slices.Concat(attrs,
		[]any{"decision", decision, "durationMs", took.Milliseconds()}, tally.Attrs(h.now()))...)
}

func conclude(tally *metrics.Tally, decision string) {
	switch decision {
	case refused:
		tally.Count(metrics.ForgedClaims, 1)
	case handedOver:
		tally.Count(metrics.HandOvers, 1)
	}
}

// The hook's decisions, as they stand in the log and in the metrics.
const (
	ignored      = "ignored" // not an event of Cognito's shape
	alreadyMoved = "already-moved"
	moved        = "moved"
	handedOver   = "handed-over"
	refused      = "refused"     // the claim is false: nothing moves, and somebody should look
	postponed    = "postponed"   // the ledger did not answer; the next sign-in tries again
	incomplete   = "incomplete"  // some rows did not arrive; Lambda, a sign-in or a sweep tries again
	otherMover   = "other-mover" // another mover finished first
	notHanded    = "not-handed"  // the hand-over failed; the next sign-in goes on
)

func level(decision string) slog.Level {
	switch decision {
	case refused, postponed:
		return slog.LevelWarn
	case incomplete, notHanded:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func (h *Handler) decide(ctx context.Context, log *slog.Logger, tally *metrics.Tally, e event, began time.Time) (decision string, attrs []any) {
	line, err := within(ctx, readTimeout, func(ctx context.Context) (ledger.Line, error) {
		return h.ledger.Get(ctx, e.stagingSub())
	})
	if err == nil && !line.Bound() {
		line, err = h.bind(ctx, e)
	}
	switch {
	case errors.Is(err, ledger.ErrNoLine), errors.Is(err, ledger.ErrNotTheirs), errors.Is(err, errUnverified):
		return refused, []any{"reason", err.Error()}
	case err != nil:
		return h.postpone(ctx, e, err)
	case line.ProductionSub != e.productionSub():
		return refused, []any{"reason", ledger.ErrNotTheirs.Error()}
	}
	h.stampSeen(ctx, log, line)
	if line.State == ledger.Moved {
		return alreadyMoved, nil
	}
	return h.move(ctx, tally, line, began)
}

var errUnverified = errors.New("production has not verified the e-mail")

func (h *Handler) bind(ctx context.Context, e event) (ledger.Line, error) {
	email := e.verifiedEmail()
	if email == "" {
		return ledger.Line{}, errUnverified
	}
	return within(ctx, bindTimeout, func(ctx context.Context) (ledger.Line, error) {
		return h.ledger.Bind(ctx, e.stagingSub(), e.productionSub(), email)
	})
}

// postpone lets the sign-in pass without the ledger, and hands over all of it: the next sign-in may be weeks away.
func (h *Handler) postpone(ctx context.Context, e event, because error) (decision string, attrs []any) {
	err := h.pass(ctx, HandOver{StagingSub: e.stagingSub(), ProductionSub: e.productionSub(), Email: e.verifiedEmail()})
	if err != nil {
		return postponed, []any{"error", errors.Join(because, err).Error()}
	}
	return handedOver, []any{"error", because.Error()}
}

func (h *Handler) pass(ctx context.Context, o HandOver) error {
	ctx, cancel := context.WithTimeout(ctx, handOverTimeout)
	defer cancel()
	return h.handOver(ctx, o)
}

func within[T any](ctx context.Context, d time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}

// stampSeen tells the sweep that a user whom it created is live. A missed stamp is made up for by the next sign-in.
func (h *Handler) stampSeen(ctx context.Context, log *slog.Logger, line ledger.Line) {
	if line.Via != ledger.Sweep || !line.SeenAt.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, seenTimeout)
	defer cancel()
	if err := h.ledger.Seen(ctx, line.StagingSub, line.ProductionSub, h.now()); err != nil {
		log.ErrorContext(ctx, "seen not stamped", "error", err.Error())
	}
}

// move moves what the budget allows, which began with the hook, and hands over the rest: what there was no time for, and
// what failed.
func (h *Handler) move(ctx context.Context, tally *metrics.Tally, line ledger.Line, began time.Time) (decision string, attrs []any) {
	budget, cancel := context.WithDeadline(ctx, began.Add(h.budget))
	defer cancel()
	attrs, err := h.run(budget, tally, line)
	switch {
	case err == nil:
		return moved, attrs
	case errors.Is(err, ledger.ErrNotMoving):
		return otherMover, attrs
	case budget.Err() == nil:
		attrs = append(attrs, "error", err.Error())
	}
	if err := h.pass(ctx, HandOver{StagingSub: line.StagingSub, ProductionSub: line.ProductionSub}); err != nil {
		return notHanded, append(attrs, "handOverError", err.Error())
	}
	return handedOver, attrs
}

// run lets the mover work. attrs say how far the move has come in all; the tally is of this run.
func (h *Handler) run(ctx context.Context, tally *metrics.Tally, line ledger.Line) (attrs []any, err error) {
	_, before := h.mover.start(line)
	progress, err := h.mover.Move(ctx, line)
	copied, kept, failed := total(progress.Copied), total(progress.Kept), 0
	var partial *PartialError
	if errors.As(err, &partial) {
		failed = partial.Failed
	}
	tally.Count(metrics.RowsCopied, copied-total(before.Copied))
	tally.Count(metrics.RowsKept, kept-total(before.Kept))
	tally.Count(metrics.RowsFailed, failed)
	return []any{"copied", copied, "kept", kept}, err
}

func total(byTable map[string]int) (n int) {
	for _, count := range byTable {
		n += count
	}
	return n
}
