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
// bound is moved.
type Continuation struct {
	StagingSub    string `json:"stagingSub"`
	ProductionSub string `json:"productionSub"`
	Email         string `json:"email,omitempty"` // verified; set if the hook could not bind, to bind with
	Hop           int    `json:"hop,omitempty"`   // how often the move was continued
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
	case moved, alreadyMoved, movedElsewhere, continued:
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
	if err == nil && !record.Bound() && c.Email != "" {
		record, err = h.ledger.Bind(ctx, c.StagingSub, c.ProductionSub, c.Email)
	}
	switch {
	case errors.Is(err, ledger.ErrNoRecord), errors.Is(err, ledger.ErrBoundToAnotherUser):
		return rejected, nil, err
	case err != nil:
		return deferred, nil, err
	case !record.Exists():
		return rejected, nil, ledger.ErrNoRecord
	case !record.Bound() || record.ProductionSub != c.ProductionSub:
		return rejected, nil, ledger.ErrBoundToAnotherUser
	}
	if c.Email != "" { // the user signed in, and the hook could not record it
		h.recordFirstSignIn(ctx, h.log.With("stagingSub", c.StagingSub), record)
	}
	if record.State == ledger.Moved {
		return alreadyMoved, nil, nil
	}
	moving, cancel := withMargin(ctx)
	defer cancel()
	attrs, err = h.run(moving, counters, record)
	switch {
	case err == nil:
		return moved, attrs, nil
	case errors.Is(err, ledger.ErrNotMoving):
		return movedElsewhere, attrs, nil
	case moving.Err() == nil:
		return incomplete, attrs, err
	case c.Hop >= maxHops:
		return continuationFailed, attrs, errors.New("continued too often; raise the function's timeout or memory")
	}
	c.Hop++
	if err := h.invoke(ctx, c); err != nil {
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
