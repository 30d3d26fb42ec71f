// Package survey gathers from AWS what package check judges. It reads; where only a write tells whether one is allowed, it
// sends one that cannot succeed.
package survey

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// end is one of the two accounts.
type end struct {
	name   string // "staging" or "production", as permissions are told
	poolID string
	pools  poolAPI
	tables tableAPI
	who    identityAPI
	people *userpool.Pool
}

// Survey looks at both accounts.
type Survey struct {
	settings            settings.Settings
	staging, production end
	functions           policyAPI
	app                 appAPI
	ledger              *ledger.Store
	now                 func() time.Time
	patience            time.Duration // for a hand-over to end
	lag                 time.Duration // ListUsers may not know a user at once ("Amazon Cognito API reference, ListUsers")
}

// New opens a survey. The configurations are those of the operator, in each account.
func New(production, staging aws.Config, s settings.Settings) *Survey {
	database := dynamodb.NewFromConfig(production)
	return &Survey{
		settings:   s,
		production: newEnd("production", production, s.ProductionUserPoolID),
		staging:    newEnd("staging", staging, s.StagingUserPoolID),
		functions:  lambda.NewFromConfig(production),
		app:        newApp(production),
		ledger:     ledger.New(database, s.LedgerTable),
		now:        time.Now,
		patience:   time.Minute,
		lag:        3 * time.Second,
	}
}

func newEnd(name string, cfg aws.Config, poolID string) end {
	pools := cognito.NewFromConfig(cfg)
	return end{
		name: name, poolID: poolID, pools: pools, tables: dynamodb.NewFromConfig(cfg), who: sts.NewFromConfig(cfg),
		people: userpool.New(pools, poolID),
	}
}

// Counter is told of users as they are read, and how many there are, about.
type Counter interface {
	Begin(estimate int)
	Add()
	End()
}

// Look gathers everything without writing. Its error means that nothing can be said at all: no credentials, no network.
func (s *Survey) Look(ctx context.Context, users Counter) (check.Facts, error) {
	f := check.Facts{Settings: s.settings, Now: s.now(), Policies: map[string]check.Seen[string]{}}
	operator := s.production.identity(ctx)
	if operator.Err != nil {
		return f, fmt.Errorf("ask AWS who this is: %w", operator.Err)
	}
	f.Operator, f.StagingOperator = operator.Value, s.staging.identity(ctx)
	f.StagingOperator.Err = translate(f.StagingOperator.Err)
	s.lookAtProduction(ctx, &f)
	s.lookAtStaging(ctx, &f)
	s.lookAtTables(ctx, &f)
	f.Permissions = s.tryEverything(ctx, f)
	if err := ctx.Err(); err != nil {
		return f, err
	}
	return f, s.countPeople(ctx, &f, users)
}

func (s *Survey) lookAtProduction(ctx context.Context, f *check.Facts) {
	f.Production = s.production.pool(ctx)
	f.ProductionClients = s.production.clients(ctx)
	for _, function := range f.Production.Value.Functions() {
		f.Policies[function] = s.policy(ctx, function)
	}
}

// lookAtStaging asks nothing where the role cannot be assumed: every answer would be the same.
func (s *Survey) lookAtStaging(ctx context.Context, f *check.Facts) {
	if err := f.StagingOperator.Err; err != nil {
		f.Staging.Err, f.StagingClients.Err, f.TriggerClient.Err, f.Groups.Err = err, err, err, err
		return
	}
	f.Staging = s.staging.pool(ctx)
	f.StagingClients = s.staging.clients(ctx)
	if id := s.settings.StagingClientID; id != "" {
		f.TriggerClient = s.staging.client(ctx, id)
	}
	f.Groups = s.staging.groups(ctx)
}

func (s *Survey) lookAtTables(ctx context.Context, f *check.Facts) {
	f.Ledger = s.production.target(ctx, s.settings.LedgerTable)
	f.Bound = s.bound(ctx)
	for _, t := range s.settings.Tables {
		pair := check.TablePair{Table: t, To: s.production.target(ctx, t.Target)}
		if err := f.StagingOperator.Err; err != nil {
			pair.From.Err, pair.Sample.Err = err, err
		} else {
			pair.From, pair.Sample = s.staging.table(ctx, t.Source), s.staging.sample(ctx, t.Source)
		}
		f.Tables = append(f.Tables, pair)
	}
}

// bound counts the ledger's lines that a production user owns.
func (s *Survey) bound(ctx context.Context) (n check.Seen[int]) {
	for line, err := range s.ledger.All(ctx) {
		if err != nil {
			n.Err = translate(err)
			return n
		}
		if line.Bound() {
			n.Value++
		}
	}
	return n
}

// countPeople reads all staging users, once.
func (s *Survey) countPeople(ctx context.Context, f *check.Facts, users Counter) error {
	if f.People.Err = f.StagingOperator.Err; f.People.Err != nil {
		return nil
	}
	users.Begin(f.Staging.Value.Users)
	defer users.End()
	census, err := check.Count(s.staging.people.List(ctx), check.RulesFor(*f), users.Add)
	if err != nil && !saysSomething(err) {
		return err
	}
	f.People = check.Seen[check.Census]{Value: census, Err: translate(err)}
	return nil
}
