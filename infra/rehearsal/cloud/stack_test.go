package cloud

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

func TestStack(t *testing.T) {
	c := cloudFor(t)
	c.SetStack("migration", map[string]string{"LedgerTable": "L"})
	describe := func(who aws.Credentials, name string) ([]string, error) {
		out, err := cloudformation.NewFromConfig(config(c, who)).DescribeStacks(t.Context(),
			&cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			return nil, err
		}
		only := out.Stacks[0].Outputs[0]
		return []string{*only.OutputKey, *only.OutputValue}, nil
	}
	outputs, err := describe(c.Credentials("bulk", "cloudformation:DescribeStacks"), "migration")
	require.NoError(t, err)
	require.Equal(t, []string{"LedgerTable", "L"}, outputs)
	_, err = describe(c.ProductionAdmin(), "another")
	rejectedWith(t, err, "ValidationError", "Stack with id another does not exist")
	_, err = describe(c.StagingAdmin(), "migration")
	rejectedWith(t, err, "ValidationError")
	_, err = describe(c.Credentials("bulk"), "migration")
	rejectedWith(t, err, "AccessDenied", "cloudformation:DescribeStacks")
}

// TestNotServed: what this cloud does not serve says so, also to a caller who may not do it.
func TestNotServed(t *testing.T) {
	w := newWorld(t)
	w.confirm("ann")
	who, ctx := config(w.c, w.c.Credentials("bulk")), t.Context()
	srp := map[string]string{"USERNAME": "ann", "SRP_A": "ab"} // moto would give tokens for any proof
	for says, call := range map[string]func() (any, error){
		"iam:ListRoles":       func() (any, error) { return iam.NewFromConfig(who).ListRoles(ctx, nil) },
		"lambda:GET":          func() (any, error) { return lambda.NewFromConfig(who).ListFunctions(ctx, nil) },
		"sts:GetSessionToken": func() (any, error) { return sts.NewFromConfig(who).GetSessionToken(ctx, nil) },
		"ListDevices": func() (any, error) {
			return w.idp.ListDevices(ctx, &cognito.ListDevicesInput{AccessToken: w.tokens("ann").AccessToken})
		},
		"DescribeRiskConfiguration": func() (any, error) {
			return w.idp.DescribeRiskConfiguration(ctx, &cognito.DescribeRiskConfigurationInput{UserPoolId: &w.pool})
		},
		"USER_SRP_AUTH": func() (any, error) {
			return w.idp.InitiateAuth(ctx, &cognito.InitiateAuthInput{
				ClientId: &w.client, AuthFlow: "USER_SRP_AUTH", AuthParameters: srp,
			})
		},
		"USER_SRP_AUTH ": func() (any, error) {
			return w.idp.AdminInitiateAuth(ctx, &cognito.AdminInitiateAuthInput{
				UserPoolId: &w.pool, ClientId: &w.client, AuthFlow: "USER_SRP_AUTH", AuthParameters: srp,
			})
		},
	} {
		_, err := call()
		rejectedWith(t, err, "InvalidParameterException", "This local cloud does not serve "+strings.TrimSpace(says))
	}
}
