package status

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func TestAnswerInJSON(t *testing.T) {
	started := func(r *ledger.Record) { r.Cursor, r.Copied = "next", map[string]int{"Users-prod": 1} }
	answer, err := state{
		staging: []userpool.User{user("ada", email, disabled), user("twin", "ADA@example.com")},
		production: []userpool.User{
			user("production-ada", email, from("ada")), user("own", email), user("forged", email, from("another")),
		},
		records: []ledger.Record{record("ada", email, ledger.Moving, ledger.Sweep, passwordSet, lastError("x"), started)},
	}.collector().User(t.Context(), "ADA@example.com")
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, console.WriteJSON(&out, answer))
	golden.Equal(t, "user_json", out.String())
}

func TestTheWholePoolIsReadOnlyIfTheEmailIsNotFound(t *testing.T) {
	staging := &fakePool{users: []userpool.User{user("ada", "ADA@example.com")}}
	c := collector(staging, &fakePool{}, ledgertest.New())
	answer, err := c.User(t.Context(), email)
	require.NoError(t, err)
	assert.Equal(t, "ADA@example.com", answer.Users[0].Staging.Email)
	assert.Equal(t, 1, staging.listed)

	staging.listed = 0
	for _, asked := range []string{"ADA@example.com", "ada", "no-such-sub"} {
		_, err = c.User(t.Context(), asked)
		require.NoError(t, err)
		assert.Zero(t, staging.listed, asked)
	}
}

// TestEachAddressFindsBothUsers also if the email was changed in production.
func TestEachAddressFindsBothUsers(t *testing.T) {
	changed := user("production-ada", "ada@new.example.com", from("ada"))
	c := collector(
		&fakePool{users: []userpool.User{user("ada", email)}}, &fakePool{users: []userpool.User{changed}},
		ledgertest.New(record("ada", email, ledger.Moved, ledger.SignIn)))
	for _, asked := range []string{email, "ada@new.example.com", "ada"} {
		answer, err := c.User(t.Context(), asked)
		require.NoError(t, err)
		require.Len(t, answer.Users, 1)
		assert.Equal(t, "ada", answer.Users[0].Staging.Sub, asked)
		assert.Equal(t, "production-ada", answer.Users[0].Production.Sub, asked)
	}
}

func TestErrorsOfEachStore(t *testing.T) {
	broken, ada := &fakePool{err: errAWS}, &fakePool{users: []userpool.User{user("ada", email)}}
	records := ledgertest.New(record("ada", email, ledger.Moved, ledger.SignIn))
	unavailable := ledgertest.New()
	unavailable.Before = func(string) error { return errAWS }
	for name, c := range map[string]Collector{
		"staging":    collector(broken, ada, records),
		"production": collector(ada, broken, records),
		"ledger":     collector(ada, ada, unavailable),
	} {
		for _, asked := range []string{email, "ada"} {
			_, err := c.User(t.Context(), asked)
			require.ErrorIs(t, err, errAWS, name+" "+asked)
		}
	}
}

// TestAnotherStagingUserHasTheNewEmail finds both: whom the production user says they were, too.
func TestAnotherStagingUserHasTheNewEmail(t *testing.T) {
	const changed = "ada@new.example.com"
	c := state{
		staging:    []userpool.User{user("ada", email), user("heir", changed)},
		production: []userpool.User{user("production-ada", changed, from("ada"))},
		records:    []ledger.Record{record("ada", email, ledger.Imported, ledger.SignIn)},
	}.collector()
	answer, err := c.User(t.Context(), changed)
	require.NoError(t, err)
	require.Len(t, answer.Users, 2)
	assert.Equal(t, "production-user-exists", answer.Users[0].Diagnosis.Code)
	assert.Equal(t, "email-changed", answer.Users[1].Diagnosis.Code)
}

// TestOnlyUsersWhoAreNotBoundAreReadInStaging, since that makes them monthly active users.
func TestOnlyUsersWhoAreNotBoundAreReadInStaging(t *testing.T) {
	for _, tt := range []struct {
		records []ledger.Record
		read    []string
	}{
		{nil, []string{"ada"}},
		{[]ledger.Record{record("ada", email, ledger.Imported, ledger.SignIn)}, []string{"ada"}},
		{[]ledger.Record{record("ada", email, ledger.Moving, ledger.SignIn)}, nil},
		{[]ledger.Record{record("ada", email, ledger.Moved, ledger.SignIn)}, nil},
	} {
		c := state{staging: []userpool.User{user("ada", email), user("other", "other@example.com")},
			records: tt.records}.collector()
		_, err := c.User(t.Context(), email)
		require.NoError(t, err)
		assert.Equal(t, tt.read, c.Staging.(*fakePool).read)
		assert.Empty(t, c.Production.(*fakePool).read, "nobody has a phone number")
	}
	_, err := state{staging: []userpool.User{user("ada", email)}}.collector(func(c *Collector) {
		c.Staging.(*fakePool).getErr = errAWS
	}).User(t.Context(), email)
	require.ErrorIs(t, err, errAWS)
}

// TestAnEmailIsNotFolded at any of its spaces: what follows could stand where a command does.
func TestAnEmailIsNotFolded(t *testing.T) {
	for width := range 100 {
		evil := strings.Repeat("x", width) + " bulk sweep --live --adopt@evil.example"
		answer, err := state{production: []userpool.User{user("p", evil)}, staging: []userpool.User{user("ada", evil)},
			records: []ledger.Record{record("ada", evil, ledger.Moved, ledger.SignIn,
				func(r *ledger.Record) { r.ProductionSub = "p" })},
		}.collector().User(t.Context(), evil)
		require.NoError(t, err)
		var out strings.Builder
		require.NoError(t, answer.WriteText(&out))
		assert.Len(t, regexp.MustCompile(`(?m)^ *bulk .*`).FindAllString(out.String(), -1), 1, "only bulk verify")
	}
}
