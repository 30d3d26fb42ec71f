package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/pflag"
	"golang.org/x/time/rate"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// app is one run of bulk.
type app struct {
	console.Streams
	flags          *pflag.FlagSet // of every command, then of the one that runs
	json           bool
	stackName      string
	resume         string       // after an interrupt, once something may be written; "": the command line was not accepted
	left           atomic.Value // a func() string: what an interrupt leaves, and where to go on
	announceTarget func()       // says what the command works on, once; nil until that is known

	personal atomic.Value // a string: the path of what was written and holds personal data
	progress *console.Progress
	page     *console.Text // stdout for people; with --json as it is
	getenv   func(string) string
	now      func() time.Time
	account  aws.Config     // production's, once it is opened
	share    float64        // of each Cognito quota; 0: quota.Share
	raised   map[string]int // quotas that AWS has raised
}

// print writes a result to stdout: doc as JSON with --json, else what text writes.
func (a *app) print(doc any, text func(io.Writer) error) error {
	if a.json {
		return console.WriteJSON(a.Out, doc)
	}
	return text(a.page)
}

// canConfirm returns a usage error if there is no terminal to confirm on and --yes is missing. Call it before any work.
func (a *app) canConfirm(yes bool) error {
	if !yes && !a.InTerminal {
		return usagef("no terminal to confirm on: add --yes to run without asking")
	}
	return nil
}

// leave sets what to say about an interrupt from now on.
func (a *app) leave(text string) { a.left.Store(func() string { return text }) }

// confirm asks for a pool's name, which cannot be answered by habit. Nothing is asked with --yes.
func (a *app) confirm(ctx context.Context, poolName string, yes bool) (err error) {
	typed := poolName
	if !yes {
		typed, err = a.Ask(ctx, "To continue, type the pool's name:")
	}
	if err == nil && typed != poolName {
		err = usagef("%q is not the pool's name: nothing was written", typed)
	}
	if err == nil {
		a.leave(a.resume)
	}
	return err
}

// Limits allow for a long run that must outlive a bad minute. A test shortens the pauses.
var Limits = account.Limits{
	Attempts: 12, MaxBackoff: 8 * time.Second, Attempt: 30 * time.Second, Role: 30 * time.Second,
	Parallel: 512, // verify has 256 users in flight, and reads the two tables of each at once
}

// clients are both accounts.
type clients struct {
	settings settings.Settings
	stack    map[string]string // outputs of the production stack by lower-case key, if one is named

	staging, production         aws.Config
	limits                      quota.Limits // of production
	productionCognito           *cognito.Client
	stagingPool, productionPool *userpool.Pool
	stagingRows, productionRows *rows.Store
	ledger                      *ledger.Store
}

// open reads the settings and returns clients for both accounts. Nothing is sent to AWS yet, except to read the stack.
func (a *app) open(ctx context.Context, required ...string) (*clients, error) {
	s, stack, err := a.settings(ctx, required)
	if err != nil {
		return nil, err
	}
	production, err := a.openProduction(ctx)
	if err != nil {
		return nil, err
	}
	production.Region = region(production.Region, s)
	c := &clients{settings: s, stack: stack, production: production}
	c.staging = account.Staging(production, s, "spaceport-bulk", Limits)
	a.announce(ctx, c, required)
	share := cmp.Or(a.share, quota.Share)
	c.limits = quota.New(share, a.raised)
	c.productionCognito = cognito.NewFromConfig(c.production, c.limits.Option)
	c.productionPool = userpool.New(c.productionCognito, s.ProductionUserPoolID)
	c.stagingPool = userpool.New(cognito.NewFromConfig(c.staging, quota.New(share, nil).Option), s.StagingUserPoolID)
	tables := dynamodb.NewFromConfig(c.production)
	c.productionRows, c.ledger = rows.NewStore(tables), ledger.New(tables, s.LedgerTable)
	c.stagingRows = rows.NewStore(dynamodb.NewFromConfig(c.staging))
	return c, nil
}

func (c *clients) ledgerSize(ctx context.Context) int {
	return c.productionRows.EstimatedSize(ctx, c.settings.LedgerTable)
}

// records reads the ledger records of up to 100 users at once.
func (c *clients) records(ctx context.Context, stagingSubs []string) (map[string]ledger.Record, error) {
	keys, found := make([]rows.Row, len(stagingSubs)), map[string]ledger.Record{}
	for i, sub := range stagingSubs {
		keys[i] = rows.Row{"stagingSub": &dynamotypes.AttributeValueMemberS{Value: sub}}
	}
	var failed error
	err := c.productionRows.BatchGet(ctx, c.settings.LedgerTable, keys, func(row rows.Row) {
		record, err := ledger.Decode(row)
		failed, found[record.StagingSub] = cmp.Or(failed, err), record
	})
	return found, cmp.Or(err, failed)
}

// openProduction opens the account once a run, since a code for it can be used once.
func (a *app) openProduction(ctx context.Context) (cfg aws.Config, err error) {
	if a.account.Retryer != nil {
		return a.account, nil
	}
	often := rate.Sometimes{Interval: time.Second}
	say := func(text string) { often.Do(func() { a.progress.Println(text) }) }
	a.account, err = account.Production(ctx, Limits,
		config.WithLogger(logging.Nop{}), // it would write over the bar; errors are returned
		config.WithRetryer(func() aws.Retryer { return quota.Audible{Retryer: Limits.Retryer(), Say: say} }),
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.Duration = cmp.Or(o.Duration, time.Hour) // every role allows it; the SDK's default would ask four times
			o.TokenProvider = func() (string, error) { return a.askCode(ctx, aws.ToString(o.SerialNumber)) }
		}))
	return a.account, err
}

// askCode asks for a code of the MFA device that a profile names.
func (a *app) askCode(ctx context.Context, device string) (string, error) {
	if !a.InTerminal {
		return "", fmt.Errorf("the profile needs an MFA code of %s, and stdin is not a terminal", device)
	}
	a.progress.Println("The profile needs an MFA code of " + device)
	return a.AskSecret(ctx, "Code:")
}

func describePool(ctx context.Context, account aws.Config, id string) (*cognito.DescribeUserPoolOutput, error) {
	out, err := cognito.NewFromConfig(account).DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &id})
	if err != nil {
		return nil, fmt.Errorf("read user pool %s: %w", id, err)
	}
	return out, nil
}

// aheadOf is how far AWS's clock is ahead of now, when it answered.
func aheadOf(answer *cognito.DescribeUserPoolOutput, now time.Time) time.Duration {
	if server, ok := awsmiddleware.GetServerTime(answer.ResultMetadata); ok {
		return server.Sub(now)
	}
	return 0
}

// uniqueEmails reports whether no two users of a pool can have one email, whatever its case.
func uniqueEmails(pool *types.UserPoolType) bool {
	return slices.Contains(pool.UsernameAttributes, types.UsernameAttributeTypeEmail) && !check.CaseSensitive(*pool)
}

// region is that of the production pool, whatever Region the operator's shell has.
func region(configured string, s settings.Settings) string {
	of := func(pool string) string { return pool[:max(0, strings.Index(pool, "_"))] }
	return cmp.Or(of(s.ProductionUserPoolID), configured, of(s.StagingUserPoolID))
}

// settings reads the variables. A flag has precedence. With a stack, its outputs are what the functions were deployed
// with, and the environment is ignored, also for what the stack leaves at its default.
func (a *app) settings(ctx context.Context, need []string) (s settings.Settings, stack map[string]string, err error) {
	if name := cmp.Or(a.stackName, a.getenv("MIGRATION_STACK")); name != "" {
		if stack, err = a.stackOutputs(ctx, name); err != nil {
			return s, nil, err
		}
	}
	s, err = settings.Read(func(name string) string {
		flag := a.flags.Lookup(flagOf(name))
		switch {
		case flag.Changed:
			return flag.Value.String()
		case stack != nil:
			return stack[strings.ToLower(strings.ReplaceAll(name, "_", ""))]
		}
		return a.getenv(name)
	}, need...)
	return s, stack, settingsError(err)
}

// settingsError returns everything that is wrong with the settings, each with its flag.
func settingsError(err error) error {
	if err == nil {
		return nil
	}
	text := "settings are missing or wrong (--stack, or MIGRATION_STACK, reads them from the production stack):"
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(strings.Replace(line, ":", " ", 1), " ")
		text += fmt.Sprintf("\n  %s (or --%s)", strings.TrimSpace(line), flagOf(name))
	}
	return usagef("%s\n\"bulk help settings\" lists all of them.", text)
}
