package cloud

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

const readerARN = "arn:aws:iam::111111111111:role/reader"

func assume(c *Cloud, who aws.Credentials, arn, externalID string) (aws.Credentials, error) {
	in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("test")}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	out, err := stsClient(c, who).AssumeRole(context.Background(), in)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
		SessionToken: *out.Credentials.SessionToken,
	}, nil
}

func TestAssumeRole(t *testing.T) {
	c := cloudFor(t)
	c.AllowRole(Role{ARN: readerARN, ExternalID: "secret", Principals: []string{"trigger"},
		Allow: []string{"cognito-idp:AdminGetUser"}})
	trigger := c.Credentials("trigger", "sts:AssumeRole")
	tests := map[string]struct {
		who             aws.Credentials
		arn, externalID string
	}{
		"wrong external id":   {trigger, readerARN, "other"},
		"missing external id": {trigger, readerARN, ""},
		"unknown role":        {trigger, "arn:aws:iam::111111111111:role/other", "secret"},
		"not trusted":         {c.Credentials("other", "sts:AssumeRole"), readerARN, "secret"},
		"not allowed to":      {c.Credentials("trigger", "dynamodb:*"), readerARN, "secret"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := assume(c, test.who, test.arn, test.externalID)
			rejectedWith(t, err, "AccessDenied", "not authorized to perform: sts:AssumeRole")
		})
	}
	session, err := assume(c, trigger, readerARN, "secret")
	require.NoError(t, err)
	me, err := stsClient(c, session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, StagingAccount, *me.Account)
	_, err = assume(c, aws.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"}, readerARN, "secret")
	rejectedWith(t, err, "InvalidClientTokenId")
}

func TestTwoAccounts(t *testing.T) {
	w := newWorld(t)
	c := w.c
	there := worldOf(t, c.StagingAdmin())
	there.confirm("ann", "email", "ann@example.com")

	require.NoError(t, there.signIn("ann", password), "an unsigned call belongs to its client's account")
	require.Equal(t, 1,
		c.CountRequests(Filter{Account: StagingAccount, Operation: "InitiateAuth", Caller: "public", Resource: there.pool}))

	foreign := &world{t: t, c: c, idp: w.idp, pool: there.pool}
	rejectedWith(t, foreign.find("ann"), "ResourceNotFoundException")

	c.AllowRole(Role{ARN: readerARN, Allow: []string{"cognito-idp:AdminGetUser", "dynamodb:Get*"}})
	session, err := assume(c, c.ProductionAdmin(), readerARN, "")
	require.NoError(t, err)
	reader := &world{t: t, c: c, idp: cognito.NewFromConfig(config(c, session)), pool: there.pool}
	require.NoError(t, reader.find("ann"))
	rejectedWith(t, reader.resetPassword("ann"), "AccessDeniedException", "cognito-idp:AdminResetUserPassword")
	require.Equal(t, 1, c.CountRequests(Filter{Caller: "reader", ErrorCode: "AccessDeniedException"}))

	table := "Only-Staging-" + randomHex(4)
	makeTable(t, tables(c, c.StagingAdmin()), table)
	get := func(as aws.Credentials) error {
		_, err := tables(c, as).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key("1")})
		return err
	}
	require.NoError(t, get(session))
	rejectedWith(t, get(c.ProductionAdmin()), "ResourceNotFoundException")
	rejectedWith(t, get(aws.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"}), "UnrecognizedClientException")
	_, err = tables(c, session).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key("1")})
	rejectedWith(t, err, "AccessDeniedException")
}

func makeTable(t testing.TB, db *dynamodb.Client, name string) {
	t.Helper()
	_, err := db.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema: []dynamotypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamotypes.KeyTypeHash}},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("id"),
			AttributeType: dynamotypes.ScalarAttributeTypeS}},
	})
	require.NoError(t, err)
}

func key(id string) map[string]dynamotypes.AttributeValue {
	return map[string]dynamotypes.AttributeValue{"id": &dynamotypes.AttributeValueMemberS{Value: id}}
}

func TestUpdatesReset(t *testing.T) {
	w := newWorld(t, emailAsUsername, hideUsers, hooked)
	_, err := w.idp.UpdateUserPool(t.Context(), &cognito.UpdateUserPoolInput{
		UserPoolId: &w.pool, LambdaConfig: &types.LambdaConfigType{PostAuthentication: functionARN("hook")},
	})
	require.NoError(t, err)
	described, err := w.idp.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &w.pool})
	require.NoError(t, err)
	require.Nil(t, described.UserPool.LambdaConfig.UserMigration, "what the call leaves out is reset")
	require.Equal(t, []types.UsernameAttributeType{"email"}, described.UserPool.UsernameAttributes,
		"what is set at creation stays")
	updated, err := w.idp.UpdateUserPoolClient(t.Context(), &cognito.UpdateUserPoolClientInput{
		UserPoolId: &w.pool, ClientId: &w.client, ReadAttributes: []string{"email"},
	})
	require.NoError(t, err)
	require.Empty(t, updated.UserPoolClient.ExplicitAuthFlows)
	client, err := w.idp.DescribeUserPoolClient(t.Context(),
		&cognito.DescribeUserPoolClientInput{UserPoolId: &w.pool, ClientId: &w.client})
	require.NoError(t, err)
	require.Empty(t, client.UserPoolClient.PreventUserExistenceErrors)
	require.Equal(t, []string{"email"}, client.UserPoolClient.ReadAttributes)
}

func TestLambdaAPI(t *testing.T) {
	c := cloudFor(t)
	invoke := func(who aws.Credentials) error {
		client := lambda.NewFromConfig(config(c, who))
		out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: functionARN("hook")})
		if err == nil {
			require.JSONEq(t, `{"invoked":"hook"}`, string(out.Payload))
		}
		return err
	}
	require.NoError(t, invoke(c.Credentials("hook", "lambda:InvokeFunction")))
	rejectedWith(t, invoke(c.Credentials("other", "dynamodb:*")), "AccessDeniedException")
	require.Equal(t, 1, c.CountRequests(Filter{Service: "lambda", Operation: "Invoke", Resource: "hook", Caller: "hook"}))
}

// TestRightsAreSimulated has what bulk check asks of IAM.
func TestRightsAreSimulated(t *testing.T) {
	c := cloudFor(t)
	simulate := func(credentials aws.Credentials, role string) (*iam.SimulatePrincipalPolicyOutput, error) {
		return iam.NewFromConfig(config(c, credentials)).SimulatePrincipalPolicy(t.Context(),
			&iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: aws.String("arn:aws:iam::" + ProductionAccount + ":role/" + role),
				ActionNames:     []string{"dynamodb:PutItem", "dynamodb:Scan"}, ResourceArns: []string{"arn:a"},
			})
	}
	bulk := c.Credentials("bulk", "iam:SimulatePrincipalPolicy", "dynamodb:Scan")
	out, err := simulate(bulk, "bulk")
	require.NoError(t, err)
	results := out.EvaluationResults
	require.Len(t, results, 2)
	require.Equal(t, iamtypes.PolicyEvaluationDecisionTypeImplicitDeny, results[0].EvalDecision)
	require.Equal(t, iamtypes.PolicyEvaluationDecisionTypeAllowed, results[1].EvalDecision)
	require.Equal(t, "arn:a", *results[1].EvalResourceName)
	_, err = simulate(bulk, "another")
	rejectedWith(t, err, "AccessDenied", "not authorized to perform: iam:SimulatePrincipalPolicy")
	_, err = simulate(c.Credentials("bulk", "dynamodb:*"), "bulk")
	rejectedWith(t, err, "AccessDenied", "not authorized to perform: iam:SimulatePrincipalPolicy")
}
