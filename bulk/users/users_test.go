package users

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/userpool"
)

var cutoff = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// user is eligible unless a change says otherwise.
func user(email string, changes ...func(*userpool.User)) userpool.User {
	u := userpool.User{
		Sub: sub(email), Status: userpool.Confirmed, Enabled: true, Created: cutoff.Add(-time.Hour),
		Attributes: map[userpool.Attribute]string{userpool.AttrEmail: email, userpool.AttrEmailVerified: "true"},
	}
	for _, change := range changes {
		change(&u)
	}
	return u
}

// sub differs for emails that differ by case only.
func sub(email string) string { return fmt.Sprintf("%x", email) }

func pool(users ...userpool.User) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for _, u := range users {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func ignore(userpool.User, userpool.Reason) error { return nil }

func TestRead(t *testing.T) {
	reasons := map[string]userpool.Reason{}
	got, err := Read(pool(
		user("ada@x.org"),
		user("Ada@x.org"),
		user("ADA@X.ORG"),
		user("aDa@x.org"),
		user("adA@x.org"),
		user("bob@x.org", func(u *userpool.User) { u.Enabled = false }),
		user("BOB@x.org"),
		user("cleo@x.org", func(u *userpool.User) { u.Attributes[userpool.AttrEmailVerified] = "false" }),
		user("dan@x.org", func(u *userpool.User) { u.Created = cutoff }),
		user("eve@x.org", func(u *userpool.User) { u.Status = userpool.Unconfirmed }),
		user("fay@x.org", func(u *userpool.User) { u.Status = userpool.ExternalProvider }),
	), cutoff, NewEmailSet(), func(u userpool.User, reason userpool.Reason) error {
		reasons[u.Email()] = reason
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, Statistics{
		Total: 11, Eligible: 6,
		Ineligible: map[userpool.Reason]int{
			userpool.Disabled: 1, userpool.EmailUnverified: 1, userpool.AfterCutoff: 1,
			userpool.NotConfirmed: 1, userpool.Federated: 1,
		},
		ByStatus: map[string]StatusCount{
			userpool.Confirmed: {Eligible: 6, Ineligible: map[userpool.Reason]int{
				userpool.Disabled: 1, userpool.EmailUnverified: 1, userpool.AfterCutoff: 1,
			}},
			userpool.Unconfirmed:      {Ineligible: map[userpool.Reason]int{userpool.NotConfirmed: 1}},
			userpool.ExternalProvider: {Ineligible: map[userpool.Reason]int{userpool.Federated: 1}},
		},
		SameEmail: map[string][]userpool.User{
			"ada@x.org": {user("ada@x.org"), user("Ada@x.org"), user("ADA@X.ORG"), user("aDa@x.org"), user("adA@x.org")},
		},
	}, got, "an ineligible user's email is not compared")
	assert.Equal(t, map[string]userpool.Reason{
		"ada@x.org": "", "Ada@x.org": "", "ADA@X.ORG": "", "aDa@x.org": "", "adA@x.org": "",
		"bob@x.org": userpool.Disabled, "BOB@x.org": "", "cleo@x.org": userpool.EmailUnverified,
		"dan@x.org": userpool.AfterCutoff, "eve@x.org": userpool.NotConfirmed, "fay@x.org": userpool.Federated,
	}, reasons)
}

func TestReadWithoutASetDoesNotCompareEmails(t *testing.T) {
	got, err := Read(pool(user("ada@x.org"), user("Ada@x.org")), time.Time{}, nil, ignore)
	require.NoError(t, err)
	assert.Equal(t, 2, got.Eligible)
	assert.Empty(t, got.SameEmail)
}

func TestReadAgainForUsersWhoShareAnEmail(t *testing.T) {
	disabled := func(u *userpool.User) { u.Enabled = false }
	all := []userpool.User{
		user("Ann.Lee@example.com"), user("bob@x.org"), user("ann.lee@example.com"), user("Bob@x.org", disabled),
		user("ANN.LEE@example.com", disabled), user("Cleo@x.org"), user("cleo@x.org"),
	}
	read := func(users ...userpool.User) (Statistics, int) {
		reads := 0
		got, err := Read(func(yield func(userpool.User, error) bool) {
			reads++
			pool(users...)(yield)
		}, cutoff, NewEmailSet(), ignore)
		require.NoError(t, err)
		return got, reads
	}
	got, reads := read(all...)
	assert.Equal(t, map[string][]userpool.User{
		"ann.lee@example.com": {all[0], all[2]}, "cleo@x.org": {all[5], all[6]},
	}, got.SameEmail)
	assert.Equal(t, 7, got.Total, "counted once")
	assert.Equal(t, 2, reads)

	_, reads = read(all[0], all[1], all[3])
	assert.Equal(t, 1, reads, "once, where no two eligible users share one")
}

func TestSecondReadCanFail(t *testing.T) {
	broken, reads := errors.New("broken"), 0
	_, err := Read(func(yield func(userpool.User, error) bool) {
		if reads++; reads == 2 {
			yield(userpool.User{}, broken)
			return
		}
		pool(user("ada@x.org"), user("Ada@x.org"))(yield)
	}, cutoff, NewEmailSet(), ignore)
	require.ErrorIs(t, err, broken)
}

func TestPairs(t *testing.T) {
	older := func(u *userpool.User) { u.Created = u.Created.Add(-time.Hour) }
	for name, tt := range map[string]struct {
		users []userpool.User
		bound string
		first string
	}{
		"the bound one":            {[]userpool.User{user("a@x.org", older), user("b@x.org")}, "b@x.org", "b@x.org"},
		"else the older":           {[]userpool.User{user("a@x.org"), user("b@x.org", older)}, "", "b@x.org"},
		"else the smaller sub":     {[]userpool.User{user("b@x.org"), user("a@x.org")}, "", "a@x.org"},
		"another's bound, ignored": {[]userpool.User{user("b@x.org"), user("a@x.org")}, "c@x.org", "a@x.org"},
	} {
		_, err := Pairs(tt.users, func(owner string) (bool, error) { return owner == sub(tt.bound), nil })
		require.NoError(t, err, name)
		assert.Equal(t, tt.first, tt.users[0].Email(), name)
	}
}

func TestLinked(t *testing.T) {
	for value, want := range map[string]bool{
		`[{"userId": "1234567890", "providerName": "Google", "providerType": "Google", "issuer": null, "primary": "false",` +
			` "dateCreated": "1700000000000"}]`: true,
		`[{"providerName":"SignInWithApple"},{"providerName":"Google"}]`: true,
		`[]`: false, ``: false,
	} {
		got := Linked(user("ada@x.org", func(u *userpool.User) { u.Attributes["identities"] = value }))
		assert.Equal(t, want, got, value)
	}
}

func TestReadEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	_, err := Read(func(yield func(userpool.User, error) bool) { yield(userpool.User{}, broken) }, cutoff, nil, ignore)
	require.ErrorIs(t, err, broken)

	reject := func(userpool.User, userpool.Reason) error { return broken }
	got, err := Read(pool(user("a@x.org"), user("b@x.org")), cutoff, nil, reject)
	require.ErrorIs(t, err, broken)
	assert.Equal(t, 1, got.Total)
}

func TestEmailSet(t *testing.T) {
	s := NewEmailSet()
	assert.False(t, s.Has("ada@x.org"))
	assert.True(t, s.Add("Ada@x.org"))
	assert.True(t, s.Has("ada@X.ORG"))
	assert.False(t, s.Add("ada@x.org"))
	assert.False(t, s.Has("\u212Ada@x.org"), "only ASCII letters are folded")
	assert.True(t, s.Add(""), "no email is an email like others")
}

// TestReadKeepsOnlyHashes reads half a million users in less memory than their emails alone would take.
func TestReadKeepsOnlyHashes(t *testing.T) {
	const many = 500_000
	var peak uint64
	users := func(yield func(userpool.User, error) bool) {
		for i := range many {
			if i == many-1 {
				peak = heap()
			}
			if !yield(user(fmt.Sprintf("user-with-a-rather-long-address-%d@department.example.com", i)), nil) {
				return
			}
		}
	}
	before := heap()
	got, err := Read(users, cutoff, NewEmailSet(), ignore)
	require.NoError(t, err)
	assert.Equal(t, many, got.Eligible)
	assert.Empty(t, got.SameEmail)
	assert.Less(t, float64(peak-before)/many, 90., "bytes a user")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
