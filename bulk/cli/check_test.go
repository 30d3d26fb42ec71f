package cli_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// sweeper is an operator who may do all that a migration takes.
func sweeper(t *testing.T) *operator {
	t.Helper()
	o := newOperator(t)
	o.Cloud.AllowRole(cloud.Role{
		ARN: o.env["STAGING_ROLE_ARN"], ExternalID: "spaceport-migration", Principals: []string{"bulk"},
		Allow: []string{"cognito-idp:ListUsers", "cognito-idp:DescribeUserPool*", "cognito-idp:ListUserPoolClients",
			"cognito-idp:ListGroups",
			"dynamodb:Query", "dynamodb:Scan", "dynamodb:Describe*"},
	})
	credentials := o.Cloud.Credentials("bulk", "iam:SimulatePrincipalPolicy", "sts:AssumeRole", "cognito-idp:ListUsers",
		"cognito-idp:DescribeUserPool*",
		"cognito-idp:ListUserPoolClients", "cognito-idp:AdminGetUser", "cognito-idp:AdminCreateUser",
		"cognito-idp:AdminSetUserPassword",
		"cognito-idp:AdminResetUserPassword", "dynamodb:*", "lambda:GetPolicy")
	t.Setenv("AWS_ACCESS_KEY_ID", credentials.AccessKeyID)
	return o
}

// checkText replaces what differs from run to run in what bulk check prints.
func (o *operator) checkText(text string) string {
	for email, sub := range o.subs {
		text = strings.ReplaceAll(text, sub, "staging-sub-of-"+email)
	}
	text = strings.NewReplacer(o.StagingPool, "us-east-1_staging", o.ProductionPool, "us-east-1_production",
		o.StagingClient, "staging-client", o.ProductionApp, "production-app").Replace(text)
	return regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(text, "production-sub")
}

func TestCheck(t *testing.T) {
	o := sweeper(t)
	o.add(spaceport.User{Name: "Ada", Email: "ada@example.com", Projects: 3,
		Attributes: map[string]string{"custom:plan": "pro"}})
	o.add(spaceport.User{Name: "Bob", Email: "bob@example.com", Unverified: true})

	code, stdout, stderr := o.bulk("check", "--all")
	assert.Zero(t, code, stdout)
	golden.Equal(t, "cloud_check", o.checkText(stdout))
	assert.Regexp(t,
		`^Working on .*\nReading the ledger: 0 records in [0-9.]+ s\nReading staging: 2 users in [0-9.]+ s\n$`, stderr)
	_, stdout, _ = o.bulk("check")
	assert.NotContains(t, stdout, "  ok ")
	assert.Contains(t, stdout, ", 48 ok (--all lists them).\n")

	code, stdout, _ = o.bulk("check", "--custom-attributes", "internal_note", "--json")
	assert.Equal(t, 3, code, "production does not know that attribute")
	var report check.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	assert.Equal(t, 1, report.Failures)
	assert.Len(t, report.Findings, report.OK+report.Warnings+report.Failures)
}

func TestCheckNamesWhatIsNotAllowed(t *testing.T) {
	o := newOperator(t) // with credentials that can only read
	code, stdout, _ := o.bulk("check")
	assert.Equal(t, 3, code)
	for _, action := range []string{
		"cognito-idp:AdminGetUser", "cognito-idp:AdminCreateUser", "cognito-idp:AdminSetUserPassword",
		"cognito-idp:AdminResetUserPassword", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
	} {
		assert.Regexp(t, `failure +operator .* may not .*\b`+action+" on ", strings.Join(strings.Fields(stdout), " "))
	}
	assert.Contains(t, stdout, "-> Check AWS_PROFILE, or allow it.")
}

func TestCheckCouldNotRun(t *testing.T) {
	o := newOperator(t)
	code, _, stderr := o.bulk("check", "--staging-user-pool-id", "", "--production-user-pool-id", "")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "STAGING_USER_POOL_ID is not set")
	assert.Contains(t, stderr, "PRODUCTION_USER_POOL_ID is not set")

	t.Setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY")
	code, stdout, stderr := o.bulk("check")
	assert.Equal(t, 1, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "AWS does not know these credentials")
}

func TestCheckCanaries(t *testing.T) {
	o := sweeper(t)
	o.add(spaceport.User{Name: "Eve", Email: "eve@example.com", Projects: 2})

	code, stdout, _ := o.bulk("check", "--canary")
	assert.Zero(t, code, stdout)
	assert.Equal(t, 3, strings.Count(stdout[strings.Index(stdout, "\ncanary\n"):], "  ok  "), stdout)
	assert.Empty(t, o.productionUsers(), "an unknown user leaves no trace")

	code, stdout, stderr := o.answering(password, "check", "--canary-user", "eve@example.com")
	assert.Zero(t, code, stdout)
	assert.Contains(t, stderr, "This writes one user: eve@example.com")
	assert.NotContains(t, stdout+stderr, password)
	golden.Equal(t, "cloud_check_canary", o.checkText(stdout[strings.Index(stdout, "canary\n"):]))
	assert.Equal(t, []string{"eve@example.com"}, o.productionUsers())

	code, stdout, stderr = o.answering(password, "check", "--canary-user", "eve@example.com")
	assert.Equal(t, 3, code)
	assert.Contains(t, stdout, "eve@example.com: migrated already; nothing was done")
	assert.NotContains(t, stderr, "Password", "no password is asked for without a reason")

	code, stdout, _ = o.bulk("check", "--canary", "--app-client", "nosuchclient")
	assert.Equal(t, 3, code)
	assert.Contains(t, stdout, "the production pool has no app client nosuchclient")

	o.add(spaceport.User{Name: "Fay", Email: "fay@example.com"})
	code, _, stderr = o.bulk("check", "--canary-user", "fay@example.com")
	assert.Equal(t, 1, code, "no terminal to type a password")
	assert.Contains(t, stderr, "ask for the password: no answer was given")
}

func (o *operator) answering(line string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	streams := console.Streams{In: strings.NewReader(line + "\n"), InTerminal: true, Out: &out, OutColumns: 80, Err: &err}
	code = cli.Run(o.t.Context(), args, streams, func(name string) string { return o.env[name] })
	return code, out.String(), err.String()
}

func (o *operator) productionUsers() (emails []string) {
	o.t.Helper()
	out, err := o.Production.ListUsers(o.t.Context(), &cognito.ListUsersInput{UserPoolId: &o.ProductionPool})
	require.NoError(o.t, err)
	for _, u := range out.Users {
		for _, a := range u.Attributes {
			if *a.Name == "email" {
				emails = append(emails, *a.Value)
			}
		}
	}
	return emails
}
