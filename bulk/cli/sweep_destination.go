package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"github.com/spaceport/user-migration/bulk/progress"
)

// destination is where a sweep goes, once it is sure that it can work there.
type destination struct {
	name          string
	defaultSender bool             // Cognito's own, which sends at most 50 letters a day
	clock         func() time.Time // AWS's time, which accounts and ledger lines are compared by
}

// destination looks for what a sweep cannot work without: pool, custom:staging_sub, ledger and tables. All else is for
// bulk check to say.
func (a *accounts) destination(ctx context.Context, s *session) (destination, error) {
	out, err := a.productionCognito.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &s.settings.ProductionUserPoolID})
	if err != nil {
		return destination{}, fmt.Errorf("read production pool %s: %w", s.settings.ProductionUserPoolID, err)
	}
	bearsSub := slices.ContainsFunc(out.UserPool.SchemaAttributes, func(a types.SchemaAttributeType) bool {
		return aws.ToString(a.Name) == "custom:staging_sub"
	})
	if !bearsSub {
		return destination{}, errors.New("the production pool has no attribute custom:staging_sub, which ties an account to its past; bulk check says what else is missing")
	}
	if err := a.tablesThere(ctx, s); err != nil {
		return destination{}, err
	}
	email := out.UserPool.EmailConfiguration
	return destination{
		name:          aws.ToString(out.UserPool.Name),
		defaultSender: email == nil || email.EmailSendingAccount != types.EmailSendingAccountTypeDeveloper,
		clock:         clockOf(out, s.now),
	}, nil
}

func (a *accounts) tablesThere(ctx context.Context, s *session) error {
	for _, t := range s.settings.Tables {
		if err := describe(ctx, a.stagingTables, t.Source); err != nil {
			return err
		}
		if err := describe(ctx, a.productionTables, t.Target); err != nil {
			return err
		}
	}
	return describe(ctx, a.productionTables, s.settings.LedgerTable)
}

func describe(ctx context.Context, api *dynamodb.Client, table string) error {
	if _, err := api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table}); err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	return nil
}

// clockOf corrects this machine's clock by the Date that AWS answered with: which is never ahead of AWS's own.
func clockOf(out *cognito.DescribeUserPoolOutput, now func() time.Time) func() time.Time {
	there, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok {
		return now
	}
	ahead := there.Sub(now())
	return func() time.Time { return now().Add(ahead) }
}

// defaultSenderADay is what Cognito's own sender sends ("Cognito developer guide, Email settings for user pools").
const defaultSenderADay = 50

func (d destination) refuse(letters int) error {
	if d.defaultSender && letters > defaultSenderADay {
		return fmt.Errorf("%s letters are to be sent, and the pool's default e-mail sender sends at most %d a day: "+
			"give the pool an SES sender, or use --notify none, or --limit %d a day", progress.Count(letters), defaultSenderADay, defaultSenderADay)
	}
	return nil
}

// fatal tells errors after which no other user fares better.
func fatal(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return strings.Contains(err.Error(), "failed to refresh cached credentials")
	}
	return slices.Contains([]string{
		"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
		"AccessDenied", "AccessDeniedException", "ResourceNotFoundException",
	}, api.ErrorCode())
}
