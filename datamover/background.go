package datamover

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/metrics"
)

// maxHops is how often a background move may continue in another invocation: less than the depth at which Lambda stops
// a recursive loop ("AWS Lambda developer guide, Use Lambda recursive loop detection").
const maxHops = 10

// continueMargin is the time that a background move reserves to invoke the next one.
const continueMargin = 2 * time.Second

// Continuation is the event of a background move. It names a pair and proves nothing: only a pair that the ledger has
// bound is moved, or one that the background binds itself.
type Continuation struct {
	StagingSub    string    `json:"stagingSub"`
	ProductionSub string    `json:"productionSub"`
	SignedIn      bool      `json:"signedIn,omitempty"`  // the hook could not record the sign-in
	Lease         time.Time `json:"lease,omitzero"`      // the lease under which the move continues; zero: take it
	TriedLease    time.Time `json:"triedLease,omitzero"` // it may end then: the answer to its extension was lost
	Hop           int       `json:"hop,omitempty"`       // how often the move was continued
}

// background continues what a sign-in had no time for. An error makes Lambda retry twice, from the cursor, and then
// send the event to the dead-letter queue.
func (h *Handler) background(ctx context.Context, c Continuation) error {
	began := h.now()
	counters := h.log.Counters()
	decision, attrs, err := h.resume(ctx, counters, c)
	if err != nil {
		attrs = append(attrs, "error", err.Error())
	}
	recordMetrics(counters, decision)
	h.log.Log(ctx, level(decision), "background", slices.Concat(attrs, []any{"decision", decision, "hop", c.Hop,
		"stagingSub", c.StagingSub, "productionSub", c.ProductionSub, "durationMs", h.now().Sub(began).Milliseconds()},
		counters.Attrs(h.now()))...)
	switch decision {
	case moved, alreadyMoved, moveInProgress, movedElsewhere, paused, incomplete, continued:
		return nil
	case rejected:
		return messages.InvokeResponse_Error{Type: "ContinuationRejected", Message: "the ledger has not bound this pair"}
	}
	return messages.InvokeResponse_Error{Type: "MoveIncomplete", Message: "the move is incomplete; see the log"}
}

func (h *Handler) resume(
	ctx context.Context, counters *metrics.Counters, c Continuation,
) (decision string, attrs []any, err error) {
	record, err := h.ledger.Get(ctx, c.StagingSub)
	if err == nil {
		record, err = h.confirm(ctx, record, c)
	}
	switch {
	case isRejection(err):
		return rejected, nil, err
	case err != nil:
		return deferred, nil, err
	}
	if c.SignedIn {
		h.recordFirstSignIn(ctx, h.log.With("stagingSub", c.StagingSub), record)
	}
	if record.State == ledger.Moved {
		return alreadyMoved, nil, nil
	}
	record, lease, err := h.lease(ctx, record, c)
	if decision := withoutLease(err); decision != "" {
		return decision, nil, nil
	}
	if err != nil {
		return deferred, nil, err
	}
	return h.moveOn(ctx, counters, record, lease, c)
}

// confirm returns the record if it is bound to the pair, or binds it.
func (h *Handler) confirm(ctx context.Context, record ledger.Record, c Continuation) (ledger.Record, error) {
	switch {
	case !record.Exists():
		return record, ledger.ErrNoRecord
	case record.Bound() && record.ProductionSub != c.ProductionSub:
		return record, ledger.ErrBoundToAnotherUser
	case record.Bound():
		return record, nil
	}
	user, err := h.production.Get(ctx, c.ProductionSub)
	switch {
	case err != nil:
		return record, err
	case user.Sub != c.ProductionSub || user.StagingSub() != c.StagingSub:
		return record, ledger.ErrBoundToAnotherUser
	case !user.EmailVerified():
		return record, errUnverified
	}
	return h.bind(ctx, record, user.Sub, user.Email())
}

// moveOn moves until the invocation is about to end, and then continues in another one.
func (h *Handler) moveOn(
	ctx context.Context, counters *metrics.Counters, record ledger.Record, lease ledger.Lease, c Continuation,
) (decision string, attrs []any, err error) {
	moving, cancel := withMargin(ctx)
	defer cancel()
	attrs, lease, err = h.run(moving, counters, record, lease)
	var partial *PartialError
	switch {
	case err == nil:
		return moved, attrs, nil
	case errors.Is(err, ledger.ErrLeaseLost):
		return movedElsewhere, attrs, nil
	case errors.As(err, &partial) && !partial.Outage:
		return incomplete, attrs, err
	case moving.Err() == nil:
		return interrupted, attrs, err
	case c.Hop >= maxHops:
		_ = h.ledger.Free(ctx, lease)
		return continuationFailed, attrs, errors.New("continued too often; raise the function's timeout or memory")
	}
	c.Hop++
	switch err := h.continueUnder(ctx, lease, c); {
	case errors.Is(err, ledger.ErrLeaseLost):
		return movedElsewhere, attrs, nil
	case err != nil:
		return continuationFailed, attrs, err
	}
	return continued, attrs, nil
}

// withMargin ends before the invocation does.
func withMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-continueMargin))
}
