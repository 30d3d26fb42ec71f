package rows

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A position is a LastEvaluatedKey as text, in DynamoDB's JSON.

func encodePosition(key Row) (string, error) {
	if len(key) == 0 {
		return "", nil
	}
	if err := checkKey(key); err != nil {
		return "", err
	}
	text, err := attributevalue.MarshalMapJSON(key)
	return string(text), err
}

func decodePosition(text string) (Row, error) {
	if text == "" {
		return nil, nil
	}
	key, err := attributevalue.UnmarshalMapJSON([]byte(text))
	if err == nil {
		err = checkKey(key)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPosition, err)
	}
	return key, nil
}

// checkKey rejects what no key can be: the decoder takes unknown types without an error.
func checkKey(key Row) error {
	for name, value := range key {
		switch value.(type) {
		case *types.AttributeValueMemberS, *types.AttributeValueMemberN, *types.AttributeValueMemberB:
		default:
			return fmt.Errorf("key %s has type %T", name, value)
		}
	}
	return nil
}
