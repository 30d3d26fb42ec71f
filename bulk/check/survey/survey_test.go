package survey

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

const (
	role     = "arn:aws:iam::" + cloud.StagingAccount + ":role/Spaceport-Migration-bulk"
	password = "Secret-Passw0rd!"
)

// operatorsRights are what bulk needs, and nothing else: the survey must find that they are enough.
var (
	inStaging = []string{
		"cognito-idp:DescribeUserPool", "cognito-idp:ListUsers", "cognito-idp:ListUserPoolClients", "cognito-idp:DescribeUserPoolClient",
		"cognito-idp:ListGroups", "dynamodb:DescribeTable", "dynamodb:Query", "dynamodb:Scan",
	}
	inProduction = []string{
		"sts:AssumeRole", "cognito-idp:DescribeUserPool", "cognito-idp:ListUsers", "cognito-idp:ListUserPoolClients",
		"cognito-idp:DescribeUserPoolClient", "cognito-idp:AdminGetUser", "cognito-idp:AdminCreateUser", "cognito-idp:AdminSetUserPassword",
		"cognito-idp:AdminResetUserPassword", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive",
		"dynamodb:DescribeContinuousBackups", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem",
		"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Scan", "lambda:GetPolicy",
	}
)

// policies stands in for lambda:GetPolicy, which the local cloud does not serve.
type policies func(function string) (string, error)

func (p policies) GetPolicy(_ context.Context, in *lambda.GetPolicyInput, _ ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error) {
	text, err := p(*in.FunctionName)
	return &lambda.GetPolicyOutput{Policy: &text}, err
}

// counter counts users.
type counter struct{ users, ends int }

func (c *counter) Begin(int) {}
func (c *counter) Add()      { c.users++ }
func (c *counter) End()      { c.ends++ }

// open opens a survey as an operator with these rights.
func open(t *testing.T, s *spaceport.Spaceport, staging, production []string) *Survey {
	t.Helper()
	s.Cloud.AllowRole(cloud.Role{ARN: role, ExternalID: s.Settings.StagingExternalID, Principals: []string{"bulk"}, Allow: staging})
	cfg := s.Config(s.Cloud.Credentials("bulk", production...))
	chosen := s.Settings
	chosen.StagingRoleARN, chosen.CustomAttributes = role, []string{"custom:plan"}
	y := New(cfg, account.Staging(cfg, chosen, "bulk"), chosen)
	y.lag = 0 // the local cloud has none
	return y
}

func look(t *testing.T, y *Survey) check.Facts {
	t.Helper()
	f, err := y.Look(t.Context(), &counter{})
	require.NoError(t, err)
	return f
}

// levels are the worst of each check.
func levels(r check.Report) map[string]check.Level {
	worst := map[string]check.Level{}
	for _, f := range r.Findings {
		name := string(f.Group) + "/" + f.Check
		if f.Level == check.Failure || worst[name] == "" || worst[name] == check.OK {
			worst[name] = f.Level
		}
	}
	return worst
}

// rowsAndUsers is everything that a survey might have changed.
func rowsAndUsers(t *testing.T, s *spaceport.Spaceport) (state []any) {
	t.Helper()
	for _, end := range []struct {
		tables *dynamodb.Client
		names  []string
		pools  *cognito.Client
		pool   string
	}{
		{s.StagingTables, []string{"Spaceport-Users-staging", "Spaceport-Projects-staging"}, s.Staging, s.StagingPool},
		{s.ProductionTables, []string{"Spaceport-Users-prod", "Spaceport-Projects-prod", "Spaceport-Migration-prod"}, s.Production, s.ProductionPool},
	} {
		for _, name := range end.names {
			out, err := end.tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
			require.NoError(t, err)
			state = append(state, out.Items)
		}
		out, err := end.pools.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: &end.pool})
		require.NoError(t, err)
		state = append(state, out.Users)
	}
	return state
}

func TestLookAsDeployed(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	_, err := s.Add(t.Context(), spaceport.Person{Name: "Ada", Email: "ada@example.com", Password: password, Projects: 3,
		Attributes: map[string]string{"custom:plan": "pro", "custom:internal_note": "n"}})
	require.NoError(t, err)
	_, err = s.Add(t.Context(), spaceport.Person{Name: "Bob", Email: "bob@example.com", Password: password, Unverified: true})
	require.NoError(t, err)
	before := rowsAndUsers(t, s)

	y := open(t, s, inStaging, inProduction)
	y.functions = policies(func(string) (string, error) {
		return `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},"Action":"lambda:InvokeFunction",` +
			`"Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/` + s.ProductionPool + `"}}}]}`, nil
	})
	s.Cloud.ResetRequests()
	users := &counter{}
	f, err := y.Look(t.Context(), users)
	require.NoError(t, err)
	assert.Equal(t, counter{users: 2, ends: 1}, *users)

	r := check.Judge(f)
	assert.Empty(t, r.LeftOut)
	got := levels(r)
	maps.DeleteFunc(got, func(_ string, l check.Level) bool { return l == check.OK })
	assert.Equal(t, map[string]check.Level{
		"staging pool/sign-up":             check.Warning,
		"staging pool/writable attributes": check.Warning,
		"people/eligible":                  check.Warning,
		"people/verified e-mail":           check.Warning,
		"people/dropped attributes":        check.Warning,
		"tables/files":                     check.Warning,
	}, got)
	for _, p := range f.Permissions {
		assert.NoError(t, p.Err, "%s on %s", p.Action, p.On)
	}
	assert.Equal(t, map[string]int{"spaceport-uploads": 3}, f.Tables[1].Sample.Value.Buckets)

	assert.Equal(t, 1, s.Cloud.CountRequests(cloud.Filter{Operation: "AdminGetUser", ErrorCode: "UserNotFoundException"}), "of a user nobody is")
	assert.Equal(t, 1, s.Cloud.CountRequests(cloud.Filter{Operation: "AdminGetUser"}), "it would make everybody an active user, who is billed")
	assert.Zero(t, s.Cloud.CountRequests(cloud.Filter{Operation: "AdminInitiateAuth"}))
	assert.Zero(t, s.Cloud.CountRequests(cloud.Filter{Service: "trigger"}))
	assert.Equal(t, 2, s.Cloud.CountRequests(cloud.Filter{Account: cloud.StagingAccount, Operation: "ListUsers"}), "one page, and one to see whether it may")
	assert.Equal(t, before, rowsAndUsers(t, s), "nothing is written")
}

// TestSpoiled spoils the two accounts in every way that a description can show, at once.
func TestSpoiled(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	ctx := t.Context()
	_, err := s.Production.UpdateUserPool(ctx, &cognito.UpdateUserPoolInput{
		UserPoolId: &s.ProductionPool, MfaConfiguration: types.UserPoolMfaTypeOn,
		LambdaConfig: &types.LambdaConfigType{
			UserMigration: aws.String("arn:aws:lambda:us-east-1:123456789012:function:Spaceport-Migration-trigger"),
			PreSignUp:     aws.String("arn:aws:lambda:us-east-1:123456789012:function:other"),
		},
		AccountRecoverySetting: &types.AccountRecoverySettingType{RecoveryMechanisms: []types.RecoveryOptionType{
			{Name: types.RecoveryOptionNameTypeAdminOnly, Priority: aws.Int32(1)},
		}},
		AdminCreateUserConfig:       &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: false},
		UserAttributeUpdateSettings: &types.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{}},
	})
	require.NoError(t, err)
	_, err = s.Production.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{UserPoolId: &s.ProductionPool, ClientName: aws.String("open")})
	require.NoError(t, err)
	secret, err := s.Staging.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId: &s.StagingPool, ClientName: aws.String("secretive"), GenerateSecret: true,
	})
	require.NoError(t, err)
	_, err = s.Staging.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: &s.StagingPool, GroupName: aws.String("pilots")})
	require.NoError(t, err)
	spoilTables(t, s)

	y := open(t, s, inStaging, inProduction)
	y.settings.StagingClientID = *secret.UserPoolClient.ClientId
	y.settings.CustomAttributes = []string{"custom:internal_note"}
	y.functions = policies(func(string) (string, error) {
		return "", &smithy.GenericAPIError{Code: "ResourceNotFoundException"}
	})
	f := look(t, y)
	got := levels(check.Judge(f))
	for name, want := range map[string]check.Level{
		"production pool/triggers": check.Failure, "production pool/invocation": check.Failure, "production pool/other triggers": check.Warning,
		"production pool/sign-up": check.Warning, "production pool/change of e-mail": check.Warning,
		"production pool/custom attributes": check.Failure, "production pool/recovery": check.Failure,
		"app clients/write lists": check.Failure, "app clients/hidden users": check.Warning,
		"staging pool/trigger's client": check.Failure, "staging pool/second factors": check.Warning, "staging pool/groups": check.Warning,
		"tables/streams": check.Warning, "tables/time to live": check.Warning, "tables/keys": check.Failure,
	} {
		assert.Equal(t, want, got[name], name)
	}
	assert.Equal(t, []string{"pilots"}, f.Groups.Value)
	assert.True(t, f.Ledger.Value.Recovery.Value)
	assert.Equal(t, []check.Key{{Name: "userSub", Type: "S"}, {Name: "projectId", Type: "N"}}, f.Tables[1].To.Value.Keys)
}

func spoilTables(t *testing.T, s *spaceport.Spaceport) {
	t.Helper()
	ctx, users, projects := t.Context(), aws.String("Spaceport-Users-prod"), aws.String("Spaceport-Projects-prod")
	_, err := s.ProductionTables.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: users, StreamSpecification: &dynamotypes.StreamSpecification{
		StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewTypeNewImage,
	}})
	require.NoError(t, err)
	_, err = s.ProductionTables.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: users, TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{
		AttributeName: aws.String("expires"), Enabled: aws.Bool(true),
	}})
	require.NoError(t, err)
	_, err = s.ProductionTables.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{TableName: aws.String("Spaceport-Migration-prod"),
		PointInTimeRecoverySpecification: &dynamotypes.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)}})
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

// TestEveryPermission takes each right away in turn, and expects the survey to name it.
func TestEveryPermission(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	optional := []string{"lambda:GetPolicy", "cognito-idp:ListGroups", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups"}
	for _, end := range []struct {
		name   string
		rights []string
	}{{"staging", inStaging}, {"production", inProduction}} {
		for _, right := range end.rights {
			if right == "sts:AssumeRole" {
				continue
			}
			t.Run(end.name+"/"+right, func(t *testing.T) {
				less := slices.DeleteFunc(slices.Clone(end.rights), func(r string) bool { return r == right })
				staging, production := less, inProduction
				if end.name == "production" {
					staging, production = inStaging, less
				}
				f := look(t, open(t, s, staging, production))
				r := check.Judge(f)
				denied := map[string]bool{}
				for _, p := range f.Permissions {
					if errors.Is(p.Err, check.ErrAccessDenied) {
						denied[p.Account+"/"+p.Action] = true
					} else {
						assert.NoError(t, p.Err, p.Action)
					}
				}
				if slices.Contains(optional, right) {
					assert.Empty(t, denied)
					assert.False(t, r.Failed(), "what is good to have fails nothing")
					return
				}
				assert.Equal(t, map[string]bool{end.name + "/" + right: true}, denied)
				assert.Equal(t, check.Failure, levels(r)["permissions/allowed"])
			})
		}
	}
}

// TestRightsToAttach has a pool without our triggers: what bulk attach needs is tried, and changes nothing.
func TestRightsToAttach(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	ctx := t.Context()
	_, err := s.Production.UpdateUserPool(ctx, &cognito.UpdateUserPoolInput{UserPoolId: &s.ProductionPool, LambdaConfig: &types.LambdaConfigType{}})
	require.NoError(t, err)
	described := func() *cognito.DescribeUserPoolOutput {
		out, err := s.Production.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &s.ProductionPool})
		require.NoError(t, err)
		return out
	}
	before := described()
	rights := []string{"cognito-idp:UpdateUserPoolClient", "cognito-idp:AddCustomAttributes"}
	for i, missing := range append(rights, "") {
		f := look(t, open(t, s, inStaging, append(slices.Clone(inProduction), slices.DeleteFunc(slices.Clone(rights), func(r string) bool { return r == missing })...)))
		got := map[string]error{}
		for _, p := range f.Permissions {
			if p.Purpose == "attach the triggers" {
				got[p.Action] = p.Err
			}
		}
		want := map[string]error{rights[0]: nil, rights[1]: nil, "cognito-idp:UpdateUserPool": check.ErrUntried}
		if missing != "" {
			want[missing] = check.ErrAccessDenied
		}
		assert.Equal(t, want, got, "%d without %s", i, missing)
	}
	assert.Equal(t, before.UserPool, described().UserPool)

	f := check.Pool{Schema: map[string]check.Attribute{"email": {}}}
	assert.ErrorIs(t, end{}.attachTriggers(f)[1].outcome(ctx), check.ErrUntried, "no attribute is there that could be added again")
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	y := open(t, s, inStaging, inProduction)
	y.settings.LedgerTable = "nothing"
	y.settings.Tables = []settings.Table{{Source: "none-staging", Target: "none-prod", OwnerKey: "id"}}
	y.settings.StagingClientID = "noclient"
	y.functions = policies(func(string) (string, error) { return "", errors.New("HTTP 404") })
	f := look(t, y)
	got := levels(check.Judge(f))
	assert.Equal(t, check.Failure, got["tables/ledger"])
	assert.Equal(t, check.Failure, got["tables/keys"])
	assert.Equal(t, check.Failure, got["staging pool/trigger's client"])
	assert.Equal(t, check.Warning, got["permissions/allowed"], "they could not be tried")
	assert.Equal(t, check.Warning, got["production pool/invocation"], "nobody tells, and nobody pretends")
	assert.Contains(t, f.Policies[f.Production.Value.Functions()[0]].Err.Error(), "HTTP 404")

	y = open(t, s, inStaging, inProduction)
	y.production.poolID, y.staging.poolID = "us-east-1_nobody", "us-east-1_nobody"
	f = look(t, y)
	assert.ErrorIs(t, f.Production.Err, check.ErrMissing)
	assert.ErrorIs(t, f.Staging.Err, check.ErrMissing)
	assert.ErrorIs(t, f.ProductionClients.Err, check.ErrMissing)
}

func TestARoleThatCannotBeAssumed(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	y := open(t, s, inStaging, inProduction)
	s.Cloud.AllowRole(cloud.Role{ARN: role, ExternalID: "another", Principals: []string{"bulk"}, Allow: inStaging})
	f := look(t, y)
	assert.ErrorIs(t, f.StagingOperator.Err, check.ErrAccessDenied)
	r := check.Judge(f)
	got := levels(r)
	assert.Equal(t, check.Failure, got["staging pool/role"])
	assert.Equal(t, check.OK, got["production pool/pool"])
	assert.Contains(t, r.LeftOut, "staging pool: groups")
}

func TestNoCredentials(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	y := open(t, s, inStaging, inProduction)
	cfg := s.Config(aws.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"})
	y.production = newEnd("production", cfg, s.ProductionPool)
	_, err := y.Look(t.Context(), &counter{})
	assert.ErrorContains(t, err, "ask AWS who this is")
	assert.Equal(t, "InvalidClientTokenId", code(err))
}

func TestStranger(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	y := open(t, s, inStaging, inProduction)
	client := check.Client{ID: s.ProductionApp, Name: "web", HidesUsers: true}
	before := rowsAndUsers(t, s)
	s.Cloud.ResetRequests()

	var r check.Report
	r.JudgeStranger(y.Stranger(t.Context(), client))
	assert.Equal(t, 3, r.OK, "%v", r.Findings)
	assert.Equal(t, 1, s.Cloud.CountRequests(cloud.Filter{Operation: "InitiateAuth", Caller: "public"}), "unsigned, and once")
	assert.Equal(t, 2, s.Cloud.CountRequests(cloud.Filter{Service: "trigger"}), "the trigger was asked both times")
	assert.Equal(t, before, rowsAndUsers(t, s))

	defer s.Cloud.Inject(cloud.Fault{Kind: cloud.AccessDenied, Operation: "AdminGetUser"})()
	var broken check.Report
	broken.JudgeStranger(y.Stranger(t.Context(), client))
	assert.Equal(t, 2, broken.Failures, "a trigger without access to staging: %v", broken.Findings)
}

func TestNewcomer(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	y := open(t, s, inStaging, inProduction)
	_, err := s.Add(t.Context(), spaceport.Person{Name: "Eve", Email: "Eve@example.com", Password: password, Projects: 230})
	require.NoError(t, err)
	client := check.Client{ID: s.ProductionApp, Name: "web", HidesUsers: true}

	n, err := y.Meet(t.Context(), "Eve@example.com", client)
	require.NoError(t, err)
	require.Empty(t, n.Unfit(time.Time{}))

	wrong, err := y.Welcome(t.Context(), n, "not the password")
	require.NoError(t, err)
	var r check.Report
	r.JudgeNewcomer(wrong, time.Time{})
	assert.Equal(t, 1, r.Failures)

	came, err := y.Welcome(t.Context(), n, password)
	require.NoError(t, err)
	r = check.Report{}
	r.JudgeNewcomer(came, time.Time{})
	assert.Equal(t, check.Report{Findings: r.Findings, OK: 5}, r, "%v", r.Findings)
	assert.Equal(t, check.Moved{Table: "Spaceport-Projects-prod", Staging: 230, Found: 230}, came.Rows[1])

	again, err := y.Meet(t.Context(), "Eve@example.com", client)
	require.NoError(t, err)
	assert.Equal(t, "they came over before", again.Unfit(time.Time{}))
}

func TestNewcomerWhoseHookIsDetached(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	y := open(t, s, inStaging, inProduction)
	y.patience = 200 * time.Millisecond
	_, err := s.Production.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{
		UserPoolId: &s.ProductionPool, LambdaConfig: &types.LambdaConfigType{
			UserMigration: aws.String("arn:aws:lambda:us-east-1:123456789012:function:Spaceport-Migration-trigger"),
		},
	})
	require.NoError(t, err)
	_, err = s.Add(t.Context(), spaceport.Person{Name: "Eve", Email: "eve@example.com", Password: password, Projects: 1})
	require.NoError(t, err)
	n, err := y.Meet(t.Context(), "eve@example.com", check.Client{ID: s.ProductionApp})
	require.NoError(t, err)
	n, err = y.Welcome(t.Context(), n, password)
	require.NoError(t, err)
	var r check.Report
	r.JudgeNewcomer(n, time.Time{})
	assert.Equal(t, check.Failure, levels(r)["canary/ledger line"])
	assert.Empty(t, n.Rows)
}
