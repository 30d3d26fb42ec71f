package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/sweep"
)

func TestDefaultSenderSendsFiftyEmails(t *testing.T) {
	for _, tt := range []struct {
		defaultSender bool
		resets        int
		refused       bool
	}{
		{true, 50, false},
		{true, 51, true},
		{false, 51, false},
	} {
		r := sweepRun{Limits: quota.New(1, nil), defaultSender: tt.defaultSender, Counters: &sweep.Counters{}}
		r.Planned.Resets = tt.resets
		r.refuse()
		assert.Equal(t, tt.refused, r.Refused != "", tt)
		var out bytes.Buffer
		require.NoError(t, r.write(&out))
		assert.Equal(t, tt.refused, bytes.Contains(out.Bytes(), []byte("at most 50 emails a day, not 51: configure SES")), tt)
	}
}

func TestFailedUsersAreToBeRetried(t *testing.T) {
	r := sweepRun{Live: true, Pool: "Users", Log: "my log.jsonl", Counters: &sweep.Counters{
		Created: 6, Failed: 2, CreatedEmails: []string{"a", "b", "c", "d", "e", "f"},
	}}
	var out bytes.Buffer
	require.NoError(t, r.write(&out))
	assert.Contains(t, out.String(), "to retry 2 failed users. Why they failed: grep FAILED 'my log.jsonl'")
}
