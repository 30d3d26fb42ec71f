// Command trigger is the Lambda function of production's Migrate user trigger and, if the pool sends by SES, of its
// Custom message trigger.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
	"github.com/spaceport/user-migration/datamover/version"
	"github.com/spaceport/user-migration/trigger"
)

// limits fit the handler's budget: a hung connection leaves time for one more attempt.
var limits = account.Limits{
	Attempts: 3, MaxBackoff: 300 * time.Millisecond, Attempt: 1500 * time.Millisecond, Role: 3 * time.Second, Parallel: 4,
}

func main() {
	log := metrics.NewLog(os.Stdout, lambdacontext.FunctionName)
	log.Info("start", "version", version.String())
	handler, err := newHandler(context.Background(), log)
	if err != nil {
		log.Error("start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, log metrics.Log) (*trigger.Handler, error) {
	s, err := settings.Read(os.Getenv, "STAGING_USER_POOL_ID", "STAGING_CLIENT_ID")
	email, badEmail := trigger.NewResetEmail(
		os.Getenv("RESET_EMAIL_SUBJECT"), os.Getenv("RESET_EMAIL_TEXT"), os.Getenv("RESET_URL"))
	if err := errors.Join(err, badEmail); err != nil {
		return nil, err
	}
	production, err := account.Production(ctx, limits)
	if err != nil {
		return nil, err
	}
	staging := account.Staging(production, s, "spaceport-trigger", limits)
	pool := func(in aws.Config) *userpool.Pool {
		return userpool.New(cognito.NewFromConfig(in), s.StagingUserPoolID)
	}
	records := func(in aws.Config) *ledger.Store { return ledger.New(dynamodb.NewFromConfig(in), s.LedgerTable) }
	// Ask for the role and connect while the runtime starts. The first invocation joins this, and meets its error if any.
	go func() { _, _ = staging.Credentials.Retrieve(ctx) }()
	_, _ = pool(account.Warming(staging, 2)).Get(ctx, "")
	_ = records(account.Warming(production, 1)).Import(ctx, ledger.Record{})
	return trigger.NewHandler(pool(staging), records(production), s, email, log), nil
}
