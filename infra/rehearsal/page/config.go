package page

import (
	"context"
	"fmt"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// config is /rehearsal.json: the settings of the front end, and the scenario users.
type config struct {
	Endpoint       string                    `json:"endpoint"`
	ClientID       string                    `json:"clientId"`
	PasswordPolicy *types.PasswordPolicyType `json:"passwordPolicy"` // what production requires of a new password
	Users          []journeys.ScenarioUser   `json:"users"`
}

func readConfig(ctx context.Context, s *spaceport.Spaceport, users []journeys.ScenarioUser) (config, error) {
	out, err := s.Production.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &s.ProductionPool})
	if err != nil {
		return config{}, fmt.Errorf("read password policy: %w", err)
	}
	policies := out.UserPool.Policies
	if policies == nil || policies.PasswordPolicy == nil {
		return config{}, fmt.Errorf("read password policy: %s has none", s.ProductionPool)
	}
	return config{s.Cloud.URL(), s.ProductionApp, policies.PasswordPolicy, users}, nil
}

// stagingEmails are the emails of staging's users by sub: that is all that logs have of a user who is not migrated.
func stagingEmails(ctx context.Context, s *spaceport.Spaceport) (map[string]string, error) {
	emails := map[string]string{}
	pages := cognito.NewListUsersPaginator(s.Staging, &cognito.ListUsersInput{UserPoolId: &s.StagingPool})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list staging users: %w", err)
		}
		for _, u := range page.Users {
			emails[spaceport.ValueOf(u.Attributes, "sub")] = spaceport.ValueOf(u.Attributes, "email")
		}
	}
	return emails, nil
}
