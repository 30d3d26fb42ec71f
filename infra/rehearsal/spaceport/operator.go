package spaceport

import (
	"context"
	"os"
	"os/exec"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/stacks"
)

// Operator is the identity that runs bulk, and Stack has its settings: the production stack as for an existing pool,
// which is what allows bulk attach and detach.
const (
	Operator = "Spaceport-Migration-operator"
	Stack    = "spaceport-migration"
)

const operatorRole = "arn:aws:iam::" + cloud.StagingAccount + ":role/" + Operator

// makeOperator lets an operator run bulk, with the permissions of the stacks' operator roles.
func (s *Spaceport) makeOperator(context.Context) error {
	inStaging, err := s.mayInStaging("OperatorRole")
	if err != nil {
		return err
	}
	s.Cloud.AllowRole(
		cloud.Role{ARN: operatorRole, ExternalID: externalID, Principals: []string{Operator}, Allow: inStaging},
	)
	stack, err := s.production(s.ProductionPool)
	if err != nil {
		return err
	}
	outputs, err := stack.Outputs()
	if err != nil {
		return err
	}
	s.Cloud.SetStack(Stack, outputs)
	var role stacks.Role
	err = stack.Properties("OperatorRole", &role)
	s.operatorMay = role.Actions()
	return err
}

// Command is a run of bulk in a folder, with nothing else of this environment.
func Command(ctx context.Context, bulk, folder string, env map[string]string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, bulk, args...)
	cmd.Dir, cmd.Env = folder, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// OperatorEnv is the environment of the operator. As in production, bulk reads its settings from the stack.
func (s *Spaceport) OperatorEnv() map[string]string {
	who := s.Cloud.Credentials(Operator, s.operatorMay...)
	return map[string]string{
		"AWS_ACCESS_KEY_ID": who.AccessKeyID, "AWS_SECRET_ACCESS_KEY": who.SecretAccessKey,
		"AWS_ENDPOINT_URL": s.Cloud.URL(), "AWS_REGION": s.Cloud.Region(), "MIGRATION_STACK": Stack,
	}
}
