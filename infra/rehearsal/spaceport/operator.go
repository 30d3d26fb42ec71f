package spaceport

import "github.com/spaceport/user-migration/infra/rehearsal/cloud"

// Operator is the identity of whoever runs bulk.
const Operator = "Spaceport-Migration-operator"

const operatorRole = "arn:aws:iam::" + cloud.StagingAccount + ":role/" + Operator

// OperatorEnv is the environment of somebody at a terminal who runs bulk: they may do in production what a sweep does,
// and in staging only read.
func (s *Spaceport) OperatorEnv() map[string]string {
	s.Cloud.AllowRole(cloud.Role{
		ARN: operatorRole, ExternalID: externalID, Principals: []string{Operator},
		Allow: []string{
			"cognito-idp:ListUsers", "cognito-idp:DescribeUserPool", "cognito-idp:DescribeUserPoolClient", "cognito-idp:ListUserPoolClients",
			"cognito-idp:ListGroups", "dynamodb:Query", "dynamodb:Scan", "dynamodb:DescribeTable",
		},
	})
	who := s.Cloud.Credentials(Operator, "sts:AssumeRole",
		"cognito-idp:ListUsers", "cognito-idp:DescribeUserPool", "cognito-idp:DescribeUserPoolClient", "cognito-idp:ListUserPoolClients",
		"cognito-idp:AdminGetUser", "cognito-idp:AdminCreateUser", "cognito-idp:AdminSetUserPassword", "cognito-idp:AdminResetUserPassword",
		"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Scan",
		"dynamodb:Query", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups", "lambda:GetPolicy")
	env := s.Environment(who, operatorRole)
	env["AWS_REGION"] = s.Cloud.Region()
	return env
}
