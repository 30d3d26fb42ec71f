package journeys

import (
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/rows"
)

const editedTitle = "edited in production"

// edit writes a project as the app does in production, and replaces an existing one.
func (s *story) edit(email string, projectID string) error {
	sub, err := s.productionSub(email)
	if err != nil {
		return err
	}
	return s.Put(s.ctx, s.ProductionTables, projects.Target, rows.Row{
		"userSub": text(sub), "projectId": text(projectID), "title": text(editedTitle),
	})
}

func text(s string) dynamotypes.AttributeValue { return &dynamotypes.AttributeValueMemberS{Value: s} }

// titles are those of a user's projects in production, by project.
func (s *story) titles(email string) (map[string]string, error) {
	titles := map[string]string{}
	_, all, err := s.productionRows(projects, email)
	for _, row := range all {
		titles[rows.Row(row).Text("projectId")] = rows.Row(row).Text("title")
	}
	return titles, err
}
