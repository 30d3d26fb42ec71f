package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// account is a signed-in user's own data in production: what the app shows, and ids and paths, which it does not.
type account struct {
	Email         string         `json:"email"`
	Name          string         `json:"name"`
	ProductionSub string         `json:"productionSub"`
	StagingSub    string         `json:"stagingSub"`
	State         ledger.State   `json:"state"`
	Profile       map[string]any `json:"profile"`
	ProjectCount  int            `json:"projectCount"`
	Projects      []project      `json:"projects"`
}

type project struct {
	Title    string `json:"title"`
	Progress int    `json:"progress"`
	File     string `json:"file"`
}

// shownProjects is how many of a user's projects are shown; all are counted.
const shownProjects = 50

// errToken means that Cognito does not accept the access token.
var errToken = errors.New("sign in again: Cognito does not accept this token")

func (s *site) serveAccount(out http.ResponseWriter, in *http.Request) {
	token, ok := strings.CutPrefix(in.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		reject(out, http.StatusUnauthorized, "send an access token: Authorization: Bearer TOKEN")
		return
	}
	switch a, err := s.account(in.Context(), token); {
	case errors.Is(err, errToken):
		reject(out, http.StatusUnauthorized, err.Error())
	case err != nil:
		reject(out, http.StatusBadGateway, err.Error())
	default:
		answer(out, http.StatusOK, a)
	}
}

// accounts reads a user's own data, as Spaceport's backend would.
type accounts struct{ *spaceport.Spaceport }

func (s accounts) of(ctx context.Context, accessToken string) (account, error) {
	user, err := s.App.GetUser(ctx, &cognito.GetUserInput{AccessToken: &accessToken})
	switch spaceport.Code(err) {
	case "NotAuthorizedException", "UserNotFoundException":
		return account{}, errToken
	}
	if err != nil {
		return account{}, fmt.Errorf("read user: %w", err)
	}
	has := func(name string) string { return spaceport.ValueOf(user.UserAttributes, name) }
	a := account{Email: has("email"), Name: has("name"), ProductionSub: has("sub"), StagingSub: has("custom:staging_sub")}
	found, err := s.record(ctx, a)
	if err != nil {
		return account{}, err
	}
	a.State = found.State
	profile, projects := s.Settings.Tables[0], s.Settings.Tables[1]
	if a.Profile, err = s.profile(ctx, profile, a.ProductionSub); err != nil {
		return account{}, err
	}
	a.Projects, a.ProjectCount, err = s.projects(ctx, projects, a.ProductionSub, found)
	return a, err
}

// record is the user's ledger record, zero if it is bound to another user: a staging sub may be forged.
func (s accounts) record(ctx context.Context, a account) (ledger.Record, error) {
	if a.StagingSub == "" {
		return ledger.Record{}, nil
	}
	found, err := s.Ledger(ctx, a.StagingSub)
	if err != nil || found.Bound() && found.ProductionSub != a.ProductionSub {
		return ledger.Record{}, err
	}
	return found, nil
}

func (s accounts) profile(ctx context.Context, t settings.Table, sub string) (profile map[string]any, err error) {
	rows, err := spaceport.Rows(ctx, s.ProductionTables, t.Target, t.OwnerKey, sub)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return profile, attributevalue.UnmarshalMap(rows[0], &profile)
}

// projects returns the first few projects, and how many there are. The page asks often during a move, and counting
// thousands of rows takes long, so the rows that were moved are taken from the ledger's counts.
func (s accounts) projects(
	ctx context.Context, t settings.Table, sub string, r ledger.Record,
) (projects []project, count int, err error) {
	in := spaceport.RowsOf(t.Target, t.OwnerKey, sub)
	in.Limit = aws.Int32(shownProjects)
	page, err := s.ProductionTables.Query(ctx, in)
	if err != nil {
		return nil, 0, fmt.Errorf("read projects: %w", err)
	}
	err = attributevalue.UnmarshalListOfMaps(page.Items, &projects)
	return projects, max(len(projects), r.Copied[t.Target]+r.Kept[t.Target]), err
}
