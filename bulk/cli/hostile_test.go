package cli_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// withHostileValues adds users whose emails, and one whose projects' ids, run something or look like something else.
func withHostileValues(t *testing.T) (o *operator, mover string) {
	t.Helper()
	o = sweeper(t)
	mover = o.add(spaceport.User{Name: "Mo", Email: "mo@example.com"})
	for i, evil := range consoletest.Hostile {
		sub := o.add(spaceport.User{Name: "Eve", Email: fmt.Sprintf("user%d@example.com", i)})
		_, err := o.Staging.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{
			UserPoolId: &o.StagingPool, Username: &sub, UserAttributes: []types.AttributeType{
				{Name: aws.String("email"), Value: aws.String(evil)},
				{Name: aws.String("email_verified"), Value: aws.String(fmt.Sprint(i%3 != 1))},
			},
		})
		require.NoError(t, err)
		require.NoError(t, o.Put(t.Context(), o.StagingTables, "Spaceport-Projects-staging", row(mover, evil)))
	}
	return o, mover
}

func row(owner, id string) map[string]dynamotypes.AttributeValue {
	return map[string]dynamotypes.AttributeValue{
		"userSub":   &dynamotypes.AttributeValueMemberS{Value: owner},
		"projectId": &dynamotypes.AttributeValueMemberS{Value: id},
	}
}

func TestHostileValues(t *testing.T) {
	o, mover := withHostileValues(t)
	dir, first := t.TempDir(), consoletest.Hostile[0]
	var users []string // whom commands name
	run := func(args ...string) (stdout string) {
		code, out, errs := o.bulk(args...)
		assert.NotEqual(t, 2, code, errs)
		consoletest.Commands(t, errs)
		if !slices.Contains(args, "--json") {
			users = append(users, consoletest.After(consoletest.Commands(t, out), "--user")...)
		}
		assert.NotRegexp(t, "[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]", out)
		return strings.Join(strings.Fields(out), " ") // as if it was not folded
	}
	for _, args := range [][]string{
		{"check"}, {"check", "--canary-user", first}, {"status"}, {"status", "--ineligible"}, {"status", "--stale"},
		{"backup", dir + "/saved"}, {"backup", "--check", dir + "/saved"}, {"sweep", "--log-dir", dir},
		{"sweep", "--log-dir", dir, "--live", "--yes"}, {"status"},
	} {
		run(args...)
		if !slices.Contains(args, "backup") && !slices.Contains(args, "--live") {
			run(append(args, "--json")...)
		}
	}
	assert.Contains(t, users, "mo@example.com")

	record, err := o.Ledger(t.Context(), mover)
	require.NoError(t, err)
	for _, evil := range consoletest.Hostile[4:8] { // verify names five
		_, err := o.ProductionTables.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: aws.String("Spaceport-Projects-prod"), Key: row(record.ProductionSub, evil),
		})
		require.NoError(t, err)
	}
	out := run("verify")
	assert.Contains(t, out, `a\nbulk sweep --live --adopt@evil.example`)
	assert.Contains(t, out, `\u001b[2J\u001b[HAll is well@evil.example`)
	run("verify", "--json")
	out = run("move")
	assert.Contains(t, out, `a\nbulk sweep --live --adopt@evil.example`)
	run("move", "--json")

	for i, evil := range consoletest.Hostile {
		users = nil
		out := run("status", "--user", evil)
		if out != "" && i%3 != 1 { // Cognito takes no line break in a search
			assert.Contains(t, users, evil)
		}
		assert.Subset(t, []string{evil}, users)
		run("verify", "--user", evil)
		run("move", "--user", evil)
	}
}
