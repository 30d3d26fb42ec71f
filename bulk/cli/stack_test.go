package cli_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/console/consoletest"
)

// withStack answers DescribeStacks with these outputs, and nothing else.
func withStack(t *testing.T, outputs map[string]string) {
	t.Helper()
	withAWS(t, outputs, nil)
}

// withAWS also gives answers by operation, or by operation and user pool.
func withAWS(t *testing.T, outputs, answers map[string]string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			var in struct{ UserPoolId string }
			_ = json.NewDecoder(r.Body).Decode(&in)
			operation := target[strings.Index(target, ".")+1:]
			fmt.Fprint(w, cmp.Or(answers[operation], answers[operation+" "+in.UserPoolId]))
			return
		}
		_ = r.ParseForm()
		if r.Form.Get("StackName") != "Spaceport-Migration" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id Gone does not `+
				`exist</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprint(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>`)
		for key, value := range outputs {
			fmt.Fprintf(w, `<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>`, key, value)
		}
		fmt.Fprint(w, `</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-west-2",
	} {
		t.Setenv(name, value)
	}
}

func runWith(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Run(context.Background(), args, console.Streams{In: strings.NewReader(""), Out: &out, Err: &errs},
		func(name string) string { return env[name] })
	return code, out.String(), errs.String()
}

func TestStackGivesTheSettings(t *testing.T) {
	withStack(t, map[string]string{"StagingUserPoolId": "us-west-2_s", "ProductionUserPoolId": "us-west-2_p",
		"StagingCutoff": "yesterday", "MfaUsers": "maybe"})
	code, _, errs := runWith(map[string]string{"STAGING_CUTOFF": "2026-01-31T12:00:00Z"}, "sweep", "--stack",
		"Spaceport-Migration", "--mfa-users", "reset")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `STAGING_CUTOFF: "yesterday" is not an RFC 3339 time`,
		"the stack goes before the environment")
	assert.NotContains(t, errs, "MFA_USERS", "a flag goes before the stack")
	assert.NotContains(t, errs, "is not set")

	code, _, errs = runWith(map[string]string{"MIGRATION_STACK": "Spaceport-Migration", "HOOK_BUDGET": "never"}, "sweep",
		"--mfa-users", "reset")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `"yesterday" is not an RFC 3339 time`, "the environment can name it")
	assert.NotContains(t, errs, "HOOK_BUDGET", "where the stack has the default, the environment has no say")
	code, _, errs = runWith(map[string]string{"MIGRATION_STACK": "Gone"}, "backup", "--check", t.TempDir())
	assert.NotContains(t, errs, "Gone", "what needs no settings reads no stack")
	assert.NotZero(t, code)

	code, _, errs = runWith(nil, "sweep", "--stack", "Gone")
	assert.Equal(t, 1, code)
	assert.Contains(t, errs, "read stack Gone: there is no such stack in this account and Region; check --stack")
	assert.NotContains(t, errs, "wait a minute")
}

// TestStatusNamesTheStacksFunctions and how staging's users sign in decides what it says.
func TestStatusNamesTheStacksFunctions(t *testing.T) {
	for _, tt := range []struct {
		pool, want, notWant string
	}{
		{`"UsernameAttributes":["email"],"UsernameConfiguration":{"CaseSensitive":false}`,
			`or use "forgot password"`, "case-sensitive"},
		{`"UsernameAttributes":["email"]`, "type their email exactly as staging has it, Ada@example.com",
			"know its users by email"},
		{`"AliasAttributes":["email"],"UsernameConfiguration":{"CaseSensitive":true}`, "exactly as staging has it",
			"know its users by email"},
		{`"AliasAttributes":["phone_number"]`, "Staging does not know its users by email", "staging password"},
	} {
		withAWS(t, map[string]string{"StagingUserPoolId": "us-west-2_s", "ProductionUserPoolId": "us-west-2_p",
			"BackgroundFunction": "Ours-background",
			"TriggerArn":         "arn:aws:lambda:us-west-2:123456789012:function:Ours-trigger"}, map[string]string{
			"DescribeUserPool": `{"UserPool":{` + tt.pool + `}}`, "GetItem": `{}`, "AdminGetUser us-west-2_s": ada,
			"ListUsers us-west-2_s": `{"Users":[{"Username":"ada1815","Enabled":true,"UserStatus":"CONFIRMED",` +
				`"Attributes":[{"Name":"sub","Value":"s"}]}]}`,
			"ListUsers us-west-2_p": `{}`,
		})
		code, out, errs := runWith(nil, "status", "--stack", "Spaceport-Migration", "--user", "Ada@example.com")
		assert.Zero(t, code, errs)
		assert.Contains(t, strings.Join(strings.Fields(out), " "), tt.want)
		assert.NotContains(t, out, tt.notWant)
		assert.Equal(t, []string{"/aws/lambda/Ours-trigger"},
			consoletest.After(consoletest.Commands(t, out), "--log-group-name"))
	}
}

const ada = `{"Username":"ada1815","Enabled":true,"UserStatus":"CONFIRMED","UserAttributes":[{"Name":"sub",` +
	`"Value":"s"},` +
	`{"Name":"email","Value":"Ada@example.com"},{"Name":"email_verified","Value":"true"}]}`

func TestAttachNeedsToKnowTheFunctions(t *testing.T) {
	withStack(t, map[string]string{"ProductionUserPoolId": "us-west-2_p"})
	for _, command := range []string{"attach", "detach"} {
		code, _, errs := runWith(nil, command, "--stack", "Spaceport-Migration")
		assert.Equal(t, 2, code)
		assert.Contains(t, errs, "Pass --trigger and --datamover")
		code, _, errs = runWith(nil, command, "--production-user-pool-id", "us-west-2_p",
			"--trigger", "arn:aws:lambda:us-west-2:123456789012:function:a", "--datamover",
			"arn:aws:lambda:us-west-2:123456789012:function:b", "--live")
		assert.Equal(t, 2, code)
		assert.Contains(t, errs, "add --yes")
	}
}
