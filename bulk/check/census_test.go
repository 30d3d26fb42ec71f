package check

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

func person(email string, change ...func(*userpool.User)) userpool.User {
	u := userpool.User{Sub: email, Status: "CONFIRMED", Enabled: true, Created: now, Attributes: map[userpool.Attribute]string{
		"sub": "s", "email": email, "email_verified": "true", "name": "N",
	}}
	for _, c := range change {
		c(&u)
	}
	return u
}

func with(name, value string) func(*userpool.User) {
	return func(u *userpool.User) { u.Attributes[userpool.Attribute(name)] = value }
}

func each(users ...userpool.User) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for _, u := range users {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func TestCount(t *testing.T) {
	f := wellDone()
	f.Production.Value.Schema["custom:plan"] = Attribute{Type: "String", Max: longest(3)}
	f.Production.Value.Schema["preferred_username"] = Attribute{Type: "String", Required: true}
	f.Settings.StagingCutoff = now.Add(time.Hour)
	seen := 0
	c, err := Count(each(
		person("ada@x.org", with("custom:plan", "pro"), with("custom:note", "n"), with("custom:empty", "")),
		person("Ada@x.org", with("custom:plan", "largest")),
		person("bob@x.org", with("name", "")),
		person("BOB@X.ORG", func(u *userpool.User) { u.Enabled = false }),
		person("cleo@x.org", with("email_verified", "false"), with("custom:note", "not eligible, not counted")),
		person("dan@x.org", func(u *userpool.User) { u.Created = now.Add(2 * time.Hour) }),
	), RulesFor(f), func() { seen++ })
	require.NoError(t, err)
	assert.Equal(t, 6, seen)
	assert.Equal(t, Census{
		Total: 6, Eligible: 3,
		Ineligible:  map[userpool.Reason]int{userpool.Disabled: 1, userpool.EmailUnverified: 1, userpool.AfterCutoff: 1},
		SameAddress: 1, SameExamples: []string{"Ada@x.org"},
		Lacking: map[string]int{"name": 1}, Unfit: map[string]int{"custom:plan": 1}, Dropped: map[string]int{"custom:note": 1},
	}, c)
}

func TestCountEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	_, err := Count(func(yield func(userpool.User, error) bool) { yield(userpool.User{}, broken) }, Rules{}, func() {})
	assert.ErrorIs(t, err, broken)
}

// TestCountKeepsNobody counts half a million users in less memory than their addresses alone would take.
func TestCountKeepsNobody(t *testing.T) {
	const many = 500_000
	var peak uint64
	users := func(yield func(userpool.User, error) bool) {
		for i := range many {
			if i == many-1 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = m.HeapAlloc
			}
			if !yield(person(fmt.Sprintf("somebody-with-a-rather-long-address-%d@department.example.com", i)), nil) {
				return
			}
		}
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c, err := Count(users, Rules{}, func() {})
	require.NoError(t, err)
	assert.Equal(t, many, c.Eligible)
	assert.Zero(t, c.SameAddress)
	assert.Less(t, float64(peak-before.HeapAlloc)/many, 48., "bytes a user")
}

func TestTakes(t *testing.T) {
	for _, tt := range []struct {
		a     Attribute
		value string
		want  bool
	}{
		{Attribute{Type: "String", Max: longest(3)}, "äöü", true},
		{Attribute{Type: "String", Max: longest(3)}, "four", false},
		{Attribute{Type: "String", Min: longest(2)}, "1", false},
		{Attribute{Type: "String"}, "x", true},
		{Attribute{Type: "Number", Max: longest(10)}, "9.5", true},
		{Attribute{Type: "Number", Max: longest(10)}, "11", false},
		{Attribute{Type: "Number"}, "eleven", false},
		{Attribute{Type: "Boolean"}, "true", true},
		{Attribute{Type: "Boolean"}, "yes", false},
		{Attribute{Type: "DateTime"}, "any", true},
	} {
		assert.Equal(t, tt.want, tt.a.takes(tt.value), "%v %s", tt.a, tt.value)
	}
}

func TestBucketsIn(t *testing.T) {
	for text, want := range map[string][]string{
		"s3://spaceport-uploads/u/1.zip":                          {"spaceport-uploads"},
		"arn:aws:s3:::my.bucket/key":                              {"my.bucket"},
		"https://photos.s3.amazonaws.com/1.png":                   {"photos"},
		"https://photos.s3.us-west-2.amazonaws.com/1.png?X-Amz=1": {"photos"},
		"https://photos.s3-us-west-2.amazonaws.com/1.png":         {"photos"},
		"https://a.b.s3.dualstack.us-west-2.amazonaws.com/1":      {"a.b"},
		"https://photos.s3-accelerate.amazonaws.com/1":            {"photos"},
		"https://s3.us-west-2.amazonaws.com/photos/1.png":         {"photos"},
		"https://s3.amazonaws.com/photos/1.png":                   {"photos"},
		"see s3://one/a and s3://two/b, and s3://one/c once more": {"one", "two"},
		"https://example.com/s3/photos":                           nil,
		"s3 is a service":                                         nil,
		"":                                                        nil,
	} {
		assert.Equal(t, want, BucketsIn(text), text)
	}
}
