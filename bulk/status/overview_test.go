package status

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"iter"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// tooLarge is an error of AWS, which has a request id.
func tooLarge(requestID string) func(*ledger.Record) {
	return lastError("1 not moved: write Projects-prod: https response error StatusCode: 400, RequestID: " + requestID +
		", ValidationException: too large")
}

// midway is a staging pool in the middle of its migration.
func midway() (*fakePool, *ledgertest.Memory) {
	records := []ledger.Record{
		record("u1", "u1@example.com", ledger.Moved, ledger.SignIn),
		record("u2", "u2@example.com", ledger.Moved, ledger.ForgotPassword),
		record("u3", "u3@example.com", ledger.Moved, ledger.Sweep, passwordSet, resetSent, signedIn),
		record("u4", "u4@example.com", ledger.Moved, ledger.Sweep, passwordSet, resetSent),
		record("u5", "u5@example.com", ledger.Moved, ledger.Sweep, adopted),
		record("u6", "u6@example.com", ledger.Moving, ledger.SignIn),
		record("u7", "u7@example.com", ledger.Moving, ledger.SignIn, tooLarge("AAA")),
		record("u8", "u8@example.com", ledger.Moving, ledger.Sweep, tooLarge("BBB")),
		record("u9", "u9@example.com", ledger.Imported, ledger.ForgotPassword),
		record("gone", "gone@example.com", ledger.Moved, ledger.SignIn),
	}
	pool := &fakePool{}
	for i := 1; i <= 12; i++ {
		pool.users = append(pool.users, user(fmt.Sprintf("u%d", i), fmt.Sprintf("u%d@example.com", i)))
	}
	pool.users = append(pool.users,
		user("d", "d@example.com", disabled), user("v", "v@example.com", unverified), user("l", "l@example.com", late),
		user("v2", "v2@example.com", unverified), user("f", "f@example.com", is("EXTERNAL_PROVIDER")),
		user("n", "n@example.com", is("UNCONFIRMED")), user("t", "t@example.com", is("FORCE_CHANGE_PASSWORD")),
		user("r", "r@example.com", is("RESET_REQUIRED")),
	)
	return pool, ledgertest.New(records...)
}

func TestOverview(t *testing.T) {
	pool, records := midway()
	production := &fakePool{}
	for _, sub := range []string{
		"production-u1", "production-u2", "production-u3", "production-u4", "production-u7", "own-1", "own-2",
	} {
		production.users = append(production.users, user(sub, sub+"@example.com"))
	}
	o, err := collector(pool, production, records).Overview(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Production{Users: 7, Own: 2, NewPasswords: 2}, o.Production)
	var text bytes.Buffer
	require.NoError(t, o.WriteText(&text))
	golden.Equal(t, "overview", text.String())
	raw, err := json.MarshalIndent(o, "", "  ")
	require.NoError(t, err)
	golden.Equal(t, "overview_json", string(raw)+"\n")
	assert.Equal(t, 20, pool.listed, "read once")
	assert.Equal(t, 7, production.listed, "read once")
}

func TestFinished(t *testing.T) {
	pool := &fakePool{users: []userpool.User{user("u1", "u1@example.com"), user("u2", "u2@example.com")}}
	records := ledgertest.New(
		record("u1", "u1@example.com", ledger.Moved, ledger.SignIn),
		record("u2", "u2@example.com", ledger.Moved, ledger.Sweep, passwordSet, resetSent))
	production := &fakePool{users: []userpool.User{
		user("production-u1", "u1@example.com"), user("production-u2", "u2@example.com", is("RESET_REQUIRED")),
	}}
	o, err := collector(pool, production, records).Overview(t.Context())
	require.NoError(t, err)
	assert.True(t, o.SafeToDetach)
	assert.Empty(t, o.Missing)
	assert.InDelta(t, 1, o.MigratedShare, 0)
	var text bytes.Buffer
	require.NoError(t, o.WriteText(&text))
	golden.Equal(t, "finished", text.String())
}

func TestNoUsers(t *testing.T) {
	o, err := collector(&fakePool{}, &fakePool{}, ledgertest.New()).Overview(t.Context())
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, o.WriteText(&text))
	golden.Equal(t, "no_users", text.String())
}

// inProduction is a pool with the users that the records are bound to.
func inProduction(records ...ledger.Record) *fakePool {
	pool := &fakePool{}
	for _, r := range records {
		pool.users = append(pool.users, user(r.ProductionSub, r.Email))
	}
	return pool
}

func TestEachThingMissingIsNamed(t *testing.T) {
	users := []userpool.User{user("u", "u@example.com")}
	for want, records := range map[string][]ledger.Record{
		"1 user is not migrated: wait for them to sign in, or run bulk sweep": nil,
		"1 user's data or groups are not copied completely: run bulk sweep --live, which goes on": {
			record("u", "u@example.com", ledger.Moving, ledger.SignIn),
		},
		"1 user has a random password and no reset email: run bulk sweep --live, which sends it": {
			record("u", "u@example.com", ledger.Moved, ledger.Sweep, passwordSet),
		},
		"1 user's data could not be copied: " +
			"resolve the reasons above, then run bulk sweep --live, or let them sign in again": {
			record("u", "u@example.com", ledger.Moving, ledger.SignIn, lastError("x")),
		},
	} {
		o, err := collector(&fakePool{users: users}, inProduction(records...),
			ledgertest.New(records...)).Overview(t.Context())
		require.NoError(t, err)
		assert.False(t, o.SafeToDetach)
		assert.Equal(t, []string{want}, o.Missing)
	}
}

// TestTwoUsersWithOneEmail: only one of them can be migrated.
func TestTwoUsersWithOneEmail(t *testing.T) {
	pool := &fakePool{users: []userpool.User{
		user("a", "Ann.Lee@example.com"), user("b", "ann.lee@example.com"), user("c", "ANN.LEE@example.com"),
		user("d", "dan@example.com"), user("d", "dan@example.com"), // listed twice by Cognito
	}}
	moved := record("b", "ann.lee@example.com", ledger.Moved, ledger.SignIn)
	c := collector(pool, inProduction(moved), ledgertest.New(moved))
	c.UniqueEmails = false
	o, err := c.Overview(t.Context())
	require.NoError(t, err)
	assert.False(t, o.SafeToDetach)
	assert.Equal(t, 4, o.Staging.Total)
	assert.Equal(t, 1, o.Remaining)
	assert.Equal(t, []string{
		"1 user is not migrated: wait for them to sign in, or run bulk sweep",
		"2 users have the email of another, apart from case, who is migrated: " +
			"bulk check prints the commands that disable them in staging; Ann.Lee@example.com and ANN.LEE@example.com",
	}, o.Missing)
}

// TestShutOut: everyone eligible must be able to sign in. Users who are no longer eligible are not waited for.
func TestShutOut(t *testing.T) {
	moved := record("u", "u@example.com", ledger.Moved, ledger.SignIn)
	for name, tt := range map[string]struct {
		production []userpool.User
		safe       bool
	}{
		"there":          {[]userpool.User{user("production-u", "u@example.com")}, true},
		"reset required": {[]userpool.User{user("production-u", "u@example.com", is("RESET_REQUIRED"))}, true},
		"deleted":        {nil, false},
		"disabled":       {[]userpool.User{user("production-u", "u@example.com", disabled)}, false},
		"unconfirmed":    {[]userpool.User{user("production-u", "u@example.com", is("UNCONFIRMED"))}, false},
	} {
		staging := &fakePool{users: []userpool.User{user("u", "u@example.com")}}
		o, err := collector(staging, &fakePool{users: tt.production}, ledgertest.New(moved)).Overview(t.Context())
		require.NoError(t, err)
		assert.Equal(t, tt.safe, o.SafeToDetach, name)
		if !tt.safe {
			assert.Equal(t, Affected{1, []string{"u@example.com"}}, o.ShutOut, name)
			assert.Zero(t, o.Done, name)
			assert.Zero(t, o.Remaining, name)
		}
	}
	failing := record("u", "u@example.com", ledger.Moving, ledger.SignIn, lastError("x"))
	for name, staging := range map[string][]userpool.User{"disabled": {user("u", "u@example.com", disabled)},
		"deleted": {user("d", "d@example.com", disabled)}} {
		o, err := collector(&fakePool{users: staging}, inProduction(failing), ledgertest.New(failing)).Overview(t.Context())
		require.NoError(t, err)
		assert.True(t, o.SafeToDetach, name)
		assert.Len(t, o.Ledger.Failures, 1, name)
	}
}

// oneRow is staging with one row in every table that is not named empty.
type oneRow struct{ empty, owner string }

func (r oneRow) Scan(_ context.Context, table string) iter.Seq2[rows.Row, error] {
	return func(yield func(rows.Row, error) bool) {
		_ = table != r.empty && yield(rows.Row{"id": &types.AttributeValueMemberS{Value: r.owner}}, nil)
	}
}

// TestMovesThatFoundNoRow: the key of MIGRATION_TABLES is not what it seems.
func TestMovesThatFoundNoRow(t *testing.T) {
	pool := &fakePool{users: []userpool.User{user("u", "u@example.com")}}
	none := record("u", "u@example.com", ledger.Moved, ledger.SignIn)
	none.Copied, none.Kept = nil, nil
	expired := none
	expired.Expired = map[string]int{"Teams-prod": 1}
	for name, tt := range map[string]struct {
		record ledger.Record
		rows   oneRow
		safe   bool
	}{
		"rows that nobody owns":              {none, oneRow{}, false},
		"an empty table":                     {none, oneRow{empty: "Teams-staging"}, true},
		"expired rows":                       {expired, oneRow{}, true},
		"added later, production had theirs": {none, oneRow{owner: "u"}, true},
	} {
		c := collector(pool, inProduction(tt.record), ledgertest.New(tt.record))
		c.Tables, c.Rows = []settings.Table{{Source: "Teams-staging", Target: "Teams-prod", OwnerKey: "id"}}, tt.rows
		o, err := c.Overview(t.Context())
		require.NoError(t, err)
		assert.Equal(t, tt.safe, o.SafeToDetach, name)
		if !tt.safe {
			assert.Equal(t, []string{
				"no row of Teams-staging belongs to a migrated user: check ownerKey in MIGRATION_TABLES"}, o.Missing)
		}
	}
}

// TestExistingUsersThatWereBound tells them from users that a sweep created, also after they have signed in.
func TestExistingUsersThatWereBound(t *testing.T) {
	o, err := collector(&fakePool{}, &fakePool{}, ledgertest.New(
		record("created", "u@example.com", ledger.Moved, ledger.Sweep, passwordSet, signedIn),
		record("adopted", "v@example.com", ledger.Moved, ledger.Sweep, adopted),
		record("adopted-and-signed-in", "w@example.com", ledger.Moved, ledger.Sweep, adopted, signedIn),
	)).Overview(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, o.Ledger.Seen)
	assert.Equal(t, 2, o.Ledger.Adopted)
	assert.Equal(t, 1, o.Production.NewPasswords)
}

func TestPercentIsNeverRoundedUp(t *testing.T) {
	assert.Equal(t, "99.9 %", percent(9999./10000))
	assert.Equal(t, "100.0 %", percent(1))
	assert.Equal(t, "57.0 %", percent(57./100))
}

func TestReasonsStayBounded(t *testing.T) {
	l := Ledger{ByPath: map[ledger.Via]Stages{}}
	for i := range 1000 {
		r := record("u", "u@example.com", ledger.Moving, ledger.SignIn, lastError(fmt.Sprintf("reason %d", i)))
		require.NoError(t, l.add(r, failed, false))
	}
	assert.Len(t, l.Failures, maxReasons+1)
	assert.Equal(t, otherReason, l.Failures[maxReasons].Reason)
	assert.Equal(t, 1000-maxReasons, l.Failures[maxReasons].Users)
	assert.Len(t, l.Failures[maxReasons].Examples, maxExamples)
	var text bytes.Buffer
	require.NoError(t, Overview{Ledger: l}.WriteText(&text))
	assert.Contains(t, text.String(),
		"  other reasons\n    980 users: u@example.com, u@example.com, u@example.com and 977 others\n")
}

func TestTheFirstErrorEndsAnOverview(t *testing.T) {
	unavailable := ledgertest.New()
	unavailable.Before = func(string) error { return errAWS }
	for name, c := range map[string]Collector{
		"ledger":     collector(&fakePool{}, &fakePool{}, unavailable),
		"staging":    collector(&fakePool{err: errAWS}, &fakePool{}, ledgertest.New()),
		"production": collector(&fakePool{}, &fakePool{err: errAWS}, ledgertest.New()),
	} {
		_, err := c.Overview(t.Context())
		require.ErrorIs(t, err, errAWS, name)
	}
}
