package cli_test

import (
	"os"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// TestAttachAndDetach takes a pool that knows nothing of the migration, has a user migrate, and detaches again.
func TestAttachAndDetach(t *testing.T) {
	o := newOperator(t)
	ctx := t.Context()
	who := o.Cloud.Credentials("attacher", "cognito-idp:DescribeUserPool", "cognito-idp:UpdateUserPool",
		"cognito-idp:ListUserPoolClients",
		"cognito-idp:DescribeUserPoolClient", "cognito-idp:UpdateUserPoolClient", "cognito-idp:AddCustomAttributes")
	reader := os.Getenv("AWS_ACCESS_KEY_ID")
	t.Setenv("AWS_ACCESS_KEY_ID", who.AccessKeyID)

	policy := &types.PasswordPolicyType{MinimumLength: aws.Int32(12)}
	theirs := "arn:aws:lambda:us-east-1:123456789012:function:theirs"
	made, err := o.Production.CreateUserPool(ctx, &cognito.CreateUserPoolInput{
		PoolName: aws.String("Existing"), UsernameAttributes: []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		UsernameConfiguration: &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		AdminCreateUserConfig: &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		Policies:              &types.UserPoolPolicyType{PasswordPolicy: policy},
		LambdaConfig:          &types.LambdaConfigType{PostAuthentication: &theirs},
	})
	require.NoError(t, err)
	pool := made.UserPool.Id
	client, err := o.Production.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId: pool, ClientName: aws.String("app"), AccessTokenValidity: aws.Int32(2),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
	})
	require.NoError(t, err)
	describe := func() *types.UserPoolType {
		out, err := o.Production.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: pool})
		require.NoError(t, err)
		return out.UserPool
	}
	before := describe()
	functions := []string{
		"--production-user-pool-id", *pool, "--trigger",
		"arn:aws:lambda:us-east-1:123456789012:function:" + spaceport.Trigger,
		"--datamover", "arn:aws:lambda:us-east-1:123456789012:function:" + spaceport.Datamover,
	}
	run := func(args ...string) (int, string, string) { return o.bulk(append(args, functions...)...) }

	code, _, errs := run("attach")
	assert.Equal(t, 1, code)
	assert.Contains(t, errs,
		"PostAuthentication is arn:aws:lambda:us-east-1:123456789012:function:theirs; --displace replaces it")
	code, out, _ := run("attach", "--displace")
	assert.Zero(t, code)
	golden.Equal(t, "attach_dry", out)
	assert.Equal(t, before, describe(), "nothing was written")

	code, out, errs = run("attach", "--displace", "--live", "--yes")
	require.Zero(t, code, errs)
	golden.Equal(t, "attach_live", out)
	after := describe()
	assert.Equal(t, before.Policies, after.Policies)
	assert.Equal(t, before.UsernameAttributes, after.UsernameAttributes)
	app, err := o.Production.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: pool,
		ClientId: client.UserPoolClient.ClientId})
	require.NoError(t, err)
	assert.EqualValues(t, 2, *app.UserPoolClient.AccessTokenValidity)
	assert.NotContains(t, app.UserPoolClient.WriteAttributes, "custom:staging_sub")

	o.add(spaceport.User{Name: "Ada", Email: "ada@example.com", Projects: 2})
	_, err = o.App.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: client.UserPoolClient.ClientId, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": "ada@example.com", "PASSWORD": password},
	})
	require.NoError(t, err, "the pool migrates")

	attached := describe()
	wrong := slices.Clone(functions)
	wrong[3] = "arn:aws:lambda:us-east-1:123456789012:function:gone"
	code, _, errs = o.bulk(append([]string{"detach", "--live", "--yes"}, wrong...)...)
	assert.Equal(t, 2, code)
	assert.Contains(t, errs,
		wrong[3]+" is not attached to this pool: UserMigration is "+functions[3]+"; nothing was changed")
	assert.Equal(t, attached, describe())
	o.add(spaceport.User{Name: "Ben", Email: "ben@example.com"})
	code, _, errs = o.answering("another name", append([]string{"detach", "--live"}, functions...)...)
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "Whether users remain is not known: ", "who may not read staging can still detach")
	t.Setenv("AWS_ACCESS_KEY_ID", reader)
	code, _, errs = o.answering("another name", append([]string{"detach", "--live"}, functions...)...)
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "Not yet safe to detach:\n  - 1 user is not migrated")
	assert.Equal(t, attached, describe(), "the question was not answered")
	t.Setenv("AWS_ACCESS_KEY_ID", who.AccessKeyID)
	code, out, errs = run("detach", "--live", "--yes")
	require.Zero(t, code, errs)
	golden.Equal(t, "detach_live", out)
	assert.Equal(t, *before.LambdaConfig.PostAuthentication, *describe().LambdaConfig.PostAuthentication)
	assert.Nil(t, describe().LambdaConfig.UserMigration)
	code, out, _ = run("detach")
	assert.Zero(t, code)
	golden.Equal(t, "detach_again", out)
	code, _, errs = o.bulk("attach", "--production-user-pool-id", *pool, "--trigger", "Spaceport-Migration-trigger",
		"--datamover", functions[5])
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `--trigger is "Spaceport-Migration-trigger": it must be the ARN of a Lambda function`)
}
