package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/settings"
)

// target is what a command works on. It is printed before the command's first request.
type target struct {
	once  sync.Once
	pools []*targetPool // that the command requires
	from  string        // the settings
	say   func(line string)
}

type targetPool struct {
	name, id, role string
	account        aws.Config
	answer         *cognito.DescribeUserPoolOutput // nil: it was not read, or could not be
}

// describePatience is how long a command's first request waits for the pools' names.
const describePatience = 2 * time.Second

// aim sets the target. The clients that are made after it print it, those before it do not.
func (a *app) aim(c *clients, required []string) {
	s := c.settings
	c.target.say = a.progress.Println
	c.target.from = "the environment"
	if c.stack != nil {
		c.target.from = "stack " + cmp.Or(a.stackName, a.getenv("MIGRATION_STACK"))
	}
	if slices.ContainsFunc(settings.Variables, func(v settings.Variable) bool { return a.flags.Changed(flagOf(v.Name)) }) {
		c.target.from += " and flags"
	}
	for _, p := range []targetPool{
		{"staging", s.StagingUserPoolID, s.StagingRoleARN, c.staging, nil},
		{"production", s.ProductionUserPoolID, "", c.production, nil},
	} {
		if slices.Contains(required, strings.ToUpper(p.name)+"_USER_POOL_ID") {
			c.target.pools = append(c.target.pools, &p)
		}
	}
	c.staging.HTTPClient = announcing{c.staging.HTTPClient, &c.target}
	c.production.HTTPClient = announcing{c.production.HTTPClient, &c.target}
}

// announcing prints the target before the first request.
type announcing struct {
	aws.HTTPClient
	*target
}

func (a announcing) Do(r *http.Request) (*http.Response, error) {
	a.print(r.Context())
	return a.HTTPClient.Do(r)
}

// print reads the pools, for their names and accounts. One that cannot be read now is named by its id.
func (t *target) print(ctx context.Context) {
	t.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, describePatience)
		defer cancel()
		var wg sync.WaitGroup
		for _, p := range t.pools {
			wg.Go(func() { p.answer, _ = describePool(ctx, p.account, p.id) })
		}
		wg.Wait()
		texts := make([]string, len(t.pools))
		for i, p := range t.pools {
			texts[i] = p.String()
		}
		t.say(fmt.Sprintf("Working on %s; settings from %s", console.List(texts), t.from))
	})
}

func (p *targetPool) String() string {
	pool := &types.UserPoolType{Arn: &p.role} // which names the account too
	if p.answer != nil {
		pool = cmp.Or(p.answer.UserPool, pool)
	}
	where := p.account.Region
	if parsed, err := arn.Parse(aws.ToString(pool.Arn)); err == nil {
		where = "account " + parsed.AccountID + ", " + where
	}
	return fmt.Sprintf("%s %s (%s)", p.name, cmp.Or(aws.ToString(pool.Name), p.id), where)
}

func describePool(ctx context.Context, account aws.Config, id string) (*cognito.DescribeUserPoolOutput, error) {
	out, err := cognito.NewFromConfig(account).DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &id})
	if err != nil {
		return nil, fmt.Errorf("read user pool %s: %w", id, err)
	}
	return out, nil
}

// describePool reads a pool, unless the target has just done so.
func (c *clients) describePool(ctx context.Context, account aws.Config, id string) (
	*cognito.DescribeUserPoolOutput, error,
) {
	c.target.print(ctx)
	for _, p := range c.target.pools {
		if p.id == id && p.answer != nil {
			return p.answer, nil
		}
	}
	return describePool(ctx, account, id)
}
