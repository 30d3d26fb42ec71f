package settings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func env(m map[string]string) func(string) string { return func(name string) string { return m[name] } }

func TestDefaults(t *testing.T) {
	s, err := Read(env(nil))
	require.NoError(t, err)
	assert.Equal(t, Settings{
		LedgerTable: "Spaceport-Migration-prod",
		Tables: []Table{
			{Source: "Spaceport-Users-staging", Target: "Spaceport-Users-prod", OwnerKey: "id"},
			{Source: "Spaceport-Projects-staging", Target: "Spaceport-Projects-prod", OwnerKey: "userSub"},
		},
		MFAUsers: MFAReset, HookBudget: 3 * time.Second,
	}, s)
}

func TestEveryVariable(t *testing.T) {
	s, err := Read(env(map[string]string{
		"STAGING_USER_POOL_ID": " us-west-2_s ", "STAGING_CLIENT_ID": "c", "STAGING_ROLE_ARN": "arn",
		"STAGING_EXTERNAL_ID": "x",
		"STAGING_CUTOFF":      "2026-01-31T12:00:00Z", "PRODUCTION_USER_POOL_ID": "us-west-2_p", "LEDGER_TABLE": "L",
		"MIGRATION_TABLES": `[{"source":"a","target":"b","ownerKey":"k"}]`, "CUSTOM_ATTRIBUTES": "plan, custom:team,,",
		"MFA_USERS": "accept", "HOOK_BUDGET": "0s",
	}))
	require.NoError(t, err)
	assert.Equal(t, Settings{
		StagingUserPoolID: "us-west-2_s", StagingClientID: "c", StagingRoleARN: "arn", StagingExternalID: "x",
		StagingCutoff: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), ProductionUserPoolID: "us-west-2_p", LedgerTable: "L",
		Tables: []Table{{Source: "a", Target: "b", OwnerKey: "k"}}, CustomAttributes: []string{"custom:plan",
			"custom:team"}, MFAUsers: MFAAccept,
	}, s)
}

func TestAllProblemsAreNamedAtOnce(t *testing.T) {
	_, err := Read(env(map[string]string{
		"STAGING_CUTOFF": "yesterday", "MFA_USERS": "maybe", "HOOK_BUDGET": "5s", "MIGRATION_TABLES": `[{"source":"a"}]`,
	}), "STAGING_USER_POOL_ID", "STAGING_CLIENT_ID")
	for _, want := range []string{
		"STAGING_USER_POOL_ID is not set: user pool to migrate from", "STAGING_CLIENT_ID is not set",
		`STAGING_CUTOFF: "yesterday" is not an RFC 3339 time`, `MFA_USERS: "maybe" is not reset, refuse or accept`,
		"HOOK_BUDGET: 5s is not between 0s and 3.5s", "MIGRATION_TABLES: entry 1: source, target and ownerKey are required",
	} {
		assert.ErrorContains(t, err, want)
	}
}

func TestBadTables(t *testing.T) {
	for value, want := range map[string]string{
		`{}`: "not a JSON list", `[]`: "names no table", `[{"sauce":"a"}]`: "unknown field",
		`[{"source":"a","target":"b","ownerKey":"k"},{"source":"c","target":"b","ownerKey":"k"}]`: "listed only once",
		`[{"source":"a","target":"b","ownerKey":"k","keep":["x","k"]}]`:                           "names the owner key, k",
	} {
		_, err := Read(env(map[string]string{"MIGRATION_TABLES": value}))
		assert.ErrorContains(t, err, want)
	}
}
