package status

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func listIneligible(t *testing.T, pool *fakePool, records records, asJSON bool) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, collector(pool, &fakePool{}, records).ListIneligible(t.Context(), &out, asJSON))
	return out.String()
}

func TestListIneligible(t *testing.T) {
	pool, _ := midway()
	pool.users = append(pool.users, user("no-mail", "", withoutEmail), user("migrated", "migrated@example.com", disabled))
	records := ledgertest.New(
		record("migrated", "migrated@example.com", ledger.Moved, ledger.SignIn),
		record("v", "v@example.com", ledger.Imported, ledger.SignIn))
	golden.Equal(t, "ineligible", listIneligible(t, pool, records, false))

	raw := listIneligible(t, pool, records, true)
	golden.Equal(t, "ineligible_json", raw)
	var doc struct {
		Users []Ineligible
		Count int
	}
	require.NoError(t, json.Unmarshal([]byte(raw), &doc))
	assert.Len(t, doc.Users, doc.Count)
	assert.Equal(t, 9, doc.Count, "a migrated user is not listed, one who was only imported is")
}

func TestNoIneligibleUsers(t *testing.T) {
	pool := &fakePool{users: []userpool.User{user("u", "u@example.com")}}
	assert.Equal(t, "All staging users are eligible or migrated.\n", listIneligible(t, pool, ledgertest.New(), false))
	assert.JSONEq(t, `{"users":[],"count":0}`, listIneligible(t, pool, ledgertest.New(), true))
}

// TestStaleImports has records on both sides of 30 days.
func TestStaleImports(t *testing.T) {
	days := func(n int) func(*ledger.Record) {
		return func(r *ledger.Record) { r.ImportedAt = noon.Add(-time.Duration(n)*24*time.Hour - time.Second) }
	}
	records := ledgertest.New(
		record("old", "old@example.com", ledger.Imported, ledger.ForgotPassword, days(30)),
		record("new", "new@example.com", ledger.Imported, ledger.SignIn, days(29)),
		record("bound", "bound@example.com", ledger.Moving, ledger.SignIn, days(400)),
		record("moved", "moved@example.com", ledger.Moved, ledger.Sweep, days(400)))
	c := collector(&fakePool{}, &fakePool{}, records)
	var text, raw strings.Builder
	require.NoError(t, c.ListStale(t.Context(), &text, false))
	golden.Equal(t, "stale", text.String())
	require.NoError(t, c.ListStale(t.Context(), &raw, true))
	var doc struct {
		Records []struct{ Email, StagingSub, Via, ImportedAt string }
		Count   int
	}
	require.NoError(t, json.Unmarshal([]byte(raw.String()), &doc))
	require.Len(t, doc.Records, 1)
	assert.Equal(t, 1, doc.Count)
	assert.Equal(t, "old@example.com old forgot-password 2026-01-01T11:59:59Z",
		strings.Join([]string{doc.Records[0].Email, doc.Records[0].StagingSub, doc.Records[0].Via,
			doc.Records[0].ImportedAt}, " "))

	o, err := c.Overview(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, o.Ledger.Stale)
	text.Reset()
	require.NoError(t, o.WriteText(&text))
	assert.Contains(t, text.String(), "1 import was begun more than 30 days ago and not completed: bulk status --stale\n")

	for _, evil := range consoletest.Hostile {
		var out strings.Builder
		c.Ledger = ledgertest.New(record("old", evil, ledger.Imported, ledger.SignIn, days(31)))
		require.NoError(t, c.ListStale(t.Context(), &console.Text{W: &out, Columns: 80}, false))
		assert.Empty(t, consoletest.Commands(t, out.String()))
	}
	c.Ledger = records
	require.ErrorIs(t, c.ListStale(t.Context(), brokenWriter{}, false), errAWS)
	require.ErrorIs(t, c.ListStale(t.Context(), brokenWriter{}, true), errAWS)
}

// TestTheFirstErrorEndsAList also if it is the writer's.
func TestTheFirstErrorEndsAList(t *testing.T) {
	unavailable := ledgertest.New()
	unavailable.Before = func(string) error { return errAWS }
	pool, _ := midway()
	for name, c := range map[string]Collector{
		"ledger":  collector(pool, &fakePool{}, unavailable),
		"staging": collector(&fakePool{err: errAWS}, &fakePool{}, ledgertest.New()),
		"output":  collector(pool, &fakePool{}, ledgertest.New()),
	} {
		for _, asJSON := range []bool{false, true} {
			require.ErrorIs(t, c.ListIneligible(t.Context(), brokenWriter{}, asJSON), errAWS, name)
		}
	}
	require.LessOrEqual(t, pool.listed, 2*13, "nothing is read after the output broke")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errAWS }

func TestIDs(t *testing.T) {
	c := collector(&fakePool{}, &fakePool{}, ledgertest.New(
		record("a", "ada@example.com", ledger.Moved, ledger.SignIn),
		record("b", "=cmd|' /c calc'!a1@example.com", ledger.Moving, ledger.Sweep),
		record("c", `o"hara,@example.com`, ledger.Moved, ledger.ForgotPassword),
		record("d", "unbound@example.com", ledger.Imported, ledger.SignIn),
	))
	var out bytes.Buffer
	require.NoError(t, c.WriteIDs(t.Context(), &out, false))
	assert.Equal(t, `email,staging_sub,production_sub,state,via
ada@example.com,a,production-a,moved,sign-in
'=cmd|' /c calc'!a1@example.com,b,production-b,moving,sweep
"o""hara,@example.com",c,production-c,moved,forgot-password
`, out.String())
	out.Reset()
	require.NoError(t, c.WriteIDs(t.Context(), &out, true))
	var doc struct{ Users []map[string]string }
	require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
	require.Len(t, doc.Users, 3)
	assert.Equal(t, map[string]string{"email": "ada@example.com", "staging_sub": "a", "production_sub": "production-a",
		"state": "moved", "via": "sign-in"}, doc.Users[0])
}
