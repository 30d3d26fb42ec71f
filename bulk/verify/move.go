package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"time"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Why a user is left alone.
const (
	userDeleted    = "production-user-deleted"
	moveInProgress = "move-in-progress"
	notMoved       = "not-moved"
)

const parallelMoves = 16 // users at a time

// Mover moves users again who are moved already: it copies what a comparison finds missing, and overwrites nothing. The
// contracts are those of rows.Store, userpool.Pool and ledger.Store.
type Mover struct {
	Verifier
	Target datamover.RowTarget
	Pool   interface { // production's
		Get(ctx context.Context, name string) (userpool.User, error)
	}
	Ledger interface {
		TakeLease(
			ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration,
		) (ledger.Record, ledger.Lease, error)
		Renew(ctx context.Context, l ledger.Lease, now time.Time, d time.Duration) (ledger.Lease, error)
		Recount(ctx context.Context, l ledger.Lease, copied map[string]int) error
		Free(ctx context.Context, l ledger.Lease) error
	}
	Now func() time.Time

	planned *users.EmailSet // staging subs of those whom a plan found
	toMove  int             // how many they are
}

// Plan compares every user who is moved, names every missing row, and writes nothing.
func (m *Mover) Plan(
	ctx context.Context, records iter.Seq2[ledger.Record, error], estimate int, each func(Comparison) error,
) (Summary, error) {
	m.names, m.planned, m.toMove = math.MaxInt, users.NewEmailSet(), 0
	defer m.Progress.Start("Comparing", "users", estimate).End()
	planner := *m
	planner.Verifier = *m.batched()
	r := planner.newRun(planner.plan, func(c Comparison) error {
		if sum("", c.Tables...).Missing > 0 && c.Skipped+c.Unread == "" {
			m.planned.Add(c.StagingSub)
			m.toMove++
		}
		return each(c)
	})
	err := r.all(ctx, records)
	return r.sum, err
}

func (m *Mover) plan(ctx context.Context, user ledger.Record) (Comparison, error) {
	c, err := m.User(ctx, user)
	if err == nil && sum("", c.Tables...).Missing > 0 {
		c.Skipped, err = m.leftAlone(ctx, user)
	}
	if err != nil {
		c.Unread = err.Error()
	}
	return c, err
}

// leftAlone is why a user's rows are not moved again. Nobody asked for those of a user who was deleted.
func (m *Mover) leftAlone(ctx context.Context, user ledger.Record) (string, error) {
	if user.Leased(m.Now()) {
		return moveInProgress, nil
	}
	return m.deleted(ctx, user)
}

func (m *Mover) deleted(ctx context.Context, user ledger.Record) (string, error) {
	_, err := m.Pool.Get(ctx, user.ProductionSub)
	if errors.Is(err, userpool.ErrUserNotFound) {
		return userDeleted, nil
	}
	return "", err
}

// Move moves the users of the last plan again, each under their lease. It can be stopped at any time and run again.
func (m *Mover) Move(
	ctx context.Context, records iter.Seq2[ledger.Record, error], each func(Comparison) error,
) (Summary, error) {
	defer m.Progress.Start("Copying", "users", m.toMove).End()
	mover := *m
	mover.missing, mover.parallel = m.copy, cmp.Or(m.parallel, parallelMoves)
	r := mover.newRun(mover.move, each)
	err := r.all(ctx, func(yield func(ledger.Record, error) bool) {
		for user, err := range records {
			if (err != nil || m.planned.Has(user.StagingSub)) && !yield(user, err) {
				return
			}
		}
	})
	return r.sum, err
}

func (m *Mover) move(ctx context.Context, user ledger.Record) (c Comparison, err error) {
	c = comparisonOf(user)
	user, lease, err := m.Ledger.TakeLease(ctx, user.StagingSub, user.ProductionSub, m.Now(), datamover.LeaseFor)
	switch {
	case errors.Is(err, ledger.ErrLeased):
		c.Skipped = moveInProgress
		return c, nil
	case err != nil:
		c.Unread = err.Error()
		return c, err
	case user.State != ledger.Moved:
		c.Skipped = notMoved
		return c, m.Ledger.Free(ctx, lease)
	}
	keeper := datamover.NewKeeper(lease, m.Ledger.Renew, m.Now)
	err = keeper.While(ctx, func(ctx context.Context) (err error) {
		if c.Skipped, err = m.deleted(ctx, user); err == nil && c.Skipped == "" { // while the operator was asked
			c, err = m.User(ctx, user)
		}
		return err
	})
	ending := context.WithoutCancel(ctx)
	err = errors.Join(err, m.Ledger.Recount(ending, keeper.Lease(), recount(user, c)))
	if err != nil {
		c.Unread = err.Error()
	}
	return c, err
}

// recount counts as copied what staging has of the user now, but for rows that production had of its own.
func recount(user ledger.Record, c Comparison) map[string]int {
	copied := map[string]int{}
	maps.Copy(copied, user.Copied)
	for _, t := range c.Tables {
		if n := t.Staging - t.Rejected - user.Kept[t.Name]; t.Copied > 0 && n > copied[t.Name] {
			copied[t.Name] = n
		}
	}
	return copied
}

// copy writes rows that are missing. One that DynamoDB rejects is counted, and the others are written.
func (m *Mover) copy(ctx context.Context, sum *Table, t settings.Table, owner string, missing []rows.Row) error {
	return datamover.PutAll(ctx, m.Target, t, missing, owner, func(copied bool, err error) error {
		if rejected := new(rows.RowError); errors.As(err, &rejected) {
			sum.Rejected, sum.Keys.Rejected = sum.Rejected+1, append(sum.Keys.Rejected, rejected.Error())
			return nil
		}
		if copied {
			sum.Copied++
		}
		return err
	})
}

// MoveWriter prints a plan, or what was moved, as it comes.
type MoveWriter struct {
	Writer
	live  bool
	again string // the arguments of the same command
}

// NewMoveWriter returns a MoveWriter that prints to w, as one JSON document or as text.
func NewMoveWriter(w io.Writer, asJSON, live bool, again string) *MoveWriter {
	return &MoveWriter{*NewWriter(w, asJSON, false), live, again}
}

// Write prints one user who lacks rows, and each row.
func (p *MoveWriter) Write(c Comparison) error {
	switch {
	case sum("", c.Tables...).Missing == 0 && c.Unread == "" && c.Skipped == "":
		return nil
	case p.list != nil:
		return p.list.Add(c)
	}
	fmt.Fprintln(p.w, c.title())
	var lines [][]string
	for _, t := range c.Tables {
		for _, name := range t.Keys.Missing {
			lines = append(lines, []string{"  " + t.Name, name})
		}
	}
	_ = console.Columns(p.w, "ll", lines...) // what cannot be written, cannot be written below either
	for _, t := range c.Tables {
		for _, rejected := range t.Keys.Rejected {
			fmt.Fprintln(p.w, "  cannot be copied: "+console.Line(rejected))
		}
	}
	if c.Unread != "" {
		fmt.Fprintln(p.w, "  ended by an error: "+console.Line(c.Unread))
	}
	if c.Skipped != "" {
		fmt.Fprintln(p.w, "  left alone: "+c.Skipped)
	}
	_, err := fmt.Fprintln(p.w)
	return err
}

// End prints the summary.
func (p *MoveWriter) End(s Summary) error {
	if p.list != nil {
		return p.list.End("summary", s)
	}
	return texts.ExecuteTemplate(p.w, "move.tmpl", map[string]any{"Live": p.live, "Again": p.again, "Summary": s})
}
