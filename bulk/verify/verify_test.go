package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var tables = []settings.Table{
	{Source: "Users-staging", Target: "Users-prod", OwnerKey: "id"},
	{Source: "Projects-staging", Target: "Projects-prod", OwnerKey: "userSub"},
}

const pageSize = 100

// world is the tables of both accounts, in memory. held is the most rows that were returned at once. Like DynamoDB, it
// rejects a batch that has a key twice, or too many.
type world struct {
	mu         sync.Mutex
	staging    map[string][]rows.Row          // table and owner → rows in order
	production map[string]map[string]rows.Row // table → owner and sort key → row
	keys       map[string][]string
	fail       func(call string) error
	held       int
	latency    time.Duration  // of a call
	calls      map[string]int // by operation
	units      int            // of every page

	asked, mostAsked, queries, mostQueries int             // keys and pages that are being read at once
	users                                  []userpool.User // of staging, besides those who have a record
	deleted                                map[string]bool // production subs
}

func (w *world) list(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for _, u := range w.users {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func newWorld() *world {
	return &world{
		staging: map[string][]rows.Row{}, production: map[string]map[string]rows.Row{"Users-prod": {}, "Projects-prod": {}},
		keys:  map[string][]string{"Users-prod": {"id"}, "Projects-prod": {"userSub", "projectId"}},
		calls: map[string]int{},
	}
}

// add gives a staging user a profile and projects, moves them as the mover does, and returns the user's record.
func (w *world) add(name string, projects int) ledger.Record {
	owner := "staging-" + name
	w.staging["Users-staging/"+owner] = []rows.Row{{"id": text(owner), "name": text(name)}}
	for i := range projects {
		n := &types.AttributeValueMemberN{Value: strconv.Itoa(i)}
		w.staging["Projects-staging/"+owner] = append(w.staging["Projects-staging/"+owner],
			rows.Row{"userSub": text(owner), "projectId": text(fmt.Sprintf("p%05d", i)), "n": n})
	}
	now := "production-" + name
	for _, t := range tables {
		for _, row := range w.staging[t.Source+"/"+owner] {
			row = maps.Clone(row)
			row[t.OwnerKey] = text(now)
			w.production[t.Target][w.id(t.Target, row)] = row
		}
	}
	return ledger.Record{
		StagingSub: owner, Email: name + "@example.com", State: ledger.Moved, Via: ledger.SignIn, ProductionSub: now,
		Copied: map[string]int{"Users-prod": 1, "Projects-prod": projects},
	}
}

func (w *world) id(table string, row rows.Row) string {
	var parts []string
	for _, name := range w.keys[table] {
		parts = append(parts, row[name].(*types.AttributeValueMemberS).Value)
	}
	return strings.Join(parts, "/")
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func (w *world) step(call string) error {
	if w.fail == nil {
		return nil
	}
	return w.fail(call)
}

// call counts a call and waits for its answer.
func (w *world) call(ctx context.Context, operation string, keys int) error {
	w.mu.Lock()
	w.calls[operation]++
	w.asked += keys
	if operation == "Query" {
		w.queries++
	}
	w.mostAsked, w.mostQueries = max(w.mostAsked, w.asked), max(w.mostQueries, w.queries)
	w.mu.Unlock()
	if w.latency > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(w.latency):
		}
	}
	w.mu.Lock()
	w.asked -= keys
	if operation == "Query" {
		w.queries--
	}
	w.mu.Unlock()
	return ctx.Err()
}

func (w *world) Query(ctx context.Context, t settings.Table, owner, after string) (page rows.Page, err error) {
	if err := errors.Join(w.call(ctx, "Query", 0), w.step("Query "+owner)); err != nil {
		return page, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	from, _ := strconv.Atoi(after)
	all := w.staging[t.Source+"/"+owner]
	to := min(from+pageSize, len(all))
	w.held = max(w.held, to-from)
	if to < len(all) {
		page.Next = strconv.Itoa(to)
	}
	page.Rows, page.Units = slices.Clone(all[from:to]), w.units
	return page, nil
}

func (w *world) Scan(_ context.Context, table string) iter.Seq2[rows.Row, error] {
	return func(yield func(rows.Row, error) bool) {
		for key, all := range w.staging {
			if strings.HasPrefix(key, table+"/") && len(all) > 0 && !yield(all[0], nil) {
				return
			}
		}
	}
}

func (w *world) KeySchema(_ context.Context, table string) ([]string, error) {
	return w.keys[table], w.step("KeySchema " + table)
}

func (w *world) CheckKeys(_ context.Context, t settings.Table, page []rows.Row, _ string) error {
	if key := w.keys[t.Target]; key[0] != t.OwnerKey {
		return &rows.KeyError{Table: t.Target, Want: t.OwnerKey, Has: key[0]}
	}
	for _, row := range page {
		for _, name := range w.keys[t.Target] {
			if row[name] == nil {
				return &rows.KeyError{Table: t.Target, Want: "another key", Has: name}
			}
		}
	}
	return nil
}

func (w *world) BatchGet(ctx context.Context, table string, keys []rows.Row, each func(rows.Row)) error {
	var ids []string
	for _, key := range keys {
		ids = append(ids, w.id(table, key))
	}
	if len(ids) > 100 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) < len(ids) {
		return fmt.Errorf("read %s: %w: too many keys, or one twice", table, rows.ErrTable)
	}
	err := errors.Join(w.call(ctx, "BatchGet", len(ids)), w.step("BatchGet "+table+" "+strings.Join(ids, " ")))
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if row, ok := w.production[table][id]; ok {
			each(row)
		}
	}
	return nil
}

func (w *world) delete(id string) { delete(w.production["Projects-prod"], id) }

func (w *world) change(table, id string) {
	w.production[table][id] = maps.Clone(w.production[table][id])
	w.production[table][id]["title"] = text("changed")
}

func verifier(w *world) *Verifier {
	return &Verifier{Tables: tables, Staging: w, Production: w, Users: w.list}
}

// compare runs one user at a time, so that what is printed has an order.
func compare(t *testing.T, w *world, asJSON, all bool, records ...ledger.Record) (Summary, string) {
	t.Helper()
	v := verifier(w)
	v.parallel = 1
	var out strings.Builder
	p := NewWriter(&out, asJSON, all)
	sum, err := v.All(t.Context(), ledgertest.New(records...).All(t.Context()), 0, p.Write)
	require.NoError(t, err)
	require.NoError(t, p.End(sum))
	return sum, out.String()
}

func TestAllIsWell(t *testing.T) {
	w := newWorld()
	records := []ledger.Record{
		w.add("ada", 3), w.add("bob", 0), {StagingSub: "cleo", State: ledger.Moving, ProductionSub: "c"},
		{StagingSub: "dan", State: ledger.Imported},
	}
	sum, text := compare(t, w, false, false, records...)
	assert.False(t, sum.Failed())
	assert.Equal(t, 2, sum.Whole)
	assert.Equal(t, 2, sum.NotYet)
	golden.Equal(t, "well", text)
}

func differing() (*world, []ledger.Record) {
	w := newWorld()
	records := []ledger.Record{w.add("ada", 12), w.add("bob", 3), w.add("cleo", 2)}
	for i := range 7 {
		w.delete(fmt.Sprintf("production-ada/p%05d", i))
	}
	w.change("Projects-prod", "production-ada/p00009")
	w.change("Users-prod", "production-bob")
	w.staging["Projects-staging/staging-bob"] = append(w.staging["Projects-staging/staging-bob"],
		rows.Row{"userSub": text("staging-bob"), "projectId": text("written later")})
	return w, records
}

func TestDifferences(t *testing.T) {
	w, records := differing()
	sum, text := compare(t, w, false, false, records...)
	assert.True(t, sum.Failed())
	assert.Equal(t, Summary{
		Moved: 3, Whole: 1, Missing: 2, Changed: 2, Tables: []Table{
			{Name: "Users-prod", Staging: 3, Same: 2, Changed: 1},
			{Name: "Projects-prod", Staging: 18, Same: 9, Changed: 1, Missing: 8, AddedSince: 1},
		},
	}, sum)
	golden.Equal(t, "differences", text)

	_, raw := compare(t, w, true, false, records...)
	golden.Equal(t, "differences_json", raw)
	var doc struct {
		Users   []Comparison
		Summary Summary
	}
	require.NoError(t, json.Unmarshal([]byte(raw), &doc))
	assert.Len(t, doc.Users, 2)
	assert.Equal(t, sum, doc.Summary)
}

func TestChangedAloneIsNoFailure(t *testing.T) {
	w := newWorld()
	line := w.add("ada", 1)
	w.change("Projects-prod", "production-ada/p00000")
	sum, text := compare(t, w, false, false, line)
	assert.False(t, sum.Failed())
	golden.Equal(t, "changed", text)
}

func TestOneUserIsAlwaysShown(t *testing.T) {
	w := newWorld()
	_, text := compare(t, w, false, true, w.add("ada", 3))
	golden.Equal(t, "one_user", text)
}

func TestNoUserIsMoved(t *testing.T) {
	sum, text := compare(t, newWorld(), false, false, ledger.Record{StagingSub: "dan", State: ledger.Imported})
	assert.False(t, sum.Failed())
	golden.Equal(t, "none_moved", text)
	_, raw := compare(t, newWorld(), true, false)
	assert.JSONEq(t, `{"users":[],"summary":{"moved":0,"whole":0,"missing":0,"changed":0,"unread":0,"notYet":0,"tables":[
		{"name":"Users-prod","staging":0,"same":0,"changed":0,"missing":0,"expired":0,"addedSince":0},
		{"name":"Projects-prod","staging":0,"same":0,"changed":0,"missing":0,"expired":0,"addedSince":0}]}}`, raw)
}

func TestFiftyThousandRowsAreNeverHeldAtOnce(t *testing.T) {
	w := newWorld()
	line := w.add("ada", 50_000)
	w.delete("production-ada/p49999")
	c, err := verifier(w).User(t.Context(), line)
	require.NoError(t, err)
	assert.Equal(t, 49_999, c.Tables[1].Same)
	assert.Equal(t, []string{"p49999"}, c.Tables[1].Keys.Missing)
	assert.Equal(t, pageSize, w.held)
}

func TestManyUsersAtOnce(t *testing.T) {
	w := newWorld()
	var records []ledger.Record
	for i := range 200 {
		records = append(records, w.add(fmt.Sprintf("u%d", i), i%5))
	}
	w.delete("production-u7/p00000")
	calls := 0
	sum, err := verifier(w).All(t.Context(), ledgertest.New(records...).All(t.Context()), 200, func(Comparison) error {
		calls++ // the race detector proves that calls come one after the other
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 200, calls)
	assert.Equal(t, 199, sum.Whole)
	assert.Equal(t, 1, sum.Missing)
}

func TestOneUnreadUserDoesNotEndTheRun(t *testing.T) {
	w := newWorld()
	records := []ledger.Record{w.add("ada", 1), w.add("bob", 1), w.add("cleo", 1)}
	w.fail = func(call string) error {
		if call == "Query staging-bob" {
			return errors.New("read Projects-staging: AWS is unavailable")
		}
		return nil
	}
	sum, text := compare(t, w, false, false, records...)
	assert.True(t, sum.Failed())
	assert.Equal(t, 1, sum.Unread)
	assert.Equal(t, 2, sum.Whole)
	golden.Equal(t, "unread", text)
}

func verifyAll(t *testing.T, w *world, records ...ledger.Record) error {
	t.Helper()
	all := ledgertest.New(records...).All(t.Context())
	_, err := verifier(w).All(t.Context(), all, 0, func(Comparison) error { return nil })
	return err
}

func TestAllUnreadEndsTheRun(t *testing.T) {
	w := newWorld()
	var records []ledger.Record
	for i := range 200 {
		records = append(records, w.add(fmt.Sprintf("u%d", i), 1))
	}
	expired := errors.New("the credentials have expired")
	w.fail = func(string) error { return expired }
	require.ErrorIs(t, verifyAll(t, w, records...), expired)
}

func TestTableThatCannotBeReadEndsTheRun(t *testing.T) {
	w := newWorld()
	line := w.add("ada", 1)
	w.fail = func(string) error { return fmt.Errorf("describe Users-prod: %w", rows.ErrTable) }
	require.ErrorIs(t, verifyAll(t, w, line), rows.ErrTable)

	w.fail = nil
	w.keys["Projects-prod"] = []string{"id"}
	require.ErrorIs(t, verifyAll(t, w, line), rows.ErrTable)
	w.keys["Projects-prod"] = []string{"userSub", "createdAt"}
	require.ErrorContains(t, verifyAll(t, w, line), "createdAt")
}

func TestLedgerAndWriterErrorsEndTheRun(t *testing.T) {
	w := newWorld()
	line := w.add("ada", 1)
	away := errors.New("AWS is unavailable")
	records := ledgertest.New(line)
	records.Before = func(string) error { return away }
	_, err := verifier(w).All(t.Context(), records.All(t.Context()), 0, func(Comparison) error { return nil })
	require.ErrorIs(t, err, away)
	_, err = verifier(w).All(t.Context(), ledgertest.New(line).All(t.Context()), 0, func(Comparison) error { return away })
	require.ErrorIs(t, err, away)
}

func TestInterrupted(t *testing.T) {
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	records := []ledger.Record{w.add("ada", 1), w.add("bob", 1)}
	v := verifier(w)
	v.parallel = 1
	_, err := v.All(ctx, ledgertest.New(records...).All(ctx), 0, func(Comparison) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestSortKeysOfEachType(t *testing.T) {
	key := []string{"a", "b"}
	assert.Equal(t, "x", nameOf(rows.Row{"b": text("x")}, key))
	assert.Equal(t, "7", nameOf(rows.Row{"b": &types.AttributeValueMemberN{Value: "7"}}, key))
	assert.Equal(t, "AP8=", nameOf(rows.Row{"b": &types.AttributeValueMemberB{Value: []byte{0, 255}}}, key))
}

// TestHostileValues are emails and sort keys that users chose to run something, or to look like something else.
func TestHostileValues(t *testing.T) {
	for _, evil := range consoletest.Hostile {
		var out bytes.Buffer
		w := NewWriter(&console.Text{W: &out, Columns: 80}, false, true)
		missing := Table{Name: "Projects-prod", Staging: 2, Missing: 2}
		missing.Keys.Missing = []string{evil, evil}
		require.NoError(t, w.Write(Comparison{Email: evil, StagingSub: "s", ProductionSub: "p", Tables: []Table{missing}}))
		require.NoError(t, w.Write(Comparison{Email: evil, Unread: evil}))
		assert.Empty(t, consoletest.Commands(t, out.String()))
		require.NoError(t, w.End(Summary{Moved: 1, Missing: 1, Tables: []Table{missing}}))
		assert.NotRegexp(t, "(?m)^ *All is well", out.String())
	}
}

// TestNothingCompared: it never says that all is well.
func TestNothingCompared(t *testing.T) {
	w := newWorld()
	sum, text := compare(t, w, false, false, ledger.Record{StagingSub: "dan", ProductionSub: "d", State: ledger.Moved})
	assert.False(t, sum.Failed())
	assert.Contains(t, text, "Nothing was compared: 1 moved user has no row in staging")
	assert.NotContains(t, text, "well")

	w.add("someone else", 2)
	sum, text = compare(t, w, false, false, ledger.Record{StagingSub: "dan", ProductionSub: "d", State: ledger.Moved})
	assert.True(t, sum.Failed())
	assert.Equal(t, Unowned{"Users-staging", 1, 1, []string{"staging-someone else"}}, sum.Unowned[0])
	assert.Contains(t, text, "1 of 1 row of Projects-staging have a key that is no user's sub: staging-someone else")
	assert.NotContains(t, text, "well")
}

// TestRowsOfNobody: some rows have another key than a user's sub. Those of users who are not moved yet do not count.
func TestRowsOfNobody(t *testing.T) {
	w := newWorld()
	moved := w.add("ada", 1)
	w.add("ada@example.com", 3)
	w.add("ben", 1)
	w.users = []userpool.User{{Sub: "staging-ben"}}
	sum, text := compare(t, w, false, false, moved)
	assert.False(t, sum.Failed())
	assert.Equal(t, []string{"staging-ada@example.com"}, sum.Unowned[0].Examples)
	assert.Contains(t, text, "not every row of staging")
	assert.NotContains(t, text, "well")
}

// TestOldIDsInLongerValues are named: they stay as they are.
func TestOldIDsInLongerValues(t *testing.T) {
	w := newWorld()
	record := w.add("ada", 1)
	key := "Projects-staging/" + record.StagingSub
	w.staging[key][0]["file"] = text("s3://bucket/" + record.StagingSub + "/1.zip")
	_, out := compare(t, w, false, false, record)
	assert.Contains(t, out, "The old id is a part of file in 1 row of Projects-prod, and stays there")
}
