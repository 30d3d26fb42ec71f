package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

const password = "Secret-Passw0rd!"

// operator uses the local cloud with credentials that can only read.
type operator struct {
	*spaceport.Spaceport
	t    *testing.T
	env  map[string]string
	subs map[string]string // by email

	columns int // of the terminal; 0: stdout is no terminal
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	s := spaceporttest.Start(t, spaceport.Options{})
	const role = "arn:aws:iam::" + cloud.StagingAccount + ":role/Spaceport-Migration-bulk"
	s.Cloud.AllowRole(cloud.Role{
		ARN: role, ExternalID: "spaceport-migration", Principals: []string{"bulk"},
		Allow: []string{"cognito-idp:ListUsers", "cognito-idp:AdminGetUser", "cognito-idp:DescribeUserPool", "dynamodb:Query",
			"dynamodb:Scan", "dynamodb:DescribeTable",
			"dynamodb:DescribeTimeToLive", "cognito-idp:ListGroups", "cognito-idp:ListUsersInGroup"},
	})
	credentials := s.Cloud.Credentials("bulk", "iam:SimulatePrincipalPolicy", "sts:AssumeRole", "cognito-idp:ListUsers",
		"cognito-idp:DescribeUserPool",
		"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Scan", "dynamodb:DescribeTable")
	env := s.Environment(credentials, role)
	for name, value := range env {
		if strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	missing := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", missing)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", missing)
	return &operator{Spaceport: s, t: t, env: env, subs: map[string]string{}, columns: 80}
}

// bulk runs bulk and returns its exit code and what it printed.
func (o *operator) bulk(args ...string) (code int, stdout, stderr string) {
	return o.bulkWith(o.t.Context(), args...)
}

func (o *operator) bulkWith(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = cli.Run(ctx, args, console.Streams{
		In: strings.NewReader(""), Out: &out, OutColumns: o.columns, Err: &err,
	},
		func(name string) string { return o.env[name] })
	return code, out.String(), err.String()
}

func (o *operator) add(p spaceport.User) string {
	o.t.Helper()
	p.Password = password
	sub, err := o.Add(o.t.Context(), p)
	require.NoError(o.t, err)
	o.subs[p.Email] = sub
	return sub
}

// plain replaces what differs from run to run.
func (o *operator) plain(text string) string {
	for email, sub := range o.subs {
		name := "staging-sub-of-" + strings.Split(email, "@")[0]
		text = strings.ReplaceAll(text, sub, name+strings.Repeat("0", len(sub)-len(name)))
	}
	text = strings.NewReplacer(o.StagingPool, "us-east-1_staging", o.ProductionPool, "us-east-1_production").Replace(text)
	for _, r := range []struct{ pattern, text string }{
		{`[0-9a-f]{8}-[0-9a-f-]{27}`, "a-production-sub00000000000000000000"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`, "2026-01-31 12:00:00 UTC"},
		{`\d{4}-\d\d-\d\dT[0-9:.]+Z`, "2026-01-31T12:00:00Z"},
		{`20\d\d-\d\d-\d\d  `, "2026-01-31  "},
		{`in [0-9.]+ s`, "in 0.1 s"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.text)
	}
	return text
}

func TestReadingCommands(t *testing.T) {
	o := newOperator(t)
	ctx := t.Context()
	ada := o.add(spaceport.User{Name: "Ada", Email: "ada@example.com", Projects: 230})
	o.add(spaceport.User{Name: "Bob", Email: "Bob@Example.com", Projects: 2})
	o.add(spaceport.User{Name: "Cleo", Email: "cleo@example.com"})
	o.add(spaceport.User{Name: "Dan", Email: "dan@example.com", Disabled: true})
	o.add(spaceport.User{Name: "Eve", Email: "eve@example.com", Unverified: true})
	o.add(spaceport.User{Name: "Fay", Email: "fay@example.com", Unconfirmed: true})
	o.add(spaceport.User{Name: "Gus", Email: "gus@example.com", Temporary: true})
	o.add(spaceport.User{Name: "Hal", Email: "hal@example.com"})
	require.NoError(t, o.Cloud.SetStatus(o.StagingPool, "hal@example.com", "EXTERNAL_PROVIDER"))
	o.add(spaceport.User{Name: "Ida", Email: "ida@example.com"})
	require.NoError(t, o.Cloud.SetCreated(o.StagingPool, "ida@example.com", time.Now().Add(48*time.Hour)))
	o.env["STAGING_CUTOFF"] = time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)

	_, err := o.SignIn(ctx, "ada@example.com", password)
	require.NoError(t, err)
	_, err = o.ForgotPassword(ctx, "bob@example.com")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		record, err := o.Ledger(ctx, ada)
		return err == nil && record.State == "moved"
	}, 30*time.Second, 50*time.Millisecond)
	o.Cloud.ResetRequests()

	t.Run("status", func(t *testing.T) {
		code, out, _ := o.bulk("status")
		assert.Zero(t, code)
		golden.Equal(t, "cloud_status", o.plain(out))
	})
	t.Run("status as JSON", func(t *testing.T) {
		code, out, _ := o.bulk("--json", "status")
		assert.Zero(t, code)
		var doc struct {
			Remaining, Done int
			SafeToDetach    bool
		}
		require.NoError(t, json.Unmarshal([]byte(out), &doc))
		assert.Equal(t, 1, doc.Done)
		assert.Equal(t, 2, doc.Remaining)
		assert.False(t, doc.SafeToDetach)
	})
	t.Run("ineligible", func(t *testing.T) {
		o.columns = 0
		defer func() { o.columns = 80 }()
		code, out, _ := o.bulk("status", "--ineligible")
		assert.Zero(t, code)
		golden.Equal(t, "cloud_ineligible", sortLines(o.plain(out)))
	})
	t.Run("user reports", func(t *testing.T) {
		var all strings.Builder
		for _, asked := range []string{"ada@example.com", "BOB@example.com", "cleo@example.com", "dan@example.com",
			o.subs["eve@example.com"], "unknown@example.com"} {
			code, out, _ := o.bulk("status", "--user", asked)
			assert.Zero(t, code)
			all.WriteString("> " + asked + "\n" + out + "\n")
		}
		golden.Equal(t, "cloud_users", o.plain(all.String()))
		consoletest.Commands(t, all.String())
		remove := o.Cloud.Inject(cloud.Fault{Operation: "AdminGetUser", Kind: cloud.AccessDenied})
		defer remove()
		code, out, _ := o.bulk("status", "--user", "cleo@example.com", "--mfa-users", "refuse")
		assert.Zero(t, code)
		assert.Contains(t, out, "second factor unknown: AdminGetUser is denied")
	})
	t.Run("stale imports", func(t *testing.T) {
		code, out, _ := o.bulk("status", "--stale")
		assert.Zero(t, code)
		assert.Equal(t, "No import of more than 30 days ago is without a production user.\n", out)
		code, out, _ = o.bulk("status", "--stale", "--json")
		assert.Zero(t, code)
		assert.JSONEq(t, `{"records":[],"count":0}`, out)
	})
	t.Run("verify", func(t *testing.T) {
		code, out, err := o.bulk("verify")
		assert.Zero(t, code, err)
		golden.Equal(t, "cloud_verify", o.plain(out))

		_, failed := o.ProductionTables.DeleteItem(ctx,
			&dynamodb.DeleteItemInput{TableName: aws.String("Spaceport-Projects-prod"), Key: o.project(ada, 7)})
		require.NoError(t, failed)
		code, out, err = o.bulk("verify", "--user", "ada@example.com")
		assert.Equal(t, 3, code, err)
		assert.Contains(t, out, "missing: project-00007")
		code, out, _ = o.bulk("verify", "--json")
		assert.Equal(t, 3, code)
		assert.True(t, json.Valid([]byte(out)), out)
	})
	t.Run("backup", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "saved")
		code, out, err := o.bulk("backup", dir)
		require.Zero(t, code, err)
		assert.Contains(t, err,
			"\n"+dir+" holds personal data: keep it where only you can read it, and delete it after the migration.\n")
		assert.Regexp(t, `table-Spaceport-Projects-staging.jsonl.gz +232 rows`, out)
		assert.Regexp(t, `users.jsonl.gz +9 users`, out)
		code, out, _ = o.bulk("backup", dir)
		assert.Equal(t, 2, code, out)
		code, out, _ = o.bulk("backup", "--check", dir)
		assert.Zero(t, code, out)
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		remove := o.Cloud.Inject(cloud.Fault{Caller: "Spaceport-Migration-bulk", Operation: "ListUsers",
			Kind: cloud.HookBefore, Hook: func(cloud.Request) { cancel() }})
		defer remove()
		code, out, err := o.bulkWith(ctx, "status")
		assert.Equal(t, 130, code)
		assert.Empty(t, out)
		assert.Contains(t, err, "Interrupted. Nothing was changed: run the same command again.\n")
	})
	t.Run("backup, and Ctrl-C", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		remove := o.Cloud.Inject(cloud.Fault{Caller: "Spaceport-Migration-bulk", Operation: "Scan",
			Kind: cloud.HookBefore, Hook: func(cloud.Request) { cancel() }})
		defer remove()
		dir := filepath.Join(t.TempDir(), "partial")
		code, _, err := o.bulkWith(ctx, "backup", dir)
		assert.Equal(t, 130, code)
		assert.Contains(t, err, "Interrupted. The backup in "+dir+" is incomplete: delete that folder ")
		assert.Contains(t, err, "\n"+dir+" holds personal data: ")
	})
	t.Run("access denied", func(t *testing.T) {
		remove := o.Cloud.Inject(cloud.Fault{Operation: "Scan", Kind: cloud.AccessDenied})
		defer remove()
		code, _, err := o.bulk("status")
		assert.Equal(t, 1, code)
		assert.Contains(t, err, "bulk check names missing permissions")
	})
	t.Run("only users who were asked for and are not bound became monthly active, nothing was written",
		func(t *testing.T) {
			active := 0
			for _, r := range o.Cloud.Requests() {
				if r.Operation == "AdminGetUser" && r.Caller == "Spaceport-Migration-bulk" {
					active++
				} else if r.Caller == "bulk" || r.Caller == "Spaceport-Migration-bulk" {
					assert.Contains(t, []string{"AssumeRole", "ListUsers", "DescribeUserPool", "Scan", "Query", "GetItem",
						"BatchGetItem", "DescribeTable", "DescribeTimeToLive",
						"ListGroups", "ListUsersInGroup"}, r.Operation)
				}
			}
			assert.Equal(t, 5, active, "Bob, Cleo, Dan and Eve, and Cleo once more, denied")
		})
	_, err = o.Production.AdminDeleteUser(ctx, &cognito.AdminDeleteUserInput{UserPoolId: &o.ProductionPool,
		Username: aws.String("ada@example.com")})
	require.NoError(t, err)
	t.Run("readmitted", func(t *testing.T) {
		code, out, _ := o.bulk("status", "--user", "ada@example.com")
		assert.Zero(t, code)
		golden.Equal(t, "cloud_readmit", o.plain(out))
	})
}

// project is the key of a user's project in production.
func (o *operator) project(stagingSub string, i int) map[string]types.AttributeValue {
	record, err := o.Ledger(o.t.Context(), stagingSub)
	require.NoError(o.t, err)
	project := spaceport.Project(record.ProductionSub, i, 0)
	return map[string]types.AttributeValue{"userSub": project["userSub"], "projectId": project["projectId"]}
}

// sortLines sorts a list, since staging has no order.
func sortLines(text string) string {
	list, rest, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(list, "\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n") + "\n\n" + rest
}
