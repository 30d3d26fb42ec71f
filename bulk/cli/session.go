package cli

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// limits are patient: nobody waits for bulk at a sign-in, and a long run should outlive a bad minute.
var limits = account.Limits{Attempts: 12, MaxBackoff: 8 * time.Second, Attempt: 30 * time.Second, Parallel: 64}

// session is one run of one command.
type session struct {
	Streams
	json     bool
	args     []string
	settings settings.Settings
	stack    map[string]string // outputs of the stack that --stack names
	meter    *progress.Meter
	now      func() time.Time
}

// print writes the result: doc as one JSON document with --json, else what text writes.
func (s *session) print(doc any, text func(io.Writer) error) error {
	if !s.json {
		return text(s.Out)
	}
	enc := json.NewEncoder(s.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// confirmPool has the operator type a pool's name, which no habit of pressing y can do.
func (s *session) confirmPool(ctx context.Context, name string) error {
	typed, err := s.ask(ctx, "To go on, type the pool's name:")
	if err != nil {
		return err
	}
	if typed != name {
		return usagef("%q is not the pool's name: nothing was written", typed)
	}
	return nil
}

// accounts is staging and production, open.
type accounts struct {
	staging, production             aws.Config
	stagingCognito                  *cognito.Client
	productionCognito               *cognito.Client
	stagingTables, productionTables *dynamodb.Client

	stagingPool, productionPool *userpool.Pool
	ledger                      *ledger.Store
}

// accounts opens both accounts. Nothing is asked of AWS yet.
func (s *session) accounts(ctx context.Context) (*accounts, error) {
	production, err := account.Production(ctx, limits)
	if err != nil {
		return nil, err
	}
	production.Region = region(production.Region, s.settings)
	production.Logger = logging.Nop{} // it would write across the bar; what goes wrong comes back as an error
	a := &accounts{production: production, staging: account.Staging(production, s.settings, "spaceport-bulk")}
	a.stagingCognito, a.productionCognito = cognito.NewFromConfig(a.staging), cognito.NewFromConfig(a.production)
	a.stagingTables, a.productionTables = dynamodb.NewFromConfig(a.staging), dynamodb.NewFromConfig(a.production)
	a.stagingPool = userpool.New(a.stagingCognito, s.settings.StagingUserPoolID)
	a.productionPool = userpool.New(a.productionCognito, s.settings.ProductionUserPoolID)
	a.ledger = ledger.New(a.productionTables, s.settings.LedgerTable)
	return a, nil
}

// region is where production lives: where its pool is, whatever Region the operator's shell happens to be in.
func region(configured string, s settings.Settings) string {
	if production, _, ok := strings.Cut(s.ProductionUserPoolID, "_"); ok {
		return production
	}
	if staging, _, ok := strings.Cut(s.StagingUserPoolID, "_"); ok && configured == "" {
		return staging
	}
	return configured
}
