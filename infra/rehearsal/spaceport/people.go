package spaceport

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// Person is somebody in staging.
type Person struct {
	Name, Email, Password string

	Projects    int
	ProjectSize int // bytes of one, about; 0 is a small one

	Unverified  bool // the e-mail is theirs by their own word only
	Unconfirmed bool
	Disabled    bool
	Temporary   bool // must change a temporary password
	TOTP        bool // has an authenticator app
	Attributes  map[string]string
}

// Add makes the person in staging with profile and projects, and returns their staging sub.
func (s *Spaceport) Add(ctx context.Context, p Person) (sub string, err error) {
	made, err := s.Staging.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: &s.StagingPool, Username: &p.Email, MessageAction: types.MessageActionTypeSuppress,
		TemporaryPassword: &p.Password, UserAttributes: attributes(p),
	})
	if err != nil {
		return "", fmt.Errorf("add %s to staging: %w", p.Email, err)
	}
	sub = ValueOf(made.User.Attributes, "sub")
	if err := s.give(ctx, p); err != nil {
		return "", fmt.Errorf("add %s to staging: %w", p.Email, err)
	}
	return sub, s.addRows(ctx, p, sub)
}

// AddNative makes the person in production, where they never were anywhere else, and without any rows.
func (s *Spaceport) AddNative(ctx context.Context, p Person) error {
	_, err := s.Production.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: &s.ProductionPool, Username: &p.Email, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: append(attributes(p), types.AttributeType{Name: aws.String("preferred_username"), Value: &p.Email}),
	})
	if err == nil {
		_, err = s.Production.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
			UserPoolId: &s.ProductionPool, Username: &p.Email, Password: &p.Password, Permanent: true,
		})
	}
	if err != nil {
		return fmt.Errorf("add %s to production: %w", p.Email, err)
	}
	return nil
}

func attributes(p Person) []types.AttributeType {
	all := []types.AttributeType{
		{Name: aws.String("email"), Value: &p.Email},
		{Name: aws.String("email_verified"), Value: aws.String(fmt.Sprint(!p.Unverified))},
		{Name: aws.String("name"), Value: &p.Name},
	}
	for name, value := range p.Attributes {
		all = append(all, types.AttributeType{Name: &name, Value: &value})
	}
	return all
}

// give brings a fresh account into the person's state.
func (s *Spaceport) give(ctx context.Context, p Person) error {
	if p.Temporary {
		return nil
	}
	if p.Unconfirmed {
		return s.Cloud.SetStatus(s.StagingPool, p.Email, "UNCONFIRMED")
	}
	_, err := s.Staging.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &s.StagingPool, Username: &p.Email, Password: &p.Password, Permanent: true,
	})
	if err == nil && p.TOTP {
		err = s.Cloud.SetUpTOTP(ctx, s.StagingPool, p.Email, p.Password)
	}
	if err == nil && p.Disabled {
		_, err = s.Staging.AdminDisableUser(ctx, &cognito.AdminDisableUserInput{UserPoolId: &s.StagingPool, Username: &p.Email})
	}
	return err
}

// batch is what BatchWriteItem takes at once.
const batch = 25

func (s *Spaceport) addRows(ctx context.Context, p Person, sub string) error {
	profile := map[string]dynamotypes.AttributeValue{"id": text(sub), "name": text(p.Name), "avatar": text("s3://spaceport-uploads/" + sub + "/me.png")}
	if err := s.Put(ctx, s.StagingTables, "Spaceport-Users-staging", profile); err != nil {
		return err
	}
	for from := 0; from < p.Projects; from += batch {
		var writes []dynamotypes.WriteRequest
		for i := from; i < min(from+batch, p.Projects); i++ {
			writes = append(writes, dynamotypes.WriteRequest{PutRequest: &dynamotypes.PutRequest{Item: Project(sub, i, p.ProjectSize)}})
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

// Project is the i-th project of an owner, with a reference to a file under their staging id, which is to stay.
func Project(owner string, i, size int) map[string]dynamotypes.AttributeValue {
	return map[string]dynamotypes.AttributeValue{
		"userSub": text(owner), "projectId": text(fmt.Sprintf("project-%05d", i)), "title": text(fmt.Sprintf("Flight %d", i)),
		"file":     text(fmt.Sprintf("s3://spaceport-uploads/%s/%d.zip", owner, i)),
		"progress": &dynamotypes.AttributeValueMemberN{Value: fmt.Sprint(i % 101)}, "notes": text(strings.Repeat("x", size)),
	}
}

func text(s string) dynamotypes.AttributeValue { return &dynamotypes.AttributeValueMemberS{Value: s} }

// Put writes a row, as the app would in production.
func (s *Spaceport) Put(ctx context.Context, api *dynamodb.Client, table string, row map[string]dynamotypes.AttributeValue) error {
	_, err := api.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: row})
	if err != nil {
		return fmt.Errorf("write %s: %w", table, err)
	}
	return nil
}

// Rows returns what a table holds of an owner.
func Rows(ctx context.Context, api *dynamodb.Client, table, ownerKey, owner string) ([]map[string]dynamotypes.AttributeValue, error) {
	var rows []map[string]dynamotypes.AttributeValue
	pages := dynamodb.NewQueryPaginator(api, RowsOf(table, ownerKey, owner))
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", table, err)
		}
		rows = append(rows, page.Items...)
	}
	return rows, nil
}

// RowsOf asks for what a table holds of an owner.
func RowsOf(table, ownerKey, owner string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &table, KeyConditionExpression: aws.String("#k = :o"),
		ExpressionAttributeNames:  map[string]string{"#k": ownerKey},
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":o": text(owner)},
	}
}

// Ledger returns the line of a staging user, zero if there is none.
func (s *Spaceport) Ledger(ctx context.Context, stagingSub string) (ledger.Record, error) {
	return ledger.New(s.ProductionTables, s.Settings.LedgerTable).Get(ctx, stagingSub)
}

// SignIn does what a web client does with USER_PASSWORD_AUTH.
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
