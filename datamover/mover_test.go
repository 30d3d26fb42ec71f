package datamover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

func bound() ledger.Record {
	return ledger.Record{
		StagingSub: ada, Email: adasEmail, State: ledger.Moving, Via: ledger.SignIn, ProductionSub: adaNow,
		ImportedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

var movedAt = time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC)

func newMover(m *memory, l moveLedger) *Mover {
	return NewMover(tables, m, m, Groups{}, l, func() time.Time { return movedAt })
}

// takes counts the leases of a test run, each a minute after the one before.
var takes atomic.Int64

// run takes the lease, after any other has expired, and moves.
func run(ctx context.Context, m *Mover, records *ledgertest.Memory) (ledger.Progress, error) {
	now := movedAt.Add(time.Duration(takes.Add(1)) * time.Minute)
	record, lease, err := records.TakeLease(context.WithoutCancel(ctx), ada, adaNow, now, LeaseFor)
	if err != nil {
		return ledger.Progress{}, err
	}
	progress, _, err := m.Move(ctx, record, lease)
	return progress, err
}

// assertAllMoved compares the end state: every row is there, only its owner changed, the record is moved.
func assertAllMoved(t *testing.T, m *memory, record ledger.Record, projects int) {
	t.Helper()
	assert.Equal(t, rows.Row{"id": text(adaNow), "name": text("Ada")}, m.target["Users-prod"][adaNow+"/"])
	require.Len(t, m.target["Projects-prod"], projects)
	for i := range projects {
		want := project(adaNow, i)
		assert.Equal(t, want, m.target["Projects-prod"][adaNow+"/"+value(want, "projectId")])
	}
	want := bound()
	want.State, want.MovedAt = ledger.Moved, movedAt
	want.Copied, want.Kept = map[string]int{"Users-prod": 1}, map[string]int{}
	if projects > 0 {
		want.Copied["Projects-prod"] = projects
	}
	assert.Equal(t, want, record)
}

// TestEveryPageMoves is the first failure of the old script, which never asked for page two.
func TestEveryPageMoves(t *testing.T) {
	for _, projects := range []int{0, 1, pageSize, pageSize + 1, 100} {
		t.Run(fmt.Sprint(projects), func(t *testing.T) {
			m, records := newMemory(projects), ledgertest.New(bound())
			progress, err := run(t.Context(), newMover(m, records), records)
			require.NoError(t, err)
			assert.Equal(t, projects+1, total(progress.Copied))
			assertAllMoved(t, m, records.Record(ada), projects)
		})
	}
}

func TestProfileGoesFirst(t *testing.T) {
	m := newMemory(5)
	var order []string
	var mu sync.Mutex
	m.before = func(call string) error {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(call, "PutIfAbsent") {
			order = append(order, call)
		}
		return nil
	}
	records := ledgertest.New(bound())
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assert.Equal(t, "PutIfAbsent Users-prod", order[0])
}

// TestCrashAtEveryStep stops a move before and after each of its calls, as a kill would, and runs it again.
func TestCrashAtEveryStep(t *testing.T) {
	const projects = 10
	for _, when := range []string{"before", "after"} {
		for at := 1; ; at++ {
			m, records := newMemory(projects), ledgertest.New(bound())
			ctx, kill := context.WithCancel(t.Context())
			var mu sync.Mutex
			steps := 0
			step := func(string) error {
				mu.Lock()
				defer mu.Unlock()
				if steps++; steps >= at {
					kill()
					return context.Canceled
				}
				return nil
			}
			if when == "before" {
				m.before, records.Before = step, step
			} else {
				m.after = step
			}
			_, err := run(ctx, newMover(m, records), records)
			kill()
			if steps < at { // the move was shorter than that: every step had its crash
				require.NoError(t, err)
				require.Greater(t, at, projects)
				break
			}
			m.before, m.after, records.Before = nil, nil, nil
			if record := records.Record(ada); record.State != ledger.Moved {
				_, err = run(t.Context(), newMover(m, records), records)
				require.NoError(t, err)
			}
			t.Run(fmt.Sprintf("%s step %d", when, at), func(t *testing.T) {
				assertAllMoved(t, m, records.Record(ada), projects)
			})
		}
	}
}

func TestTwoMoversAtOnce(t *testing.T) {
	const projects = 50
	for range 20 {
		m, records := newMemory(projects), ledgertest.New(bound())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				record, lease, err := records.TakeLease(t.Context(), ada, adaNow, movedAt, LeaseFor)
				if err != nil {
					assert.ErrorIs(t, err, ledger.ErrLeased)
					return
				}
				_, _, err = newMover(m, records).Move(t.Context(), record, lease)
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assertAllMoved(t, m, records.Record(ada), projects)
	}
}

func TestRowsOfProductionAreKept(t *testing.T) {
	m, records := newMemory(4), ledgertest.New(bound())
	edited := project(adaNow, 2)
	edited["title"] = text("edited in production")
	m.target["Projects-prod"] = map[string]rows.Row{adaNow + "/p0002": edited}
	progress, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assert.Equal(t, edited, m.target["Projects-prod"][adaNow+"/p0002"])
	assert.Equal(t, 3, progress.Copied["Projects-prod"])
	assert.Equal(t, 1, progress.Kept["Projects-prod"])
}

func TestSecondMoveWritesNothing(t *testing.T) {
	m, records := newMemory(10), ledgertest.New(bound())
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	delete(m.target["Projects-prod"], adaNow+"/p0003") // the user deleted it since
	h := newHook(m, records)
	h.Invoke(t.Context(), signedIn(t, adaNow))
	assert.NotContains(t, m.target["Projects-prod"], adaNow+"/p0003")
}

func TestFailedRowIsReportedAndTheRestMoves(t *testing.T) {
	m, records := newMemory(10), ledgertest.New(bound())
	failures := 0
	var mu sync.Mutex
	m.before = func(call string) error {
		mu.Lock()
		defer mu.Unlock()
		if call == "PutIfAbsent Projects-prod" && failures == 0 {
			failures++
			return errors.New("write Projects-prod: ThrottlingException")
		}
		return nil
	}
	_, err := run(t.Context(), newMover(m, records), records)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	assert.Equal(t, 1, partial.Failed)
	assert.Len(t, m.target["Projects-prod"], 9)
	record := records.Record(ada)
	assert.Equal(t, ledger.Moving, record.State)
	assert.Equal(t, "1 not moved: write Projects-prod: ThrottlingException", record.LastError)

	_, err = run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assertAllMoved(t, m, records.Record(ada), 10)
}

func TestUnusableTableDoesNotStopTheNext(t *testing.T) {
	for _, call := range []string{"Query Users-staging", "PutIfAbsent Users-prod"} {
		m, records := newMemory(10), ledgertest.New(bound())
		m.before = func(c string) error {
			if c == call {
				return &rows.KeyError{Table: "Users", Want: "id", Has: "pk"}
			}
			return nil
		}
		_, err := run(t.Context(), newMover(m, records), records)
		var key *rows.KeyError
		require.ErrorAs(t, err, &key)
		assert.Len(t, m.target["Projects-prod"], 10)
		assert.Equal(t, ledger.Moving, records.Record(ada).State)
		assert.Contains(t, records.Record(ada).LastError, "table Users: key is pk, not id")
	}
}

func TestResumeStartsAtTheCursor(t *testing.T) {
	m, records := newMemory(30), ledgertest.New(bound())
	ctx, stop := context.WithCancel(t.Context())
	m.before = func(call string) error {
		if call == "Query Projects-staging" && m.called(call) == 6 {
			stop()
		}
		return nil
	}
	_, err := run(ctx, newMover(m, records), records)
	require.ErrorIs(t, err, context.Canceled)
	read := m.called("Query Projects-staging")
	m.before = nil
	_, err = run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assert.Less(t, m.called("Query Projects-staging")-read, 8, "of ten pages, not all are read again")
	assert.Equal(t, 1, m.called("Query Users-staging"), "a table that is done is not read again")
	assertAllMoved(t, m, records.Record(ada), 30)
}

func TestCursorOfAnotherConfigurationStartsOver(t *testing.T) {
	record := bound()
	record.Cursor, record.Copied = "Gone-staging {}", map[string]int{"Gone-prod": 7}
	m, records := newMemory(4), ledgertest.New(record)
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assertAllMoved(t, m, records.Record(ada), 4)
}

// failing makes one kind of call fail so many times.
func failing(call string, times int, err error) func(string) error {
	var mu sync.Mutex
	return func(c string) error {
		mu.Lock()
		defer mu.Unlock()
		if c == call && times > 0 {
			times--
			return err
		}
		return nil
	}
}

// TestWhatTheUserDeletedStaysDeleted has a row that fails and another that its owner deletes before the next try.
func TestWhatTheUserDeletedStaysDeleted(t *testing.T) {
	for _, call := range []string{"PutIfAbsent Users-prod", "Query Users-staging"} {
		m, records := newMemory(10), ledgertest.New(bound())
		m.before = failing(call, 1, errors.New("throttled"))
		_, err := run(t.Context(), newMover(m, records), records)
		var partial *PartialError
		require.ErrorAs(t, err, &partial)
		require.Len(t, m.target["Projects-prod"], 10)
		delete(m.target["Projects-prod"], adaNow+"/p0003")

		_, err = run(t.Context(), newMover(m, records), records)
		require.NoError(t, err)
		assert.NotContains(t, m.target["Projects-prod"], adaNow+"/p0003")
		assert.Len(t, m.target["Users-prod"], 1, "what had failed is there")
		assert.Equal(t, map[string]int{"Users-prod": 1, "Projects-prod": 10}, records.Record(ada).Copied,
			"each row counted once")
	}
}

func TestOnlyTheFailedPageIsReadAgain(t *testing.T) {
	m, records := newMemory(30), ledgertest.New(bound())
	m.before = failing("PutIfAbsent Projects-prod", 1, errors.New("throttled"))
	_, err := run(t.Context(), newMover(m, records), records)
	require.Error(t, err)
	pages := m.called("Query Projects-staging")
	_, err = run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assert.Equal(t, 1, m.called("Query Projects-staging")-pages)
	assertAllMoved(t, m, records.Record(ada), 30)
}

func TestTableWithTooManyFailedPagesIsLeftForLater(t *testing.T) {
	const projects = (maxFailedPages + 20) * pageSize
	m, records := newMemory(projects), ledgertest.New(bound())
	m.before = failing("PutIfAbsent Projects-prod", 1<<30, errors.New("throttled"))
	_, err := run(t.Context(), newMover(m, records), records)
	require.ErrorContains(t, err, "throttled")
	assert.Less(t, len(records.Record(ada).Cursor), 20<<10, "the ledger record stays small")
	m.before = nil
	_, err = run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assertAllMoved(t, m, records.Record(ada), projects)
}

// stopMidway ends a first move when the fifth page of projects was read.
func stopMidway(t *testing.T, m *memory, records *ledgertest.Memory) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	m.after = func(call string) error {
		if call == "Query Projects-staging" && m.called(call) == 5 {
			stop()
		}
		return nil
	}
	_, err := run(ctx, newMover(m, records), records)
	require.ErrorIs(t, err, context.Canceled)
	m.after = nil
}

func TestTableAddedMeanwhileIsMovedToo(t *testing.T) {
	m, records := newMemory(30), ledgertest.New(bound())
	stopMidway(t, m, records)
	require.NotEmpty(t, records.Record(ada).Cursor)
	m.source["Files-staging"] = []rows.Row{{"owner": text(ada), "projectId": text("f1")}}
	mover := newMover(m, records)
	mover.tables = []settings.Table{tables[0], {Source: "Files-staging", Target: "Files-prod",
		OwnerKey: "owner"}, tables[1]}
	_, err := run(t.Context(), mover, records)
	require.NoError(t, err)
	assert.Len(t, m.target["Files-prod"], 1)
	assert.Len(t, m.target["Projects-prod"], 30)
}

func TestTargetWithAnotherKeyIsNotWritten(t *testing.T) {
	m, records := newMemory(10), ledgertest.New(bound())
	m.before = failing("CheckKeys Projects-prod", 1<<30, &rows.KeyError{Table: "Projects-prod",
		Want: "userSub", Has: "id"})
	_, err := run(t.Context(), newMover(m, records), records)
	require.ErrorContains(t, err, "table Projects-prod: key is id, not userSub")
	assert.Zero(t, m.called("PutIfAbsent Projects-prod"))
	assert.Equal(t, ledger.Moving, records.Record(ada).State)
}

func TestUnusableTargetIsTriedOnce(t *testing.T) {
	m, records := newMemory(1000), ledgertest.New(bound())
	tried := 0
	var mu sync.Mutex
	m.before = func(call string) error {
		mu.Lock()
		defer mu.Unlock()
		if call == "PutIfAbsent Projects-prod" {
			tried++
			return rows.ErrTable
		}
		return nil
	}
	_, err := run(t.Context(), newMover(m, records), records)
	require.ErrorIs(t, err, rows.ErrTable)
	assert.LessOrEqual(t, tried, parallelPuts, "not a thousand times")
}

func TestKeptCountsSurviveAResume(t *testing.T) {
	m, records := newMemory(30), ledgertest.New(bound())
	edited := project(adaNow, 0)
	edited["title"] = text("edited")
	m.target["Projects-prod"] = map[string]rows.Row{adaNow + "/p0000": edited}
	stopMidway(t, m, records)
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"Projects-prod": 1}, records.Record(ada).Kept)
	assert.Equal(t, 29, records.Record(ada).Copied["Projects-prod"])
}

func TestBadCursorStartsOver(t *testing.T) {
	record := bound()
	for _, bad := range []string{"x", `{"tables":"Users-staging,Projects-staging","remaining":[]}`} {
		record.Cursor = bad
		m, records := newMemory(4), ledgertest.New(record)
		_, err := run(t.Context(), newMover(m, records), records)
		require.NoError(t, err)
		assertAllMoved(t, m, records.Record(ada), 4)
	}
	record.Cursor = `{"tables":"Users-staging,Projects-staging","remaining":[` +
		`{"table":"Users-staging"},{"table":"Projects-staging","after":"torn"}]}`
	m, records := newMemory(4), ledgertest.New(record)
	m.before = failing("Query Projects-staging", 1, rows.ErrPosition)
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assertAllMoved(t, m, records.Record(ada), 4)
}

// TestExpiredRowsAreCounted, once each, and neither copied nor kept.
func TestExpiredRowsAreCounted(t *testing.T) {
	m, records := newMemory(2*pageSize), ledgertest.New(bound())
	m.expired = 1 // in each page
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"Projects-prod": 2, "Users-prod": 1}, records.Record(ada).Expired)
	assert.Equal(t, 2*pageSize, records.Record(ada).Copied["Projects-prod"])
}

// TestNextTableIsReadAhead, while the last page of the one before is written.
func TestNextTableIsReadAhead(t *testing.T) {
	m, records := newMemory(2), ledgertest.New(bound())
	asked := make(chan struct{})
	m.before = func(call string) error {
		switch call {
		case "Query Projects-staging":
			close(asked)
		case "PutIfAbsent Users-prod":
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				return errors.New("projects were not read meanwhile")
			}
		}
		return nil
	}
	_, err := run(t.Context(), newMover(m, records), records)
	require.NoError(t, err)
	assert.Equal(t, 1, m.called("Query Projects-staging"), "once")
	assert.Len(t, m.target["Projects-prod"], 2)
}
