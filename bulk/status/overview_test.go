package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// midway is a staging pool in the middle of its migration.
func midway() (*fakePool, *ledgertest.Memory) {
	lines := []ledger.Record{
		line("u1", "u1@example.com", ledger.Moved, ledger.SignIn),
		line("u2", "u2@example.com", ledger.Moved, ledger.ForgotPassword),
		line("u3", "u3@example.com", ledger.Moved, ledger.Sweep, made, letter, seen),
		line("u4", "u4@example.com", ledger.Moved, ledger.Sweep, made, letter),
		line("u5", "u5@example.com", ledger.Moved, ledger.Sweep, seen), // adopted
		line("u6", "u6@example.com", ledger.Moving, ledger.SignIn),
		line("u7", "u7@example.com", ledger.Moving, ledger.SignIn, failed("1 not moved: write Projects-prod: https response error StatusCode: 400, RequestID: AAA, ValidationException: too large")),
		line("u8", "u8@example.com", ledger.Moving, ledger.Sweep, failed("1 not moved: write Projects-prod: https response error StatusCode: 400, RequestID: BBB, ValidationException: too large")),
		line("u9", "u9@example.com", ledger.Imported, ledger.ForgotPassword),
		line("gone", "gone@example.com", ledger.Moved, ledger.SignIn),
	}
	pool := &fakePool{}
	for i := 1; i <= 12; i++ {
		pool.users = append(pool.users, somebody(fmt.Sprintf("u%d", i), fmt.Sprintf("u%d@example.com", i)))
	}
	pool.users = append(pool.users,
		somebody("d", "d@example.com", disabled), somebody("v", "v@example.com", unverified), somebody("l", "l@example.com", late),
		somebody("v2", "v2@example.com", unverified), somebody("f", "f@example.com", status("EXTERNAL_PROVIDER")),
		somebody("n", "n@example.com", status("UNCONFIRMED")), somebody("t", "t@example.com", status("FORCE_CHANGE_PASSWORD")),
		somebody("r", "r@example.com", status("RESET_REQUIRED")),
	)
	return pool, ledgertest.New(lines...)
}

func survey(staging *fakePool, lines allLines) *Survey {
	return NewSurvey(staging, &fakePool{}, lines, noon, nil, clock)
}

func TestOverview(t *testing.T) {
	pool, lines := midway()
	production := &fakePool{}
	for _, sub := range []string{"production-u1", "production-u2", "production-u3", "production-u4", "production-u7", "own-1", "own-2"} {
		production.users = append(production.users, somebody(sub, sub+"@example.com"))
	}
	o, err := NewSurvey(pool, production, lines, noon, nil, clock).Overview(t.Context())
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
	pool := &fakePool{users: []userpool.User{somebody("u1", "u1@example.com"), somebody("u2", "u2@example.com")}}
	lines := ledgertest.New(line("u1", "u1@example.com", ledger.Moved, ledger.SignIn), line("u2", "u2@example.com", ledger.Moved, ledger.Sweep, made))
	o, err := survey(pool, lines).Overview(t.Context())
	require.NoError(t, err)
	assert.True(t, o.SafeToDetach)
	assert.Empty(t, o.Missing)
	var text bytes.Buffer
	require.NoError(t, o.WriteText(&text))
	golden.Equal(t, "finished", text.String())
}

func TestNobodyYet(t *testing.T) {
	o, err := survey(&fakePool{}, ledgertest.New()).Overview(t.Context())
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, o.WriteText(&text))
	golden.Equal(t, "nobody_yet", text.String())
}

func TestEachThingMissingIsNamed(t *testing.T) {
	user := []userpool.User{somebody("u", "u@example.com")}
	for want, lines := range map[string][]ledger.Record{
		"1 user has not come over: wait for them to sign in, or run bulk sweep":                                              nil,
		"the data of 1 user is on its way: look again in a minute":                                                           {line("u", "u@example.com", ledger.Moving, ledger.SignIn)},
		"the data of 1 user did not arrive: see to the reasons above, then run bulk sweep --live, or let them sign in again": {line("u", "u@example.com", ledger.Moving, ledger.SignIn, failed("x"))},
	} {
		o, err := survey(&fakePool{users: user}, ledgertest.New(lines...)).Overview(t.Context())
		require.NoError(t, err)
		assert.False(t, o.SafeToDetach)
		assert.Equal(t, []string{want}, o.Missing)
	}
}

func TestAllIsNeverRoundedUpToDone(t *testing.T) {
	assert.Equal(t, "99.9 %", percent(9999, 10000))
	assert.Equal(t, "100.0 %", percent(10000, 10000))
	assert.Equal(t, "57.0 %", percent(57, 100))
}

func TestReasonsStayBounded(t *testing.T) {
	var l Ledger
	l.ByPath = map[ledger.Via]Stages{}
	for i := range 1000 {
		l.add(line("u", "u@example.com", ledger.Moving, ledger.SignIn, failed(fmt.Sprintf("reason %d", i))))
	}
	assert.Len(t, l.Failures, maxReasons+1)
	assert.Equal(t, otherReason, l.Failures[maxReasons].Reason)
	assert.Equal(t, 1000-maxReasons, l.Failures[maxReasons].Users)
	assert.Len(t, l.Failures[maxReasons].Examples, maxExamples)
}

func TestErrorsEndASurvey(t *testing.T) {
	lines := ledgertest.New()
	lines.Before = func(string) error { return errAWS }
	_, err := survey(&fakePool{}, lines).Overview(t.Context())
	require.ErrorIs(t, err, errAWS)
	_, err = survey(&fakePool{err: errAWS}, ledgertest.New()).Overview(t.Context())
	require.ErrorIs(t, err, errAWS)
	_, err = NewSurvey(&fakePool{}, &fakePool{err: errAWS}, ledgertest.New(), noon, nil, clock).Overview(t.Context())
	require.ErrorIs(t, err, errAWS)
	err = survey(&fakePool{err: errAWS}, ledgertest.New()).WithoutAPath(t.Context(), func(Stranded) error { return nil })
	require.ErrorIs(t, err, errAWS)
	pool, _ := midway()
	err = survey(pool, ledgertest.New()).WithoutAPath(t.Context(), func(Stranded) error { return errAWS })
	require.ErrorIs(t, err, errAWS)
}

func listStranded(t *testing.T, pool *fakePool, lines allLines, asJSON bool) string {
	var out strings.Builder
	w := NewStrandedWriter(&out, asJSON)
	require.NoError(t, survey(pool, lines).WithoutAPath(t.Context(), w.Write))
	require.NoError(t, w.End())
	return out.String()
}

func TestWithoutAPath(t *testing.T) {
	pool, _ := midway()
	pool.users = append(pool.users, somebody("no-mail", "", withoutEmail), somebody("came", "came@example.com", disabled))
	lines := ledgertest.New(line("came", "came@example.com", ledger.Moved, ledger.SignIn), line("v", "v@example.com", ledger.Imported, ledger.SignIn))
	golden.Equal(t, "without_a_path", listStranded(t, pool, lines, false))

	raw := listStranded(t, pool, lines, true)
	golden.Equal(t, "without_a_path_json", raw)
	var doc struct {
		Users []Stranded
		Count int
	}
	require.NoError(t, json.Unmarshal([]byte(raw), &doc))
	assert.Len(t, doc.Users, doc.Count)
	assert.Equal(t, 9, doc.Count, "who came over before is not among them; who was only imported is")
}

func TestEverybodyHasAPath(t *testing.T) {
	pool := &fakePool{users: []userpool.User{somebody("u", "u@example.com")}}
	assert.Equal(t, "Everybody in staging has a way over.\n", listStranded(t, pool, ledgertest.New(), false))
	assert.JSONEq(t, `{"users":[],"count":0}`, listStranded(t, pool, ledgertest.New(), true))
}
