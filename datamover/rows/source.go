package rows

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/settings"
)

// pageSize keeps memory flat: two pages are held at a time, and one of DynamoDB's is up to 1 MB.
const pageSize = 200

type queryAPI interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Source is the tables of staging. It only ever reads.
type Source struct{ api queryAPI }

// NewSource returns the tables that api reads.
func NewSource(api queryAPI) *Source { return &Source{api: api} }

// Page returns rows of one owner from position after on, in the order of the table, and the position to go on from;
// "" is both the beginning and the end. A table without that partition key is a *KeyError; a position of another table is
// ErrPosition.
func (s *Source) Page(ctx context.Context, t settings.Table, owner, after string) (page []Row, next string, err error) {
	start, err := decodePosition(after)
	if err != nil {
		return nil, "", err
	}
	out, err := s.api.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &t.Source,
		KeyConditionExpression:    aws.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": t.OwnerKey},
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": &types.AttributeValueMemberS{Value: owner}},
		ExclusiveStartKey:         start,
		Limit:                     aws.Int32(pageSize),
		ConsistentRead:            aws.Bool(true),
	})
	if code(err) == "ValidationException" && after != "" {
		return nil, "", fmt.Errorf("read %s: %w: %w", t.Source, ErrPosition, err)
	}
	if code(err) == "ValidationException" {
		return nil, "", &KeyError{Table: t.Source, Want: t.OwnerKey, cause: err}
	}
	if err != nil {
		return nil, "", translate("read "+t.Source, err)
	}
	page = make([]Row, len(out.Items))
	for i, item := range out.Items {
		page[i] = item
	}
	next, err = encodePosition(out.LastEvaluatedKey)
	return page, next, err
}

// position is a LastEvaluatedKey as text. Keys are strings, numbers or binary, nothing else.
type position map[string]struct {
	S *string `json:"S,omitempty"`
	N *string `json:"N,omitempty"`
	B *string `json:"B,omitempty"`
}

func encodePosition(key map[string]types.AttributeValue) (string, error) {
	if len(key) == 0 {
		return "", nil
	}
	p := position{}
	for name, value := range key {
		field := p[name]
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			field.S = &v.Value
		case *types.AttributeValueMemberN:
			field.N = &v.Value
		case *types.AttributeValueMemberB:
			field.B = aws.String(base64.StdEncoding.EncodeToString(v.Value))
		default:
			return "", fmt.Errorf("key %s is of type %T, which no key can be", name, value)
		}
		p[name] = field
	}
	text, err := json.Marshal(p)
	return string(text), err
}

func decodePosition(text string) (map[string]types.AttributeValue, error) {
	if text == "" {
		return nil, nil
	}
	var p position
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPosition, err)
	}
	key := map[string]types.AttributeValue{}
	for name, field := range p {
		switch {
		case field.S != nil:
			key[name] = &types.AttributeValueMemberS{Value: *field.S}
		case field.N != nil:
			key[name] = &types.AttributeValueMemberN{Value: *field.N}
		case field.B != nil:
			raw, err := base64.StdEncoding.DecodeString(*field.B)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrPosition, err)
			}
			key[name] = &types.AttributeValueMemberB{Value: raw}
		default:
			return nil, fmt.Errorf("%w: empty key", ErrPosition)
		}
	}
	return key, nil
}
