package page

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// terms are /rehearsal.json: what any front end is built with, and who can be played.
type terms struct {
	Endpoint       string   `json:"endpoint"`
	ClientID       string   `json:"clientId"`
	PasswordPolicy policy   `json:"passwordPolicy"`
	People         []person `json:"people"`
}

// policy is what production asks of a new password.
type policy struct {
	MinimumLength int32 `json:"minimumLength"`
	Uppercase     bool  `json:"uppercase"`
	Lowercase     bool  `json:"lowercase"`
	Digits        bool  `json:"digits"`
	Symbols       bool  `json:"symbols"`
}

type person struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Note     string `json:"note"`
}

func readTerms(ctx context.Context, s *spaceport.Spaceport, roles []journeys.Role) (terms, error) {
	asked, err := readPolicy(ctx, s)
	people := make([]person, len(roles))
	for i, r := range roles {
		people[i] = person{Name: r.Name, Email: r.Email, Password: r.Password, Note: r.Note}
	}
	return terms{
		Endpoint: s.Cloud.URL(), ClientID: s.ProductionApp, PasswordPolicy: asked, People: people,
	}, err
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
