package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	ownProjects = 250 // more than one page
	smallTable  = 300
	largeFactor = 100
)

// growth moves one user's projects from a small table, and again from a large one.
func growth(ctx context.Context) (section, error) {
	var small, large map[string]int
	err := within(ctx, spaceport.Options{}, func(s *spaceport.Spaceport) (err error) {
		u, others := testUser(1), projectsOf(testUser(2).stagingSub, smallTable*largeFactor-ownProjects)
		few := smallTable - ownProjects
		if err := add(ctx, s, stagingProjects, append(projectsOf(u.stagingSub, ownProjects), others[:few]...)); err != nil {
			return err
		}
		if small, err = requestsOfMove(ctx, s, u); err != nil {
			return err
		}
		if err := add(ctx, s, stagingProjects, others[few:]); err != nil {
			return err
		}
		if err := readmit(ctx, s, u); err != nil {
			return err
		}
		u.productionSub += "-again"
		large, err = requestsOfMove(ctx, s, u)
		return err
	})
	return growthSection(small, large), err
}

// readmit deletes the user's record, as an operator does to have the user migrated again.
func readmit(ctx context.Context, s *spaceport.Spaceport, u user) error {
	_, err := s.ProductionTables.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Settings.LedgerTable,
		Key:       row{"stagingSub": &types.AttributeValueMemberS{Value: u.stagingSub}},
	})
	if err != nil {
		return fmt.Errorf("delete ledger record: %w", err)
	}
	return nil
}

// requestsOfMove moves a user in a new process and counts the requests.
func requestsOfMove(ctx context.Context, s *spaceport.Spaceport, u user) (map[string]int, error) {
	if err := bound(ctx, s, u); err != nil {
		return nil, err
	}
	event, err := continuation(u)
	if err != nil {
		return nil, err
	}
	s.Lambdas.Recycle(spaceport.Background)
	if _, err := invoke(ctx, s, spaceport.Background, event); err != nil {
		return nil, err
	}
	// It is the datamover in staging, since both share a role.
	counted := byOperation(s.Cloud.Requests(), spaceport.Background, spaceport.Datamover)
	record, err := s.Ledger(ctx, u.stagingSub)
	if err == nil && record.Copied[productionProjects] != ownProjects {
		err = fmt.Errorf("of %d projects %d were copied", ownProjects, record.Copied[productionProjects])
	}
	return counted, err
}

func growthSection(small, large map[string]int) section {
	s := section{
		title: "The same move in a larger table",
		how: fmt.Sprintf("Requests of a background move of %d projects, as the local cloud logged them; the staging table\n"+
			"has %d rows in all, then %d.", ownProjects, smallTable, smallTable*largeFactor),
		table: [][]string{{"requests", fmt.Sprint(smallTable, " rows"), fmt.Sprint(smallTable*largeFactor, " rows")}},
		thresholds: []threshold{{
			what:  fmt.Sprintf("requests of a move in a table %d times as large", largeFactor),
			bound: fmt.Sprint("the same ", total(small)), measured: fmt.Sprint(total(large)),
			met: len(small) > 0 && maps.Equal(small, large),
		}},
	}
	all := maps.Clone(small)
	maps.Copy(all, large)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s.table = append(s.table, []string{name, fmt.Sprint(small[name]), fmt.Sprint(large[name])})
	}
	s.table = append(s.table, []string{"all", fmt.Sprint(total(small)), fmt.Sprint(total(large))})
	return s
}

func total(counted map[string]int) (n int) {
	for _, count := range counted {
		n += count
	}
	return n
}
