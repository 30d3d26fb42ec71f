// Package datamover brings a user's things: it binds the production user to the staging user that they were, and moves
// their rows to the new user id.
package datamover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

// parallelPuts is how many rows of one user are written at once. DynamoDB has no conditional batch.
const parallelPuts = 16

// rowSource reads staging. Page's contract is that of rows.Source.
type rowSource interface {
	Page(ctx context.Context, t settings.Table, owner, after string) (page []rows.Row, next string, err error)
}

// rowTarget writes production. The contract is that of rows.Target.
type rowTarget interface {
	Fits(ctx context.Context, t settings.Table, page []rows.Row) error
	Put(ctx context.Context, t settings.Table, row rows.Row, owner string) (copied bool, err error)
}

// moveLedger records how far a move has come.
type moveLedger interface {
	Checkpoint(ctx context.Context, stagingSub, productionSub string, p ledger.Progress) error
	Finish(ctx context.Context, stagingSub, productionSub string, p ledger.Progress, at time.Time) error
	Fail(ctx context.Context, stagingSub, productionSub, reason string) error
}

// Mover moves the rows of one user at a time. It can be stopped anywhere and run again, by itself or beside another one:
// every row is put where nothing stands, so the end state is the same.
type Mover struct {
	tables []settings.Table
	source rowSource
	target rowTarget
	ledger moveLedger
	now    func() time.Time
}

// NewMover returns a mover of tables, in their order.
func NewMover(tables []settings.Table, source rowSource, target rowTarget, ledger moveLedger) *Mover {
	return &Mover{tables: tables, source: source, target: target, ledger: ledger, now: time.Now}
}

// PartialError says that some rows could not be moved. All others were, and the next move tries these again.
type PartialError struct {
	Failed int     // rows, or pages of rows, that did not arrive
	Causes []error // the first of each table
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d not moved: %v", e.Failed, errors.Join(e.Causes...))
}

// Unwrap returns the causes.
func (e *PartialError) Unwrap() []error { return e.Causes }

// Move moves what line says is still to move, and records it as moved. Its error is a *PartialError, ledger.ErrNotMoving
// where another mover was faster, or the context's where time ran out; line then still says where to go on.
func (m *Mover) Move(ctx context.Context, line ledger.Line) (ledger.Progress, error) {
	mv := &move{Mover: m, line: line, progress: ledger.Progress{Copied: map[string]int{}, Kept: map[string]int{}}}
	for i, after := mv.start(); i < len(m.tables); i, after = i+1, "" {
		err := mv.table(ctx, m.tables[i], after)
		if ctx.Err() != nil || errors.Is(err, ledger.ErrNotMoving) {
			return mv.progress, cmp.Or(ctx.Err(), err)
		}
		if err != nil {
			mv.fail(m.tables[i], err)
		}
	}
	return mv.progress, mv.end(ctx)
}

// move is one run of the mover over one user.
type move struct {
	*Mover
	line     ledger.Line
	progress ledger.Progress

	mu     sync.Mutex
	failed int
	causes map[string]error // table → first failure
}

// start finds the cursor's place, or the beginning where there is none, or none in these tables.
func (mv *move) start() (table int, after string) {
	name, after, _ := strings.Cut(mv.line.Cursor, " ")
	i := slices.IndexFunc(mv.tables, func(t settings.Table) bool { return t.Source == name })
	if i < 0 {
		return 0, ""
	}
	maps.Copy(mv.progress.Copied, mv.line.Copied)
	maps.Copy(mv.progress.Kept, mv.line.Kept)
	return i, after
}

func (mv *move) table(ctx context.Context, t settings.Table, after string) error {
	reading, cancel := context.WithCancel(ctx)
	pages := mv.pages(reading, t, after)
	defer func() { // nothing of a move runs on after it
		cancel()
		for range pages {
		}
	}()
	for page := range pages {
		if page.err != nil {
			return page.err
		}
		if err := mv.page(ctx, t, page); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// page writes one page and records that, unless it is the last: what follows records that too. After a failure the
// cursor stays before it, so that the next move meets it again.
func (mv *move) page(ctx context.Context, t settings.Table, p page) error {
	if err := mv.target.Fits(ctx, t, p.rows); err != nil {
		return err
	}
	if err := mv.write(ctx, t, p.rows); err != nil {
		return err
	}
	if p.next == "" || mv.failed > 0 {
		return nil
	}
	mv.progress.Cursor = t.Source + " " + p.next
	return mv.ledger.Checkpoint(ctx, mv.line.StagingSub, mv.line.ProductionSub, mv.progress)
}

type page struct {
	rows []rows.Row
	next string
	err  error
}

// pages reads one page ahead of the writers. The channel ends with the table, an error or the context.
func (mv *move) pages(ctx context.Context, t settings.Table, after string) <-chan page {
	ahead := make(chan page)
	go func() {
		defer close(ahead)
		for {
			var p page
			p.rows, p.next, p.err = mv.source.Page(ctx, t, mv.line.StagingSub, after)
			select {
			case ahead <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil || p.next == "" {
				return
			}
			after = p.next
		}
	}()
	return ahead
}

// write puts rows side by side. A row that fails is counted and the others go on; an error ends the table, and says that
// not every row was tried.
func (mv *move) write(ctx context.Context, t settings.Table, page []rows.Row) error {
	g, putting := errgroup.WithContext(ctx)
	g.SetLimit(parallelPuts)
	for _, row := range page {
		if putting.Err() != nil {
			break
		}
		g.Go(func() error {
			copied, err := mv.target.Put(putting, t, row, mv.line.ProductionSub)
			switch {
			case errors.Is(err, rows.ErrTable):
				return err
			case err != nil && putting.Err() != nil:
				return putting.Err()
			case err != nil:
				mv.fail(t, err)
			default:
				mv.count(t, copied)
			}
			return nil
		})
	}
	return cmp.Or(g.Wait(), ctx.Err())
}

func (mv *move) count(t settings.Table, copied bool) {
	mv.mu.Lock()
	defer mv.mu.Unlock()
	if copied {
		mv.progress.Copied[t.Target]++
	} else {
		mv.progress.Kept[t.Target]++
	}
}

func (mv *move) fail(t settings.Table, err error) {
	mv.mu.Lock()
	defer mv.mu.Unlock()
	mv.failed++
	if mv.causes == nil {
		mv.causes = map[string]error{}
	}
	if mv.causes[t.Source] == nil {
		mv.causes[t.Source] = err
	}
}

func (mv *move) end(ctx context.Context) error {
	if mv.failed == 0 {
		return mv.ledger.Finish(ctx, mv.line.StagingSub, mv.line.ProductionSub, mv.progress, mv.now())
	}
	partial := &PartialError{Failed: mv.failed}
	for _, t := range mv.tables {
		if cause := mv.causes[t.Source]; cause != nil {
			partial.Causes = append(partial.Causes, cause)
		}
	}
	if err := mv.ledger.Fail(ctx, mv.line.StagingSub, mv.line.ProductionSub, partial.Error()); err != nil {
		return errors.Join(partial, err)
	}
	return partial
}
