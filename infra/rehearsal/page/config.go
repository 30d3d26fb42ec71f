package page

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// config is /rehearsal.json: the settings of the front end, and the scenario users.
type config struct {
	Endpoint       string         `json:"endpoint"`
	ClientID       string         `json:"clientId"`
	PasswordPolicy policy         `json:"passwordPolicy"`
	Users          []scenarioUser `json:"users"`
}

// policy is what production requires of a new password.
type policy struct {
	MinimumLength int32 `json:"minimumLength"`
	Uppercase     bool  `json:"uppercase"`
	Lowercase     bool  `json:"lowercase"`
	Digits        bool  `json:"digits"`
	Symbols       bool  `json:"symbols"`
}

type scenarioUser struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Note     string `json:"note"`
}

func readConfig(ctx context.Context, s *spaceport.Spaceport, roles []journeys.ScenarioUser) (config, error) {
	asked, err := readPolicy(ctx, s)
	users := make([]scenarioUser, len(roles))
	for i, r := range roles {
		users[i] = scenarioUser{Name: r.Name, Email: r.Email, Password: r.Password, Note: r.Note}
	}
	return config{Endpoint: s.Cloud.URL(), ClientID: s.ProductionApp, PasswordPolicy: asked, Users: users}, err
}

func readPolicy(ctx context.Context, s *spaceport.Spaceport) (policy, error) {
	out, err := s.Production.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &s.ProductionPool})
	if err != nil {
		return policy{}, fmt.Errorf("read password policy: %w", err)
	}
	if out.UserPool.Policies == nil || out.UserPool.Policies.PasswordPolicy == nil {
		return policy{}, fmt.Errorf("read password policy: %s has none", s.ProductionPool)
	}
	p := out.UserPool.Policies.PasswordPolicy
	return policy{
		MinimumLength: aws.ToInt32(p.MinimumLength), Uppercase: p.RequireUppercase, Lowercase: p.RequireLowercase,
		Digits: p.RequireNumbers, Symbols: p.RequireSymbols,
	}, nil
}
