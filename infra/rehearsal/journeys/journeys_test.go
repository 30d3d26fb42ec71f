package journeys

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestJourneys plays what make demo plays, and then checks logs, requests and users.
func TestJourneys(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{Groups: Groups})
	var output bytes.Buffer
	for _, j := range All {
		t.Run(j.Title, func(t *testing.T) {
			output.Reset()
			o := Play(t.Context(), s, j, &output)
			require.NoError(t, o.Err, output.String())
		})
	}
	t.Run("no secret in the functions' logs", func(t *testing.T) { assertNoSecret(t, s) })
	t.Run("staging is only read", func(t *testing.T) { assertStagingOnlyRead(t, s) })
	t.Run("nothing is dead-lettered", func(t *testing.T) { assert.Empty(t, s.Lambdas.DeadLetters()) })
	t.Run("no user is left with a temporary password", func(t *testing.T) { assertNoUserStuck(t, s) })
}

// assertNoSecret looks for every password that was typed, every code that was sent and anything that may be a token.
func assertNoSecret(t *testing.T, s *spaceport.Spaceport) {
	secrets := []string{"-Staging-1", "-Production-1", "not-her-password", "any-password", "eyJ", "@example.com"}
	for _, message := range s.Cloud.Messages() {
		secrets = append(secrets, message.Code)
	}
	require.Greater(t, len(secrets), 8, "codes were sent")
	for _, function := range []string{spaceport.Trigger, spaceport.Datamover, spaceport.Background} {
		log := string(s.Lambdas.Log(function))
		require.NotEmpty(t, log)
		for line := range strings.Lines(log) {
			for _, secret := range secrets {
				// A code of six digits may be part of a sub or a time by chance, but not a word.
				assert.NotContains(t, strings.NewReplacer(`"`, " ", ":", " ", ",", " ").Replace(line)+" ", " "+secret+" ")
				if len(secret) > 6 || strings.HasPrefix(secret, "eyJ") {
					assert.NotContains(t, line, secret)
				}
			}
		}
	}
}

// assertStagingOnlyRead compares every call of the migration to staging with those that it may make.
func assertStagingOnlyRead(t *testing.T, s *spaceport.Spaceport) {
	reads := map[string][]string{
		spaceport.Trigger:   {"AdminInitiateAuth", "AdminGetUser"},
		spaceport.Datamover: {"AdminGetUser", "AdminListGroupsForUser", "DescribeTimeToLive", "Query"},
		spaceport.Operator: {"GetCallerIdentity", "ListUsers", "DescribeUserPool", "GetUserPoolMfaConfig",
			"ListUserPoolClients", "DescribeUserPoolClient",
			"ListGroups", "ListUsersInGroup", "AdminListGroupsForUser", "DescribeTable", "DescribeTimeToLive", "Query", "Scan"},
	}
	asked := map[string]int{}
	for _, r := range s.Cloud.Requests() {
		if r.Account == cloud.StagingAccount && strings.HasPrefix(r.Caller, "Spaceport-Migration-") {
			asked[r.Caller]++
			assert.True(t, slices.Contains(reads[r.Caller], r.Operation), "%s by %s", r.Operation, r.Caller)
		}
	}
	assert.Len(t, asked, 3, "all three called staging")
}

// assertNoUserStuck looks for the old script's third failure: all of its users ended in FORCE_CHANGE_PASSWORD, where
// Cognito rejects "forgot password".
func assertNoUserStuck(t *testing.T, s *spaceport.Spaceport) {
	users := allUsers(t, s)
	require.Greater(t, len(users), 8)
	for _, u := range users {
		assert.Contains(t, []string{"CONFIRMED", "RESET_REQUIRED"}, string(u.UserStatus))
	}
}
