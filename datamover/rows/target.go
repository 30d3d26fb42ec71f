package rows

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/settings"
)

type putAPI interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Target is the tables of production.
type Target struct {
	api putAPI

	mu   sync.Mutex
	keys map[string][]string // table → its key attributes, partition key first; asked for once in a process
}

// NewTarget returns the tables that api writes.
func NewTarget(api putAPI) *Target { return &Target{api: api, keys: map[string][]string{}} }

// Fits tells whether rows can stand in the target one by one: its partition key is the owner, every row bears the whole
// key, and no two share one. after is the position that Page gave with them, in which staging's own key is named. Otherwise
// it returns a *KeyError: a target whose sort key is missing or other than staging's would take one row for many.
func (t *Target) Fits(ctx context.Context, table settings.Table, page []Row, after string) error {
	keys, err := t.key(ctx, table.Target)
	if err != nil {
		return err
	}
	if keys[0] != table.OwnerKey {
		return &KeyError{Table: table.Target, Want: table.OwnerKey, Has: keys[0]}
	}
	source, err := decodePosition(after)
	if err != nil {
		return err
	}
	if names := slices.Sorted(maps.Keys(source)); len(names) > 0 && !slices.Equal(names, slices.Sorted(slices.Values(keys))) {
		return &KeyError{Table: table.Target, Want: strings.Join(names, " and ") + " as in " + table.Source, Has: strings.Join(keys, " and ")}
	}
	seen := map[string]bool{}
	for _, row := range page {
		for _, key := range keys {
			if row[key] == nil {
				return &KeyError{Table: table.Target, Want: "a key that rows of " + table.Source + " bear", Has: key}
			}
		}
		place := keyText(row[keys[len(keys)-1]])
		if seen[place] {
			return &KeyError{Table: table.Target, Want: "one that tells rows of " + table.Source + " apart", Has: strings.Join(keys, " and ")}
		}
		seen[place] = true
	}
	return nil
}

// keyText is a key attribute in a form that can be compared.
func keyText(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	}
	return ""
}

func (t *Target) key(ctx context.Context, table string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if keys := t.keys[table]; keys != nil {
		return keys, nil
	}
	out, err := t.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return nil, translate("describe "+table, err)
	}
	keys := make([]string, 0, 2)
	for _, element := range out.Table.KeySchema {
		if element.KeyType == types.KeyTypeHash {
			keys = append([]string{*element.AttributeName}, keys...)
		} else {
			keys = append(keys, *element.AttributeName)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("describe " + table + ": no key schema")
	}
	t.keys[table] = keys
	return keys, nil
}

// Put gives a row to owner and writes it where nothing stands. copied is true if production now holds what staging held,
// be it from this call or an earlier one; false if production held something of its own, which is kept.
func (t *Target) Put(ctx context.Context, table settings.Table, row Row, owner string) (copied bool, err error) {
	row = maps.Clone(row)
	row[table.OwnerKey] = &types.AttributeValueMemberS{Value: owner}
	_, err = t.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &table.Target,
		Item:                                row,
		ConditionExpression:                 aws.String("attribute_not_exists(#owner)"),
		ExpressionAttributeNames:            map[string]string{"#owner": table.OwnerKey},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var stands *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &stands):
		return Equal(row, stands.Item), nil
	}
	return false, translate("write "+table.Target, err)
}
