package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const pools = `{"UserPool":{"Name":"Spaceport-%s","Arn":"arn:aws:cognito-idp:us-west-2:%s:userpool/x",` +
	`"SchemaAttributes":[{"Name":"custom:staging_sub"}]}}`

func pool(name, account string) string {
	return strings.Replace(strings.Replace(pools, "%s", name, 1), "%s", account, 1)
}

// TestTarget: each command that reads AWS says first what it works on, once, and never on stdout.
func TestTarget(t *testing.T) {
	withAWS(t, map[string]string{
		"StagingUserPoolId": "us-west-2_s", "ProductionUserPoolId": "us-west-2_p", "StagingExternalId": "a-word",
	}, map[string]string{
		"DescribeUserPool us-west-2_s": pool("staging", "111111111111"),
		"DescribeUserPool us-west-2_p": pool("prod", "222222222222"),
		"DescribeTable": `{"Table":{"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{` +
			`"AttributeName":"id","AttributeType":"S"}]}}`,
	})
	const (
		staging    = "staging Spaceport-staging (account 111111111111, us-west-2)"
		production = "production Spaceport-prod (account 222222222222, us-west-2)"
		both       = staging + " and " + production
		arn        = "arn:aws:lambda:us-west-2:123456789012:function:f"
		functions  = " --trigger " + arn + " --datamover " + arn
	)
	for command, want := range map[string]string{
		"check": both, "status": both, "status --ids": both, "sweep": both, "verify": both, "move": both,
		"backup saved": staging, "attach" + functions: production, "detach" + functions: production,
	} {
		for _, flags := range []string{"", " --json"} {
			t.Chdir(t.TempDir())
			_, out, errs := runWith(nil, strings.Fields(command+flags+" --stack Spaceport-Migration")...)
			first, _, _ := strings.Cut(errs, "\n")
			assert.Equal(t, "Working on "+want+"; settings from stack Spaceport-Migration", first, command)
			assert.Equal(t, 1, strings.Count(out+errs, "Working on "), command)
			assert.NotContains(t, out+errs, "a-word", command)
			logs, err := filepath.Glob("migration_log_*")
			require.NoError(t, err)
			assert.Empty(t, logs, "no log without an entry")
		}
	}
}

// TestTargetThatCannotBeRead is no reason to end: the ids are known, and staging's account from its role.
func TestTargetThatCannotBeRead(t *testing.T) {
	withAWS(t, nil, nil)
	for args, from := range map[string]string{"verify": "the environment",
		"verify --ledger-table L": "the environment and flags"} {
		_, _, errs := runWith(map[string]string{
			"STAGING_USER_POOL_ID": "eu-west-1_s", "PRODUCTION_USER_POOL_ID": "us-west-2_p",
			"STAGING_ROLE_ARN": "arn:aws:iam::111111111111:role/r",
		}, strings.Fields(args)...)
		first, _, _ := strings.Cut(errs, "\n")
		assert.Equal(t, "Working on staging eu-west-1_s (account 111111111111, eu-west-1) and production us-west-2_p "+
			"(us-west-2); settings from "+from, first)
	}
}
