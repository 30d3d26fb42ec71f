package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type dynamoAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Store is the ledger in DynamoDB.
type Store struct {
	api   dynamoAPI
	table string
}

// New returns the ledger kept in table.
func New(api dynamoAPI, table string) *Store { return &Store{api: api, table: table} }

// Import writes a new record before Cognito creates the user. An unbound record is overwritten, since its email or path
// may have changed; for a bound one it returns ErrAlreadyBound.
func (s *Store) Import(ctx context.Context, r Record) error {
	applied, _, err := s.put(ctx, r, "attribute_not_exists(productionSub)", nil)
	if err == nil && !applied {
		return ErrAlreadyBound
	}
	return err
}

// put writes a whole record. applied is false if the condition was not met; existing is then what the ledger has.
func (s *Store) put(
	ctx context.Context, record Record, condition string, values map[string]any,
) (applied bool, existing Record, err error) {
	omitEmpty := func(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true }
	item, err := attributevalue.MarshalMapWithOptions(record, omitEmpty)
	if err != nil {
		return false, Record{}, fmt.Errorf("encode ledger record: %w", err)
	}
	in := &dynamodb.PutItemInput{
		TableName: &s.table, Item: item, ConditionExpression: &condition,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if len(values) > 0 {
		if in.ExpressionAttributeValues, err = attributevalue.MarshalMap(values); err != nil {
			return false, Record{}, fmt.Errorf("encode ledger condition: %w", err)
		}
	}
	_, err = s.api.PutItem(ctx, in)
	if failed := conditionFailed(err); failed != nil {
		existing, err = Decode(failed.Item)
		return false, existing, err
	}
	if err != nil {
		return false, Record{}, fmt.Errorf("write ledger record: %w", err)
	}
	return true, Record{}, nil
}

// Get reads a record as it is now; the zero Record if there is none.
func (s *Store) Get(ctx context.Context, stagingSub string) (Record, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            key(stagingSub),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Record{}, fmt.Errorf("read ledger record: %w", err)
	}
	return Decode(out.Item)
}

// Bind binds an unbound record to the production user who has its email, and returns the record as it then is. Two
// hooks of the same user may race: both get the record. For any other user it returns ErrBoundToAnotherUser, without a
// record ErrNoRecord.
func (s *Store) Bind(ctx context.Context, stagingSub, productionSub, email string) (Record, error) {
	if productionSub == "" {
		return Record{}, ErrBoundToAnotherUser // an unbound record has no owner either
	}
	existing, applied, err := s.update(ctx, stagingSub, change{
		set:       map[string]any{"productionSub": productionSub, "state": Moving},
		remove:    []string{"retryAfter"}, // of Defer
		condition: "attribute_not_exists(#productionSub) AND email = :email",
		values:    map[string]any{":email": FoldASCII(email)},
	})
	return boundTo(productionSub, existing, applied, err)
}

// boundTo is the result of an update that binds a record.
func boundTo(productionSub string, existing Record, applied bool, err error) (Record, error) {
	switch {
	case err != nil:
		return Record{}, err
	case applied, existing.ProductionSub == productionSub:
		return existing, nil
	case !existing.Exists():
		return Record{}, ErrNoRecord
	}
	return Record{}, ErrBoundToAnotherUser
}

// Defer reserves the next attempt to bind a record until now+d. won is false if someone else has reserved it.
func (s *Store) Defer(ctx context.Context, stagingSub string, now time.Time, d time.Duration) (won bool, err error) {
	_, won, err = s.update(ctx, stagingSub, change{
		set: map[string]any{"retryAfter": until(now.Add(d))},
		condition: "attribute_exists(email) AND attribute_not_exists(productionSub) AND " +
			"(attribute_not_exists(#retryAfter) OR #retryAfter <= :now)",
		values: map[string]any{":now": until(now)},
	})
	return won, err
}

// FirstSignIn records the first sign-in of a user that a sweep migrated, once: the sweep sends such a user no reset.
func (s *Store) FirstSignIn(ctx context.Context, stagingSub, productionSub string, at time.Time) error {
	_, _, err := s.update(ctx, stagingSub, change{
		set:       map[string]any{"seenAt": at.UTC()},
		condition: "productionSub = :owner AND attribute_not_exists(#seenAt)",
		values:    map[string]any{":owner": productionSub},
	})
	return err
}

// change is one conditional update of a record. Every attribute in set, remove and names can be written #name in the
// condition, since several of ours are reserved words.
type change struct {
	set       map[string]any
	remove    []string
	condition string
	values    map[string]any
	names     []string
}

// update makes a change and returns the record as it then is. If the condition was not met, applied is false and the
// record (zero: there is none) is unchanged.
func (s *Store) update(ctx context.Context, stagingSub string, c change) (record Record, applied bool, err error) {
	in, err := c.input()
	if err != nil {
		return Record{}, false, fmt.Errorf("encode ledger change: %w", err)
	}
	in.TableName, in.Key = &s.table, key(stagingSub)
	out, err := s.api.UpdateItem(ctx, in)
	if failed := conditionFailed(err); failed != nil {
		record, err = Decode(failed.Item)
		return record, false, err
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("write ledger record: %w", err)
	}
	record, err = Decode(out.Attributes)
	return record, true, err
}

func (c change) input() (*dynamodb.UpdateItemInput, error) {
	names := map[string]string{}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(c.set)), c.remove, c.names) {
		names["#"+name] = name
	}
	all := map[string]any{}
	maps.Copy(all, c.values)
	var sets []string
	for name, value := range c.set {
		all[":set_"+name] = value
		sets = append(sets, "#"+name+" = :set_"+name)
	}
	values, err := attributevalue.MarshalMap(all)
	if err != nil {
		return nil, err
	}
	var clauses []string
	if len(sets) > 0 {
		clauses = append(clauses, "SET "+strings.Join(sets, ", "))
	}
	if len(c.remove) > 0 {
		clauses = append(clauses, "REMOVE #"+strings.Join(c.remove, ", #"))
	}
	expression := strings.Join(clauses, " ")
	return &dynamodb.UpdateItemInput{
		UpdateExpression:                    &expression,
		ConditionExpression:                 &c.condition,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, nil
}

func key(stagingSub string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"stagingSub": &types.AttributeValueMemberS{Value: stagingSub}}
}

// Decode returns the record that an item of the table is, or the zero Record for none.
func Decode(item map[string]types.AttributeValue) (Record, error) {
	var record Record
	if err := attributevalue.UnmarshalMap(item, &record); err != nil {
		return Record{}, fmt.Errorf("decode ledger record: %w", err)
	}
	return record, nil
}

// conditionFailed returns the error of a condition that was not met, or nil.
func conditionFailed(err error) *types.ConditionalCheckFailedException {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return failed
	}
	return nil
}
