package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/settings"
)

// announcing says what a command works on before the command's first request.
type announcing struct {
	aws.HTTPClient
	say func()
}

func (a announcing) Do(r *http.Request) (*http.Response, error) {
	a.say()
	return a.HTTPClient.Do(r)
}

// announce has the first request of these clients print the pools that are required, and where the settings are from.
func (a *app) announce(ctx context.Context, c *clients, required []string) {
	s, staging, production := c.settings, c.staging, c.production
	once := func() aws.Retryer { return aws.NopRetryer{} }
	staging.Retryer, production.Retryer = once, once
	say := sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		texts := make([]string, len(required))
		var wg sync.WaitGroup
		for i, name := range required {
			wg.Go(func() {
				if name == "STAGING_USER_POOL_ID" {
					texts[i] = "staging " + describeTarget(ctx, staging, s.StagingUserPoolID, s.StagingRoleARN)
				} else {
					texts[i] = "production " + describeTarget(ctx, production, s.ProductionUserPoolID, "")
				}
			})
		}
		wg.Wait()
		a.progress.Println("Working on " + console.List(texts) + "; settings from " + a.source(c))
	})
	a.announceTarget = say
	c.staging.HTTPClient = announcing{staging.HTTPClient, say}
	c.production.HTTPClient = announcing{production.HTTPClient, say}
}

// describeTarget names a pool, its account and Region. Without the right to read it, these are its id and the role's.
func describeTarget(ctx context.Context, account aws.Config, id, role string) string {
	pool := &types.UserPoolType{Arn: &role}
	if out, err := describePool(ctx, account, id); err == nil {
		pool = cmp.Or(out.UserPool, pool)
	}
	where := account.Region
	if parsed, err := arn.Parse(aws.ToString(pool.Arn)); err == nil {
		where = "account " + parsed.AccountID + ", " + where
	}
	return fmt.Sprintf("%s (%s)", cmp.Or(aws.ToString(pool.Name), id), where)
}

// source is where the settings are from.
func (a *app) source(c *clients) string {
	from := "the environment"
	if c.stack != nil {
		from = "stack " + cmp.Or(a.stackName, a.getenv("MIGRATION_STACK"))
	}
	if slices.ContainsFunc(settings.Variables, func(v settings.Variable) bool { return a.flags.Changed(flagOf(v.Name)) }) {
		from += " and flags"
	}
	return from
}
