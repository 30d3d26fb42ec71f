package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

var tables = []settings.Table{
	{Source: "Users-staging", Target: "Users-prod", OwnerKey: "id"},
	{Source: "Projects-staging", Target: "Projects-prod", OwnerKey: "userSub"},
}

const pageSize = 100

// world is both ends of the tables, in memory. held is how many rows were given out at once, at most.
type world struct {
	mu         sync.Mutex
	staging    map[string][]rows.Row          // table and owner → rows in order
	production map[string]map[string]rows.Row // table → owner and sort key → row
	keys       map[string][]string
	fail       func(call string) error
	held       int
}

func newWorld() *world {
	return &world{
		staging: map[string][]rows.Row{}, production: map[string]map[string]rows.Row{"Users-prod": {}, "Projects-prod": {}},
		keys: map[string][]string{"Users-prod": {"id"}, "Projects-prod": {"userSub", "projectId"}},
	}
}

// add gives a staging user a profile and projects, moves them as the mover does, and returns their line.
func (w *world) add(name string, projects int) ledger.Record {
	owner := "staging-" + name
	w.staging["Users-staging/"+owner] = []rows.Row{{"id": text(owner), "name": text(name)}}
	for i := range projects {
		w.staging["Projects-staging/"+owner] = append(w.staging["Projects-staging/"+owner],
			rows.Row{"userSub": text(owner), "projectId": text(fmt.Sprintf("p%05d", i)), "n": &types.AttributeValueMemberN{Value: strconv.Itoa(i)}})
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

func (w *world) Query(ctx context.Context, t settings.Table, owner, after string) ([]rows.Row, string, error) {
	if err := errors.Join(ctx.Err(), w.step("Page "+owner)); err != nil {
		return nil, "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	from, _ := strconv.Atoi(after)
	all := w.staging[t.Source+"/"+owner]
	to := min(from+pageSize, len(all))
	w.held = max(w.held, to-from)
	if to < len(all) {
		return all[from:to], strconv.Itoa(to), nil
	}
	return all[from:to], "", nil
}

func (w *world) KeySchema(_ context.Context, table string) ([]string, error) {
	return w.keys[table], w.step("Key " + table)
}

func (w *world) BatchGet(_ context.Context, table string, keys []rows.Row, each func(rows.Row)) error {
	if err := w.step("Get " + table); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range keys {
		if row, ok := w.production[table][w.id(table, key)]; ok {
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

// compare runs one user at a time, so that what is printed has an order.
func compare(t *testing.T, w *world, asJSON, all bool, lines ...ledger.Record) (Summary, string) {
	t.Helper()
	v := New(tables, w, w, nil)
	v.parallel = 1
	var out strings.Builder
	p := NewWriter(&out, asJSON, all, "Spaceport-Migration-prod")
	sum, err := v.Everybody(t.Context(), ledgertest.New(lines...).All(t.Context()), 0, p.Write)
	require.NoError(t, err)
	require.NoError(t, p.End(sum))
	return sum, out.String()
}

func TestAllIsWell(t *testing.T) {
	w := newWorld()
	lines := []ledger.Record{w.add("ada", 3), w.add("bob", 0), {StagingSub: "cleo", State: ledger.Moving, ProductionSub: "c"}, {StagingSub: "dan", State: ledger.Imported}}
	sum, text := compare(t, w, false, false, lines...)
	assert.False(t, sum.Failed())
	assert.Equal(t, 2, sum.Whole)
	assert.Equal(t, 2, sum.NotYet)
	golden.Equal(t, "well", text)
}

func differing() (*world, []ledger.Record) {
	w := newWorld()
	lines := []ledger.Record{w.add("ada", 12), w.add("bob", 3), w.add("cleo", 2)}
	for i := range 7 {
		w.delete(fmt.Sprintf("production-ada/p%05d", i))
	}
	w.change("Projects-prod", "production-ada/p00009")
	w.change("Users-prod", "production-bob")
	w.staging["Projects-staging/staging-bob"] = append(w.staging["Projects-staging/staging-bob"],
		rows.Row{"userSub": text("staging-bob"), "projectId": text("written later")})
	return w, lines
}

func TestDifferences(t *testing.T) {
	w, lines := differing()
	sum, text := compare(t, w, false, false, lines...)
	assert.True(t, sum.Failed())
	assert.Equal(t, Summary{
		Moved: 3, Whole: 1, Missing: 2, Changed: 2, Tables: []Table{
			{Name: "Users-prod", Staging: 3, Same: 2, Changed: 1},
			{Name: "Projects-prod", Staging: 18, Same: 9, Changed: 1, Missing: 8, AddedSince: 1},
		},
	}, sum)
	golden.Equal(t, "differences", text)

	_, raw := compare(t, w, true, false, lines...)
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

func TestOneUserIsShownThoughAllIsWell(t *testing.T) {
	w := newWorld()
	_, text := compare(t, w, false, true, w.add("ada", 3))
	golden.Equal(t, "one_user", text)
}

func TestNobodyMoved(t *testing.T) {
	sum, text := compare(t, newWorld(), false, false, ledger.Record{StagingSub: "dan", State: ledger.Imported})
	assert.False(t, sum.Failed())
	golden.Equal(t, "nobody", text)
	_, raw := compare(t, newWorld(), true, false)
	assert.JSONEq(t, `{"users":[],"summary":{"moved":0,"whole":0,"missing":0,"changed":0,"unread":0,"notYet":0,"tables":[
		{"name":"Users-prod","staging":0,"same":0,"changed":0,"missing":0,"addedSince":0},
		{"name":"Projects-prod","staging":0,"same":0,"changed":0,"missing":0,"addedSince":0}]}}`, raw)
}

func TestFiftyThousandRowsAreNeverHeldAtOnce(t *testing.T) {
	w := newWorld()
	line := w.add("ada", 50_000)
	w.delete("production-ada/p49999")
	c, err := New(tables, w, w, nil).User(t.Context(), line)
	require.NoError(t, err)
	assert.Equal(t, 49_999, c.Tables[1].Same)
	assert.Equal(t, []string{"p49999"}, c.Tables[1].Keys.Missing)
	assert.Equal(t, pageSize, w.held)
}

func TestManyUsersAtOnce(t *testing.T) {
	w := newWorld()
	var lines []ledger.Record
	for i := range 200 {
		lines = append(lines, w.add(fmt.Sprintf("u%d", i), i%5))
	}
	w.delete("production-u7/p00000")
	calls := 0
	sum, err := New(tables, w, w, nil).Everybody(t.Context(), ledgertest.New(lines...).All(t.Context()), 200, func(Comparison) error {
		calls++ // the race detector sees to it that calls come one after the other
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 200, calls)
	assert.Equal(t, 199, sum.Whole)
	assert.Equal(t, 1, sum.Missing)
}

func TestOneUnreadUserDoesNotEndTheRun(t *testing.T) {
	w := newWorld()
	lines := []ledger.Record{w.add("ada", 1), w.add("bob", 1), w.add("cleo", 1)}
	w.fail = func(call string) error {
		if call == "Page staging-bob" {
			return errors.New("read Projects-staging: AWS is away")
		}
		return nil
	}
	sum, text := compare(t, w, false, false, lines...)
	assert.True(t, sum.Failed())
	assert.Equal(t, 1, sum.Unread)
	assert.Equal(t, 2, sum.Whole)
	golden.Equal(t, "unread", text)
}

func everybody(t *testing.T, w *world, lines ...ledger.Record) error {
	t.Helper()
	_, err := New(tables, w, w, nil).Everybody(t.Context(), ledgertest.New(lines...).All(t.Context()), 0, func(Comparison) error { return nil })
	return err
}

func TestAllUnreadEndsTheRun(t *testing.T) {
	w := newWorld()
	var lines []ledger.Record
	for i := range 200 {
		lines = append(lines, w.add(fmt.Sprintf("u%d", i), 1))
	}
	expired := errors.New("the credentials have expired")
	w.fail = func(string) error { return expired }
	require.ErrorIs(t, everybody(t, w, lines...), expired)
}

func TestTableThatCannotBeReadEndsTheRun(t *testing.T) {
	w := newWorld()
	line := w.add("ada", 1)
	w.fail = func(string) error { return fmt.Errorf("describe Users-prod: %w", rows.ErrTable) }
	require.ErrorIs(t, everybody(t, w, line), rows.ErrTable)

	w.fail = nil
	w.keys["Projects-prod"] = []string{"id"}
	require.ErrorIs(t, everybody(t, w, line), rows.ErrTable)
	w.keys["Projects-prod"] = []string{"userSub", "createdAt"}
	require.ErrorContains(t, everybody(t, w, line), "createdAt")
}

func TestLedgerAndWriterErrorsEndTheRun(t *testing.T) {
	w := newWorld()
	line := w.add("ada", 1)
	away := errors.New("AWS is away")
	lines := ledgertest.New(line)
	lines.Before = func(string) error { return away }
	_, err := New(tables, w, w, nil).Everybody(t.Context(), lines.All(t.Context()), 0, func(Comparison) error { return nil })
	require.ErrorIs(t, err, away)
	_, err = New(tables, w, w, nil).Everybody(t.Context(), ledgertest.New(line).All(t.Context()), 0, func(Comparison) error { return away })
	require.ErrorIs(t, err, away)
}

func TestInterrupted(t *testing.T) {
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	lines := []ledger.Record{w.add("ada", 1), w.add("bob", 1)}
	v := New(tables, w, w, nil)
	v.parallel = 1
	_, err := v.Everybody(ctx, ledgertest.New(lines...).All(ctx), 0, func(Comparison) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)
}

func TestSortKeysOfEachType(t *testing.T) {
	key := []string{"a", "b"}
	assert.Equal(t, "x", nameOf(rows.Row{"b": text("x")}, key))
	assert.Equal(t, "7", nameOf(rows.Row{"b": &types.AttributeValueMemberN{Value: "7"}}, key))
	assert.Equal(t, "AP8=", nameOf(rows.Row{"b": &types.AttributeValueMemberB{Value: []byte{0, 255}}}, key))
}
