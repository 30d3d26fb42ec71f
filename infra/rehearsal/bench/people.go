package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	ledgerTable        = "Spaceport-Migration-prod"
	stagingProfiles    = "Spaceport-Users-staging"
	productionProfiles = "Spaceport-Users-prod"
	stagingProjects    = "Spaceport-Projects-staging"
	productionProjects = "Spaceport-Projects-prod"

	notes = 850 // bytes that make a project about 1 KB
)

// arrival is a staging user whom the trigger has let in, and the production user that they became.
type arrival struct{ stagingSub, productionSub, email string }

func person(i int) arrival {
	return arrival{
		stagingSub:    fmt.Sprintf("57a61960-0000-4000-8000-%012d", i),
		productionSub: fmt.Sprintf("9200d000-0000-4000-8000-%012d", i),
		email:         fmt.Sprintf("person-%d@example.com", i),
	}
}

func lines(s *spaceport.Spaceport) *ledger.Store {
	return ledger.New(s.ProductionTables, s.Settings.LedgerTable)
}

// imported writes the line that the trigger writes.
func imported(ctx context.Context, s *spaceport.Spaceport, a arrival) error {
	return lines(s).Import(ctx, a.stagingSub, a.email, ledger.SignIn, time.Now())
}

// bound goes on to what the hook writes before it moves anything.
func bound(ctx context.Context, s *spaceport.Spaceport, a arrival) error {
	if err := imported(ctx, s, a); err != nil {
		return err
	}
	_, err := lines(s).Bind(ctx, a.stagingSub, a.productionSub, a.email)
	return err
}

// moved goes on to the end.
func moved(ctx context.Context, s *spaceport.Spaceport, a arrival) error {
	if err := bound(ctx, s, a); err != nil {
		return err
	}
	return lines(s).Complete(ctx, a.stagingSub, a.productionSub, ledger.Progress{}, time.Now())
}

// arrive prepares a first sign-in of somebody with a profile and projects, and returns its event.
func arrive(ctx context.Context, s *spaceport.Spaceport, a arrival, projects int) ([]byte, error) {
	profile := row{"id": &types.AttributeValueMemberS{Value: a.stagingSub}, "email": &types.AttributeValueMemberS{Value: a.email}}
	if err := add(ctx, s, stagingProfiles, []row{profile}); err != nil {
		return nil, err
	}
	if err := add(ctx, s, stagingProjects, projectsOf(a.stagingSub, projects)); err != nil {
		return nil, err
	}
	if err := imported(ctx, s, a); err != nil {
		return nil, err
	}
	return signedIn(a)
}

type row = map[string]types.AttributeValue

func projectsOf(owner string, n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = spaceport.Project(owner, i, notes)
	}
	return rows
}

// maxBatch is how many items BatchWriteItem takes ("Amazon DynamoDB API reference, BatchWriteItem").
const maxBatch = 25

func add(ctx context.Context, s *spaceport.Spaceport, table string, rows []row) error {
	for chunk := range slices.Chunk(rows, maxBatch) {
		batch := make([]types.WriteRequest, len(chunk))
		for i, item := range chunk {
			batch[i].PutRequest = &types.PutRequest{Item: item}
		}
		_, err := s.StagingTables.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{table: batch},
		})
		if err != nil {
			return fmt.Errorf("write %s: %w", table, err)
		}
	}
	return nil
}
