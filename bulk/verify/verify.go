// Package verify compares staging's rows with production's, for users whose move is complete.
package verify

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"text/template"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const (
	maxUnread   = 20 // users in a row that cannot be read. More than that are not about the users.
	maxOfBatch  = 5  // of them, by one request
	maxExamples = 5  // missing or changed rows that are named for a user and table
)

// Verifier compares users. Staging and Production are usually a rows.Store.
type Verifier struct {
	Tables  []settings.Table
	Staging interface {
		Query(ctx context.Context, t settings.Table, owner, after string) (rows.Page, error)
		Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error]
	}
	Production target
	Users      func(context.Context) iter.Seq2[userpool.User, error] // staging's; nil: not all users are compared
	Progress   *console.Progress                                     // may be nil

	parallel int   // users in flight; 0: as pace says
	pace     *pace // nil: pages are not bounded

	missing func(context.Context, *Table, settings.Table, string, []rows.Row) error // nil: they are only counted
	names   int                                                                     // 0: maxExamples
}

type target interface {
	CheckKeys(ctx context.Context, t settings.Table, page []rows.Row, next string) error
	KeySchema(ctx context.Context, table string) ([]string, error)
	BatchGet(ctx context.Context, table string, keys []rows.Row, each func(rows.Row)) error
}

// batched returns a Verifier for a run over many users.
func (v Verifier) batched() *Verifier {
	v.pace, v.Production = newPace(), &batches{target: v.Production, tables: map[string]*gathering{}}
	return &v
}

// Comparison is the result for one user.
type Comparison struct {
	Email         string  `json:"email"`
	StagingSub    string  `json:"stagingSub"`
	ProductionSub string  `json:"productionSub"`
	Tables        []Table `json:"tables"`
	Unread        string  `json:"unread,omitempty"`  // the error that ended the comparison
	Skipped       string  `json:"skipped,omitempty"` // why nothing is moved again
}

func comparisonOf(user ledger.Record) Comparison {
	return Comparison{Email: user.Email, StagingSub: user.StagingSub, ProductionSub: user.ProductionSub}
}

func (c Comparison) title() string {
	return console.Line(fmt.Sprintf("%s  (staging %s, production %s)", c.Email, c.StagingSub, c.ProductionSub))
}

// Table counts the rows of one table, of one user or of all.
type Table struct {
	Name       string         `json:"name"` // in production
	Staging    int            `json:"staging"`
	Same       int            `json:"same"`
	Changed    int            `json:"changed"`
	Missing    int            `json:"missing"`
	Expired    int            `json:"expired"`                     // rows past their time to live, which no move copies
	Inside     map[string]int `json:"idsInLongerValues,omitempty"` // attribute → rows with the old id in a longer value
	AddedSince int            `json:"addedSince"`                  // rows that staging has beyond those moved, at least
	Copied     int            `json:"copied,omitempty"`            // missing rows that were moved again
	Rejected   int            `json:"rejected,omitempty"`          // missing rows that cannot be written
	Keys       struct {
		Missing  []string `json:"missing,omitempty"`
		Changed  []string `json:"changed,omitempty"`
		Rejected []string `json:"rejected,omitempty"`
	} `json:"examples,omitzero"`
}

// count adds one row of staging. production is nil if it is missing there.
func (t *Table) count(name string, staging, production rows.Row, names int) {
	t.Staging++
	switch {
	case production == nil:
		if t.Missing++; t.Missing <= names {
			t.Keys.Missing = append(t.Keys.Missing, name)
		}
	case !rows.Equal(staging, production):
		if t.Changed++; t.Changed <= maxExamples {
			t.Keys.Changed = append(t.Keys.Changed, name)
		}
	default:
		t.Same++
	}
}

func sum(name string, tables ...Table) Table {
	all := Table{Name: name}
	for _, t := range tables {
		all.Staging += t.Staging
		all.Same += t.Same
		all.Changed += t.Changed
		all.Missing += t.Missing
		all.Expired += t.Expired
		all.AddedSince += t.AddedSince
		all.Copied, all.Rejected = all.Copied+t.Copied, all.Rejected+t.Rejected
		for name, n := range t.Inside {
			all.inside(name, n)
		}
	}
	return all
}

func (t *Table) inside(name string, n int) {
	if t.Inside == nil {
		t.Inside = map[string]int{}
	}
	t.Inside[name] += n
}

// Summary is the result for all users.
type Summary struct {
	Moved   int       `json:"moved"`   // users compared
	Whole   int       `json:"whole"`   // nothing missing
	Missing int       `json:"missing"` // users with rows missing
	Changed int       `json:"changed"` // users with rows changed since, missing ones or not
	Unread  int       `json:"unread"`  // users who could not be compared
	NotYet  int       `json:"notYet"`  // users who are not moved, and were not compared
	Skipped int       `json:"skipped,omitempty"`
	Copied  int       `json:"copied,omitempty"` // users for whom rows were copied
	Tables  []Table   `json:"tables"`
	Unowned []Unowned `json:"unowned,omitempty"`
}

// Unowned is rows of staging that are no user's: their key is no sub. No move finds them.
type Unowned struct {
	Table    string   `json:"table"`
	Rows     int      `json:"rows"`
	Of       int      `json:"of"`
	Examples []string `json:"examples"` // of their keys
}

// Failed reports whether rows are missing or were not compared. Some rows of nobody may be of users whom staging has
// deleted; if a table has no others, its ownerKey is wrong.
func (s Summary) Failed() bool {
	return s.Missing > 0 || s.Unread > 0 ||
		slices.ContainsFunc(s.Unowned, func(u Unowned) bool { return u.Rows == u.Of })
}

// Rows counts the rows of all tables.
func (s Summary) Rows() Table { return sum("", s.Tables...) }

func (s *Summary) add(c Comparison) {
	s.Moved++
	if c.Skipped != "" {
		s.Skipped++
		return
	}
	all := sum("", c.Tables...)
	switch {
	case c.Unread != "":
		s.Unread++
	case all.Missing > 0:
		s.Missing++
	default:
		s.Whole++
	}
	if all.Changed > 0 {
		s.Changed++
	}
	if all.Copied > 0 {
		s.Copied++
	}
	for i, t := range c.Tables {
		s.Tables[i] = sum(t.Name, s.Tables[i], t)
	}
}

// All compares every user who is moved, several at a time. It calls each with every comparison, one after the other and
// in no order. estimate is about how many records there are; 0 means unknown.
func (v *Verifier) All(
	ctx context.Context, records iter.Seq2[ledger.Record, error], estimate int, each func(Comparison) error,
) (Summary, error) {
	v.Progress.Start("Comparing", "users", estimate)
	v = v.batched()
	r := v.newRun(v.User, each)
	if err := r.all(ctx, records); err != nil {
		return Summary{}, err
	}
	v.Progress.End()
	err := r.findUnowned(ctx)
	return r.sum, err
}

type run struct {
	*Verifier
	user   func(context.Context, ledger.Record) (Comparison, error)
	each   func(Comparison) error
	mu     sync.Mutex
	sum    Summary
	unread int             // in a row
	subs   *users.EmailSet // of everyone who was a user of staging
}

func (v *Verifier) newRun(
	user func(context.Context, ledger.Record) (Comparison, error), each func(Comparison) error,
) *run {
	r := &run{Verifier: v, user: user, each: each, subs: users.NewEmailSet()}
	for _, t := range v.Tables {
		r.sum.Tables = append(r.sum.Tables, Table{Name: t.Target})
	}
	return r
}

// all compares every user who is moved. How many at a time, share says for each.
func (r *run) all(ctx context.Context, records iter.Seq2[ledger.Record, error]) error {
	g, running := errgroup.WithContext(ctx)
	inFlight := semaphore.NewWeighted(maxUsers)
	for user, err := range records {
		share := r.share()
		if err == nil && user.State == ledger.Moved {
			err = inFlight.Acquire(running, share)
		}
		if err = errors.Join(err, running.Err()); err != nil {
			return cmp.Or(g.Wait(), ctx.Err(), err)
		}
		r.subs.Add(user.StagingSub)
		if user.State == ledger.Moved {
			g.Go(func() error {
				defer inFlight.Release(share)
				return r.compare(running, user)
			})
			continue
		}
		r.Progress.Add(1)
		r.sum.NotYet++ // which only this goroutine writes
	}
	return g.Wait()
}

// share is what the next user takes of maxUsers.
func (r *run) share() int64 {
	if r.parallel > 0 {
		return maxUsers / int64(r.parallel)
	}
	return r.pace.share()
}

// findUnowned reads the keys of staging's tables, since only rows by a user's sub were compared.
func (r *run) findUnowned(ctx context.Context) error {
	if r.Users == nil || r.sum.Moved == 0 {
		return nil
	}
	for user, err := range r.Users(ctx) {
		if err != nil {
			return err
		}
		r.subs.Add(user.Sub)
	}
	for _, t := range r.Tables {
		r.Progress.Start("Looking in "+t.Source+" for rows that are no user's", "rows", 0)
		unowned := Unowned{Table: t.Source}
		for row, err := range r.Staging.Scan(ctx, t.Source) {
			if err != nil {
				return err
			}
			unowned.Of++
			r.Progress.Add(1)
			if owner := row.Text(t.OwnerKey); !r.subs.Has(owner) {
				if unowned.Rows++; len(unowned.Examples) < 2 && !slices.Contains(unowned.Examples, owner) {
					unowned.Examples = append(unowned.Examples, owner)
				}
			}
		}
		if r.Progress.End(); unowned.Rows > 0 {
			r.sum.Unowned = append(r.sum.Unowned, unowned)
		}
	}
	return nil
}

func (r *run) compare(ctx context.Context, user ledger.Record) error {
	c, err := r.user(ctx, user)
	if err != nil && (ctx.Err() != nil || errors.Is(err, rows.ErrTable)) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.unread = 0
	} else if counts(err) {
		r.unread++
	}
	if r.unread > maxUnread {
		return err
	}
	r.Progress.Add(1)
	r.sum.add(c)
	return r.each(c)
}

// counts reports whether a user who is unread counts. One request that fails for a hundred must not end the run.
func counts(err error) bool {
	var failed *batchError
	if !errors.As(err, &failed) {
		return true
	}
	failed.users++
	return failed.users <= maxOfBatch
}

// User compares one user. With an error, the comparison says how far it came.
func (v *Verifier) User(ctx context.Context, user ledger.Record) (Comparison, error) {
	c := comparisonOf(user)
	c.Tables = make([]Table, len(v.Tables))
	var g errgroup.Group
	if v.missing != nil {
		g.SetLimit(1) // a move writes one table after the other
	}
	for i, t := range v.Tables {
		g.Go(func() (err error) {
			c.Tables[i], err = v.compare(ctx, t, user)
			return err
		})
	}
	err := g.Wait()
	if err != nil {
		c.Unread = err.Error()
	}
	return c, err
}

// compare compares a user's rows in one table, one page at a time: it holds staging's rows and production's.
func (v *Verifier) compare(ctx context.Context, t settings.Table, user ledger.Record) (Table, error) {
	result, read := Table{Name: t.Target}, query(v.Staging.Query)
	if v.pace != nil {
		paced, end := v.pace.paced(read)
		defer end()
		read = paced
	}
	for after, more := "", true; more; more = after != "" {
		page, err := read(ctx, t, user.StagingSub, after)
		if err == nil {
			err = v.Production.CheckKeys(ctx, t, page.Rows, page.Next)
		}
		if err == nil {
			err = v.comparePage(ctx, t, user.ProductionSub, page.Rows, &result)
		}
		if err != nil {
			return result, err
		}
		result.Expired += page.Expired
		after = page.Next
	}
	result.AddedSince = max(0, result.Staging-user.Copied[t.Target]-user.Kept[t.Target])
	return result, nil
}

// comparePage compares a page's rows, as the mover writes them, with those that production has.
func (v *Verifier) comparePage(ctx context.Context, t settings.Table, owner string, page []rows.Row, sum *Table) error {
	key, err := v.Production.KeySchema(ctx, t.Target)
	if err != nil {
		return err
	}
	keys, moved := make([]rows.Row, len(page)), make([]rows.Row, len(page))
	for i, row := range page {
		for _, name := range row.Containing(row.Text(t.OwnerKey)) {
			sum.inside(name, 1)
		}
		moved[i], keys[i] = row.OwnedBy(t, owner), rows.Row{}
		for _, name := range key {
			keys[i][name] = moved[i][name]
		}
	}
	found := map[string]rows.Row{}
	err = v.Production.BatchGet(ctx, t.Target, keys, func(row rows.Row) { found[nameOf(row, key)] = row })
	if err != nil {
		return err
	}
	var missing []rows.Row
	for i, row := range moved {
		name := nameOf(row, key)
		if sum.count(name, row, found[name], cmp.Or(v.names, maxExamples)); found[name] == nil {
			missing = append(missing, page[i])
		}
	}
	if v.missing == nil || len(missing) == 0 {
		return nil
	}
	return v.missing(ctx, sum, t, owner, missing)
}

// nameOf returns a row's sort key. In a table without one, a user has one row at most.
func nameOf(row rows.Row, key []string) string {
	if len(key) < 2 {
		return "the only row"
	}
	return row.Text(key[1])
}

// Writer prints comparisons as they come: those with rows missing, changed or not read, or all.
type Writer struct {
	w    io.Writer
	list *console.JSONList // nil: text
	all  bool
}

// NewWriter returns a Writer that prints to w, as one JSON document or as text. With all, it prints every user.
func NewWriter(w io.Writer, asJSON, all bool) *Writer {
	p := &Writer{w: w, all: all}
	if asJSON {
		p.list = console.NewList(w, "users")
	}
	return p
}

// Write prints one user.
func (p *Writer) Write(c Comparison) error {
	found := sum("", c.Tables...)
	switch {
	case !p.all && found.Missing == 0 && found.Changed == 0 && c.Unread == "":
		return nil
	case p.list != nil:
		return p.list.Add(c)
	}
	fmt.Fprintln(p.w, c.title())
	if c.Unread != "" {
		_, err := fmt.Fprintf(p.w, "  could not be compared: %s\n\n", console.Line(c.Unread))
		return err
	}
	var lines [][]string
	for _, t := range c.Tables {
		lines = append(lines,
			[]string{"  " + t.Name, console.Count(t.Same+t.Changed) + " of " + console.Count(t.Staging), "in production"},
			[]string{"", console.Count(t.Missing), "missing: " + examples(t.Keys.Missing, t.Missing)},
			[]string{"", console.Count(t.Changed), "changed since: " + examples(t.Keys.Changed, t.Changed)},
			[]string{"", console.Count(t.Expired), "expired in staging, left behind"},
			[]string{"", console.Count(t.AddedSince), "or more added to staging after the move"})
	}
	lines = slices.DeleteFunc(lines, func(line []string) bool { return line[1] == "0" })
	return console.Columns(p.w, "lrl", append(lines, nil)...) // and an empty line
}

func examples(names []string, of int) string {
	text := strings.Join(names, ", ")
	if more := of - len(names); more > 0 {
		text += " and " + console.Count(more) + " more"
	}
	return text
}

// End prints the summary.
func (p *Writer) End(s Summary) error {
	if p.list != nil {
		return p.list.End("summary", s)
	}
	lines := [][]string{{"Rows of moved users", "in staging", "same", "changed since", "missing", "expired"}}
	for _, t := range append(s.Tables, sum("all", s.Tables...)) {
		same, changed := console.Count(t.Same), console.Count(t.Changed)
		lines = append(lines, []string{t.Name, console.Count(t.Staging), same, changed, console.Count(t.Missing),
			console.Count(t.Expired)})
	}
	_ = console.Columns(p.w, "lrrrrr", lines...) // what cannot be written, cannot be written below either
	return texts.ExecuteTemplate(p.w, "summary.tmpl", s)
}

//go:embed *.tmpl
var templates embed.FS

var texts = template.Must(template.New("").Funcs(template.FuncMap{
	"count": console.Count, "quantity": console.Quantity, "line": console.Line, "list": console.List,
}).ParseFS(templates, "*.tmpl"))
