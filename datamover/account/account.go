// Package account opens the two AWS accounts: production, where the code runs, and staging, by an assumed role. It sets
// retries and timeouts.
package account

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spaceport/user-migration/datamover/settings"
)

// Limits bound every call of a binary.
type Limits struct {
	Attempts   int           // of one call, the first included
	MaxBackoff time.Duration // longest pause between two attempts
	Attempt    time.Duration // longest single attempt, connecting included
	Role       time.Duration // longest try to get the role in staging, once production's credentials are there
	Parallel   int           // connections kept open to one endpoint
}

const idleConnection = 20 * time.Second

// Production opens the account that the code runs in. Endpoints, Region and credentials come from the SDK's own chain.
func Production(ctx context.Context, l Limits, more ...func(*config.LoadOptions) error) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, append([]func(*config.LoadOptions) error{
		config.WithRetryer(l.Retryer),
		// Else DynamoDB's host is that of the account, once credentials name one, and Warming cannot know it.
		config.WithAccountIDEndpointMode(aws.AccountIDEndpointModeDisabled),
		config.WithHTTPClient(awshttp.NewBuildableClient().
			WithTimeout(l.Attempt).
			WithTransportOptions(func(t *http.Transport) {
				t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, l.Parallel // 0: no bound on all of the few endpoints
				// A Lambda environment is frozen between invocations. A connection that AWS has closed meanwhile
				// would cost the next sign-in an attempt, and a password is not sent twice.
				t.IdleConnTimeout = idleConnection
			})),
	}, more...)...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	return cfg, nil
}

// Retryer decides which errors are retried, and how often.
func (l Limits) Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = l.Attempts
		o.MaxBackoff = l.MaxBackoff
		// Attempts and deadlines bound the retries; the SDK's own token bucket would in addition make one
		// user's bad minute fail the next one at once.
		o.RateLimiter = ratelimit.None
		// A row that a transaction of the application holds is free in a moment.
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{
			Codes: map[string]struct{}{"TransactionConflictException": {}},
		})
	})
}

// Staging opens the staging account, in the Region of its pool, with a role assumed from production. Without a role it
// is the same account.
func Staging(production aws.Config, s settings.Settings, session string, l Limits) aws.Config {
	staging := production.Copy()
	if region, _, ok := strings.Cut(s.StagingUserPoolID, "_"); ok {
		staging.Region = region
	}
	if s.StagingRoleARN == "" {
		return staging
	}
	assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(production), s.StagingRoleARN,
		func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = session
			if s.StagingExternalID != "" {
				o.ExternalID = &s.StagingExternalID
			}
		})
	staging.Credentials = &refreshAhead{
		source: assume, base: production.Credentials, timeout: l.Role, now: time.Now,
	}
	return staging
}
