package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/spaceport/user-migration/datamover/account"
)

// stackOutputs reads the outputs of the production stack.
func stackOutputs(ctx context.Context, name string) (map[string]string, error) {
	production, err := account.Production(ctx, limits)
	if err != nil {
		return nil, err
	}
	out, err := cloudformation.NewFromConfig(production).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return nil, fmt.Errorf("read stack %s, which --stack or MIGRATION_STACK names: %w", name, err)
	}
	if len(out.Stacks) != 1 {
		return nil, fmt.Errorf("read stack %s: there are %d of that name", name, len(out.Stacks))
	}
	outputs := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs, nil
}

// valueIn finds a variable's value among a stack's outputs, which are named as the variables are: StagingCutoff is
// STAGING_CUTOFF.
func valueIn(outputs map[string]string, variable string) string {
	for key, value := range outputs {
		if strings.EqualFold(key, strings.ReplaceAll(variable, "_", "")) {
			return value
		}
	}
	return ""
}
