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

// maxHops is how often a hand-over may hand over again, below the depth at which Lambda breaks a recursive loop
// ("Lambda developer guide, Use Lambda recursive loop detection").
const maxHops = 10

// handOverMargin is what a hand-over keeps back of its time to hand over again.
const handOverMargin = 2 * time.Second

// HandOver asks for the rest of a move, outside any sign-in. It moves only a pair that the ledger has bound.
type HandOver struct {
	StagingSub    string `json:"stagingSub"`
	ProductionSub string `json:"productionSub"`
	Email         string `json:"email,omitempty"` // verified; of a sign-in that the ledger did not answer in time, to bind with
	Hop           int    `json:"hop,omitempty"`   // how often it was handed over again
}

// resume goes on with what a sign-in had no time for. An error makes Lambda try twice more, from the cursor, and
// then keep the event in the dead-letter queue.
func (h *Handler) resume(ctx context.Context, o HandOver) error {
	began := h.now()
	tally := h.log.Tally()
	decision, attrs, err := h.goOn(ctx, tally, o)
	if err != nil {
		attrs = append(attrs, "error", err.Error())
	}
	conclude(tally, decision)
	h.log.Log(ctx, level(decision), "hand-over", slices.Concat(attrs, []any{"decision", decision, "hop", o.Hop,
		"stagingSub", o.StagingSub, "productionSub", o.ProductionSub, "durationMs", h.now().Sub(began).Milliseconds()},
		tally.Attrs(h.now()))...)
	switch decision {
	case moved, alreadyMoved, otherMover, handedOver:
		return nil
	case refused:
		return messages.InvokeResponse_Error{Type: "HandOverRefused", Message: "the ledger has not bound this pair"}
	}
	return messages.InvokeResponse_Error{Type: "MoveUnfinished", Message: "the move did not finish; the log says why"}
}

func (h *Handler) goOn(ctx context.Context, tally *metrics.Tally, o HandOver) (decision string, attrs []any, err error) {
	line, err := h.ledger.Get(ctx, o.StagingSub)
	if err == nil && !line.Bound() && o.Email != "" {
		line, err = h.ledger.Bind(ctx, o.StagingSub, o.ProductionSub, o.Email)
	}
	switch {
	case errors.Is(err, ledger.ErrNoLine), errors.Is(err, ledger.ErrNotTheirs):
		return refused, nil, err
	case err != nil:
		return postponed, nil, err
	case !line.Bound() || line.ProductionSub != o.ProductionSub:
		return refused, nil, ledger.ErrNotTheirs
	}
	if o.Email != "" { // they came in, and the hook could not say so
		h.stampSeen(ctx, h.log.With("stagingSub", o.StagingSub), line)
	}
	if line.State == ledger.Moved {
		return alreadyMoved, nil, nil
	}
	working, cancel := lessMargin(ctx)
	defer cancel()
	attrs, err = h.run(working, tally, line)
	switch {
	case err == nil:
		return moved, attrs, nil
	case errors.Is(err, ledger.ErrNotMoving):
		return otherMover, attrs, nil
	case working.Err() == nil:
		return incomplete, attrs, err
	case o.Hop >= maxHops:
		return notHanded, attrs, errors.New("handed over too often; raise the function's timeout or memory")
	}
	o.Hop++
	if err := h.handOver(ctx, o); err != nil {
		return notHanded, attrs, err
	}
	return handedOver, attrs, nil
}

func lessMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-handOverMargin))
}
