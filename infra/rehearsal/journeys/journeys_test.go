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

// TestJourneys plays what make demo plays, and then looks at what was left behind.
func TestJourneys(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	var told bytes.Buffer
	for _, j := range All {
		t.Run(j.Title, func(t *testing.T) {
			told.Reset()
			o := Play(t.Context(), s, j, &told)
			require.NoError(t, o.Err, told.String())
		})
	}
	t.Run("no secret in the functions' logs", func(t *testing.T) { assertNoSecret(t, s) })
	t.Run("staging is only read", func(t *testing.T) { assertStagingOnlyRead(t, s) })
	t.Run("nothing is dead-lettered", func(t *testing.T) { assert.Empty(t, s.Lambdas.DeadLetters()) })
	t.Run("nobody is left with a temporary password", func(t *testing.T) { assertNobodyStuck(t, s) })
}

// assertNoSecret looks for every password that was typed, every code that was sent and everything shaped like a token.
func assertNoSecret(t *testing.T, s *spaceport.Spaceport) {
	secrets := []string{"-Staging-1", "-Production-1", "not-her-password", "any-password", "eyJ", "@example.com"}
	for _, letter := range s.Cloud.Letters() {
		secrets = append(secrets, letter.Code)
	}
	require.Greater(t, len(secrets), 8, "codes were sent")
	for _, function := range []string{spaceport.Trigger, spaceport.Datamover} {
		log := string(s.Lambdas.Log(function))
		require.NotEmpty(t, log)
		for line := range strings.Lines(log) {
			for _, secret := range secrets {
				// A code of six digits may stand in a sub or a time by chance; as a word of its own it may not.
				assert.NotContains(t, strings.NewReplacer(`"`, " ", ":", " ", ",", " ").Replace(line)+" ", " "+secret+" ")
				if len(secret) > 6 || strings.HasPrefix(secret, "eyJ") {
					assert.NotContains(t, line, secret)
				}
			}
		}
	}
}

// assertStagingOnlyRead holds every call of the migration to staging against those that it may make.
func assertStagingOnlyRead(t *testing.T, s *spaceport.Spaceport) {
	reads := map[string][]string{
		spaceport.Trigger:   {"AdminInitiateAuth", "AdminGetUser"},
		spaceport.Datamover: {"Query"},
		spaceport.Operator: {"GetCallerIdentity", "ListUsers", "DescribeUserPool", "ListUserPoolClients", "DescribeUserPoolClient", "ListGroups",
			"DescribeTable", "Query", "Scan"},
	}
	asked := map[string]int{}
	for _, r := range s.Cloud.Requests() {
		if r.Account == cloud.StagingAccount && strings.HasPrefix(r.Caller, "Spaceport-Migration-") {
			asked[r.Caller]++
			assert.True(t, slices.Contains(reads[r.Caller], r.Operation), "%s by %s", r.Operation, r.Caller)
		}
	}
	assert.Len(t, asked, 3, "everybody asked staging")
}

// assertNobodyStuck is the old script's third failure: all of its users ended in FORCE_CHANGE_PASSWORD, where Cognito
// refuses "forgot password".
func assertNobodyStuck(t *testing.T, s *spaceport.Spaceport) {
	users := allUsers(t, s)
	require.Greater(t, len(users), 8)
	for _, u := range users {
		assert.Contains(t, []string{"CONFIRMED", "RESET_REQUIRED"}, string(u.UserStatus))
	}
}
