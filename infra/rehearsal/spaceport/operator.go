package spaceport

import (
	"context"
	"os"
	"os/exec"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
)

// Operator is the identity that runs bulk.
const Operator = "Spaceport-Migration-operator"

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
	s.operatorMay, err = s.mayInProduction("OperatorRole")
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

// OperatorEnv is the environment of the operator.
func (s *Spaceport) OperatorEnv() map[string]string {
	env := s.Environment(s.Cloud.Credentials(Operator, s.operatorMay...), operatorRole)
	env["AWS_REGION"] = s.Cloud.Region()
	return env
}
