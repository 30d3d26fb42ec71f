package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/sweep"
)

func TestDefaultSenderSendsFiftyEmails(t *testing.T) {
	const refused = "the pool's default email sender sends at most 50 emails a day, not "
	for _, tt := range []struct {
		defaultSender  bool
		create, resets int
		want           string
	}{
		{true, 50, 50, ""},
		{true, 51, 51, refused + "51: configure SES, or use --notify none, or --limit 50, once a day"},
		{false, 51, 51, ""},
		// A limit holds back no reset of a user who was created before.
		{true, 60, 80, refused + "80: configure SES, or use --notify none, or --limit 30, once a day"},
		{true, 10, 60, refused + "60: configure SES, or use --notify none"},
		{true, 0, 1000, refused + "1,000: configure SES, or use --notify none"},
	} {
		r := sweepRun{Limits: quota.New(1, nil), defaultSender: tt.defaultSender, Counters: &sweep.Counters{}}
		r.Planned.Create, r.Planned.Resets = tt.create, tt.resets
		r.refuse()
		assert.Equal(t, tt.want, r.Refused)
		var out bytes.Buffer
		require.NoError(t, r.write(&out))
		assert.Equal(t, tt.want != "", strings.Contains(out.String(), "A live sweep cannot begin: "+refused))
	}
}

// TestSweepsOwnLimits has values that are numbers to the flags but not to Cognito.
func TestSweepsOwnLimits(t *testing.T) {
	set := map[string]string{"STAGING_USER_POOL_ID": "us-west-2_s", "PRODUCTION_USER_POOL_ID": "us-west-2_s"}
	for _, args := range [][]string{
		{"--quota-share", "NaN"}, {"--quota-share", "Inf"}, {"--quota-share", "-Inf"}, {"--quota-share",
			"0"}, {"--quota-share", "1.1"},
		{"--quota", "UserCreation=NaN"}, {"--quota", "UserCreation=Inf"}, {"--quota",
			"UserCreation=0"}, {"--quota", "UserCreation=-1"},
		{"--quota", "UserUpdate=60"}, {"--quota", "UserList=60"}, {"--quota", "x"},
	} {
		r := bulk(set, append([]string{"sweep"}, args...)...)
		assert.Equal(t, 2, r.code, args)
		assert.Contains(t, r.err, args[0], args)
	}
	r := bulk(set, "sweep", "--quota", "UserCreation=100", "--quota", "UserRead=200", "--quota-share", "1")
	assert.Contains(t, r.err, "are the same pool", "these are right")
}

// TestHostileEmailsOfNewUsers are in the commands that look at them.
func TestHostileEmailsOfNewUsers(t *testing.T) {
	r := sweepRun{Live: true, Pool: "Users\nbulk sweep", Log: "$(touch ran).jsonl", Counters: &sweep.Counters{
		Created: len(consoletest.Hostile), Failed: 1, CreatedEmails: consoletest.Hostile,
	}}
	var out bytes.Buffer
	require.NoError(t, r.write(&console.Text{W: &out, Columns: 80}))
	commands := consoletest.Commands(t, out.String())
	assert.Equal(t, consoletest.Hostile, consoletest.After(commands, "--user"))
	assert.Len(t, commands, len(consoletest.Hostile))
}

// TestHostileNamesOfSettings are in what attach prints, of clients and functions.
func TestHostileNamesOfSettings(t *testing.T) {
	for _, evil := range consoletest.Hostile {
		var out bytes.Buffer
		require.NoError(t, attachText.Execute(&console.Text{W: &out, Columns: 80}, map[string]any{
			"Live": true, "Pool": evil, "Left": []string{evil}, "Changes": []map[string]string{{"Where": evil, "What": evil}},
		}))
		assert.Empty(t, consoletest.Commands(t, out.String()))
	}
}

func TestFailedUsersAreToBeRetried(t *testing.T) {
	r := sweepRun{Live: true, Pool: "Users", Log: "my log.jsonl", Counters: &sweep.Counters{
		Created: 6, Failed: 2, CreatedEmails: []string{"a", "b", "c", "d", "e", "f"},
	}}
	var out bytes.Buffer
	require.NoError(t, r.write(&out))
	assert.Contains(t, out.String(), "to retry 2 failed users. Why they failed:\n  grep FAILED 'my log.jsonl'\n")
}
