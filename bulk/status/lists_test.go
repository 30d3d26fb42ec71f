package status

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
