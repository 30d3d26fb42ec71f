// Package datamover binds a production user to the staging user they were, and moves their rows to the new user id.
package datamover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// parallelPuts is how many rows of one user are written at once. DynamoDB has no conditional batch.
const parallelPuts = 16

// maxFailedPages bounds the cursor, and so the ledger record. A table with more failed pages is left to the next move.
const maxFailedPages = 100

// rowSource reads staging; the contract is that of rows.Store.
type rowSource interface {
	Query(ctx context.Context, t settings.Table, owner, after string) (rows.Page, error)
}

// RowTarget writes production; the contract is that of rows.Store.
type RowTarget interface {
	PutIfAbsent(ctx context.Context, t settings.Table, row rows.Row, owner string) (copied bool, err error)
}

type rowTarget interface {
	RowTarget
	CheckKeys(ctx context.Context, t settings.Table, page []rows.Row, next string) error
}

// moveLedger records the progress of a move under a lease; the contract is that of ledger.Store.
type moveLedger interface {
	Renew(ctx context.Context, l ledger.Lease, now time.Time, d time.Duration) (ledger.Lease, error)
	Checkpoint(
		ctx context.Context, l ledger.Lease, p ledger.Progress, now time.Time, d time.Duration) (ledger.Lease, error)
	Complete(ctx context.Context, l ledger.Lease, p ledger.Progress, at time.Time) error
	Fail(ctx context.Context, l ledger.Lease, p ledger.Progress, f ledger.Failure) error
}

// A move that ends with rows that cannot be written is tried again after a pause, which doubles each time.
const (
	firstPause   = time.Minute
	longestPause = 24 * time.Hour
	maxNamedRows = 10 // in the ledger record
)

// Mover moves the rows of one user at a time. It is idempotent, and safe to stop anywhere and to run concurrently:
// every row is written only if absent.
type Mover struct {
	tables []settings.Table
	source rowSource
	target rowTarget
	groups Groups
	ledger moveLedger
	now    func() time.Time
}

// NewMover returns a mover of tables, in their order, and then of groups. Leases end by the clock now.
func NewMover(
	tables []settings.Table, source rowSource, target rowTarget, groups Groups, ledger moveLedger, now func() time.Time,
) *Mover {
	return &Mover{tables: tables, source: source, target: target, groups: groups, ledger: ledger, now: now}
}

// PartialError is returned if some rows could not be moved. All others were, and the next move retries these.
type PartialError struct {
	Failed int      // rows, tables that could not be read or written at all, or the groups
	Rows   []string // keys of the first rows that cannot be written
	Outage bool     // repeating may help
	Causes []error  // the first of each table
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d not moved: %v", e.Failed, errors.Join(e.Causes...))
}

// Unwrap returns the causes.
func (e *PartialError) Unwrap() []error { return e.Causes }

// Move moves what remains of a record's move under its lease, and records it as moved. It returns a *PartialError if
// some rows could not be moved. Both free the lease, but for an outage. It returns ledger.ErrLeaseLost if another mover
// took over, or the context's error if time ran out: the ledger then has what remains, and the caller has the lease
// that is returned.
func (m *Mover) Move(
	ctx context.Context, record ledger.Record, lease ledger.Lease,
) (ledger.Progress, ledger.Lease, error) {
	mv := &move{Mover: m, lease: NewKeeper(lease, m.ledger.Renew, m.now), record: record, causes: map[string]error{}}
	mv.todo, mv.progress = m.start(record)
	err := mv.lease.While(ctx, mv.run)
	mv.reads.Wait()
	if err == nil {
		err = mv.end(ctx)
	}
	if partial := new(PartialError); err == nil || errors.As(err, &partial) && !partial.Outage {
		return mv.progress, ledger.Lease{}, err
	}
	return mv.progress, mv.lease.Lease(), err
}

// run works off todo. An error ends the move.
func (mv *move) run(ctx context.Context) error {
	for len(mv.todo) > 0 {
		err := mv.segment(ctx, mv.todo[0])
		if ctx.Err() != nil || errors.Is(err, ledger.ErrLeaseLost) {
			return cmp.Or(ctx.Err(), err)
		}
		if err != nil {
			mv.fail(mv.todo[0].Table, err)
			mv.remaining = append(mv.remaining, mv.todo[0])
		}
		mv.todo = mv.todo[1:]
	}
	return nil
}

// start returns what remains of a record's move, and what is counted already.
func (m *Mover) start(record ledger.Record) (todo []segment, counted ledger.Progress) {
	counted = ledger.Progress{Copied: map[string]int{}, Kept: map[string]int{}, Expired: map[string]int{}}
	todo, ok := decodeCursor(record.Cursor, m.tables)
	if record.State == ledger.Moved { // no row is looked at again: its owner may have deleted it
		todo, ok = nil, true
	}
	todo = slices.DeleteFunc(todo, func(s segment) bool { return s.Table == "" }) // for the groups that were named then
	if len(m.groups.Names) > 0 && record.GroupsAt.IsZero() {
		todo = append(todo, segment{})
	}
	if ok {
		maps.Copy(counted.Copied, record.Copied)
		maps.Copy(counted.Kept, record.Kept)
		maps.Copy(counted.Expired, record.Expired)
	}
	return todo, counted
}

// move is one run of the mover over one user.
type move struct {
	*Mover
	lease     *Keeper
	record    ledger.Record
	progress  ledger.Progress
	todo      []segment // the first is in progress
	remaining []segment // for the next move
	ahead     ahead
	reads     sync.WaitGroup

	failed int
	outage bool
	rows   []string         // keys of the first rows that cannot be written
	causes map[string]error // by source: the first failure
}

// segment moves s, the first of todo.
func (mv *move) segment(ctx context.Context, s segment) (err error) {
	if s.Table == "" {
		if mv.record.State != ledger.Moved { // no row is put again if time runs out now
			if err := mv.checkpoint(ctx); err != nil {
				return err
			}
		}
		if mv.progress.MissingGroups, err = mv.groups.carry(ctx, mv.record); err == nil {
			mv.progress.GroupsAt = mv.now()
		}
		return err
	}
	t, ok := mv.tableOf(s)
	if !ok {
		return fmt.Errorf("cursor names %s, which is not in MIGRATION_TABLES", s.Table)
	}
	err = mv.table(ctx, t, s)
	if errors.Is(err, rows.ErrPosition) && s.After != "" {
		mv.todo[0] = segment{Table: s.Table}
		err = mv.table(ctx, t, mv.todo[0])
	}
	return err
}

func (mv *move) tableOf(s segment) (t settings.Table, ok bool) {
	i := slices.IndexFunc(mv.tables, func(t settings.Table) bool { return t.Source == s.Table })
	if i < 0 {
		return t, false
	}
	return mv.tables[i], true
}

func (mv *move) table(ctx context.Context, t settings.Table, s segment) error {
	reading, cancel := context.WithCancel(ctx)
	pages := mv.pages(reading, t, s)
	defer func() { // no goroutine outlives the move
		cancel()
		for range pages {
		}
	}()
	for page := range pages {
		if page.err != nil {
			return page.err
		}
		if page.Next == "" || s.Page {
			mv.readAhead(ctx)
		}
		if err := mv.page(ctx, t, page); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// page writes one page and records it, unless it is the last of its table: the next record includes it.
func (mv *move) page(ctx context.Context, t settings.Table, p page) error {
	if err := mv.target.CheckKeys(ctx, t, p.Rows, p.Next); err != nil {
		return err
	}
	copied, kept, failed, err := mv.write(ctx, t, p.Rows)
	switch {
	case err != nil:
		return err
	case failed > 0 && len(mv.remaining) >= maxFailedPages:
		return fmt.Errorf("%s: too many pages with failed rows", t.Target)
	case failed > 0: // it is counted when all of its rows are written
		mv.remaining = append(mv.remaining, segment{Table: t.Source, After: p.after, Page: true})
	default:
		add(mv.progress.Copied, t.Target, copied)
		add(mv.progress.Kept, t.Target, kept)
		add(mv.progress.Expired, t.Target, p.Expired)
	}
	if p.Next == "" || mv.todo[0].Page {
		return nil
	}
	mv.todo[0].After = p.Next
	return mv.checkpoint(ctx)
}

func add(counts map[string]int, table string, n int) {
	if n > 0 {
		counts[table] += n
	}
}

func (mv *move) checkpoint(ctx context.Context) (err error) {
	if mv.progress.Cursor, err = encodeCursor(slices.Concat(mv.todo, mv.remaining), mv.tables); err != nil {
		return err
	}
	return mv.lease.extend(func(l ledger.Lease) (ledger.Lease, error) {
		return mv.ledger.Checkpoint(ctx, l, mv.progress, mv.now(), LeaseFor)
	})
}

type page struct {
	rows.Page
	after string // where it begins
	err   error
}

// pages reads one page ahead of the writers. The channel ends with the segment, an error or the context.
func (mv *move) pages(ctx context.Context, t settings.Table, s segment) <-chan page {
	pages := make(chan page)
	var first <-chan page
	if mv.ahead.of == s {
		first, mv.ahead = mv.ahead.first, ahead{}
	} else {
		first = mv.read(ctx, t, s.After)
	}
	go func() {
		defer close(pages)
		for next := first; ; {
			p := <-next
			select {
			case pages <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil || p.Next == "" || s.Page {
				return
			}
			next = mv.read(ctx, t, p.Next)
		}
	}()
	return pages
}

// ahead is the first page of a segment, which is read while the last page of the one before is written.
type ahead struct {
	of    segment
	first <-chan page
}

func (mv *move) readAhead(ctx context.Context) {
	if len(mv.todo) < 2 {
		return
	}
	if t, ok := mv.tableOf(mv.todo[1]); ok {
		mv.ahead = ahead{mv.todo[1], mv.read(ctx, t, mv.todo[1].After)}
	}
}

// read reads one page, and the target's keys at the same time if they are not known yet.
func (mv *move) read(ctx context.Context, t settings.Table, after string) <-chan page {
	done := make(chan page, 1)
	mv.reads.Go(func() { _ = mv.target.CheckKeys(ctx, t, nil, "") })
	mv.reads.Go(func() {
		p := page{after: after}
		p.Page, p.err = mv.source.Query(ctx, t, mv.record.StagingSub, after)
		done <- p
	})
	return done
}

// PutAll writes rows concurrently, and calls answered with each answer, one after the other. An error that it returns
// ends the writing, and then not every row was tried.
func PutAll(
	ctx context.Context, target RowTarget, t settings.Table, page []rows.Row, owner string,
	answered func(copied bool, err error) error,
) error {
	var mu sync.Mutex
	g, putting := errgroup.WithContext(ctx)
	g.SetLimit(parallelPuts)
	for _, row := range page {
		if putting.Err() != nil {
			break
		}
		g.Go(func() error {
			copied, err := target.PutIfAbsent(putting, t, row, owner)
			if err != nil && putting.Err() != nil && !errors.Is(err, rows.ErrTable) {
				return putting.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			return answered(copied, err)
		})
	}
	return cmp.Or(g.Wait(), ctx.Err())
}

// write writes a page's rows. A failed row is counted and the others continue; an error ends the table.
func (mv *move) write(ctx context.Context, t settings.Table, page []rows.Row) (copied, kept, failed int, err error) {
	err = PutAll(ctx, mv.target, t, page, mv.record.ProductionSub, func(written bool, err error) error {
		switch {
		case errors.Is(err, rows.ErrTable):
			return err
		case err != nil:
			failed++
			mv.fail(t.Source, err)
		case written:
			copied++
		default:
			kept++
		}
		return nil
	})
	return copied, kept, failed, err
}

// fail counts a row, a table that could not be read or written at all, or the groups.
func (mv *move) fail(source string, err error) {
	mv.failed++
	mv.outage = mv.outage || !permanent(err)
	if row := new(rows.RowError); errors.As(err, &row) && len(mv.rows) < maxNamedRows {
		mv.rows = append(mv.rows, row.Table+": "+row.Key)
	}
	if mv.causes[source] == nil {
		mv.causes[source] = err
	}
}

// permanent reports whether repeating cannot help.
func permanent(err error) bool {
	return rows.Permanent(err) || errors.Is(err, userpool.ErrAccessDenied) || errors.Is(err, userpool.ErrMisconfigured) ||
		errors.Is(err, userpool.ErrUserNotFound)
}

func (mv *move) end(ctx context.Context) (err error) {
	if len(mv.remaining) == 0 {
		movedAt := mv.record.MovedAt // without the groups
		if movedAt.IsZero() {
			movedAt = mv.now()
		}
		return mv.ledger.Complete(ctx, mv.lease.Lease(), mv.progress, movedAt)
	}
	partial := &PartialError{Failed: mv.failed, Rows: mv.rows, Outage: mv.outage}
	for _, t := range slices.Concat(mv.tables, []settings.Table{{}}) { // the last is for the groups
		if cause := mv.causes[t.Source]; cause != nil {
			partial.Causes = append(partial.Causes, cause)
		}
	}
	if mv.progress.Cursor, err = encodeCursor(mv.remaining, mv.tables); err != nil {
		return err
	}
	if err := mv.ledger.Fail(ctx, mv.lease.Lease(), mv.progress, mv.failure(partial)); err != nil {
		return fmt.Errorf("%w (%w)", err, errors.Join(partial.Causes...)) // not a *PartialError: the lease is not free
	}
	return partial
}

// failure pauses the move if repeating cannot help. An outage is for the caller to repeat.
func (mv *move) failure(e *PartialError) ledger.Failure {
	f := ledger.Failure{Reason: e.Error(), Rows: e.Rows}
	if !e.Outage {
		f.Failures = mv.record.Failures + 1
		f.RetryAfter = mv.now().Add(min(longestPause, firstPause<<min(mv.record.Failures, 20)))
	}
	return f
}
