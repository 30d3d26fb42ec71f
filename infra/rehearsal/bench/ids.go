package bench

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	idsRows   = 5_000
	idsRounds = 10
)

// keepAll has the mover look at no attribute of a project but its owner.
const keepAll = `[{"source":"` + stagingProfiles + `","target":"` + productionProfiles + `","ownerKey":"id"},` +
	`{"source":"` + stagingProjects + `","target":"` + productionProjects + `","ownerKey":"userSub",` +
	`"keep":["projectId","title","file","progress","notes"]}]`

// ids measures what it costs to look for the user's id in every value of a row.
func ids(ctx context.Context) (section, error) {
	rewrite, keep := &move{rows: idsRows}, &move{rows: idsRows}
	err := withLargeTable(ctx, nil, func(s *spaceport.Spaceport, table *largeTable) error {
		env := map[string]string{"MIGRATION_TABLES": keepAll}
		return withLargeTable(ctx, env, func(keeping *spaceport.Spaceport, kept *largeTable) error {
			for round := range idsRounds {
				if err := rewrite.run(ctx, s, table, testUser(round)); err != nil {
					return err
				}
				if err := keep.run(ctx, keeping, kept, testUser(round)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return section{
		title: "The user's id inside rows",
		how: fmt.Sprintf(
			"As before, %d moves of %d rows each way, in turn: every value is compared with the id, or keep names all\n"+
				"attributes, and only the key is replaced.",
			idsRounds,
			idsRows,
		),
		table: [][]string{
			{"", "compared", "keep"},
			{"rows/s", rewrite.rate(), keep.rate()},
		},
		thresholds: []threshold{
			shareAtLeast("rows/s with the comparison as a share of those without", ratio(keep.took, rewrite.took), 0.97),
		},
	}, err
}

// withLargeTable starts a Spaceport whose table of projects is a fake.
func withLargeTable(
	ctx context.Context, env map[string]string, measure func(*spaceport.Spaceport, *largeTable) error,
) error {
	table := &largeTable{}
	server := httptest.NewServer(table)
	defer server.Close()
	o := spaceport.Options{Env: map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": server.URL}}
	maps.Copy(o.Env, env)
	return within(ctx, o, func(s *spaceport.Spaceport) error {
		if err := table.forwardTo(s.Cloud.URL()); err != nil {
			return err
		}
		return measure(s, table)
	})
}
