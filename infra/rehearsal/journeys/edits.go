package journeys

import (
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const editedTitle = "edited in production"

// edit writes a project as the app does in production, and replaces an existing one.
func (s *story) edit(email string, projectID string) error {
	user, err := s.ProductionUser(s.ctx, email)
	if err != nil {
		return err
	}
	return s.Put(s.ctx, s.ProductionTables, "Spaceport-Projects-prod", map[string]dynamotypes.AttributeValue{
		"userSub":   &dynamotypes.AttributeValueMemberS{Value: spaceport.Attribute(user, "sub")},
		"projectId": &dynamotypes.AttributeValueMemberS{Value: projectID},
		"title":     &dynamotypes.AttributeValueMemberS{Value: editedTitle},
	})
}

// titleOf is the title of a project in production, "" if there is none.
func (s *story) titleOf(email, projectID string) (string, error) {
	all, err := s.projects(email)
	for _, row := range all {
		if row["projectId"].(*dynamotypes.AttributeValueMemberS).Value == projectID {
			return row["title"].(*dynamotypes.AttributeValueMemberS).Value, nil
		}
	}
	return "", err
}

func (s *story) projects(email string) ([]map[string]dynamotypes.AttributeValue, error) {
	user, err := s.ProductionUser(s.ctx, email)
	if err != nil {
		return nil, err
	}
	return spaceport.Rows(
		s.ctx,
		s.ProductionTables,
		"Spaceport-Projects-prod",
		"userSub",
		spaceport.Attribute(user, "sub"),
	)
}
