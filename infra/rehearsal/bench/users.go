package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
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

// user is a user that the trigger has imported, with the ids in both pools.
type user struct{ stagingSub, productionSub, email string }

func testUser(i int) user {
	return user{
		stagingSub:    fmt.Sprintf("57a61960-0000-4000-8000-%012d", i),
		productionSub: fmt.Sprintf("9200d000-0000-4000-8000-%012d", i),
		email:         fmt.Sprintf("user-%d@example.com", i),
	}
}

// indexOf is the index of the user of testUser with an email or a sub, and of a project.
func indexOf(name string) int {
	local, _, _ := strings.Cut(name, "@")
	i, _ := strconv.Atoi(local[strings.LastIndexByte(local, '-')+1:])
	return i
}

func records(s *spaceport.Spaceport) *ledger.Store {
	return ledger.New(s.ProductionTables, s.Settings.LedgerTable)
}

// imported writes the record that the trigger writes.
func imported(ctx context.Context, s *spaceport.Spaceport, u user) error {
	return records(s).Import(ctx, ledger.NewRecord(u.stagingSub, u.stagingSub, u.email, ledger.SignIn, time.Now()))
}

// bound also writes what the hook writes before it moves anything.
func bound(ctx context.Context, s *spaceport.Spaceport, u user) error {
	if err := imported(ctx, s, u); err != nil {
		return err
	}
	_, err := records(s).Bind(ctx, u.stagingSub, u.productionSub, u.email)
	return err
}

// moved also completes the move.
func moved(ctx context.Context, s *spaceport.Spaceport, u user) error {
	if err := bound(ctx, s, u); err != nil {
		return err
	}
	_, lease, err := records(s).TakeLease(ctx, u.stagingSub, u.productionSub, time.Now(), time.Minute)
	if err != nil {
		return err
	}
	return records(s).Complete(ctx, lease, ledger.Progress{}, time.Now())
}

// firstSignIn prepares the first sign-in of a user with a profile and projects, and returns its event.
func firstSignIn(ctx context.Context, s *spaceport.Spaceport, u user, projects int) ([]byte, error) {
	if err := add(ctx, s, stagingProfiles, []row{profileOf(u)}); err != nil {
		return nil, err
	}
	if err := add(ctx, s, stagingProjects, projectsOf(u.stagingSub, projects)); err != nil {
		return nil, err
	}
	if err := imported(ctx, s, u); err != nil {
		return nil, err
	}
	return signedIn(u)
}

func profileOf(u user) row {
	return row{
		"id": &types.AttributeValueMemberS{Value: u.stagingSub}, "email": &types.AttributeValueMemberS{Value: u.email},
	}
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
