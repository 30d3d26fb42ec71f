package spaceport

import (
	"context"

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

// OperatorEnv is the environment of the operator.
func (s *Spaceport) OperatorEnv() map[string]string {
	env := s.Environment(s.Cloud.Credentials(Operator, s.operatorMay...), operatorRole)
	env["AWS_REGION"] = s.Cloud.Region()
	return env
}
