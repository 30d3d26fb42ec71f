package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// TestHostileValues runs every command on users who chose their emails, names and sort keys to run something, or to
// look like something else.
func TestHostileValues(t *testing.T) {
	o := sweeper(t)
	ctx := t.Context()
	for i, evil := range consoletest.Hostile {
		email := fmt.Sprintf("user%d@example.com", i)
		sub := o.add(spaceport.User{Name: evil, Email: email, Unverified: i == 1})
		_, err := o.Staging.AdminUpdateUserAttributes(ctx, &cognito.AdminUpdateUserAttributesInput{
			UserPoolId: &o.StagingPool, Username: &sub, UserAttributes: []types.AttributeType{
				{Name: aws.String("email"), Value: aws.String(evil)}, {Name: aws.String("email_verified"), Value: aws.String(fmt.Sprint(i != 1))},
			},
		})
		require.NoError(t, err)
		require.NoError(t, o.Put(ctx, o.StagingTables, "Spaceport-Projects-staging", map[string]dynamotypes.AttributeValue{
			"userSub": &dynamotypes.AttributeValueMemberS{Value: sub}, "projectId": &dynamotypes.AttributeValueMemberS{Value: evil},
		}))
	}
	dir := t.TempDir()
	first := consoletest.Hostile[0]
	var users []string // whom commands name
	for _, args := range [][]string{
		{"check"}, {"check", "--canary-user", first}, {"status"}, {"status", "--ineligible"}, {"status", "--stale"},
		{"backup", dir + "/saved"}, {"backup", "--check", dir + "/saved"}, {"sweep", "--log-dir", dir},
		{"sweep", "--log-dir", dir, "--live", "--yes", "--user", first}, {"sweep", "--log-dir", dir, "--live", "--yes"},
		{"status"}, {"verify"}, {"verify", "--user", first},
	} {
		code, out, errs := o.bulk(args...)
		assert.NotEqual(t, 2, code, errs)
		consoletest.Commands(t, errs)
		users = append(users, consoletest.After(consoletest.Commands(t, out), "--user")...)
		if args[0] != "backup" && !slices.Contains(args, "--canary-user") {
			code, out, _ = o.bulk(append(args, "--json")...)
			assert.NotEqual(t, 2, code)
			assert.NotRegexp(t, "[\x7f\u0080-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]", out)
		}
	}
	for _, evil := range consoletest.Hostile {
		code, out, errs := o.bulk("status", "--user", evil)
		assert.Zero(t, code, errs)
		users = append(users, consoletest.After(consoletest.Commands(t, out+errs), "--user")...)
	}
	for _, user := range users {
		assert.Contains(t, append(consoletest.Hostile, "STAGING_SUB", "EMAIL"), user)
	}
	assert.Greater(t, len(users), len(consoletest.Hostile))
	assert.Contains(t, users, strings.TrimSpace(first))
}
