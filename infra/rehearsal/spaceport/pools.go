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

// makeStagingPool makes the pool that users migrate from, and in it the trigger's own app client.
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
	var wanted cognito.CreateUserPoolClientInput
	if err := s.inStaging("TriggerClient", &wanted); err != nil {
		return err
	}
	client, err := s.Staging.CreateUserPoolClient(ctx, &wanted)
	if err != nil {
		return err
	}
	s.StagingClient = *client.UserPoolClient.ClientId
	return nil
}

// makeProductionPool makes the pool that users migrate to, and the web app's client, as they are deployed.
func (s *Spaceport) makeProductionPool(ctx context.Context) error {
	var wanted struct {
		cognito.CreateUserPoolInput
		UserPoolName string
	}
	if err := s.inProduction("UserPool", &wanted); err != nil {
		return err
	}
	wanted.PoolName = &wanted.UserPoolName
	pool, err := s.Production.CreateUserPool(ctx, &wanted.CreateUserPoolInput)
	if err != nil {
		return err
	}
	s.ProductionPool = *pool.UserPool.Id
	var web cognito.CreateUserPoolClientInput
	if err := s.inProduction("WebClient", &web); err != nil {
		return err
	}
	client, err := s.Production.CreateUserPoolClient(ctx, &web)
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

// makeTables makes the ledger, and the source and the target of each table that moves.
func (s *Spaceport) makeTables(ctx context.Context) error {
	var wanted dynamodb.CreateTableInput
	if err := s.inProduction("Ledger", &wanted); err != nil {
		return err
	}
	if _, err := s.ProductionTables.CreateTable(ctx, &wanted); err != nil {
		return err
	}
	for _, t := range []struct {
		api  *dynamodb.Client
		name string
		keys []string
	}{
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

// MakeTable makes an on-demand table with a key of strings: a partition key, and a sort key if two are given.
func MakeTable(ctx context.Context, api *dynamodb.Client, name string, keys ...string) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest}
	for i, key := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			dynamotypes.AttributeDefinition{AttributeName: &key, AttributeType: dynamotypes.ScalarAttributeTypeS})
		kind := []dynamotypes.KeyType{dynamotypes.KeyTypeHash, dynamotypes.KeyTypeRange}[i]
		in.KeySchema = append(in.KeySchema, dynamotypes.KeySchemaElement{AttributeName: &key, KeyType: kind})
	}
	_, err := api.CreateTable(ctx, in)
	return err
}
