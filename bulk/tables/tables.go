// Package tables reads DynamoDB tables for the operator: whole, and row by row. It never writes.
package tables

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/spaceport/user-migration/datamover/rows"
)

type dynamoAPI interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

// Tables is the tables of one account.
type Tables struct {
	api   dynamoAPI
	pause func(ctx context.Context, attempt int) error

	mu   sync.Mutex
	keys map[string][]string // asked for once
}

// New returns the tables that api reads.
func New(api dynamoAPI) *Tables {
	return &Tables{api: api, pause: pause, keys: map[string][]string{}}
}

// Rows streams every row of a table as it is now, holding one page at a time. The first error ends it.
func (t *Tables) Rows(ctx context.Context, table string) iter.Seq2[rows.Row, error] {
	return func(yield func(rows.Row, error) bool) {
		in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}
		for {
			out, err := t.api.Scan(ctx, in)
			if err != nil {
				yield(nil, translate("read "+table, err))
				return
			}
			for _, item := range out.Items {
				if !yield(item, nil) {
					return
				}
			}
			if len(out.LastEvaluatedKey) == 0 {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

// Estimate says how many rows a table has, about: DynamoDB updates that figure every six hours. 0 means unknown; nobody has
// to be allowed to ask.
func (t *Tables) Estimate(ctx context.Context, table string) int {
	out, err := t.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil || out.Table == nil {
		return 0
	}
	return int(aws.ToInt64(out.Table.ItemCount))
}

// Key names the attributes of a table's key, the partition key first.
func (t *Tables) Key(ctx context.Context, table string) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := t.keys[table]; key != nil {
		return key, nil
	}
	out, err := t.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return nil, translate("describe "+table, err)
	}
	var key []string
	for _, element := range out.Table.KeySchema {
		if element.KeyType == types.KeyTypeHash {
			key = append([]string{*element.AttributeName}, key...)
		} else {
			key = append(key, *element.AttributeName)
		}
	}
	t.keys[table] = key
	return key, nil
}

// batch is the most that BatchGetItem takes at once.
const batch = 100

// Get reads rows by their whole keys and calls each for every one that is there, in no order. It holds one answer of
// DynamoDB's at a time, which is up to 16 MB.
func (t *Tables) Get(ctx context.Context, table string, keys []rows.Row, each func(rows.Row)) error {
	for len(keys) > 0 {
		n := min(batch, len(keys))
		asked := make([]map[string]types.AttributeValue, n)
		for i := range n {
			asked[i] = keys[i]
		}
		if err := t.get(ctx, table, asked, each); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// maxPauses is how often a table may answer with nothing at all before it counts as too busy.
const maxPauses = 10

// get asks until every key is answered: DynamoDB leaves out what is too much for one answer, or for the table right now.
func (t *Tables) get(ctx context.Context, table string, asked []map[string]types.AttributeValue, each func(rows.Row)) error {
	for pauses := 0; len(asked) > 0; {
		out, err := t.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			table: {Keys: asked, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return translate("read "+table, err)
		}
		for _, item := range out.Responses[table] {
			each(item)
		}
		left := out.UnprocessedKeys[table].Keys
		if len(left) == len(asked) {
			if pauses++; pauses > maxPauses {
				return fmt.Errorf("read %s: %w", table, errBusy)
			}
			if err := t.pause(ctx, pauses); err != nil {
				return err
			}
		}
		asked = left
	}
	return nil
}

var errBusy = errors.New("table is too busy, after many tries")

// pause waits twice as long each time, up to 20 s.
func pause(ctx context.Context, attempt int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(min(20*time.Second, 50*time.Millisecond<<attempt)):
		return nil
	}
}

// translate names what was tried, and marks errors that every row of the table would meet.
func translate(what string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ResourceNotFoundException", "AccessDeniedException", "ValidationException":
			return fmt.Errorf("%s: %w: %w", what, rows.ErrTable, err)
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}
