package spaceport

import (
	"path/filepath"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
	"github.com/spaceport/user-migration/infra/stacks"
)

// What is rehearsed is read from the templates of both stacks, so that it is what is deployed: the pool and the app
// clients, the ledger, the functions' timeout and memory, and what every role may do.

// inStaging reads a resource of the staging stack.
func (s *Spaceport) inStaging(resource string, into any) error {
	stack, err := s.stack("staging.yaml", cloud.StagingAccount, map[string]string{
		"StagingUserPoolId": s.StagingPool, "ProductionAccountId": cloud.ProductionAccount, "ExternalId": externalID,
		"MigrateGroups": s.groups,
	})
	if err != nil {
		return err
	}
	return stack.Properties(resource, into)
}

// inProduction reads a resource of the production stack that makes the pool.
func (s *Spaceport) inProduction(resource string, into any) error {
	stack, err := s.production("")
	if err != nil {
		return err
	}
	return stack.Properties(resource, into)
}

// production is the production stack, here with SES as sender and one custom attribute.
func (s *Spaceport) production(existingPool string) (*stacks.Stack, error) {
	return s.stack("production.yaml", cloud.ProductionAccount, map[string]string{
		"StagingUserPoolId": s.StagingPool, "StagingClientId": s.StagingClient, "ExternalId": externalID,
		"CustomAttribute1": "plan", "MigrateGroups": s.groups, "ExistingUserPoolId": existingPool,
		"StagingTriggerRoleArn": triggerRole, "StagingDatamoverRoleArn": datamoverRole,
		"StagingOperatorRoleArn": operatorRole,
		"EmailSourceArn": "arn:aws:ses:" + s.Cloud.Region() + ":" + cloud.ProductionAccount +
			":identity/spaceport.example",
	})
}

func (s *Spaceport) stack(file, account string, parameters map[string]string) (*stacks.Stack, error) {
	template, err := stacks.Read(filepath.Join(s.root, "infra", file))
	if err != nil {
		return nil, err
	}
	return template.With(parameters, map[string]string{
		"AWS::Partition": "aws", "AWS::Region": s.Cloud.Region(), "AWS::AccountId": account,
		"UserPool": s.ProductionPool, "Trigger.Arn": s.arn(Trigger), "Datamover.Arn": s.arn(Datamover),
		"UserPool.Arn": "arn:aws:cognito-idp:" + s.Cloud.Region() + ":" + account + ":userpool/" + s.ProductionPool,
	})
}

// mayInStaging and mayInProduction are what a role allows.
func (s *Spaceport) mayInStaging(role string) ([]string, error) { return actions(s.inStaging, role) }
func (s *Spaceport) mayInProduction(role string) ([]string, error) {
	allowed, err := actions(s.inProduction, role)
	if role != "DatamoverRole" || err != nil {
		return allowed, err
	}
	var more stacks.ManagedPolicy
	err = s.inProduction("UseProductionPool", &more)
	for _, statement := range more.PolicyDocument.Statement {
		allowed = append(allowed, statement.Action...)
	}
	return allowed, err
}

func actions(in func(string, any) error, role string) ([]string, error) {
	var r stacks.Role
	err := in(role, &r)
	return r.Actions(), err
}

// function is a function with its deployed timeout, memory and environment.
func (s *Spaceport) function(resource string) (lambdahost.Function, error) {
	var f stacks.Function
	err := s.inProduction(resource, &f)
	return lambdahost.Function{
		Name:    f.FunctionName,
		Timeout: time.Duration(f.Timeout) * time.Second,
		Memory:  f.MemorySize,
		Env:     f.Environment.Variables,
	}, err
}
