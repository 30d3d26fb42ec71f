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
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Cognito waits 5 s for a hook ("Amazon Cognito developer guide, Customizing user pool workflows with Lambda
// triggers"). Up to the lease nothing takes longer than its time below; then the rest of the budget is for the move,
// and what follows is the renewal of the lease and the invocation of the background move: under 5 s for every budget
// that is allowed.
const (
	readTimeout        = 300 * time.Millisecond
	stagingTimeout     = time.Second
	bindTimeout        = 700 * time.Millisecond
	firstSignInTimeout = 300 * time.Millisecond
	leaseTimeout       = 300 * time.Millisecond
	invokeTimeout      = 700 * time.Millisecond
)

// queueTime is how long a lease lasts that waits for a background invocation to begin.
const queueTime = 5 * time.Minute

// freshImport is how long an import needs no second look at staging: the trigger has just looked.
const freshImport = time.Minute

// subLength is the length of a sub, which is a UUID.
const subLength = 36

// hookLedger is what the hook needs of the ledger; the contract is that of ledger.Store.
type hookLedger interface {
	moveLedger
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Record, error)
	FirstSignIn(ctx context.Context, stagingSub, productionSub string, at time.Time) error
	Defer(ctx context.Context, stagingSub string, now time.Time, d time.Duration) (won bool, err error)
	TakeLease(ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration) (
		ledger.Record, ledger.Lease, error)
	Free(ctx context.Context, l ledger.Lease) error
}

// pool reads one user by a name that it resolves; the contract is that of userpool.Pool.
type pool interface {
	Get(ctx context.Context, name string) (userpool.User, error)
}

// ProductionPool is production's user pool; the contract is that of userpool.Pool.
type ProductionPool interface {
	pool
	AddToGroup(ctx context.Context, username, group string) error
}

// invoker invokes the background function and does not wait for it.
type invoker func(context.Context, Continuation) error

// Handler is the datamover's Lambda handler: Cognito's hook, and the background moves that it starts.
type Handler struct {
	mover      *Mover
	ledger     hookLedger
	staging    pool
	pools      func(id string) ProductionPool
	production ProductionPool // of this event
	invoke     invoker
	settings   settings.Settings
	log        metrics.Log
	now        func() time.Time
}

// NewHandler wires the handler. The hook learns its pool's id from the event, since the pool cannot be deployed before
// the hook; for a background move pools is called without one.
func NewHandler(
	m *Mover, l hookLedger, staging pool, pools func(id string) ProductionPool, invoke invoker, s settings.Settings,
	log metrics.Log,
) *Handler {
	return &Handler{
		mover: m, ledger: l, staging: staging, pools: pools, invoke: invoke, settings: s, log: log, now: m.now,
	}
}

// in returns the handler of one event.
func (h Handler) in(poolID string) *Handler {
	mover := *h.mover
	h.production = h.pools(poolID)
	mover.groups.Production, h.mover = h.production, &mover
	return &h
}

// event is what the hook reads of Cognito's event, and the event of a background move.
type event struct {
	TriggerSource string `json:"triggerSource"`
	UserPoolID    string `json:"userPoolId"`
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
		return []byte("null"), h.in("").background(ctx, e.Continuation)
	}
	if e.stagingSub() != "" {
		h.in(e.UserPoolID).onSignIn(ctx, e)
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
	rejected           = "rejected"            // the claim is false, or staging no longer vouches: nothing is moved
	deferred           = "deferred"            // ledger or pool did not answer; the next sign-in tries again
	moveInProgress     = "move-in-progress"    // another mover has the lease
	movedElsewhere     = "moved-elsewhere"     // another mover took over
	paused             = "paused"              // some rows cannot be written; a later sign-in or a sweep tries again
	incomplete         = "incomplete"          // some rows cannot be written: this move ended with them
	interrupted        = "interrupted"         // an outage; Lambda, a sign-in or a sweep tries again
	continuationFailed = "continuation-failed" // the background move could not be invoked; the next sign-in continues
)

func level(decision string) slog.Level {
	switch decision {
	case rejected, deferred:
		return slog.LevelWarn
	case incomplete, interrupted, continuationFailed:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func (h *Handler) decide(
	ctx context.Context, log *slog.Logger, counters *metrics.Counters, e event, began time.Time,
) (decision string, attrs []any) {
	record, err := h.owned(ctx, e)
	switch {
	case isRejection(err):
		return rejected, []any{"reason", err.Error()}
	case err != nil && record.Exists() && !record.Bound() && !h.mayDefer(ctx, record):
		return deferred, []any{"error", err.Error()}
	case err != nil:
		return h.deferMove(ctx, e, ledger.Lease{}, err)
	}
	h.recordFirstSignIn(ctx, log, record)
	if record.State == ledger.Moved {
		return alreadyMoved, nil
	}
	leasing, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	record, lease, err := h.lease(leasing, record, Continuation{})
	if decision := withoutLease(err); decision != "" {
		return decision, nil
	}
	if err != nil {
		return h.deferMove(ctx, e, lease, err)
	}
	return h.move(ctx, counters, record, lease, began)
}

// owned returns the record of the user who signed in, and binds it if it is not bound yet.
func (h *Handler) owned(ctx context.Context, e event) (ledger.Record, error) {
	if len(e.stagingSub()) != subLength {
		return ledger.Record{}, ledger.ErrNoRecord
	}
	record, err := within(ctx, readTimeout, func(ctx context.Context) (ledger.Record, error) {
		return h.ledger.Get(ctx, e.stagingSub())
	})
	switch {
	case err != nil:
		return record, err
	case !record.Exists():
		return record, ledger.ErrNoRecord
	case record.Bound() && record.ProductionSub != e.productionSub():
		return record, ledger.ErrBoundToAnotherUser
	case record.Bound():
		return record, nil
	case e.verifiedEmail() == "":
		return record, errUnverified
	}
	return h.bind(ctx, record, e.productionSub(), e.verifiedEmail())
}

var errUnverified = errors.New("production has not verified the email")

// vouchError is returned if staging no longer vouches for an import.
type vouchError struct{ reason userpool.Reason }

func (e *vouchError) Error() string {
	return "staging no longer vouches for the user: " + string(e.reason)
}

// isRejection reports errors that say that a claim is false. All others are outages.
func isRejection(err error) bool {
	return errors.Is(err, ledger.ErrNoRecord) || errors.Is(err, ledger.ErrBoundToAnotherUser) ||
		errors.Is(err, errUnverified) || errors.Is(err, userpool.ErrUserNotFound) || errors.As(err, new(*vouchError))
}

// bind binds an unbound record to a production user who has that verified email. An import that is not fresh is checked
// again, since staging may have disabled the user meanwhile, or given the email to someone else.
func (h *Handler) bind(ctx context.Context, record ledger.Record, productionSub, email string) (ledger.Record, error) {
	if h.now().Sub(record.ImportedAt) > freshImport {
		if err := h.askStaging(ctx, record, email); err != nil {
			return record, err
		}
	}
	return within(ctx, bindTimeout, func(ctx context.Context) (ledger.Record, error) {
		return h.ledger.Bind(ctx, record.StagingSub, productionSub, email)
	})
}

// askStaging returns a *vouchError unless the user is still eligible in staging, with the same email.
func (h *Handler) askStaging(ctx context.Context, record ledger.Record, email string) error {
	user, err := within(ctx, stagingTimeout, func(ctx context.Context) (userpool.User, error) {
		return h.staging.Get(ctx, record.Username())
	})
	switch {
	case errors.Is(err, userpool.ErrUserNotFound), err == nil && user.Sub != record.StagingSub:
		return &vouchError{userpool.Deleted}
	case err != nil:
		return err
	case user.Ineligible(h.settings.StagingCutoff) != "":
		return &vouchError{user.Ineligible(h.settings.StagingCutoff)}
	case user.MFA && h.settings.MFAUsers == settings.MFARefuse:
		return &vouchError{userpool.MFARejected}
	case !user.HasEmail(email):
		return &vouchError{userpool.EmailChanged}
	}
	return nil
}

var errPaused = errors.New("the move is paused, since some rows cannot be written")

// lease takes the lease of a record that is not moved, or renews the one under which a move continues.
func (h *Handler) lease(
	ctx context.Context, record ledger.Record, c Continuation,
) (ledger.Record, ledger.Lease, error) {
	now := h.now()
	held := ledger.Lease{
		StagingSub: record.StagingSub, ProductionSub: record.ProductionSub, Until: c.Lease, Tried: c.TriedLease,
	}
	switch {
	case held.Ends(record.MovingUntil):
		lease, err := h.ledger.Renew(ctx, held, now, LeaseFor)
		return record, lease, err
	case record.Leased(now):
		return record, ledger.Lease{}, ledger.ErrLeased
	case record.RetryAfter.After(now):
		return record, ledger.Lease{}, errPaused
	}
	record, lease, err := h.ledger.TakeLease(ctx, record.StagingSub, record.ProductionSub, now, LeaseFor)
	if err == nil && record.State == ledger.Moved { // since it was read
		_ = h.ledger.Free(ctx, lease)
		err = errAlreadyMoved
	}
	return record, lease, err
}

var errAlreadyMoved = errors.New("the data is moved")

// withoutLease returns the decision if the lease is not to be had, or "".
func withoutLease(err error) string {
	switch {
	case errors.Is(err, ledger.ErrLeased), errors.Is(err, ledger.ErrLeaseLost):
		return moveInProgress
	case errors.Is(err, errPaused):
		return paused
	case errors.Is(err, errAlreadyMoved):
		return alreadyMoved
	}
	return ""
}

// deferMove lets the sign-in pass, and leaves everything to the background: the next sign-in may be weeks away.
func (h *Handler) deferMove(
	ctx context.Context, e event, lease ledger.Lease, cause error,
) (decision string, attrs []any) {
	err := h.continueInBackground(ctx, Continuation{
		StagingSub: e.stagingSub(), ProductionSub: e.productionSub(), SignedIn: true, TriedLease: lease.Tried,
	})
	if err != nil {
		return deferred, []any{"error", errors.Join(cause, err).Error()}
	}
	return continued, []any{"error", cause.Error()}
}

// mayDefer reports whether the background may be asked to bind the record, which is once a minute: staging can be down
// for long, and a user can sign in often.
func (h *Handler) mayDefer(ctx context.Context, record ledger.Record) bool {
	won, err := within(ctx, leaseTimeout, func(ctx context.Context) (bool, error) {
		return h.ledger.Defer(ctx, record.StagingSub, h.now(), firstPause)
	})
	return won || err != nil
}

func (h *Handler) continueInBackground(ctx context.Context, c Continuation) error {
	ctx, cancel := context.WithTimeout(ctx, invokeTimeout)
	defer cancel()
	return h.invoke(ctx, c)
}

// continueUnder invokes the background function with a lease that outlasts the queue, and frees it if that fails.
func (h *Handler) continueUnder(ctx context.Context, lease ledger.Lease, c Continuation) error {
	lease, err := within(ctx, leaseTimeout, func(ctx context.Context) (ledger.Lease, error) {
		return h.ledger.Renew(ctx, lease, h.now(), queueTime)
	})
	if errors.Is(err, ledger.ErrLeaseLost) {
		return err
	}
	c.Lease, c.TriedLease = lease.Until, lease.Tried
	if err := h.continueInBackground(ctx, c); err != nil {
		_, _ = within(ctx, leaseTimeout, func(ctx context.Context) (any, error) { return nil, h.ledger.Free(ctx, lease) })
		return err
	}
	return nil
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
// no time for, and what an outage prevented. Rows that cannot be written wait for a later sign-in.
func (h *Handler) move(
	ctx context.Context, counters *metrics.Counters, record ledger.Record, lease ledger.Lease, began time.Time,
) (decision string, attrs []any) {
	budget, cancel := context.WithDeadline(ctx, began.Add(h.settings.HookBudget))
	defer cancel()
	attrs, lease, err := h.run(budget, counters, record, lease)
	c := Continuation{StagingSub: record.StagingSub, ProductionSub: record.ProductionSub}
	var partial *PartialError
	switch {
	case err == nil:
		return moved, attrs
	case errors.Is(err, ledger.ErrLeaseLost):
		return movedElsewhere, attrs
	case errors.As(err, &partial) && !partial.Outage:
		return incomplete, append(attrs, "error", err.Error())
	}
	if budget.Err() == nil {
		attrs = append(attrs, "error", err.Error())
	}
	err = h.continueUnder(ctx, lease, c)
	switch {
	case errors.Is(err, ledger.ErrLeaseLost):
		return movedElsewhere, attrs
	case err != nil:
		return continuationFailed, append(attrs, "continuationError", err.Error())
	}
	return continued, attrs
}

// run runs the mover. attrs count the rows of the whole move, the metrics those of this run.
func (h *Handler) run(
	ctx context.Context, counters *metrics.Counters, record ledger.Record, lease ledger.Lease,
) (attrs []any, after ledger.Lease, err error) {
	_, before := h.mover.start(record)
	progress, after, err := h.mover.Move(ctx, record, lease)
	copied, kept, failed := total(progress.Copied), total(progress.Kept), 0
	attrs = []any{"copied", copied, "kept", kept, "expired", total(progress.Expired)}
	var partial *PartialError
	if errors.As(err, &partial) {
		failed = partial.Failed
		attrs = append(attrs, "failedRows", partial.Rows)
	}
	if len(progress.MissingGroups) > 0 {
		h.log.WarnContext(ctx, "production lacks groups",
			"missingGroups", progress.MissingGroups, "stagingSub", record.StagingSub)
		counters.Count(metrics.GroupsMissing, len(progress.MissingGroups))
	}
	counters.Count(metrics.RowsCopied, copied-total(before.Copied))
	counters.Count(metrics.RowsKept, kept-total(before.Kept))
	counters.Count(metrics.RowsFailed, failed)
	return attrs, after, err
}

func total(byTable map[string]int) (n int) {
	for _, count := range byTable {
		n += count
	}
	return n
}
