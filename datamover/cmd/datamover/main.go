// Command datamover is the Lambda function of production's PostConfirmation and PostAuthentication triggers.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	lambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

// limits allow for thousands of rows and a table that scales up. A sign-in's deadlines cut them short.
var limits = account.Limits{Attempts: 8, MaxBackoff: 2 * time.Second, Attempt: 5 * time.Second, Parallel: 32}

func main() {
	log := metrics.NewLog(os.Stdout, lambdacontext.FunctionName)
	handler, err := newHandler(context.Background(), log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, log metrics.Log) (*datamover.Handler, error) {
	s, err := settings.Read(os.Getenv)
	if err != nil {
		return nil, err
	}
	production, err := account.Production(ctx, limits)
	if err != nil {
		return nil, err
	}
	staging := account.Staging(production, s, "spaceport-datamover")
	database := dynamodb.NewFromConfig(production)
	records := ledger.New(database, s.LedgerTable)
	source, target := rows.NewStore(dynamodb.NewFromConfig(staging)), rows.NewStore(database)
	mover := datamover.NewMover(s.Tables, source, target, records)
	background := invokeBackground(lambdaapi.NewFromConfig(production), lambdacontext.FunctionName)
	return datamover.NewHandler(mover, records, background, s.HookBudget, log), nil
}
