// Package verify compares staging's rows with production's, for every user whom the ledger calls moved.
package verify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

const (
	// parallelUsers are compared at once.
	parallelUsers = 16
	// maxKeys of missing or changed rows are named for one user and table.
	maxKeys = 5
	// maxUnread users in a row end the run: then it is not about them.
	maxUnread = 20
)

// stagingRows reads staging. The contract is that of rows.Source.
type stagingRows interface {
	Query(ctx context.Context, t settings.Table, owner, after string) (page []rows.Row, next string, err error)
}

// productionRows reads production. The contract is that of tables.Tables.
type productionRows interface {
	KeySchema(ctx context.Context, table string) ([]string, error)
	BatchGet(ctx context.Context, table string, keys []rows.Row, each func(rows.Row)) error
}

// Verifier compares. However many rows a user has, it holds one page of staging's and production's answer to it.
type Verifier struct {
	tables     []settings.Table
	staging    stagingRows
	production productionRows
	meter      *progress.Meter
	parallel   int
}

// New returns a verifier. meter may be nil.
func New(tables []settings.Table, staging stagingRows, production productionRows, meter *progress.Meter) *Verifier {
	return &Verifier{tables: tables, staging: staging, production: production, meter: meter, parallel: parallelUsers}
}

// Comparison is what became of one user's rows.
type Comparison struct {
	Email         string  `json:"email"`
	StagingSub    string  `json:"stagingSub"`
	ProductionSub string  `json:"productionSub"`
	Tables        []Table `json:"tables"`
	Unread        string  `json:"unread,omitempty"` // why they could not be compared to the end
}

// Table compares one table's rows of a user, or of all.
type Table struct {
	Name       string   `json:"name"` // in production
	Staging    int      `json:"staging"`
	Same       int      `json:"same"`
	Changed    int      `json:"changed"`
	Missing    int      `json:"missing"`
	AddedSince int      `json:"addedSince"` // rows that staging has beyond those moved, at least
	Keys       Examples `json:"examples,omitzero"`
}

// Examples are keys of rows, a few.
type Examples struct {
	Missing []string `json:"missing,omitempty"`
	Changed []string `json:"changed,omitempty"`
}

// Sum adds up all tables.
func (c Comparison) Sum() (all Table) {
	for _, t := range c.Tables {
		all.add(t)
	}
	return all
}

func (t *Table) add(o Table) {
	t.Staging += o.Staging
	t.Same += o.Same
	t.Changed += o.Changed
	t.Missing += o.Missing
	t.AddedSince += o.AddedSince
}

// Summary is what became of everybody.
type Summary struct {
	Moved   int     `json:"moved"`   // users compared
	Whole   int     `json:"whole"`   // nothing missing
	Missing int     `json:"missing"` // users with rows missing
	Changed int     `json:"changed"` // users with rows changed since, missing ones or not
	Unread  int     `json:"unread"`  // users who could not be compared
	NotYet  int     `json:"notYet"`  // users who are not moved, and were not compared
	Tables  []Table `json:"tables"`
}

// Failed tells whether somebody has to look.
func (s Summary) Failed() bool { return s.Missing > 0 || s.Unread > 0 }

func (s *Summary) add(c Comparison) {
	s.Moved++
	sum := c.Sum()
	switch {
	case c.Unread != "":
		s.Unread++
	case sum.Missing > 0:
		s.Missing++
	default:
		s.Whole++
	}
	if sum.Changed > 0 {
		s.Changed++
	}
	for i, t := range c.Tables {
		s.Tables[i].add(t)
	}
}

// Everybody compares everybody who is moved, several at a time, and calls each with every comparison, one after the other
// and in no order. estimate is how many lines there are, about; 0: unknown.
func (v *Verifier) Everybody(ctx context.Context, lines iter.Seq2[ledger.Record, error], estimate int, each func(Comparison) error) (Summary, error) {
	r := &run{Verifier: v, each: each, sum: Summary{Tables: v.none()}, task: v.meter.Start("Comparing", "users", estimate)}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(v.parallel)
	var failed error
	for line, err := range lines {
		if failed = errors.Join(err, ctx.Err()); failed != nil {
			break
		}
		if line.State != ledger.Moved {
			r.skip()
			continue
		}
		g.Go(func() error { return r.compare(ctx, line) })
	}
	// A worker's own error goes first: that of the loop may only say that it was called off.
	if err := g.Wait(); err != nil {
		return Summary{}, err
	}
	if failed != nil {
		return Summary{}, failed
	}
	r.task.End()
	return r.sum, nil
}

func (v *Verifier) none() []Table {
	tables := make([]Table, len(v.tables))
	for i, t := range v.tables {
		tables[i].Name = t.Target
	}
	return tables
}

// run is one Everybody.
type run struct {
	*Verifier
	each func(Comparison) error
	task *progress.Task

	mu     sync.Mutex
	sum    Summary
	unread int // in a row
}

func (r *run) skip() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.NotYet++
	r.task.Add(1)
}

func (r *run) compare(ctx context.Context, line ledger.Record) error {
	c, err := r.User(ctx, line)
	if err != nil && (ctx.Err() != nil || errors.Is(err, rows.ErrTable)) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.unread = 0
	} else if r.unread++; r.unread > maxUnread {
		return err
	}
	r.task.Add(1)
	r.sum.add(c)
	return r.each(c)
}

// User compares one user. With an error, the comparison says how far it came.
func (v *Verifier) User(ctx context.Context, line ledger.Record) (Comparison, error) {
	c := Comparison{Email: line.Email, StagingSub: line.StagingSub, ProductionSub: line.ProductionSub, Tables: v.none()}
	for i, t := range v.tables {
		if err := v.table(ctx, t, line, &c.Tables[i]); err != nil {
			c.Unread = err.Error()
			return c, err
		}
	}
	return c, nil
}

func (v *Verifier) table(ctx context.Context, t settings.Table, line ledger.Record, result *Table) error {
	key, err := v.production.KeySchema(ctx, t.Target)
	if err != nil {
		return err
	}
	if len(key) == 0 || key[0] != t.OwnerKey {
		return &rows.KeyError{Table: t.Target, Want: t.OwnerKey, Has: fmt.Sprint(key)}
	}
	for after := ""; ; {
		page, next, err := v.staging.Query(ctx, t, line.StagingSub, after)
		if err != nil {
			return err
		}
		if err := v.page(ctx, t, line.ProductionSub, key, page, result); err != nil {
			return err
		}
		if next == "" {
			break
		}
		after = next
	}
	result.AddedSince = max(0, result.Staging-line.Copied[t.Target]-line.Kept[t.Target])
	return nil
}

// page asks production for the rows of a page, as the mover would have written them.
func (v *Verifier) page(ctx context.Context, t settings.Table, owner string, key []string, page []rows.Row, result *Table) error {
	wanted := make(map[string]rows.Row, len(page))
	keys := make([]rows.Row, 0, len(page))
	for _, row := range page {
		row = maps.Clone(row)
		row[t.OwnerKey] = &types.AttributeValueMemberS{Value: owner}
		one := rows.Row{}
		for _, name := range key {
			if row[name] == nil {
				return &rows.KeyError{Table: t.Target, Want: "a key that rows of " + t.Source + " bear", Has: name}
			}
			one[name] = row[name]
		}
		wanted[nameOf(row, key)] = row
		keys = append(keys, one)
	}
	changed := map[string]bool{}
	err := v.production.BatchGet(ctx, t.Target, keys, func(stands rows.Row) {
		name := nameOf(stands, key)
		if rows.Equal(wanted[name], stands) {
			result.Same++
		} else {
			result.Changed++
			changed[name] = true
		}
		delete(wanted, name)
	})
	if err != nil {
		return err
	}
	result.Staging += len(page)
	result.Missing += len(wanted)
	for _, row := range page { // in the order of the table
		name := nameOf(row, key)
		if wanted[name] != nil {
			result.Keys.Missing = example(result.Keys.Missing, name)
		}
		if changed[name] {
			result.Keys.Changed = example(result.Keys.Changed, name)
		}
	}
	return nil
}

func example(keys []string, name string) []string {
	if len(keys) < maxKeys {
		return append(keys, name)
	}
	return keys
}

// nameOf names one of a user's rows: by its sort key, or, in a table without one, as their only row.
func nameOf(row rows.Row, key []string) string {
	if len(key) < 2 {
		return "their row"
	}
	switch v := row[key[1]].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return base64.StdEncoding.EncodeToString(v.Value)
	}
	return "?"
}
