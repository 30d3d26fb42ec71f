package spaceport

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
)

// User is a user to be created, and what staging has of them.
type User struct {
	Name, Email, Password string

	Projects    int
	ProjectSize int // bytes of one, about; 0 is a small one

	Unverified  bool // the email is not verified
	Unconfirmed bool
	Disabled    bool
	Temporary   bool // must change a temporary password
	TOTP        bool // has an authenticator app
	Attributes  map[string]string
	Groups      []string
}

// Add creates the user in staging with profile and projects, and returns the staging sub.
func (s *Spaceport) Add(ctx context.Context, u User) (sub string, err error) {
	made, err := s.Staging.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: &s.StagingPool, Username: &u.Email, MessageAction: types.MessageActionTypeSuppress,
		TemporaryPassword: &u.Password, UserAttributes: attributes(u),
	})
	if err != nil {
		return "", fmt.Errorf("add %s to staging: %w", u.Email, err)
	}
	sub = ValueOf(made.User.Attributes, "sub")
	if err := s.setState(ctx, u); err != nil {
		return "", fmt.Errorf("add %s to staging: %w", u.Email, err)
	}
	return sub, s.addRows(ctx, u, sub)
}

// AddNative creates the user in production only, without any rows.
func (s *Spaceport) AddNative(ctx context.Context, u User) error {
	_, err := s.Production.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: &s.ProductionPool, Username: &u.Email, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: append(attributes(u), types.AttributeType{Name: aws.String("preferred_username"), Value: &u.Email}),
	})
	if err == nil {
		_, err = s.Production.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
			UserPoolId: &s.ProductionPool, Username: &u.Email, Password: &u.Password, Permanent: true,
		})
	}
	if err != nil {
		return fmt.Errorf("add %s to production: %w", u.Email, err)
	}
	return nil
}

func attributes(u User) []types.AttributeType {
	all := []types.AttributeType{
		{Name: aws.String("email"), Value: &u.Email},
		{Name: aws.String("email_verified"), Value: aws.String(fmt.Sprint(!u.Unverified))},
		{Name: aws.String("name"), Value: &u.Name},
	}
	for name, value := range u.Attributes {
		all = append(all, types.AttributeType{Name: &name, Value: &value})
	}
	return all
}

// setState brings a new staging account into the user's state.
func (s *Spaceport) setState(ctx context.Context, u User) error {
	if u.Temporary {
		return nil
	}
	if u.Unconfirmed {
		return s.Cloud.SetStatus(s.StagingPool, u.Email, "UNCONFIRMED")
	}
	_, err := s.Staging.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &s.StagingPool, Username: &u.Email, Password: &u.Password, Permanent: true,
	})
	if err == nil && u.TOTP {
		err = s.Cloud.SetUpTOTP(ctx, s.StagingPool, u.Email, u.Password)
	}
	if err == nil && u.Disabled {
		in := &cognito.AdminDisableUserInput{UserPoolId: &s.StagingPool, Username: &u.Email}
		_, err = s.Staging.AdminDisableUser(ctx, in)
	}
	for _, group := range u.Groups {
		if err == nil {
			err = MakeGroup(ctx, s.Staging, s.StagingPool, group)
		}
		if err == nil {
			in := &cognito.AdminAddUserToGroupInput{UserPoolId: &s.StagingPool, Username: &u.Email, GroupName: &group}
			_, err = s.Staging.AdminAddUserToGroup(ctx, in)
		}
	}
	return err
}

// MakeGroup makes a group, unless the pool has it.
func MakeGroup(ctx context.Context, api *cognito.Client, pool, group string) error {
	_, err := api.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: &pool, GroupName: &group})
	if Code(err) == "GroupExistsException" {
		return nil
	}
	return err
}

// GroupsOf returns the names of a production user's groups.
func (s *Spaceport) GroupsOf(ctx context.Context, name string) (groups []string, err error) {
	out, err := s.Production.AdminListGroupsForUser(ctx, &cognito.AdminListGroupsForUserInput{
		UserPoolId: &s.ProductionPool, Username: &name,
	})
	if err != nil {
		return nil, err
	}
	for _, group := range out.Groups {
		groups = append(groups, *group.GroupName)
	}
	return groups, nil
}

// batch is what BatchWriteItem takes at once.
const batch = 25

func (s *Spaceport) addRows(ctx context.Context, u User, sub string) error {
	profile := map[string]dynamotypes.AttributeValue{
		"id": text(sub), "name": text(u.Name), "avatar": text("s3://spaceport-uploads/" + sub + "/me.png"),
	}
	if err := s.Put(ctx, s.StagingTables, "Spaceport-Users-staging", profile); err != nil {
		return err
	}
	for first := 0; first < u.Projects; first += batch {
		var writes []dynamotypes.WriteRequest
		for i := first; i < min(first+batch, u.Projects); i++ {
			put := &dynamotypes.PutRequest{Item: Project(sub, i, u.ProjectSize)}
			writes = append(writes, dynamotypes.WriteRequest{PutRequest: put})
		}
		_, err := s.StagingTables.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]dynamotypes.WriteRequest{"Spaceport-Projects-staging": writes},
		})
		if err != nil {
			return fmt.Errorf("write Spaceport-Projects-staging: %w", err)
		}
	}
	return nil
}

// Project is the i-th project of an owner, with a reference to a file under the owner's id, which a move does not
// change.
func Project(owner string, i, size int) map[string]dynamotypes.AttributeValue {
	return map[string]dynamotypes.AttributeValue{
		"userSub": text(owner), "projectId": text(fmt.Sprintf("project-%05d", i)), "title": text(fmt.Sprintf("Flight %d", i)),
		"file":     text(fmt.Sprintf("s3://spaceport-uploads/%s/%d.zip", owner, i)),
		"progress": &dynamotypes.AttributeValueMemberN{Value: fmt.Sprint(i % 101)}, "notes": text(strings.Repeat("x", size)),
	}
}

func text(s string) dynamotypes.AttributeValue { return &dynamotypes.AttributeValueMemberS{Value: s} }

// Put writes a row, as the app would in production.
func (s *Spaceport) Put(ctx context.Context, api *dynamodb.Client, table string, row rows.Row) error {
	_, err := api.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: row})
	if err != nil {
		return fmt.Errorf("write %s: %w", table, err)
	}
	return nil
}

// Rows returns an owner's rows in a table.
func Rows(ctx context.Context, api *dynamodb.Client, table, ownerKey, owner string) ([]rows.Row, error) {
	var all []rows.Row
	pages := dynamodb.NewQueryPaginator(api, RowsOf(table, ownerKey, owner))
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", table, err)
		}
		for _, item := range page.Items {
			all = append(all, item)
		}
	}
	return all, nil
}

// RowsOf is the query for an owner's rows in a table.
func RowsOf(table, ownerKey, owner string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &table, KeyConditionExpression: aws.String("#k = :o"),
		ExpressionAttributeNames:  map[string]string{"#k": ownerKey},
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":o": text(owner)},
	}
}

// Ledger returns the record of a staging user, zero if there is none.
func (s *Spaceport) Ledger(ctx context.Context, stagingSub string) (ledger.Record, error) {
	return ledger.New(s.ProductionTables, s.Settings.LedgerTable).Get(ctx, stagingSub)
}

// SlowMoves has every row that a mover writes take so long, until restore is called.
func (s *Spaceport) SlowMoves(delay time.Duration) (restore func()) {
	var restores []func()
	for _, function := range []string{Datamover, Background} {
		restores = append(restores, s.Cloud.Inject(cloud.Fault{
			Service: "dynamodb", Operation: "PutItem", Table: "Spaceport-Projects-prod", Caller: function,
			Kind: cloud.Latency, Delay: delay,
		}))
	}
	return func() {
		for _, restore := range restores {
			restore()
		}
	}
}

// SignIn signs in as a web client does, with USER_PASSWORD_AUTH.
func (s *Spaceport) SignIn(ctx context.Context, email, password string) (*cognito.InitiateAuthOutput, error) {
	return s.App.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: &s.ProductionApp, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": password},
	})
}

// ForgotPassword asks for a code.
func (s *Spaceport) ForgotPassword(ctx context.Context, email string) (*cognito.ForgotPasswordOutput, error) {
	return s.App.ForgotPassword(ctx, &cognito.ForgotPasswordInput{ClientId: &s.ProductionApp, Username: &email})
}

// ConfirmForgotPassword sets a new password with a code.
func (s *Spaceport) ConfirmForgotPassword(ctx context.Context, email, code, password string) error {
	_, err := s.App.ConfirmForgotPassword(ctx, &cognito.ConfirmForgotPasswordInput{
		ClientId: &s.ProductionApp, Username: &email, ConfirmationCode: &code, Password: &password,
	})
	return err
}

// ProductionUser returns a production user, or nil if there is none by that name.
func (s *Spaceport) ProductionUser(ctx context.Context, name string) (*cognito.AdminGetUserOutput, error) {
	user, err := s.Production.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &s.ProductionPool, Username: &name})
	if err != nil && Code(err) == "UserNotFoundException" {
		return nil, nil
	}
	return user, err
}

// Attribute returns an attribute of a user that Cognito returned.
func Attribute(u *cognito.AdminGetUserOutput, name string) string {
	return ValueOf(u.UserAttributes, name)
}

// ValueOf returns one of some attributes.
func ValueOf(all []types.AttributeType, name string) string {
	for _, a := range all {
		if aws.ToString(a.Name) == name {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
