package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// account is what a user sees of themselves: their rows as production has them, and who they were in staging.
type account struct {
	Email         string              `json:"email"`
	Name          string              `json:"name"`
	ProductionSub string              `json:"productionSub"`
	StagingSub    string              `json:"stagingSub"`
	State         ledger.State        `json:"state"`
	Profile       map[string]string   `json:"profile"`
	ProjectCount  int                 `json:"projectCount"`
	Projects      []map[string]string `json:"projects"`
}

// shownProjects is how many of a user's projects are shown; all are counted.
const shownProjects = 50

// errToken means that Cognito does not take the access token.
var errToken = errors.New("sign in again: Cognito does not take this token")

func (w *site) serveAccount(out http.ResponseWriter, in *http.Request) {
	token, ok := strings.CutPrefix(in.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		refuse(out, http.StatusUnauthorized, "say who you are: Authorization: Bearer, and an access token")
		return
	}
	switch a, err := w.account(in.Context(), token); {
	case errors.Is(err, errToken):
		refuse(out, http.StatusUnauthorized, err.Error())
	case err != nil:
		refuse(out, http.StatusBadGateway, err.Error())
	default:
		answer(out, http.StatusOK, a)
	}
}

// accounts reads users' own, as Spaceport's backend would.
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
	has := attributes(user.UserAttributes)
	a := account{Email: has["email"], Name: has["name"], ProductionSub: has["sub"], StagingSub: has["custom:staging_sub"]}
	if a.State, err = s.state(ctx, a); err != nil {
		return account{}, err
	}
	if a.Profile, err = s.profile(ctx, a.ProductionSub); err != nil {
		return account{}, err
	}
	if a.Projects, err = s.projects(ctx, a.ProductionSub); err != nil {
		return account{}, err
	}
	a.ProjectCount, err = s.countProjects(ctx, a.ProductionSub)
	return a, err
}

func attributes(all []types.AttributeType) map[string]string {
	values := map[string]string{}
	for _, a := range all {
		values[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	return values
}

// state is that of the ledger line, if it is theirs: anybody may claim to have been somebody.
func (s accounts) state(ctx context.Context, a account) (ledger.State, error) {
	if a.StagingSub == "" {
		return "", nil
	}
	line, err := s.Ledger(ctx, a.StagingSub)
	switch {
	case errors.Is(err, ledger.ErrNoLine):
		return "", nil
	case err != nil:
		return "", err
	case line.Bound() && line.ProductionSub != a.ProductionSub:
		return "", nil
	}
	return line.State, nil
}

func (s accounts) profile(ctx context.Context, sub string) (map[string]string, error) {
	rows, err := spaceport.Rows(ctx, s.ProductionTables, "Spaceport-Users-prod", "id", sub)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return texts(rows[0]), nil
}

func (s accounts) projects(ctx context.Context, sub string) ([]map[string]string, error) {
	in := projectsOf(sub)
	in.Limit = aws.Int32(shownProjects)
	page, err := s.ProductionTables.Query(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("read projects: %w", err)
	}
	shown := make([]map[string]string, len(page.Items))
	for i, row := range page.Items {
		all := texts(row)
		shown[i] = map[string]string{"projectId": all["projectId"], "title": all["title"], "progress": all["progress"], "file": all["file"]}
	}
	return shown, nil
}

func (s accounts) countProjects(ctx context.Context, sub string) (n int, err error) {
	in := projectsOf(sub)
	in.Select = dynamotypes.SelectCount
	for pages := dynamodb.NewQueryPaginator(s.ProductionTables, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("count projects: %w", err)
		}
		n += int(page.Count)
	}
	return n, nil
}

func projectsOf(sub string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: aws.String("Spaceport-Projects-prod"), KeyConditionExpression: aws.String("userSub = :owner"),
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":owner": &dynamotypes.AttributeValueMemberS{Value: sub}},
	}
}

// texts shows a row's fields, whatever they are.
func texts(row map[string]dynamotypes.AttributeValue) map[string]string {
	shown := map[string]string{}
	for name, value := range row {
		switch v := value.(type) {
		case *dynamotypes.AttributeValueMemberS:
			shown[name] = v.Value
		case *dynamotypes.AttributeValueMemberN:
			shown[name] = v.Value
		case *dynamotypes.AttributeValueMemberBOOL:
			shown[name] = fmt.Sprint(v.Value)
		default:
			shown[name] = "…"
		}
	}
	return shown
}
