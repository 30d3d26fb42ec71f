package spaceport

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
)

// makeStagingPool makes the pool that people come from, and in it an app client of the trigger's own.
func (s *Spaceport) makeStagingPool(ctx context.Context) error {
	pool, err := s.Staging.CreateUserPool(ctx, &cognito.CreateUserPoolInput{
		PoolName:               aws.String("Spaceport-Users-staging"),
		UsernameAttributes:     []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		UsernameConfiguration:  &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		MfaConfiguration:       types.UserPoolMfaTypeOptional,
		Schema:                 []types.SchemaAttributeType{custom("plan"), custom("internal_note")},
	})
	if err != nil {
		return err
	}
	s.StagingPool = *pool.UserPool.Id
	client, err := s.Staging.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId: &s.StagingPool, ClientName: aws.String("migration-trigger"),
		ExplicitAuthFlows:          []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	})
	if err != nil {
		return err
	}
	s.StagingClient = *client.UserPoolClient.ClientId
	return nil
}

// makeProductionPool makes the pool that people move to: invite-only, with the three triggers, and an app client that may
// not write custom:staging_sub.
func (s *Spaceport) makeProductionPool(ctx context.Context) error {
	staging := custom("staging_sub")
	staging.Mutable = aws.Bool(false)
	pool, err := s.Production.CreateUserPool(ctx, &cognito.CreateUserPoolInput{
		PoolName:               aws.String("Spaceport-Users-prod"),
		UsernameAttributes:     []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		UsernameConfiguration:  &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		AdminCreateUserConfig:  &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		EmailConfiguration: &types.EmailConfigurationType{
			EmailSendingAccount: types.EmailSendingAccountTypeDeveloper,
			SourceArn:           aws.String("arn:aws:ses:" + s.Cloud.Region() + ":" + cloud.ProductionAccount + ":identity/spaceport.example"),
		},
		UserAttributeUpdateSettings: &types.UserAttributeUpdateSettingsType{
			AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		},
		Policies: &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{
			MinimumLength: aws.Int32(8), RequireLowercase: true, RequireUppercase: true, RequireNumbers: true,
		}},
		AccountRecoverySetting: &types.AccountRecoverySettingType{RecoveryMechanisms: []types.RecoveryOptionType{
			{Name: types.RecoveryOptionNameTypeVerifiedEmail, Priority: aws.Int32(1)},
		}},
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("email"), Required: aws.Bool(true), Mutable: aws.Bool(true), AttributeDataType: types.AttributeDataTypeString},
			{Name: aws.String("preferred_username"), Required: aws.Bool(true), Mutable: aws.Bool(true), AttributeDataType: types.AttributeDataTypeString},
			staging, custom("plan"),
		},
		LambdaConfig: &types.LambdaConfigType{
			UserMigration:      aws.String(s.arn(Trigger)),
			PostConfirmation:   aws.String(s.arn(Datamover)),
			PostAuthentication: aws.String(s.arn(Datamover)),
		},
	})
	if err != nil {
		return err
	}
	s.ProductionPool = *pool.UserPool.Id
	client, err := s.Production.CreateUserPoolClient(ctx, &cognito.CreateUserPoolClientInput{
		UserPoolId: &s.ProductionPool, ClientName: aws.String("web"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowUserSrpAuth,
			types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
		WriteAttributes:            []string{"email", "name", "preferred_username"},
	})
	if err != nil {
		return err
	}
	s.ProductionApp = *client.UserPoolClient.ClientId
	return nil
}

func (s *Spaceport) arn(function string) string {
	return "arn:aws:lambda:" + s.Cloud.Region() + ":" + cloud.ProductionAccount + ":function:" + function
}

func custom(name string) types.SchemaAttributeType {
	return types.SchemaAttributeType{
		Name: &name, AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true),
		StringAttributeConstraints: &types.StringAttributeConstraintsType{MaxLength: aws.String("2048")},
	}
}

// makeTables makes the ledger and both ends of the tables that move.
func (s *Spaceport) makeTables(ctx context.Context) error {
	for _, t := range []struct {
		api  *dynamodb.Client
		name string
		keys []string
	}{
		{s.ProductionTables, "Spaceport-Migration-prod", []string{"stagingSub"}},
		{s.StagingTables, "Spaceport-Users-staging", []string{"id"}},
		{s.ProductionTables, "Spaceport-Users-prod", []string{"id"}},
		{s.StagingTables, "Spaceport-Projects-staging", []string{"userSub", "projectId"}},
		{s.ProductionTables, "Spaceport-Projects-prod", []string{"userSub", "projectId"}},
	} {
		if err := MakeTable(ctx, t.api, t.name, t.keys...); err != nil {
			return err
		}
	}
	return nil
}

// MakeTable makes a table on demand with a key of strings: a partition key, and a sort key where there are two.
func MakeTable(ctx context.Context, api *dynamodb.Client, name string, keys ...string) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest}
	for i, key := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			dynamotypes.AttributeDefinition{AttributeName: &keys[i], AttributeType: dynamotypes.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema,
			dynamotypes.KeySchemaElement{AttributeName: &key, KeyType: []dynamotypes.KeyType{dynamotypes.KeyTypeHash, dynamotypes.KeyTypeRange}[i]})
	}
	_, err := api.CreateTable(ctx, in)
	return err
}
