package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/verify"
	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

const (
	role     = "arn:aws:iam::" + cloud.StagingAccount + ":role/Spaceport-Migration-bulk"
	password = "Secret-Passw0rd!"
)

// What bulk needs, and nothing else.
var (
	inStaging = []string{
		"cognito-idp:DescribeUserPool", "cognito-idp:ListUsers", "cognito-idp:ListUserPoolClients",
		"cognito-idp:DescribeUserPoolClient", "cognito-idp:ListGroups", "cognito-idp:GetUserPoolMfaConfig",
		"cognito-idp:AdminListGroupsForUser",
		"dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:Query", "dynamodb:Scan",
	}
	inProduction = []string{
		"sts:AssumeRole", "cognito-idp:DescribeUserPool", "cognito-idp:ListUsers", "cognito-idp:ListUserPoolClients",
		"cognito-idp:DescribeUserPoolClient", "cognito-idp:AdminGetUser", "cognito-idp:AdminCreateUser",
		"cognito-idp:AdminSetUserPassword", "cognito-idp:AdminResetUserPassword", "dynamodb:DescribeTable",
		"dynamodb:DescribeTimeToLive", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
		"dynamodb:DeleteItem", "dynamodb:Scan", "lambda:GetPolicy", "iam:SimulatePrincipalPolicy", "ses:GetAccount",
		"cognito-idp:ListGroups", "cognito-idp:AdminAddUserToGroup",
	}
)

// simulator is IAM with a principal who is allowed these actions on any resource. Real IAM answers with several pages.
type simulator struct {
	allowed   []string
	principal string
	calls     int
}

func (s *simulator) SimulatePrincipalPolicy(
	_ context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options),
) (*iam.SimulatePrincipalPolicyOutput, error) {
	s.principal = *in.PolicySourceArn
	s.calls++
	first := in.Marker == nil
	out := &iam.SimulatePrincipalPolicyOutput{IsTruncated: first}
	if first {
		out.Marker = aws.String("2")
	}
	for i, arn := range in.ResourceArns {
		if first != (i == 0) {
			continue
		}
		for _, action := range in.ActionNames {
			decision := iamtypes.PolicyEvaluationDecisionTypeImplicitDeny
			if slices.Contains(s.allowed, action) {
				decision = iamtypes.PolicyEvaluationDecisionTypeAllowed
			}
			out.EvaluationResults = append(out.EvaluationResults, iamtypes.EvaluationResult{
				EvalActionName: &action, EvalResourceName: &arn, EvalDecision: decision,
			})
		}
	}
	return out, nil
}

// TestDenied: what IAM allows on one page and denies on the next.
func TestDenied(t *testing.T) {
	s := &simulator{allowed: slices.DeleteFunc(slices.Clone(inProduction), func(right string) bool {
		return right == "dynamodb:PutItem" || right == "cognito-idp:AdminGetUser"
	})}
	denied, err := (&Reader{iam: s}).denied(t.Context(), allOK())
	require.NoError(t, err)
	assert.Equal(t, []string{
		"cognito-idp:AdminGetUser on us-west-2_prod", "dynamodb:PutItem on L", "dynamodb:PutItem on P-prod",
	}, denied)
	assert.Equal(t, "arn:aws:iam::123456789012:role/ops", s.principal)
	assert.Equal(t, 2, s.calls)

	unread := allOK()
	unread.Production.Value.Arn, unread.Ledger.Value.TableArn, unread.Tables = nil, nil, nil
	denied, err = (&Reader{iam: s}).denied(t.Context(), unread)
	require.NoError(t, err)
	assert.Empty(t, denied)
	assert.Equal(t, 2, s.calls, "IAM is not asked about nothing")
}

// newReader returns a reader for an operator with these rights.
func newReader(t *testing.T, s *spaceport.Spaceport, staging, production []string) *Reader {
	t.Helper()
	s.Cloud.AllowRole(cloud.Role{
		ARN: role, ExternalID: s.Settings.StagingExternalID, Principals: []string{"bulk"}, Allow: staging,
	})
	cfg := s.Config(s.Cloud.Credentials("bulk", production...))
	cfg.HTTPClient = sesClient{cfg.HTTPClient, slices.Contains(production, "ses:GetAccount")}
	chosen := s.Settings
	chosen.StagingRoleARN, chosen.CustomAttributes = role, []string{"custom:plan"}
	r := NewReader(cfg, account.Staging(cfg, chosen, "bulk", account.Limits{Role: time.Minute}), chosen)
	r.lag = 0 // the local cloud has none
	return r
}

// sesClient answers GetAccount: us-west-2 is in the sandbox. All other requests are for the local cloud.
type sesClient struct {
	cloud   aws.HTTPClient
	allowed bool
}

func (c sesClient) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/v2/email/account" {
		return cmp.Or[aws.HTTPClient](c.cloud, http.DefaultClient).Do(r)
	}
	answer := httptest.NewRecorder()
	switch {
	case !c.allowed:
		answer.Header().Set("X-Amzn-ErrorType", "AccessDeniedException")
		answer.WriteHeader(http.StatusForbidden)
	case strings.Contains(r.Header.Get("Authorization"), "/us-west-2/ses/"):
		_, _ = answer.WriteString(`{"SendingEnabled":true,"SendQuota":{"Max24HourSend":200}}`)
	default:
		_, _ = answer.WriteString(`{"SendingEnabled":true,"ProductionAccessEnabled":true,` +
			`"SendQuota":{"Max24HourSend":70000}}`)
	}
	return answer.Result(), nil
}

func read(t *testing.T, r *Reader) Facts {
	t.Helper()
	f, err := r.Read(t.Context(), nil)
	require.NoError(t, err)
	return f
}

// levels returns the worst level of each check.
func levels(r Report) map[string]Level {
	worst := map[string]Level{}
	for _, f := range r.Findings {
		name := string(f.Group) + "/" + f.Check
		if f.Level == Failure || worst[name] == "" || worst[name] == OK {
			worst[name] = f.Level
		}
	}
	return worst
}

// rowsAndUsers is everything that a check could have changed.
func rowsAndUsers(t *testing.T, s *spaceport.Spaceport) (state []any) {
	t.Helper()
	for _, account := range []struct {
		tables *dynamodb.Client
		names  []string
		pools  *cognito.Client
		pool   string
	}{
		{s.StagingTables, []string{"Spaceport-Users-staging", "Spaceport-Projects-staging"}, s.Staging, s.StagingPool},
		{s.ProductionTables, []string{"Spaceport-Users-prod", "Spaceport-Projects-prod", "Spaceport-Migration-prod"},
			s.Production, s.ProductionPool},
	} {
		for _, name := range account.names {
			out, err := account.tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
			require.NoError(t, err)
			state = append(state, out.Items)
		}
		out, err := account.pools.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: &account.pool})
		require.NoError(t, err)
		state = append(state, out.Users)
	}
	return state
}

func TestReadAsDeployed(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{Groups: "beta"})
	require.NoError(t, spaceport.MakeGroup(t.Context(), s.Production, s.ProductionPool, "beta"))
	_, err := s.Add(t.Context(), spaceport.User{Name: "Ada", Email: "ada@example.com", Password: password, Projects: 3,
		Groups: []string{"beta"}, Attributes: map[string]string{"custom:plan": "pro", "custom:internal_note": "n"}})
	require.NoError(t, err)
	bob := spaceport.User{Name: "Bob", Email: "bob@example.com", Password: password, Unverified: true}
	_, err = s.Add(t.Context(), bob)
	require.NoError(t, err)
	before := rowsAndUsers(t, s)

	r := newReader(t, s, inStaging, inProduction)
	s.Cloud.ResetRequests()
	f, err := r.Read(t.Context(), console.NewProgress(io.Discard, true, 80, time.Now))
	require.NoError(t, err)
	assert.Equal(t, 2, f.Users.Value.Total)

	report := Run(f)
	assert.Empty(t, report.Skipped)
	got := levels(report)
	maps.DeleteFunc(got, func(_ string, l Level) bool { return l == OK })
	assert.Equal(t, map[string]Level{
		"staging pool/sign-up": Warning, "staging pool/writable attributes": Warning, "users/eligible": Warning,
		"users/verified email": Warning, "users/dropped attributes": Warning, "tables/files": Warning,
		"tables/old ids": Warning,
	}, got)
	assert.Equal(t, Sample{Owners: 1, Rows: 3, Unknown: map[string]bool{}, Buckets: map[string]int{"spaceport-uploads": 3},
		Inside: map[string]int{"file": 3}, Rejected: map[string]int{}}, f.Tables[1].Sample.Value)
	simulations := cloud.Filter{Operation: "SimulatePrincipalPolicy"}
	assert.Equal(t, 1, s.Cloud.CountRequests(simulations), "one request for all rights")

	assert.Zero(t, s.Cloud.CountRequests(cloud.Filter{Operation: "AdminGetUser"}), "it makes users active, who are billed")
	assert.Zero(t, s.Cloud.CountRequests(cloud.Filter{Operation: "AdminInitiateAuth"}))
	assert.Zero(t, s.Cloud.CountRequests(cloud.Filter{Service: "trigger"}))
	listed := cloud.Filter{Account: cloud.StagingAccount, Operation: "ListUsers"}
	assert.Equal(t, 1, s.Cloud.CountRequests(listed), "one page")
	assert.Equal(t, before, rowsAndUsers(t, s), "nothing is written")

	t.Run("rights", func(t *testing.T) { testEveryRight(t, s) })
}

// testEveryRight removes each right in turn. A right that check itself uses is reported by the check that lacks it, any
// other of production by the simulation.
func testEveryRight(t *testing.T, s *spaceport.Spaceport) {
	type finding struct {
		check string
		level Level
	}
	staging := map[string]finding{
		"cognito-idp:DescribeUserPool":       {"staging pool/pool", Failure},
		"cognito-idp:ListUsers":              {"users/eligible", Failure},
		"cognito-idp:ListUserPoolClients":    {"staging pool/trigger's client", Warning},
		"cognito-idp:DescribeUserPoolClient": {"staging pool/trigger's client", Warning},
		"cognito-idp:ListGroups":             {"staging pool/groups", Warning},
		"cognito-idp:AdminListGroupsForUser": {"staging pool/groups", Failure},
		"cognito-idp:GetUserPoolMfaConfig":   {"staging pool/codes", Warning},
		"dynamodb:DescribeTable":             {"tables/keys", Failure},
		"dynamodb:DescribeTimeToLive":        {"tables/keys", Failure},
		"dynamodb:Query":                     {"tables/keys", Failure},
		"dynamodb:Scan":                      {"tables/owners", Warning},
	}
	production := map[string]finding{
		"sts:AssumeRole":                     {"staging pool/role", Failure},
		"cognito-idp:DescribeUserPool":       {"production pool/pool", Failure},
		"cognito-idp:ListUserPoolClients":    {"app clients/password sign-in", Failure},
		"cognito-idp:DescribeUserPoolClient": {"app clients/password sign-in", Failure},
		"dynamodb:DescribeTable":             {"tables/ledger", Failure},
		"dynamodb:DescribeTimeToLive":        {"tables/time to live", Warning},
		"lambda:GetPolicy":                   {"production pool/invocation", Warning},
		"cognito-idp:ListGroups":             {"production pool/groups", Warning},
		"ses:GetAccount":                     {"production pool/email sender", Warning},
		"iam:SimulatePrincipalPolicy":        {"permissions/operator", Warning},
	}
	for _, end := range []struct {
		name     string
		rights   []string
		reported map[string]finding
	}{{"staging", inStaging, staging}, {"production", inProduction, production}} {
		for _, denied := range end.rights {
			t.Run(end.name+"/"+denied, func(t *testing.T) {
				less := slices.DeleteFunc(slices.Clone(end.rights), func(r string) bool { return r == denied })
				staging, production := less, inProduction
				if end.name == "production" {
					staging, production = inStaging, less
				}
				report := Run(read(t, newReader(t, s, staging, production)))
				want, used := end.reported[denied]
				if !used {
					want = finding{"permissions/operator", Failure}
					assert.Contains(t, report.Findings[len(report.Findings)-1].Found, "may not "+denied+" on ")
				}
				assert.Equal(t, want.level, levels(report)[want.check], want.check)
				assert.Equal(t, want.level == Failure, report.Failed(), "what is good to have fails nothing")
			})
		}
	}
}

// TestReadUnsuitable changes both accounts in every way that a description shows, at once.
func TestReadUnsuitable(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	ctx := t.Context()
	_, err := s.Production.UpdateUserPool(ctx, &cognito.UpdateUserPoolInput{
		UserPoolId: &s.ProductionPool, MfaConfiguration: types.UserPoolMfaTypeOn,
		LambdaConfig: &types.LambdaConfigType{
			UserMigration: aws.String("arn:aws:lambda:us-east-1:123456789012:function:Spaceport-Migration-nothing"),
			PreSignUp:     aws.String("arn:aws:lambda:us-east-1:123456789012:function:other"),
		},
		AccountRecoverySetting: &types.AccountRecoverySettingType{RecoveryMechanisms: []types.RecoveryOptionType{
			{Name: types.RecoveryOptionNameTypeAdminOnly, Priority: aws.Int32(1)},
		}},
		EmailConfiguration: &types.EmailConfigurationType{
			EmailSendingAccount: types.EmailSendingAccountTypeDeveloper,
			SourceArn:           aws.String("arn:aws:ses:us-west-2:123456789012:identity/example.com"),
		},
		AdminCreateUserConfig: &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: false},
		UserAttributeUpdateSettings: &types.UserAttributeUpdateSettingsType{
			AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{},
		},
	})
	require.NoError(t, err)
	_, err = s.Production.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId: &s.ProductionPool, ClientName: aws.String("open"),
	})
	require.NoError(t, err)
	secret, err := s.Staging.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId: &s.StagingPool, ClientName: aws.String("secret"), GenerateSecret: true,
	})
	require.NoError(t, err)
	_, err = s.Staging.CreateGroup(ctx, &cognito.CreateGroupInput{
		UserPoolId: &s.StagingPool, GroupName: aws.String("pilots"),
	})
	require.NoError(t, err)
	_, err = s.Staging.SetUserPoolMfaConfig(ctx, &cognito.SetUserPoolMfaConfigInput{
		UserPoolId: &s.StagingPool, MfaConfiguration: types.UserPoolMfaTypeOptional,
		SmsMfaConfiguration: &types.SmsMfaConfigType{SmsConfiguration: &types.SmsConfigurationType{
			SnsCallerArn: aws.String("arn:aws:iam::111111111111:role/sms"),
		}},
	})
	require.NoError(t, err)
	makeTablesUnsuitable(t, s)

	r := newReader(t, s, inStaging, inProduction)
	r.settings.StagingClientID = *secret.UserPoolClient.ClientId
	r.settings.CustomAttributes = []string{"custom:internal_note"}
	f := read(t, r)
	got := levels(Run(f))
	for name, want := range map[string]Level{
		"production pool/triggers": Failure, "production pool/invocation": Warning, "production pool/other triggers": Warning,
		"production pool/sign-up": Warning, "production pool/change of email": Warning,
		"production pool/custom attributes": Failure, "production pool/recovery": Failure,
		"production pool/email sender": Warning, "staging pool/codes": Warning,
		"app clients/write lists": Failure, "app clients/hidden users": Warning,
		"staging pool/trigger's client": Failure, "staging pool/second factors": Warning, "staging pool/groups": Warning,
		"tables/streams": Warning, "tables/time to live": Warning, "tables/keys": Failure,
	} {
		assert.Equal(t, want, got[name], name)
	}
	assert.Equal(t, []string{"pilots"}, f.Groups.Value)
	assert.False(t, f.SES.Value.ProductionAccessEnabled, "of the Region in the pool's SourceArn")
	assert.Equal(t, "userSub (S), projectId (N)", keyOf(f.Tables[1].To.Value))
}

// TestResets counts the reset emails that a sweep would send, those that --notify none held back among them.
func TestResets(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	bound := ledger.Record{ProductionSub: "p", State: ledger.Moved, Via: ledger.Sweep, PasswordSetAt: now}
	records := map[string]ledger.Record{
		"held-back": bound, "adopted": bound, "emailed": bound, "signed-in": bound, "moved-by-sign-in": bound,
		"by-sign-in": bound, "moving": bound, "not-bound": bound, "disabled": bound,
	}
	change := func(email string, change func(*ledger.Record)) {
		r := records[email]
		change(&r)
		records[email] = r
	}
	change("adopted", func(r *ledger.Record) { r.Adopted, r.PasswordSetAt = true, time.Time{} })
	change("emailed", func(r *ledger.Record) { r.ResetAt = now })
	change("signed-in", func(r *ledger.Record) { r.SeenAt = now })
	change("moved-by-sign-in", func(r *ledger.Record) { r.PasswordSetAt = time.Time{} })
	change("by-sign-in", func(r *ledger.Record) { r.Via, r.PasswordSetAt = ledger.SignIn, time.Time{} })
	change("moving", func(r *ledger.Record) { r.State, r.PasswordSetAt = ledger.Moving, time.Time{} })
	change("not-bound", func(r *ledger.Record) {
		r.State, r.ProductionSub, r.Via, r.PasswordSetAt = ledger.Imported, "", ledger.ForgotPassword, time.Time{}
	})
	for name, record := range records {
		sub, err := s.Add(t.Context(), spaceport.User{Name: "U", Email: name + "@example.com", Password: password})
		require.NoError(t, err)
		record.StagingSub = sub
		item, err := attributevalue.MarshalMap(record)
		require.NoError(t, err)
		_, err = s.ProductionTables.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("Spaceport-Migration-prod"), Item: item,
		})
		require.NoError(t, err)
	}
	_, err := s.Add(t.Context(), spaceport.User{Name: "New", Email: "new@example.com", Password: password})
	require.NoError(t, err)
	_, err = s.Staging.AdminDisableUser(t.Context(), &cognito.AdminDisableUserInput{
		UserPoolId: &s.StagingPool, Username: aws.String("disabled@example.com"),
	})
	require.NoError(t, err)
	f := read(t, newReader(t, s, inStaging, inProduction))
	assert.Equal(t, 4, f.Users.Value.Resets, "held-back, moving, not-bound and new")
}

func makeTablesUnsuitable(t *testing.T, s *spaceport.Spaceport) {
	t.Helper()
	ctx, users, projects := t.Context(), aws.String("Spaceport-Users-prod"), aws.String("Spaceport-Projects-prod")
	stream := &dynamotypes.StreamSpecification{
		StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewTypeNewImage,
	}
	_, err := s.ProductionTables.UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName: users, StreamSpecification: stream,
	})
	require.NoError(t, err)
	ttl := &dynamotypes.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)}
	_, err = s.ProductionTables.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: users, TimeToLiveSpecification: ttl,
	})
	require.NoError(t, err)
	_, err = s.ProductionTables.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: projects})
	require.NoError(t, err)
	_, err = s.ProductionTables.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: projects, BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: aws.String("userSub"), AttributeType: dynamotypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("projectId"), AttributeType: dynamotypes.ScalarAttributeTypeN},
		},
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: aws.String("userSub"), KeyType: dynamotypes.KeyTypeHash},
			{AttributeName: aws.String("projectId"), KeyType: dynamotypes.KeyTypeRange},
		},
	})
	require.NoError(t, err)
}

// TestReadWhatStaysBehind has rows and users that a migration leaves in staging, or cannot write.
func TestReadWhatStaysBehind(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	const source = "Spaceport-Projects-staging"
	sub, err := s.Add(t.Context(), spaceport.User{Name: "Ada", Email: "ada@example.com", Password: password})
	require.NoError(t, err)
	indexed(t, s)
	_, err = s.StagingTables.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(source), TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{
			AttributeName: aws.String("expiresAt"), Enabled: aws.Bool(true),
		},
	})
	require.NoError(t, err)
	row := func(owner, project string, attributes map[string]dynamotypes.AttributeValue) {
		row := map[string]dynamotypes.AttributeValue{"userSub": str(owner), "projectId": str(project)}
		maps.Copy(row, attributes)
		require.NoError(t, s.Put(t.Context(), s.StagingTables, source, row))
	}
	type attributes = map[string]dynamotypes.AttributeValue
	at := func(d time.Duration) dynamotypes.AttributeValue {
		return &dynamotypes.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(d).Unix())}
	}
	null := &dynamotypes.AttributeValueMemberNULL{Value: true}
	row(sub, "with-team", attributes{"teamId": str("t1")})
	row(sub, "no-team", attributes{"teamId": null})
	row(sub, "share-link", attributes{"expiresAt": at(-30 * time.Hour), "teamId": null})
	row(sub, "draft", attributes{"expiresAt": at(time.Hour)})
	row("ada@example.com", "orphan", nil)

	f := read(t, newReader(t, s, inStaging, inProduction))
	sample := f.Tables[1].Sample.Value
	assert.Equal(t, Sample{
		Owners: 2, Rows: 5, Expired: 1, Unknown: map[string]bool{"ada@example.com": true}, Buckets: map[string]int{},
		Inside: map[string]int{}, Rejected: map[string]int{"index by-team, teamId (S)": 1}, Example: "userSub=" + sub +
			", projectId=no-team",
	}, sample)
	got := levels(Run(f))
	assert.Equal(t, Warning, got["tables/owners"])
	assert.Equal(t, Failure, got["tables/indexes"])
	assert.Equal(t, Warning, got["tables/expired rows"])

	remove := s.Cloud.Inject(cloud.Fault{Account: cloud.StagingAccount, Operation: "Query", Kind: cloud.AccessDenied})
	defer remove()
	assert.ErrorIs(t, read(t, newReader(t, s, inStaging, inProduction)).Tables[1].Sample.Err, errAccessDenied)
}

func str(s string) dynamotypes.AttributeValue { return &dynamotypes.AttributeValueMemberS{Value: s} }

// indexed creates production's projects anew, with an index that staging does not have.
func indexed(t *testing.T, s *spaceport.Spaceport) {
	t.Helper()
	name := aws.String("Spaceport-Projects-prod")
	_, err := s.ProductionTables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: name})
	require.NoError(t, err)
	create := &dynamodb.CreateTableInput{TableName: name, BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: aws.String("userSub"), KeyType: dynamotypes.KeyTypeHash},
			{AttributeName: aws.String("projectId"), KeyType: dynamotypes.KeyTypeRange},
		},
		GlobalSecondaryIndexes: []dynamotypes.GlobalSecondaryIndex{{
			IndexName: aws.String("by-team"), Projection: &dynamotypes.Projection{ProjectionType: dynamotypes.ProjectionTypeAll},
			KeySchema: []dynamotypes.KeySchemaElement{{AttributeName: aws.String("teamId"), KeyType: dynamotypes.KeyTypeHash}},
		}}}
	for _, key := range []string{"userSub", "projectId", "teamId"} {
		create.AttributeDefinitions = append(create.AttributeDefinitions, dynamotypes.AttributeDefinition{
			AttributeName: &key, AttributeType: dynamotypes.ScalarAttributeTypeS,
		})
	}
	_, err = s.ProductionTables.CreateTable(t.Context(), create)
	require.NoError(t, err)
}

// TestReadSameEmail has users who share an email, as a pool whose users sign in with a user name can have them.
func TestReadSameEmail(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	pool, err := s.Staging.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{PoolName: aws.String("by user name")})
	require.NoError(t, err)
	id := pool.UserPool.Id
	for name, attributes := range map[string]map[string]string{
		"ann": {"email": "Ann.Lee@example.com"}, "lee": {"email": "ann.lee@example.com"}, "bob": {"email": "bob@example.com"},
	} {
		in := &cognito.AdminCreateUserInput{UserPoolId: id, Username: &name, MessageAction: types.MessageActionTypeSuppress}
		attributes["email_verified"] = "true"
		for name, value := range attributes {
			in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &name, Value: &value})
		}
		_, err := s.Staging.AdminCreateUser(t.Context(), in)
		require.NoError(t, err)
		_, err = s.Staging.AdminSetUserPassword(t.Context(), &cognito.AdminSetUserPasswordInput{
			UserPoolId: id, Username: &name, Password: aws.String(password), Permanent: true,
		})
		require.NoError(t, err)
	}
	reader := func(production []string) *Reader {
		r := newReader(t, s, inStaging, production)
		r.staging.poolID = *id
		return r
	}
	f := read(t, reader(inProduction))
	same := f.Users.Value.SameEmail["ann.lee@example.com"]
	require.Len(t, same, 2)
	assert.Len(t, f.Users.Value.SameEmail, 1)
	assert.False(t, same[1].Created.Before(same[0].Created), "the older is first")
	assert.Equal(t, 3, f.Users.Value.Total)

	item, err := attributevalue.MarshalMap(ledger.Record{StagingSub: same[1].Sub, ProductionSub: "p", State: ledger.Moved})
	require.NoError(t, err)
	_, err = s.ProductionTables.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("Spaceport-Migration-prod"), Item: item,
	})
	require.NoError(t, err)
	f = read(t, reader(inProduction))
	assert.Equal(t, same[1].Sub, f.Users.Value.SameEmail["ann.lee@example.com"][0].Sub, "the bound one")

	less := slices.DeleteFunc(slices.Clone(inProduction), func(right string) bool { return right == "dynamodb:GetItem" })
	f = read(t, reader(less))
	require.ErrorIs(t, f.Users.Value.LedgerErr, errAccessDenied)
	report := Run(f)
	i := slices.IndexFunc(report.Findings,
		func(f Finding) bool { return strings.Contains(f.Found, "depends on the ledger") })
	require.Positive(t, i)
	assert.NotContains(t, report.Findings[i].Remedy, "aws ", "no command that may be the wrong one")
}

func TestReadMissing(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	r := newReader(t, s, inStaging, inProduction)
	r.settings.LedgerTable = "nothing"
	r.settings.Tables = []settings.Table{{Source: "none-staging", Target: "none-prod", OwnerKey: "id"}}
	r.settings.StagingClientID = "noclient"
	got := levels(Run(read(t, r)))
	assert.Equal(t, Failure, got["tables/ledger"])
	assert.Equal(t, Failure, got["tables/keys"])
	assert.Equal(t, Failure, got["staging pool/trigger's client"])

	r = newReader(t, s, inStaging, inProduction)
	r.production.poolID, r.staging.poolID = "us-east-1_nothing", "us-east-1_nothing"
	f := read(t, r)
	assert.ErrorIs(t, f.Production.Err, errNotFound)
	assert.ErrorIs(t, f.Staging.Err, errNotFound)
	assert.ErrorIs(t, f.ProductionClients.Err, errNotFound)

	r = newReader(t, s, inStaging, inProduction)
	s.Cloud.AllowRole(cloud.Role{ARN: role, ExternalID: "another", Principals: []string{"bulk"}, Allow: inStaging})
	f = read(t, r)
	assert.ErrorIs(t, f.StagingAccount.Err, errAccessDenied)
	report := Run(f)
	got = levels(report)
	assert.Equal(t, Failure, got["staging pool/role"])
	assert.Equal(t, Failure, got["users/eligible"])
	assert.Equal(t, OK, got["production pool/pool"])
	assert.Contains(t, report.Skipped, "staging pool: groups")

	cfg := s.Config(aws.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"})
	r.production = awsAccount{cfg, s.ProductionPool, nil}
	_, err := r.Read(t.Context(), nil)
	assert.ErrorContains(t, err, "caller's identity")
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	assert.Equal(t, "InvalidClientTokenId", api.ErrorCode())
}

func TestReadInterrupted(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	r := newReader(t, s, inStaging, inProduction)
	ctx, cancel := context.WithCancel(t.Context())
	r.iam = canceling{cancel}
	_, err := r.Read(ctx, nil)
	assert.ErrorIs(t, err, context.Canceled)
}

type canceling struct{ cancel func() }

func (c canceling) SimulatePrincipalPolicy(
	context.Context, *iam.SimulatePrincipalPolicyInput, ...func(*iam.Options),
) (*iam.SimulatePrincipalPolicyOutput, error) {
	c.cancel()
	return nil, errors.New("interrupted")
}

func TestCanaries(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	r := newReader(t, s, inStaging, inProduction)
	facts := read(t, r)
	app := types.UserPoolClientType{
		ClientId: &s.ProductionApp, ClientName: aws.String("web"),
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	}
	t.Run("unknown user", func(t *testing.T) { testUnknownUser(t, s, r, app) })
	t.Run("canary user", func(t *testing.T) { testCanaryUser(t, s, r, facts, app) })
	t.Run("canary user without a hook", func(t *testing.T) { testCanaryUserWithoutHook(t, s, r, facts, app) })
}

func testUnknownUser(t *testing.T, s *spaceport.Spaceport, r *Reader, app types.UserPoolClientType) {
	before := rowsAndUsers(t, s)
	s.Cloud.ResetRequests()
	var report Report
	report.AddUnknownUser(r.ProbeUnknownUser(t.Context(), app))
	assert.Equal(t, 3, report.OK, "%v", report.Findings)
	signIns := cloud.Filter{Operation: "InitiateAuth", Caller: "public"}
	assert.Equal(t, 1, s.Cloud.CountRequests(signIns), "unsigned, and once")
	assert.Equal(t, 2, s.Cloud.CountRequests(cloud.Filter{Service: "trigger"}), "the trigger was invoked both times")
	assert.Equal(t, before, rowsAndUsers(t, s))

	defer s.Cloud.Inject(cloud.Fault{Kind: cloud.AccessDenied, Operation: "AdminGetUser"})()
	var broken Report
	broken.AddUnknownUser(r.ProbeUnknownUser(t.Context(), app))
	assert.Equal(t, 2, broken.Failures, "a trigger without access to staging: %v", broken.Findings)
}

func testCanaryUser(t *testing.T, s *spaceport.Spaceport, r *Reader, facts Facts, app types.UserPoolClientType) {
	_, err := s.Add(t.Context(), spaceport.User{Name: "Eve", Email: "Eve@example.com", Password: password, Projects: 230})
	require.NoError(t, err)
	c, err := r.MigrateCanaryUser(t.Context(), "Eve@example.com", app, typed("not the password"))
	require.NoError(t, err)
	var report Report
	report.AddCanaryUser(facts, app, c)
	assert.Equal(t, 1, report.Failures)
	assert.Empty(t, s.Cloud.Messages(), "no email before the user is migrated")

	c, err = r.MigrateCanaryUser(t.Context(), "Eve@example.com", app, typed(password))
	require.NoError(t, err)
	report = Report{}
	report.AddCanaryUser(facts, app, c)
	assert.Equal(t, Report{Findings: report.Findings, OK: 8}, report, "%v", report.Findings)
	require.Len(t, s.Cloud.Messages(), 1, "nobody but the canary user gets an email")
	assert.Equal(t, "Eve@example.com", s.Cloud.Messages()[0].To)
	assert.Equal(t, verify.Table{Name: "Spaceport-Projects-prod", Staging: 230, Same: 230,
		Inside: map[string]int{"file": 230}}, c.Rows.Value.Tables[1])

	notAsked := func() (string, error) { return "", errors.New("asked for a password without need") }
	again, err := r.MigrateCanaryUser(t.Context(), "Eve@example.com", app, notAsked)
	require.NoError(t, err)
	report = Report{}
	report.AddCanaryUser(facts, app, again)
	assert.Contains(t, report.Findings[0].Found, "migrated already")
	unknown, err := r.MigrateCanaryUser(t.Context(), "none@example.com", app, notAsked)
	require.NoError(t, err)
	assert.Zero(t, unknown.Found)
}

func typed(password string) func() (string, error) {
	return func() (string, error) { return password, nil }
}

func testCanaryUserWithoutHook(
	t *testing.T, s *spaceport.Spaceport, r *Reader, facts Facts, app types.UserPoolClientType,
) {
	r.patience = 200 * time.Millisecond
	_, err := s.Production.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{
		UserPoolId: &s.ProductionPool, LambdaConfig: &types.LambdaConfigType{
			UserMigration: aws.String("arn:aws:lambda:us-east-1:123456789012:function:Spaceport-Migration-trigger"),
		},
	})
	require.NoError(t, err)
	_, err = s.Add(t.Context(), spaceport.User{Name: "Fay", Email: "fay@example.com", Password: password, Projects: 1})
	require.NoError(t, err)
	c, err := r.MigrateCanaryUser(t.Context(), "fay@example.com", app, typed(password))
	require.NoError(t, err)
	var report Report
	report.AddCanaryUser(facts, app, c)
	assert.Equal(t, Failure, levels(report)["canary/ledger record"])
	assert.Empty(t, c.Rows.Value.Tables)
}
