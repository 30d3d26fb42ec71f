package cli

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/datamover/settings"
)

// flagOf is the flag of a variable: STAGING_CUTOFF is --staging-cutoff.
func flagOf(variable string) string { return strings.ReplaceAll(strings.ToLower(variable), "_", "-") }

//go:embed settings.tmpl
var settingsTemplate string

// settingsTopic is the page of "bulk help settings".
func settingsTopic() *cobra.Command {
	var b strings.Builder
	_ = template.Must(template.New("").Parse(settingsTemplate)).Execute(&b, settings.Variables)
	short := "The settings: environment variables, flags, or a stack"
	return &cobra.Command{Use: "settings", Short: short, Long: strings.TrimSuffix(b.String(), "\n")}
}

// stackOutputs reads the outputs of the production stack: STAGING_CUTOFF is stagingcutoff here.
func (a *app) stackOutputs(ctx context.Context, name string) (map[string]string, error) {
	production, err := a.openProduction(ctx)
	if err != nil {
		return nil, err
	}
	input := &cloudformation.DescribeStacksInput{StackName: &name}
	out, err := cloudformation.NewFromConfig(production).DescribeStacks(ctx, input)
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationError" {
		return nil, fmt.Errorf("read stack %s: there is no such stack in this account and Region; check --stack or "+
			"MIGRATION_STACK, AWS_PROFILE and AWS_REGION", name)
	} else if err != nil {
		return nil, fmt.Errorf("read stack %s, which --stack or MIGRATION_STACK names: %w", name, err)
	}
	outputs := map[string]string{}
	for _, stack := range out.Stacks { // the only one
		for _, o := range stack.Outputs {
			outputs[strings.ToLower(aws.ToString(o.OutputKey))] = aws.ToString(o.OutputValue)
		}
	}
	return outputs, nil
}
