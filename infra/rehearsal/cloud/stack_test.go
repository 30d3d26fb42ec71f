package cloud

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

func TestStack(t *testing.T) {
	c := cloudFor(t)
	c.SetStack("migration", map[string]string{"LedgerTable": "L"})
	describe := func(who aws.Credentials, name string) ([]string, error) {
		api := cloudformation.New(cloudformation.Options{
			Region: c.Region(), BaseEndpoint: aws.String(c.URL()), Credentials: fixed(who),
		})
		out, err := api.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
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

// TestOtherServices: what this cloud does not serve says so, also to a caller who may not do it.
func TestOtherServices(t *testing.T) {
	c := cloudFor(t)
	who, url := fixed(c.Credentials("bulk")), aws.String(c.URL())
	_, err := iam.New(iam.Options{Region: c.Region(), BaseEndpoint: url, Credentials: who}).
		ListRoles(t.Context(), &iam.ListRolesInput{})
	rejectedWith(t, err, "InvalidParameterException", "This local cloud does not serve iam:ListRoles.")
	_, err = lambda.New(lambda.Options{Region: c.Region(), BaseEndpoint: url, Credentials: who}).
		ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	rejectedWith(t, err, "InvalidParameterException", "does not serve lambda:GET")
	_, err = sts.New(sts.Options{Region: c.Region(), BaseEndpoint: url, Credentials: who}).
		GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	rejectedWith(t, err, "InvalidParameterException", "does not serve sts:GetSessionToken")
}
