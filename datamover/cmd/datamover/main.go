// Command datamover is the Lambda function of production's PostConfirmation and PostAuthentication triggers.
package main

import (
	"cmp"
	"context"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	lambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
	"github.com/spaceport/user-migration/datamover/version"
)

// limits allow for thousands of rows and a table that scales up. A sign-in's deadlines cut them short.
var limits = account.Limits{
	Attempts: 8, MaxBackoff: 2 * time.Second, Attempt: 5 * time.Second, Role: 3 * time.Second, Parallel: 32,
}

func main() {
	// The background function's metrics count with the hook's, so that alarms and dashboard show one datamover.
	log := metrics.NewLog(os.Stdout, strings.TrimSuffix(lambdacontext.FunctionName, "-background"))
	log.Info("start", "version", version.String())
	handler, err := newHandler(context.Background(), log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, log metrics.Log) (*datamover.Handler, error) {
	s, err := settings.Read(os.Getenv, "STAGING_USER_POOL_ID")
	if err != nil {
		return nil, err
	}
	production, err := account.Production(ctx, limits)
	if err != nil {
		return nil, err
	}
	staging := account.Staging(production, s, "spaceport-datamover", limits)
	// Ask for the role and connect while the runtime starts. The first invocation joins this, and meets its error if any.
	go func() { _, _ = staging.Credentials.Retrieve(ctx) }()
	for _, cfg := range []aws.Config{production, staging} {
		_, _ = rows.NewStore(dynamodb.NewFromConfig(account.Warming(cfg, 4))).KeySchema(ctx, s.LedgerTable)
	}
	database := dynamodb.NewFromConfig(production)
	records := ledger.New(database, s.LedgerTable)
	source, target := rows.NewStore(dynamodb.NewFromConfig(staging)), rows.NewStore(database)
	from, to := userpool.New(cognito.NewFromConfig(staging), s.StagingUserPoolID), cognito.NewFromConfig(production)
	groups := datamover.Groups{Names: s.Groups, Staging: from}
	mover := datamover.NewMover(s.Tables, source, target, groups, records, time.Now)
	background := cmp.Or(s.BackgroundFunction, lambdacontext.FunctionName)
	return datamover.NewHandler(mover, records, from,
		func(id string) datamover.ProductionPool { return userpool.New(to, cmp.Or(id, s.ProductionUserPoolID)) },
		invokeBackground(lambdaapi.NewFromConfig(production), background), s, log), nil
}
