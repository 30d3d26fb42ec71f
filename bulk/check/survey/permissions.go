package survey

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/bulk/check"
)

type userWriter interface {
	AdminGetUser(context.Context, *cognito.AdminGetUserInput, ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error)
	AdminCreateUser(context.Context, *cognito.AdminCreateUserInput, ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error)
	AdminSetUserPassword(context.Context, *cognito.AdminSetUserPasswordInput, ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error)
	AdminResetUserPassword(context.Context, *cognito.AdminResetUserPasswordInput, ...func(*cognito.Options)) (*cognito.AdminResetUserPasswordOutput, error)
}

type poolWriter interface {
	UpdateUserPoolClient(context.Context, *cognito.UpdateUserPoolClientInput, ...func(*cognito.Options)) (*cognito.UpdateUserPoolClientOutput, error)
	AddCustomAttributes(context.Context, *cognito.AddCustomAttributesInput, ...func(*cognito.Options)) (*cognito.AddCustomAttributesOutput, error)
}

type rowAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// attempt is one call that shows whether it is allowed: refusals are what whoever is allowed may get. A write is made so
// that it cannot but be refused; where no such call is known, call is nil.
type attempt struct {
	action   string
	call     func(context.Context) error
	refusals []string
	writes   bool
}

// tryEverything tries what bulk needs, in both accounts.
func (s *Survey) tryEverything(ctx context.Context, f check.Facts) []check.Permission {
	nobody := "nobody-" + rand.Text()
	production, staging := s.production, s.staging
	var all []check.Permission
	try := func(e end, purpose, on string, attempts []attempt) {
		for _, a := range attempts {
			all = append(all, check.Permission{Account: e.name, Purpose: purpose, Action: a.action, On: on, Err: a.outcome(ctx)})
		}
	}
	if f.StagingOperator.Err == nil {
		try(staging, "read the pool", staging.poolID, staging.readPool(nobody))
		for _, t := range s.settings.Tables {
			try(staging, "read rows", t.Source, staging.readRows(t.Source, t.OwnerKey, nobody))
		}
	}
	try(production, "read the pool", production.poolID, production.readPool(nobody))
	try(production, "create users", production.poolID, production.createUsers(nobody))
	if f.ToAttach() {
		try(production, check.Attaching, production.poolID, production.attachTriggers(f.Production.Value))
	}
	try(production, "keep the ledger", s.settings.LedgerTable,
		production.keepLedger(s.settings.LedgerTable, keyOfNobody(f.Ledger.Value, "stagingSub", nobody)))
	for _, t := range f.Tables {
		try(production, "write rows", t.Target, production.writeRows(t.Target, keyOfNobody(t.To.Value, t.OwnerKey, nobody)))
	}
	return all
}

func (a attempt) outcome(ctx context.Context) error {
	if a.call == nil {
		return check.ErrUntried
	}
	err := a.call(ctx)
	switch {
	case err == nil && a.writes:
		return errors.New("a write that cannot succeed did")
	case err == nil, slices.Contains(a.refusals, code(err)):
		return nil
	}
	return translate(err)
}

func (e end) readPool(nobody string) []attempt {
	return []attempt{
		{"cognito-idp:DescribeUserPool", func(ctx context.Context) error {
			_, err := e.pools.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &e.poolID})
			return err
		}, nil, false},
		{"cognito-idp:ListUsers", func(ctx context.Context) error {
			_, err := e.pools.ListUsers(ctx, &cognito.ListUsersInput{
				UserPoolId: &e.poolID, Limit: aws.Int32(1), Filter: aws.String(`email = "` + nobody + `"`),
			})
			return err
		}, nil, false},
		{"cognito-idp:ListUserPoolClients", func(ctx context.Context) error {
			_, err := e.pools.ListUserPoolClients(ctx, &cognito.ListUserPoolClientsInput{UserPoolId: &e.poolID, MaxResults: aws.Int32(1)})
			return err
		}, nil, false},
		{"cognito-idp:DescribeUserPoolClient", func(ctx context.Context) error {
			_, err := e.pools.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{
				UserPoolId: &e.poolID, ClientId: nobodysClient,
			})
			return err
		}, []string{"ResourceNotFoundException"}, false},
	}
}

// createUsers tries calls about a user nobody is. AdminCreateUser is refused thrice over: there is nobody to send an
// invitation again, the name is no e-mail, and no schema has the attribute.
func (e end) createUsers(nobody string) []attempt {
	unknown := []string{"UserNotFoundException"}
	return []attempt{
		{"cognito-idp:AdminGetUser", func(ctx context.Context) error {
			_, err := e.pools.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &e.poolID, Username: &nobody})
			return err
		}, unknown, false},
		{"cognito-idp:AdminCreateUser", func(ctx context.Context) error {
			_, err := e.pools.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
				UserPoolId: &e.poolID, Username: &nobody, MessageAction: types.MessageActionTypeResend,
				UserAttributes: []types.AttributeType{{Name: aws.String("custom:nobody_has_this"), Value: aws.String("x")}},
			})
			return err
		}, []string{"UserNotFoundException", "InvalidParameterException"}, true},
		{"cognito-idp:AdminSetUserPassword", func(ctx context.Context) error {
			_, err := e.pools.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
				UserPoolId: &e.poolID, Username: &nobody, Password: aws.String(rand.Text() + "aA1!"), Permanent: true,
			})
			return err
		}, unknown, true},
		{"cognito-idp:AdminResetUserPassword", func(ctx context.Context) error {
			_, err := e.pools.AdminResetUserPassword(ctx, &cognito.AdminResetUserPasswordInput{UserPoolId: &e.poolID, Username: &nobody})
			return err
		}, unknown, true},
	}
}

// attachTriggers tries what bulk attach does. A client that nobody has cannot be changed, and an attribute that is there
// cannot be added ("Cognito developer guide, User pool attributes": it can be neither changed nor removed).
// UpdateUserPool resets what it leaves out, and nothing makes it sure to be refused once it is allowed.
func (e end) attachTriggers(p check.Pool) []attempt {
	add := attempt{action: "cognito-idp:AddCustomAttributes"}
	if name, there, ok := p.AnyCustom(); ok {
		add = attempt{add.action, func(ctx context.Context) error {
			_, err := e.pools.AddCustomAttributes(ctx, &cognito.AddCustomAttributesInput{UserPoolId: &e.poolID, CustomAttributes: []types.SchemaAttributeType{
				{Name: aws.String(strings.TrimPrefix(name, "custom:")), AttributeDataType: types.AttributeDataType(there.Type), Mutable: &there.Mutable},
			}})
			return err
		}, []string{"InvalidParameterException"}, true}
	}
	return []attempt{
		{"cognito-idp:UpdateUserPoolClient", func(ctx context.Context) error {
			_, err := e.pools.UpdateUserPoolClient(ctx, &cognito.UpdateUserPoolClientInput{UserPoolId: &e.poolID, ClientId: nobodysClient})
			return err
		}, []string{"ResourceNotFoundException"}, true},
		add,
		{action: "cognito-idp:UpdateUserPool"},
	}
}

func (e end) readRows(table, ownerKey, nobody string) []attempt {
	return []attempt{
		e.describeTable(table),
		{"dynamodb:Query", func(ctx context.Context) error {
			_, err := e.tables.Query(ctx, &dynamodb.QueryInput{
				TableName: &table, Limit: aws.Int32(1), KeyConditionExpression: aws.String("#k = :nobody"),
				ExpressionAttributeNames:  map[string]string{"#k": ownerKey},
				ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":nobody": &dynamotypes.AttributeValueMemberS{Value: nobody}},
			})
			return err
		}, []string{"ValidationException"}, false}, // of another key; "keys" tells
		e.scan(table),
	}
}

func (e end) keepLedger(table string, nobody row) []attempt {
	return []attempt{
		e.describeTable(table),
		{"dynamodb:GetItem", func(ctx context.Context) error {
			_, err := e.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: nobody})
			return err
		}, []string{"ValidationException"}, false},
		e.scan(table),
		e.put(table, nobody),
		{"dynamodb:UpdateItem", func(ctx context.Context) error {
			_, err := e.tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &table, Key: nobody, UpdateExpression: aws.String("REMOVE nobody"),
				ConditionExpression: never, ExpressionAttributeNames: nobody.name(),
			})
			return err
		}, refusedByCondition, true},
		{"dynamodb:DeleteItem", func(ctx context.Context) error {
			_, err := e.tables.DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: &table, Key: nobody, ConditionExpression: never, ExpressionAttributeNames: nobody.name(),
			})
			return err
		}, refusedByCondition, true},
	}
}

func (e end) writeRows(table string, nobody row) []attempt {
	return []attempt{
		e.describeTable(table),
		{"dynamodb:BatchGetItem", func(ctx context.Context) error {
			_, err := e.tables.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamotypes.KeysAndAttributes{
				table: {Keys: []map[string]dynamotypes.AttributeValue{nobody}},
			}})
			return err
		}, []string{"ValidationException"}, false},
		e.put(table, nobody),
	}
}

func (e end) describeTable(table string) attempt {
	return attempt{"dynamodb:DescribeTable", func(ctx context.Context) error {
		_, err := e.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
		return err
	}, nil, false}
}

func (e end) scan(table string) attempt {
	return attempt{"dynamodb:Scan", func(ctx context.Context) error {
		_, err := e.tables.Scan(ctx, &dynamodb.ScanInput{TableName: &table, Limit: aws.Int32(1)})
		return err
	}, nil, false}
}

func (e end) put(table string, nobody row) attempt {
	return attempt{"dynamodb:PutItem", func(ctx context.Context) error {
		_, err := e.tables.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &table, Item: nobody, ConditionExpression: never, ExpressionAttributeNames: nobody.name(),
		})
		return err
	}, refusedByCondition, true}
}

var nobodysClient = aws.String("nobodysclient")

// never is a condition that does not hold for any row, there or not. A table with another key than was asked about answers
// that the request is not valid, which it does for the allowed only.
var (
	never              = aws.String("attribute_exists(#k) AND attribute_not_exists(#k)")
	refusedByCondition = []string{"ConditionalCheckFailedException", "ValidationException"}
)

// row is the whole key of a row that nobody has.
type row map[string]dynamotypes.AttributeValue

// name is the placeholder of one of the key's attributes.
func (r row) name() map[string]string {
	for name := range r {
		return map[string]string{"#k": name}
	}
	return nil
}

// keyOfNobody fits the table's key, or is the owner's alone where the table could not be read.
func keyOfNobody(t check.Table, owner, nobody string) row {
	key := row{}
	for _, k := range t.Keys {
		switch k.Type {
		case "N":
			key[k.Name] = &dynamotypes.AttributeValueMemberN{Value: "0"}
		case "B":
			key[k.Name] = &dynamotypes.AttributeValueMemberB{Value: []byte(nobody)}
		default:
			key[k.Name] = &dynamotypes.AttributeValueMemberS{Value: nobody}
		}
	}
	if len(key) == 0 {
		key[owner] = &dynamotypes.AttributeValueMemberS{Value: nobody}
	}
	return key
}
