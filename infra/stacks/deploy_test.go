package stacks

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// TestDeployAndUndeploy follows the README: it deploys both stacks with the script of the make targets, invokes the
// deployed functions with recorded events under the deployed roles, and deletes everything again.
func TestDeployAndUndeploy(t *testing.T) {
	t.Parallel()
	d := start(t).deployer(t, "100000000001", "100000000002")
	pool := d.stagingResources(t)

	output, err := d.deploy("production", "CONFIRM=yes")
	require.Error(t, err)
	for _, name := range []string{"StagingUserPoolId=", "StagingClientId=", "StagingTriggerRoleArn=", "STAGING_PROFILE"} {
		assert.Contains(t, output, name, "every missing parameter is named")
	}
	output, err = d.deploy("staging", "CONFIRM=yes", "ProductionAccountId="+d.productionAccount)
	require.Error(t, err)
	assert.Contains(t, output, "StagingUserPoolId=…  Staging user pool. Deploy the stack in its Region.")

	parameters := []string{"StagingUserPoolId=" + pool, "ProductionAccountId=" + d.productionAccount}
	output, err = d.deploy("staging", parameters...)
	require.Error(t, err, "not confirmed")
	assert.Contains(t, output, "TriggerRole", "the change set is shown")
	assert.Contains(t, output, "nothing was changed")
	_, err = d.tryAWS("staging", "cloudformation", "describe-stacks", "--stack-name", stagingStack)
	require.Error(t, err, "no empty stack remains")

	d.mustDeploy(t, "staging", parameters...)
	assert.Contains(t, d.mustDeploy(t, "staging"), "up to date", "earlier parameters are kept")
	output = d.mustDeploy(t, "production", "CreateTables=yes", "HookBudget=0s", "CustomAttribute1=plan",
		"ResetEmailSubject=Welcome, new user")
	assert.Contains(t, output, "AWS::Lambda::Function", "the change set is shown")
	var uploaded struct{ Contents []any }
	d.aws(t, "production", &uploaded, "s3api", "list-objects-v2",
		"--bucket", "spaceport-migration-"+d.productionAccount+"-"+region)
	assert.Len(t, uploaded.Contents, 3, "the AWS CLI uploads nothing by itself")
	outputs := d.outputs(t, "production", productionStack)
	assert.Equal(t, pool, outputs["StagingUserPoolId"], "an output of the staging stack")

	t.Run("functions", func(t *testing.T) { d.functions(t, outputs) })
	t.Run("operator", func(t *testing.T) { d.operator(t, outputs) })
	t.Run("missing permissions", func(t *testing.T) { d.missingPermissions(t) })
	t.Run("undeploy", func(t *testing.T) { d.undeploy(t, outputs) })
}

// stagingResources creates a staging pool with users, and tables with their rows.
func (d deployer) stagingResources(t *testing.T) (pool string) {
	t.Helper()
	ctx, cfg := t.Context(), d.config(d.stagingAccount)
	pools, tables := cognito.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	created, err := pools.CreateUserPool(ctx, &cognito.CreateUserPoolInput{
		PoolName: aws.String("Spaceport-Users-staging"), UsernameAttributes: []types.UsernameAttributeType{"email"},
		UsernameConfiguration: &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("plan"), AttributeDataType: "String", Mutable: aws.Bool(true)},
		},
	})
	require.NoError(t, err)
	pool = *created.UserPool.Id
	for name, keys := range map[string][]string{
		"Spaceport-Users-staging": {"id"}, "Spaceport-Projects-staging": {"userSub", "projectId"},
	} {
		in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: "PAY_PER_REQUEST"}
		for i, key := range keys {
			kind := []dynamotypes.KeyType{"HASH", "RANGE"}[i]
			in.KeySchema = append(in.KeySchema, dynamotypes.KeySchemaElement{AttributeName: &key, KeyType: kind})
			in.AttributeDefinitions = append(in.AttributeDefinitions,
				dynamotypes.AttributeDefinition{AttributeName: &key, AttributeType: "S"})
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

// recorded reads an event from testdata and changes it.
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

func forgotPassword(t *testing.T, email string) []byte {
	t.Helper()
	return recorded(t, "trigger/testdata/forgot_password.json", func(event map[string]any) { event["userName"] = email })
}

// invoke invokes a deployed function, which runs under its own role.
func (d deployer) invoke(t *testing.T, function string, event []byte) (response []byte, errorType string) {
	t.Helper()
	out, err := lambda.NewFromConfig(d.config(d.productionAccount)).Invoke(t.Context(),
		&lambda.InvokeInput{FunctionName: &function, Payload: event})
	require.NoError(t, err)
	if out.FunctionError == nil {
		return out.Payload, ""
	}
	var failed struct{ ErrorType string }
	require.NoError(t, json.Unmarshal(out.Payload, &failed))
	return out.Payload, failed.ErrorType
}

type migration struct {
	Response struct {
		UserAttributes  map[string]string
		FinalUserStatus *string
	}
}

// migrate invokes the deployed trigger for a user that it imports.
func (d deployer) migrate(t *testing.T, event []byte) (m migration) {
	t.Helper()
	response, failed := d.invoke(t, "Spaceport-Migration-trigger", event)
	require.Empty(t, failed, "%s", response)
	require.NoError(t, json.Unmarshal(response, &m))
	return m
}

func (d deployer) functions(t *testing.T, outputs map[string]string) {
	ctx := t.Context()
	records := ledger.New(dynamodb.NewFromConfig(d.config(d.productionAccount)), outputs["LedgerTable"])

	ada := d.migrate(t, recorded(t, "trigger/testdata/authentication.json", nil))
	sub := ada.Response.UserAttributes["custom:staging_sub"]
	require.NotEmpty(t, sub)
	assert.Equal(t, "CONFIRMED", aws.ToString(ada.Response.FinalUserStatus))
	assert.Equal(t, "pro", ada.Response.UserAttributes["custom:plan"], "CustomAttribute1")
	record, err := records.Get(ctx, sub)
	require.NoError(t, err)
	assert.Equal(t, ledger.Imported, record.State)

	bob := d.migrate(t, forgotPassword(t, "bob@example.com"))
	assert.Nil(t, bob.Response.FinalUserStatus, "for reset")
	assert.NotEmpty(t, bob.Response.UserAttributes["custom:staging_sub"])

	email, _ := d.invoke(t, "Spaceport-Migration-trigger", recorded(t, "trigger/testdata/reset_by_sweep.json", nil))
	assert.Contains(t, string(email), "Welcome, new user", "ResetEmailSubject")

	// HookBudget is 0s here: the hook binds and invokes the background move.
	event := recorded(t, "datamover/testdata/post_authentication.json", func(event map[string]any) {
		event["userName"] = "ada-in-production"
		event["request"].(map[string]any)["userAttributes"] = map[string]string{
			"sub": "ada-in-production", "email": "ada@example.com", "email_verified": "true", "custom:staging_sub": sub,
		}
	})
	response, failed := d.invoke(t, "Spaceport-Migration-datamover", event)
	assert.Empty(t, failed)
	assert.JSONEq(t, string(event), string(response))
	require.Eventually(t, func() bool {
		record, err := records.Get(ctx, sub)
		return err == nil && record.State == ledger.Moved
	}, 30*time.Second, 100*time.Millisecond)
	assert.Contains(t, d.log("Spaceport-Migration-datamover-background"), `\"decision\":\"moved\"`,
		"by the other function")
	record, err = records.Get(ctx, sub)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"Spaceport-Users-prod": 1, "Spaceport-Projects-prod": 3}, record.Copied)

	d.bindInBackground(t, outputs, bob.Response.UserAttributes)
}

// bindInBackground: where the hook could not bind, the background function does, which reads the production user.
func (d deployer) bindInBackground(t *testing.T, outputs, attributes map[string]string) {
	cfg := d.config(d.productionAccount)
	in := &cognito.AdminCreateUserInput{
		UserPoolId: aws.String(outputs["ProductionUserPoolId"]), Username: aws.String(attributes["email"]),
		MessageAction: "SUPPRESS",
	}
	for name, value := range attributes {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &name, Value: &value})
	}
	created, err := cognito.NewFromConfig(cfg).AdminCreateUser(t.Context(), in)
	require.NoError(t, err)
	event, err := json.Marshal(map[string]string{
		"stagingSub": attributes["custom:staging_sub"], "productionSub": attribute(created.User.Attributes, "sub"),
	})
	require.NoError(t, err)
	response, failed := d.invoke(t, "Spaceport-Migration-datamover-background", event)
	require.Empty(t, failed, "%s %s", response, d.log("Spaceport-Migration-datamover-background"))
	record, err := ledger.New(dynamodb.NewFromConfig(cfg), outputs["LedgerTable"]).
		Get(t.Context(), attributes["custom:staging_sub"])
	require.NoError(t, err)
	assert.Equal(t, ledger.Moved, record.State)
}

// log returns the log of a function.
func (d deployer) log(function string) string {
	out, _ := d.tryAWS("production", "logs", "filter-log-events", "--log-group-name", "/aws/lambda/"+function,
		"--query", "events[].message")
	return string(out)
}

// operator runs bulk check --stack under the operator role. Other findings may fail here; the permissions must not.
func (d deployer) operator(t *testing.T, outputs map[string]string) {
	stdout, stderr, _ := d.bulk(t, outputs, "check", "--json", "--stack", productionStack)
	var report struct {
		Findings []struct{ Group, Check, Level, Found string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), "%s%s", stdout, stderr)
	require.NotEmpty(t, report.Findings)
	permissions := 0
	for _, f := range report.Findings {
		assert.NotContains(t, f.Found, "AccessDenied", f.Check)
		if f.Group == "permissions" {
			permissions++
			assert.Equal(t, "ok", f.Level, f.Found)
		}
	}
	assert.Positive(t, permissions, stdout)
}

// bulk runs bulk under the operator role.
func (d deployer) bulk(
	t *testing.T, outputs map[string]string, arguments ...string,
) (stdout, stderr string, err error) {
	t.Helper()
	assumed, err := sts.NewFromConfig(d.config(d.productionAccount)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(outputs["OperatorRoleArn"]), RoleSessionName: aws.String("test"),
	})
	require.NoError(t, err)
	cmd := exec.Command("../../.build/bulk", arguments...)
	operator := assumed.Credentials
	cmd.Env = append(d.environment, "AWS_REGION="+region, "AWS_ACCESS_KEY_ID="+*operator.AccessKeyId,
		"AWS_SECRET_ACCESS_KEY="+*operator.SecretAccessKey, "AWS_SESSION_TOKEN="+*operator.SessionToken)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// missingPermissions removes one permission at a time, which proves that the tests above notice a call that is not
// allowed.
func (d deployer) missingPermissions(t *testing.T) {
	for _, tt := range []struct{ profile, role, policy, action, want string }{
		{"production", "Spaceport-Migration-trigger", "import", "dynamodb:PutItem", "LedgerUnavailable"},
		{"staging", "Spaceport-Migration-staging-trigger", "check-passwords", "cognito-idp:AdminGetUser",
			"StagingAccessDenied"},
	} {
		var got struct{ PolicyDocument map[string]any }
		d.aws(t, tt.profile, &got, "iam", "get-role-policy", "--role-name", tt.role, "--policy-name", tt.policy)
		document, err := json.Marshal(got.PolicyDocument)
		require.NoError(t, err)
		require.Contains(t, string(document), tt.action)
		set := func(policy string) {
			d.aws(t, tt.profile, nil, "iam", "put-role-policy", "--role-name", tt.role,
				"--policy-name", tt.policy, "--policy-document", policy)
		}
		set(strings.ReplaceAll(string(document), tt.action, tt.action+"Not"))
		response, failed := d.invoke(t, "Spaceport-Migration-trigger", forgotPassword(t, "bob@example.com"))
		assert.Equal(t, tt.want, failed, "without %s: %s", tt.action, response)
		set(string(document))
	}
}

// undeploy deletes the production stack: pool and ledger are kept, the pool calls no deleted function, and the stack
// can be deployed again.
func (d deployer) undeploy(t *testing.T, outputs map[string]string) {
	cfg := d.config(d.productionAccount)
	pools, tables := cognito.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	pool := outputs["ProductionUserPoolId"]
	output, err := d.deploy("undeploy")
	require.Error(t, err, "not confirmed")
	assert.Contains(t, output, "nothing was changed")

	output = d.mustDeploy(t, "undeploy")
	assert.Contains(t, output, "ExistingUserPoolId="+pool)
	assert.Contains(t, output, ` CustomAttribute1=plan`, "parameters that differ from the default are printed")
	assert.Contains(t, output, ` ResetEmailSubject=Welcome\,\ new\ user`)
	assert.NotContains(t, output, "ClientReadAttributes=")
	assert.Contains(t, output, "account "+d.productionAccount+", "+region)
	triggers := func() types.LambdaConfigType {
		described, err := pools.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool})
		require.NoError(t, err, "the pool is kept")
		return *described.UserPool.LambdaConfig
	}
	assert.Equal(t, types.LambdaConfigType{}, triggers(), "it calls no deleted function")
	for _, table := range []string{outputs["LedgerTable"], "Spaceport-Users-prod", "Spaceport-Projects-prod"} {
		_, err := tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		assert.NoError(t, err, table)
	}
	_, err = d.tryAWS("production", "lambda", "get-function", "--function-name", "Spaceport-Migration-trigger")
	assert.Error(t, err, "the functions are deleted")

	output = d.mustDeploy(t, "production", "ExistingUserPoolId="+pool)
	assert.Contains(t, output, "is used again")
	assert.NotContains(t, d.resources(t, "production", productionStack), "Ledger")

	again := d.outputs(t, "production", productionStack)
	_, errs, err := d.bulk(t, again, "attach", "--stack", productionStack, "--live", "--yes")
	require.NoError(t, err, errs)
	hook := aws.String(again["DatamoverArn"])
	assert.Equal(t, types.LambdaConfigType{UserMigration: aws.String(again["TriggerArn"]), PostConfirmation: hook,
		PostAuthentication: hook}, triggers())
	output, err = d.deploy("undeploy", "CONFIRM=yes")
	require.Error(t, err, "the pool still calls the trigger")
	assert.Contains(t, output, "bulk detach")
	_, err = d.tryAWS("production", "lambda", "get-function", "--function-name", "Spaceport-Migration-trigger")
	assert.NoError(t, err, "so the functions are kept")

	_, errs, err = d.bulk(t, again, "detach", "--stack", productionStack, "--live", "--yes")
	require.NoError(t, err, errs)
	assert.Equal(t, types.LambdaConfigType{}, triggers())
	d.mustDeploy(t, "undeploy")
}

// TestEveryVariant deploys both templates with every optional parameter set and not set, and compares the deployed
// resources with those that this package reads from the templates.
func TestEveryVariant(t *testing.T) {
	t.Parallel()
	d := start(t).deployer(t, "200000000001", "200000000002")
	pool := d.stagingResources(t)
	d.aws(t, "production", nil, "s3api", "create-bucket", "--bucket", "artifacts")
	packaged := filepath.Join(t.TempDir(), "production.yaml")
	out, err := d.tryAWS("production", "cloudformation", "package", "--s3-bucket", "artifacts",
		"--template-file", filepath.Join(d.home, "infra", "production.yaml"), "--output-template-file", packaged)
	require.NoError(t, err, "%s", out)

	for name, tt := range map[string]struct{ staging, production map[string]string }{
		"Defaults":     {nil, nil},
		"Everything":   {stagingEverything, productionEverything},
		"ExistingPool": {nil, existingPool},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			staging := map[string]string{
				"StagingUserPoolId": pool, "ProductionAccountId": d.productionAccount, "NamePrefix": name,
			}
			d.deployTemplate(t, "staging", name, filepath.Join(d.home, "infra", "staging.yaml"), staging, tt.staging)
			assert.Equal(t, expected(t, "staging.yaml", staging, tt.staging), d.resources(t, "staging", name))

			production := map[string]string{"NamePrefix": name, "LedgerTable": name}
			if tt.production["ExistingUserPoolId"] != "" {
				out, err := cognito.NewFromConfig(d.config(d.productionAccount)).CreateUserPool(t.Context(),
					&cognito.CreateUserPoolInput{PoolName: aws.String("existing")})
				require.NoError(t, err)
				production["ExistingUserPoolId"] = *out.UserPool.Id
			}
			d.deployTemplate(t, "production", name, packaged, productionRequired, tt.production, production)
			assert.Equal(t, expected(t, "production.yaml", productionRequired, tt.production, production),
				d.resources(t, "production", name))
		})
	}
}

func (d deployer) deployTemplate(t *testing.T, profile, stack, path string, parameters ...map[string]string) {
	t.Helper()
	arguments := []string{"cloudformation", "deploy", "--stack-name", stack, "--template-file", path,
		"--capabilities", "CAPABILITY_NAMED_IAM", "--parameter-overrides"}
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
	out, err := d.tryAWS(profile, arguments...)
	require.NoError(t, err, "%s", out)
}

func expected(t *testing.T, file string, parameters ...map[string]string) map[string]string {
	t.Helper()
	resources, err := stack(t, file, map[string]string{"AWS::Region": region}, parameters...).Resources()
	require.NoError(t, err)
	return resources
}
