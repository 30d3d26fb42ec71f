package stacks

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
)

const (
	stagingStack    = "spaceport-migration-staging"
	productionStack = "spaceport-migration"
	password        = "Secret-Passw0rd!"
)

// TestFromNothingToLiveAndBack is the README's way: both stacks by the script behind make, the deployed functions invoked with
// recorded events, under the roles that were deployed, and all of it taken down again.
func TestFromNothingToLiveAndBack(t *testing.T) {
	t.Parallel()
	p := start(t).person(t, "100000000001", "100000000002")
	pool := p.stagingWorld(t)

	said, err := p.deploy("production", "CONFIRM=yes")
	require.Error(t, err)
	for _, name := range []string{"StagingUserPoolId=", "StagingClientId=", "StagingTriggerRoleArn=", "STAGING_PROFILE"} {
		assert.Contains(t, said, name, "what is missing is named")
	}
	said, err = p.deploy("staging", "CONFIRM=yes", "ProductionAccountId="+p.productionAccount)
	require.Error(t, err)
	assert.Contains(t, said, "StagingUserPoolId=…  User pool that people come from.")

	given := []string{"StagingUserPoolId=" + pool, "ProductionAccountId=" + p.productionAccount}
	said, err = p.deploy("staging", given...)
	require.Error(t, err, "nobody said yes")
	assert.Contains(t, said, "TriggerRole", "the change set is shown")
	assert.Contains(t, said, "nothing was changed")
	_, err = p.tryAWS("staging", "cloudformation", "describe-stacks", "--stack-name", stagingStack)
	require.Error(t, err, "no empty stack is left")

	p.must(t, "staging", given...)
	assert.Contains(t, p.must(t, "staging"), "up to date", "what was given before is kept")
	said = p.must(t, "production", "CreateTables=yes", "HookBudget=0s", "CustomAttribute1=plan", "ResetEmailSubject=Welcome, over there")
	assert.Contains(t, said, "AWS::Lambda::Function", "the change set is shown")
	told := p.outputs(t, "production", productionStack)
	assert.Equal(t, pool, told["StagingUserPoolId"], "taken over from staging's stack")

	t.Run("functions", func(t *testing.T) { p.functions(t, told) })
	t.Run("operator", func(t *testing.T) { p.operator(t, told) })
	t.Run("trust", func(t *testing.T) { p.trust(t, told) })
	t.Run("a permission less", func(t *testing.T) { p.permissionLess(t) })
	t.Run("back", func(t *testing.T) { p.back(t, told) })
}

// stagingWorld makes what staging has: a pool with people, and their rows.
func (p person) stagingWorld(t *testing.T) (pool string) {
	t.Helper()
	ctx, cfg := t.Context(), p.config(p.stagingAccount)
	pools, tables := cognito.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	made, err := pools.CreateUserPool(ctx, &cognito.CreateUserPoolInput{
		PoolName: aws.String("Spaceport-Users-staging"), UsernameAttributes: []types.UsernameAttributeType{"email"},
		UsernameConfiguration: &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		Schema:                []types.SchemaAttributeType{{Name: aws.String("plan"), AttributeDataType: "String", Mutable: aws.Bool(true)}},
	})
	require.NoError(t, err)
	pool = *made.UserPool.Id
	for name, keys := range map[string][]string{"Spaceport-Users-staging": {"id"}, "Spaceport-Projects-staging": {"userSub", "projectId"}} {
		in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: "PAY_PER_REQUEST"}
		for i, key := range keys {
			in.AttributeDefinitions = append(in.AttributeDefinitions, dynamotypes.AttributeDefinition{AttributeName: &key, AttributeType: "S"})
			in.KeySchema = append(in.KeySchema, dynamotypes.KeySchemaElement{AttributeName: &key, KeyType: []dynamotypes.KeyType{"HASH", "RANGE"}[i]})
		}
		_, err := tables.CreateTable(ctx, in)
		require.NoError(t, err)
	}
	for _, email := range []string{"ada@example.com", "bob@example.com"} {
		user, err := pools.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
			UserPoolId: &pool, Username: &email, MessageAction: "SUPPRESS", UserAttributes: []types.AttributeType{
				{Name: aws.String("email"), Value: &email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
				{Name: aws.String("custom:plan"), Value: aws.String("pro")},
			},
		})
		require.NoError(t, err)
		_, err = pools.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
			UserPoolId: &pool, Username: &email, Password: aws.String(password), Permanent: true,
		})
		require.NoError(t, err)
		sub := attribute(user.User.Attributes, "sub")
		put(t, tables, "Spaceport-Users-staging", map[string]string{"id": sub, "email": email})
		for _, project := range []string{"a", "b", "c"} {
			put(t, tables, "Spaceport-Projects-staging", map[string]string{"userSub": sub, "projectId": project})
		}
	}
	return pool
}

func attribute(all []types.AttributeType, name string) string {
	for _, a := range all {
		if *a.Name == name {
			return aws.ToString(a.Value)
		}
	}
	return ""
}

func put(t *testing.T, tables *dynamodb.Client, table string, row map[string]string) {
	t.Helper()
	item := map[string]dynamotypes.AttributeValue{}
	for name, value := range row {
		item[name] = &dynamotypes.AttributeValueMemberS{Value: value}
	}
	_, err := tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item})
	require.NoError(t, err)
}

// recorded is an event as Cognito sends it, for somebody else.
func recorded(t *testing.T, path string, change func(event map[string]any)) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../..", path))
	require.NoError(t, err)
	var event map[string]any
	require.NoError(t, json.Unmarshal(raw, &event))
	if change != nil {
		change(event)
	}
	raw, err = json.Marshal(event)
	require.NoError(t, err)
	return raw
}

// invoke runs a deployed function, under its own role.
func (p person) invoke(ctx context.Context, function string, event []byte) (answer []byte, functionError string, err error) {
	out, err := lambda.NewFromConfig(p.config(p.productionAccount)).Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: event})
	if err != nil {
		return nil, "", err
	}
	if out.FunctionError != nil {
		var failed struct{ ErrorType string }
		_ = json.Unmarshal(out.Payload, &failed)
		return out.Payload, failed.ErrorType, nil
	}
	return out.Payload, "", nil
}

type migration struct {
	Response struct {
		UserAttributes  map[string]string
		FinalUserStatus *string
		MessageAction   *string
	}
}

// comesIn is somebody whom the deployed trigger imports: their sub in staging.
func (p person) comesIn(t *testing.T, event []byte) (m migration) {
	t.Helper()
	answer, failed, err := p.invoke(t.Context(), "Spaceport-Migration-trigger", event)
	require.NoError(t, err)
	require.Empty(t, failed, "%s", answer)
	require.NoError(t, json.Unmarshal(answer, &m))
	return m
}

func (p person) functions(t *testing.T, told map[string]string) {
	ctx := t.Context()
	lines := ledger.New(dynamodb.NewFromConfig(p.config(p.productionAccount)), told["LedgerTable"])

	ada := p.comesIn(t, recorded(t, "trigger/testdata/authentication.json", nil))
	sub := ada.Response.UserAttributes["custom:staging_sub"]
	require.NotEmpty(t, sub)
	assert.Equal(t, "CONFIRMED", aws.ToString(ada.Response.FinalUserStatus))
	assert.Equal(t, "pro", ada.Response.UserAttributes["custom:plan"], "CustomAttribute1")
	line, err := lines.Get(ctx, sub)
	require.NoError(t, err)
	assert.Equal(t, ledger.Imported, line.State)

	wrong := recorded(t, "trigger/testdata/authentication.json", func(event map[string]any) {
		event["request"].(map[string]any)["password"] = "not-hers"
	})
	answer, failed, err := p.invoke(ctx, "Spaceport-Migration-trigger", wrong)
	require.NoError(t, err)
	assert.Empty(t, failed)
	assert.JSONEq(t, string(wrong), string(answer), "unchanged")

	bob := p.comesIn(t, recorded(t, "trigger/testdata/forgot_password.json", func(event map[string]any) { event["userName"] = "bob@example.com" }))
	assert.Nil(t, bob.Response.FinalUserStatus, "for reset")
	assert.NotEmpty(t, bob.Response.UserAttributes["custom:staging_sub"])

	letter, failed, err := p.invoke(ctx, "Spaceport-Migration-trigger", recorded(t, "trigger/testdata/reset_by_sweep.json", nil))
	require.NoError(t, err)
	assert.Empty(t, failed)
	assert.Contains(t, string(letter), "Welcome, over there", "ResetEmailSubject")

	// HookBudget is 0s here: the hook binds, hands over to itself, and the hand-over moves.
	arrived := func(email, stagingSub, productionSub string) []byte {
		return recorded(t, "datamover/testdata/post_authentication.json", func(event map[string]any) {
			event["userName"] = productionSub
			event["request"].(map[string]any)["userAttributes"] = map[string]string{
				"sub": productionSub, "email": email, "email_verified": "true", "custom:staging_sub": stagingSub,
			}
		})
	}
	event := arrived("ada@example.com", sub, "ada-in-production")
	answer, failed, err = p.invoke(ctx, "Spaceport-Migration-datamover", event)
	require.NoError(t, err)
	assert.Empty(t, failed)
	assert.JSONEq(t, string(event), string(answer))
	require.Eventually(t, func() bool {
		line, err := lines.Get(ctx, sub)
		return err == nil && line.State == ledger.Moved
	}, 30*time.Second, 100*time.Millisecond, "log: %s", p.log("Spaceport-Migration-datamover"))
	line, err = lines.Get(ctx, sub)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"Spaceport-Users-prod": 1, "Spaceport-Projects-prod": 3}, line.Copied)

	_, failed, err = p.invoke(ctx, "Spaceport-Migration-datamover", arrived("mallory@example.com", sub, "mallory"))
	require.NoError(t, err)
	assert.Empty(t, failed, "the sign-in passes")
	assert.Contains(t, p.log("Spaceport-Migration-datamover"), "RejectedClaims", "and is seen")

	_, failed, err = p.invoke(ctx, "Spaceport-Migration-datamover", []byte(`{"stagingSub":"nobody","productionSub":"x"}`))
	require.NoError(t, err)
	assert.Equal(t, "ContinuationRejected", failed, "which Lambda tries again, and then keeps as a dead letter")
}

// log is what a function wrote, for a test that failed.
func (p person) log(function string) string {
	out, _ := p.tryAWS("production", "logs", "filter-log-events", "--log-group-name", "/aws/lambda/"+function, "--query", "events[].message")
	return string(out)
}

// operator runs bulk check --stack under the role that was deployed for it: it tries every call that bulk makes.
func (p person) operator(t *testing.T, told map[string]string) {
	said, progress, _ := p.bulk(t, told, "check", "--json", "--stack", productionStack) // it may find that something is missing here; what counts is that it may look
	var report struct {
		Findings []struct{ Group, Check, Level, Detail string }
	}
	require.NoError(t, json.Unmarshal([]byte(said), &report), "%s%s", said, progress)
	require.NotEmpty(t, report.Findings)
	tried := 0
	for _, f := range report.Findings {
		assert.NotContains(t, f.Detail, "AccessDenied", f.Check)
		if f.Group == "permissions" {
			tried++
			assert.Equal(t, "ok", f.Level, f.Detail)
		}
	}
	assert.Positive(t, tried, said)
}

// bulk runs the operator's command under the role that was deployed for it.
func (p person) bulk(t *testing.T, told map[string]string, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	who, err := p.assume(t, p.config(p.productionAccount), told["OperatorRoleArn"], "")
	require.NoError(t, err)
	cmd := exec.Command("../../.build/bulk", arguments...)
	cmd.Env = append(p.environment, "AWS_REGION="+region,
		"AWS_ACCESS_KEY_ID="+who.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+who.SecretAccessKey, "AWS_SESSION_TOKEN="+who.SessionToken)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func (p person) assume(t *testing.T, as aws.Config, role, externalID string) (aws.Credentials, error) {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test")}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	out, err := sts.NewFromConfig(as).AssumeRole(t.Context(), in)
	if err != nil {
		return aws.Credentials{}, err
	}
	c := out.Credentials
	return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken}, nil
}

// trust: nobody but the one role of production, and only with the external id.
func (p person) trust(t *testing.T, told map[string]string) {
	owner := p.config(p.productionAccount)
	who, err := p.assume(t, owner, told["OperatorRoleArn"], "")
	require.NoError(t, err)
	operator := owner.Copy()
	operator.Credentials = credentials.StaticCredentialsProvider{Value: who}
	for _, tt := range []struct {
		what             string
		who              aws.Config
		role, externalID string
		may              bool
	}{
		{"the operator", operator, "operator", told["StagingExternalId"], true},
		{"without the external id", operator, "operator", "", false},
		{"with another external id", operator, "operator", "other-word", false},
		{"the account's owner is not that role", owner, "operator", told["StagingExternalId"], false},
		{"the operator is not the trigger", operator, "trigger", told["StagingExternalId"], false},
		{"the operator is not the datamover", operator, "datamover", told["StagingExternalId"], false},
	} {
		_, err := p.assume(t, tt.who, "arn:aws:iam::"+p.stagingAccount+":role/Spaceport-Migration-staging-"+tt.role, tt.externalID)
		assert.Equal(t, tt.may, err == nil, "%s: %v", tt.what, err)
	}
}

// permissionLess takes one permission away at a time: the test would see a call that is not allowed.
func (p person) permissionLess(t *testing.T) {
	for _, tt := range []struct{ profile, role, policy, action, want string }{
		{"production", "Spaceport-Migration-trigger", "import", "dynamodb:PutItem", "LedgerUnavailable"},
		{"production", "Spaceport-Migration-trigger", "import", "sts:AssumeRole", "StagingAccessDenied"},
		{"staging", "Spaceport-Migration-staging-trigger", "check-passwords", "cognito-idp:AdminGetUser", "StagingAccessDenied"},
	} {
		var was struct{ PolicyDocument map[string]any }
		p.aws(t, tt.profile, &was, "iam", "get-role-policy", "--role-name", tt.role, "--policy-name", tt.policy)
		whole, err := json.Marshal(was.PolicyDocument)
		require.NoError(t, err)
		require.Contains(t, string(whole), tt.action)
		set := func(document string) {
			p.aws(t, tt.profile, nil, "iam", "put-role-policy", "--role-name", tt.role, "--policy-name", tt.policy, "--policy-document", document)
		}
		set(strings.ReplaceAll(string(whole), tt.action, tt.action+"Not"))
		p.freshProcess(t, "Spaceport-Migration-trigger")
		event := recorded(t, "trigger/testdata/forgot_password.json", func(event map[string]any) { event["userName"] = "bob@example.com" })
		answer, failed, err := p.invoke(t.Context(), "Spaceport-Migration-trigger", event)
		require.NoError(t, err)
		assert.Equal(t, tt.want, failed, "without %s: %s", tt.action, answer)
		set(string(whole))
	}
	p.freshProcess(t, "Spaceport-Migration-trigger")
}

// freshProcess makes Lambda start the function anew, with no credentials kept from before.
func (p person) freshProcess(t *testing.T, function string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.home, "dist", "trigger.zip"))
	require.NoError(t, err)
	_, err = lambda.NewFromConfig(p.config(p.productionAccount)).UpdateFunctionCode(t.Context(),
		&lambda.UpdateFunctionCodeInput{FunctionName: &function, ZipFile: append(raw, byte(time.Now().Nanosecond()))})
	require.NoError(t, err)
}

// back takes production's stack down: pool and ledger stay, nothing is called that is gone, and it can be deployed again.
func (p person) back(t *testing.T, told map[string]string) {
	pools := cognito.NewFromConfig(p.config(p.productionAccount))
	pool := told["ProductionUserPoolId"]
	said, err := p.deploy("undeploy")
	require.Error(t, err, "nobody said yes")
	assert.Contains(t, said, "nothing was changed")

	said = p.must(t, "undeploy")
	assert.Contains(t, said, "ExistingUserPoolId="+pool)
	assert.Contains(t, said, ` CustomAttribute1=plan`, "what was not the default is told")
	assert.Contains(t, said, ` ResetEmailSubject=Welcome\,\ over\ there`)
	assert.NotContains(t, said, "ClientReadAttributes=")
	assert.Contains(t, said, "account "+p.productionAccount+", "+region)
	described, err := pools.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool})
	require.NoError(t, err, "the pool is kept")
	assert.Empty(t, aws.ToString(described.UserPool.LambdaConfig.UserMigration), "and calls nothing that is gone")
	assert.Empty(t, aws.ToString(described.UserPool.LambdaConfig.PostAuthentication))
	for _, table := range []string{told["LedgerTable"], "Spaceport-Users-prod", "Spaceport-Projects-prod"} {
		_, err := dynamodb.NewFromConfig(p.config(p.productionAccount)).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		assert.NoError(t, err, table)
	}
	_, err = p.tryAWS("production", "lambda", "get-function", "--function-name", "Spaceport-Migration-trigger")
	assert.Error(t, err, "the functions are gone")

	said = p.must(t, "production", "ExistingUserPoolId="+pool)
	assert.Contains(t, said, "is used again")
	assert.NotContains(t, p.resources(t, "production", productionStack), "Ledger")

	again := p.outputs(t, "production", productionStack)
	triggers := func() types.LambdaConfigType {
		described, err := pools.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool})
		require.NoError(t, err)
		return *described.UserPool.LambdaConfig
	}
	_, errs, err := p.bulk(t, again, "attach", "--stack", productionStack, "--live", "--yes")
	require.NoError(t, err, errs)
	assert.Equal(t, again["TriggerArn"], aws.ToString(triggers().UserMigration))
	assert.Equal(t, again["DatamoverArn"], aws.ToString(triggers().PostConfirmation))
	assert.Equal(t, again["DatamoverArn"], aws.ToString(triggers().PostAuthentication))
	said, err = p.deploy("undeploy", "CONFIRM=yes")
	require.Error(t, err, "the pool still calls the trigger")
	assert.Contains(t, said, "bulk detach")
	_, err = p.tryAWS("production", "lambda", "get-function", "--function-name", "Spaceport-Migration-trigger")
	assert.NoError(t, err, "so the functions stay")

	_, errs, err = p.bulk(t, again, "detach", "--stack", productionStack, "--live", "--yes")
	require.NoError(t, err, errs)
	assert.Equal(t, types.LambdaConfigType{}, triggers())
	p.must(t, "undeploy")
}

func TestAMisspeltParameterIsTold(t *testing.T) {
	needs(t, "bash", "awk", "fold")
	script := exec.Command("../deploy.sh", "production")
	script.Env = append(os.Environ(), "GIVEN=CreateTables CONFIRM AlarmEmial", "AWS=false")
	out, err := script.CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, 2, script.ProcessState.ExitCode())
	assert.Contains(t, string(out), "infra/production.yaml has no parameter of the name AlarmEmial. It has:")
	assert.Contains(t, string(out), " AlarmEmail ")
}

// TestEveryShape deploys both templates with each parameter that changes their shape set both ways, and finds the resources
// that the template, read here, says there are.
func TestEveryShape(t *testing.T) {
	t.Parallel()
	p := start(t).person(t, "200000000001", "200000000002")
	pool := p.stagingWorld(t)
	p.aws(t, "production", nil, "s3api", "create-bucket", "--bucket", "artifacts")
	packaged := filepath.Join(t.TempDir(), "production.yaml")
	out, err := p.tryAWS("production", "cloudformation", "package", "--template-file", filepath.Join(p.home, "infra", "production.yaml"),
		"--s3-bucket", "artifacts", "--output-template-file", packaged)
	require.NoError(t, err, "%s", out)

	for name, tt := range map[string]struct{ staging, production map[string]string }{
		"Defaults":     {nil, nil},
		"Everything":   {stagingEverything, productionEverything},
		"ExistingPool": {nil, existingPool},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			staging := map[string]string{"StagingUserPoolId": pool, "ProductionAccountId": p.productionAccount, "NamePrefix": name}
			p.deployTemplate(t, "staging", name, filepath.Join(p.home, "infra", "staging.yaml"), staging, tt.staging)
			assert.Equal(t, made(t, "staging.yaml", staging, tt.staging), p.resources(t, "staging", name))

			production := map[string]string{"NamePrefix": name, "LedgerTable": name}
			if tt.production["ExistingUserPoolId"] != "" {
				out, err := cognito.NewFromConfig(p.config(p.productionAccount)).CreateUserPool(t.Context(),
					&cognito.CreateUserPoolInput{PoolName: aws.String("there")})
				require.NoError(t, err)
				production["ExistingUserPoolId"] = *out.UserPool.Id
			}
			p.deployTemplate(t, "production", name, packaged, productionRequired, tt.production, production)
			assert.Equal(t, made(t, "production.yaml", productionRequired, tt.production, production), p.resources(t, "production", name))
			p.poolIs(t, name, tt.production)
		})
	}
}

func (p person) deployTemplate(t *testing.T, profile, stack, path string, parameters ...map[string]string) {
	t.Helper()
	arguments := []string{"cloudformation", "deploy", "--stack-name", stack, "--template-file", path, "--capabilities", "CAPABILITY_NAMED_IAM",
		"--parameter-overrides"}
	all := map[string]string{}
	for _, some := range parameters {
		maps.Copy(all, some)
	}
	for name, value := range all {
		arguments = append(arguments, name+"="+value)
	}
	if profile == "production" {
		arguments = append(arguments, "--s3-bucket", "artifacts")
	}
	out, err := p.tryAWS(profile, arguments...)
	require.NoError(t, err, "%s", out)
}

func made(t *testing.T, file string, parameters ...map[string]string) map[string]string {
	t.Helper()
	resources, err := stack(t, file, nil, parameters...).Resources()
	require.NoError(t, err)
	return resources
}

// poolIs compares the deployed pool and client with the template.
func (p person) poolIs(t *testing.T, name string, parameters map[string]string) {
	t.Helper()
	if parameters["ExistingUserPoolId"] != "" {
		return
	}
	told := p.outputs(t, "production", name)
	pools := cognito.NewFromConfig(p.config(p.productionAccount))
	pool, client := told["ProductionUserPoolId"], told["WebClientId"]
	deployed, err := pools.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool})
	require.NoError(t, err)
	want := properties[cognito.CreateUserPoolInput](t, stack(t, "production.yaml",
		map[string]string{"Trigger.Arn": told["TriggerArn"], "Datamover.Arn": told["DatamoverArn"]}, productionRequired, parameters), "UserPool")
	got := deployed.UserPool
	assert.Equal(t, want.DeletionProtection, got.DeletionProtection)
	assert.Equal(t, want.UserPoolTier, got.UserPoolTier)
	assert.Equal(t, want.MfaConfiguration, got.MfaConfiguration)
	assert.Equal(t, want.UsernameAttributes, got.UsernameAttributes)
	assert.Equal(t, want.UsernameConfiguration, got.UsernameConfiguration)
	assert.Equal(t, want.AdminCreateUserConfig.AllowAdminCreateUserOnly, got.AdminCreateUserConfig.AllowAdminCreateUserOnly)
	assert.Equal(t, want.UserAttributeUpdateSettings, got.UserAttributeUpdateSettings)
	assert.Equal(t, want.AccountRecoverySetting, got.AccountRecoverySetting)
	assert.Equal(t, want.EmailConfiguration, got.EmailConfiguration)
	assert.Equal(t, aws.ToString(want.LambdaConfig.UserMigration), aws.ToString(got.LambdaConfig.UserMigration))
	assert.Equal(t, aws.ToString(want.LambdaConfig.PostAuthentication), aws.ToString(got.LambdaConfig.PostAuthentication))
	assert.Equal(t, aws.ToString(want.LambdaConfig.CustomMessage), aws.ToString(got.LambdaConfig.CustomMessage))
	var custom int
	for _, a := range got.SchemaAttributes {
		if strings.HasPrefix(*a.Name, "custom:") {
			custom++
			assert.Equal(t, *a.Name != "custom:staging_sub", *a.Mutable, *a.Name)
		}
	}
	assert.Equal(t, len(want.Schema)-2, custom, "all but the two standard ones")

	wantClient := properties[cognito.CreateUserPoolClientInput](t, stack(t, "production.yaml", nil, productionRequired, parameters), "WebClient")
	gotClient, err := pools.DescribeUserPoolClient(t.Context(), &cognito.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &client})
	require.NoError(t, err)
	assert.ElementsMatch(t, wantClient.ExplicitAuthFlows, gotClient.UserPoolClient.ExplicitAuthFlows)
	assert.ElementsMatch(t, wantClient.WriteAttributes, gotClient.UserPoolClient.WriteAttributes)
	assert.ElementsMatch(t, wantClient.ReadAttributes, gotClient.UserPoolClient.ReadAttributes)
	assert.Nil(t, gotClient.UserPoolClient.ClientSecret)
}
