package rows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/settings"
)

type options = func(*dynamodb.Options)

type dynamoAPI interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...options) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(
		context.Context, *dynamodb.DescribeTimeToLiveInput, ...options) (*dynamodb.DescribeTimeToLiveOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...options) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...options) (*dynamodb.ScanOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...options) (*dynamodb.BatchGetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...options) (*dynamodb.PutItemOutput, error)
}

// Store is the tables of one account. Staging's are only read.
type Store struct {
	api   dynamoAPI
	pause func(ctx context.Context, attempt int) error

	// What follows is by table, and read once in a process.
	keysMu, expiresMu sync.Mutex
	keys              map[string][]string
	expires           map[string]string // the attribute for time to live, "" for none
}

// NewStore returns the tables that api reads and writes.
func NewStore(api dynamoAPI) *Store {
	return &Store{api: api, pause: pause, keys: map[string][]string{}, expires: map[string]string{}}
}

// pageSize keeps memory flat: two pages are in memory at a time, and one of DynamoDB's is up to 1 MB.
const pageSize = 200

// Page is a part of one owner's rows, in the order of the table.
type Page struct {
	Rows    []Row
	Expired int    // more rows, which DynamoDB may delete at any moment
	Next    string // the position to continue from; "" is both the beginning and the end
	Units   int    // of 4 KB, that were read
}

// Query returns rows of one owner after a position. It returns a *KeyError if the source has another partition key, and
// ErrPosition for a position of another table.
func (s *Store) Query(ctx context.Context, t settings.Table, owner, after string) (page Page, err error) {
	start, err := decodePosition(after)
	if err != nil {
		return page, err
	}
	var attribute string
	var noAttribute error
	var atOnce sync.WaitGroup
	atOnce.Go(func() { attribute, noAttribute = s.timeToLive(ctx, t.Source) })
	out, err := s.api.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &t.Source,
		KeyConditionExpression:    aws.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": t.OwnerKey},
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": &types.AttributeValueMemberS{Value: owner}},
		ExclusiveStartKey:         start,
		Limit:                     aws.Int32(pageSize),
		ConsistentRead:            aws.Bool(true),
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal,
	})
	atOnce.Wait()
	switch {
	case code(err) == codeValidation && after != "":
		return page, fmt.Errorf("read %s: %w: %w", t.Source, ErrPosition, err)
	case code(err) == codeValidation:
		return page, &KeyError{Table: t.Source, Want: t.OwnerKey, cause: err}
	case err != nil:
		return page, translate("read "+t.Source, err)
	case noAttribute != nil:
		return page, noAttribute
	}
	if read := out.ConsumedCapacity; read != nil {
		page.Units = int(aws.ToFloat64(read.CapacityUnits))
	}
	now := time.Now()
	for _, item := range out.Items {
		if row := Row(item); row.expired(attribute, now) {
			page.Expired++
		} else {
			page.Rows = append(page.Rows, row)
		}
	}
	page.Next, err = encodePosition(out.LastEvaluatedKey)
	return page, err
}

func (s *Store) timeToLive(ctx context.Context, table string) (attribute string, err error) {
	s.expiresMu.Lock()
	defer s.expiresMu.Unlock()
	if attribute, known := s.expires[table]; known {
		return attribute, nil
	}
	out, err := s.api.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		return "", translate("describe time to live of "+table, err)
	}
	if ttl := out.TimeToLiveDescription; ttl != nil && ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled {
		attribute = aws.ToString(ttl.AttributeName)
	}
	s.expires[table] = attribute
	return attribute, nil
}

// CheckKeys returns a *KeyError unless the target can have every row of a page: its partition key is the owner, every
// row has the whole key, and no two rows share one. next is the position that Query returned, which names the source's
// own key. A target with another sort key would take one row for many.
func (s *Store) CheckKeys(ctx context.Context, t settings.Table, page []Row, next string) error {
	keys, err := s.KeySchema(ctx, t.Target)
	if err != nil {
		return err
	}
	if keys[0] != t.OwnerKey {
		return &KeyError{Table: t.Target, Want: t.OwnerKey, Has: keys[0]}
	}
	position, err := decodePosition(next)
	if err != nil {
		return err
	}
	has := strings.Join(keys, " and ")
	source := slices.Sorted(maps.Keys(position))
	if len(source) > 0 && !slices.Equal(source, slices.Sorted(slices.Values(keys))) {
		return &KeyError{Table: t.Target, Want: strings.Join(source, " and ") + " as in " + t.Source, Has: has}
	}
	seen := map[string]bool{}
	for _, row := range page {
		for _, key := range keys {
			if row[key] == nil {
				return &KeyError{Table: t.Target, Want: "a key that rows of " + t.Source + " have", Has: key}
			}
		}
		sortKey := row.Text(keys[len(keys)-1])
		if seen[sortKey] {
			return &KeyError{Table: t.Target, Want: "one that distinguishes the rows of " + t.Source, Has: has}
		}
		seen[sortKey] = true
	}
	return nil
}

// KeySchema returns the attributes of a table's key, the partition key first.
func (s *Store) KeySchema(ctx context.Context, table string) ([]string, error) {
	s.keysMu.Lock()
	defer s.keysMu.Unlock()
	if keys := s.keys[table]; keys != nil {
		return keys, nil
	}
	out, err := s.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
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
	s.keys[table] = keys
	return keys, nil
}

// PutIfAbsent gives a row to owner and writes it to the target unless a row with that key exists. copied is true if
// production now has what staging had, from this call or an earlier one; false if production has a row of its own,
// which is kept.
func (s *Store) PutIfAbsent(ctx context.Context, t settings.Table, row Row, owner string) (copied bool, err error) {
	row = row.OwnedBy(t, owner)
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &t.Target,
		Item:                                row,
		ConditionExpression:                 aws.String("attribute_not_exists(#owner)"),
		ExpressionAttributeNames:            map[string]string{"#owner": t.OwnerKey},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var exists *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exists):
		return Equal(row, exists.Item), nil
	}
	if code(err) == codeValidation {
		return false, &RowError{Table: t.Target, Key: s.keyOf(t, row), cause: err}
	}
	return false, translate("write "+t.Target, err)
}

// keyOf describes a row by its key without the owner, or by the table's name if the owner is the whole key.
func (s *Store) keyOf(t settings.Table, row Row) string {
	s.keysMu.Lock()
	defer s.keysMu.Unlock()
	var parts []string
	for _, name := range s.keys[t.Target] {
		if name != t.OwnerKey {
			parts = append(parts, name+"="+row.Text(name))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "the owner's row")
}

// Scan streams every row of a table as it is now and holds one page at a time. The first error ends it.
func (s *Store) Scan(ctx context.Context, table string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}
		for {
			out, err := s.api.Scan(ctx, in)
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

// EstimatedSize returns how many rows a table has, about: DynamoDB updates that figure every six hours. 0 means
// unknown, also if access is denied.
func (s *Store) EstimatedSize(ctx context.Context, table string) int {
	out, err := s.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table},
		func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	if err != nil || out.Table == nil {
		return 0
	}
	return int(aws.ToInt64(out.Table.ItemCount))
}

// batchSize is the most that BatchGetItem takes at once.
const batchSize = 100

// BatchGet reads rows by their whole keys and calls each for every one that exists, in no order. It holds one answer of
// DynamoDB at a time, which is up to 16 MB.
func (s *Store) BatchGet(ctx context.Context, table string, keys []Row, each func(Row)) error {
	for batch := range slices.Chunk(keys, batchSize) {
		pending := make([]map[string]types.AttributeValue, len(batch))
		for i, key := range batch {
			pending[i] = key
		}
		if err := s.batchGet(ctx, table, pending, each); err != nil {
			return err
		}
	}
	return nil
}

// maxPauses is how often a table may leave a whole batch unanswered before it counts as too busy.
const maxPauses = 10

// batchGet repeats until every key is answered: DynamoDB leaves out what exceeds one answer, or the table's capacity.
func (s *Store) batchGet(
	ctx context.Context, table string, pending []map[string]types.AttributeValue, each func(Row),
) error {
	for pauses := 0; len(pending) > 0; {
		out, err := s.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			table: {Keys: pending, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return translate("read "+table, err)
		}
		for _, item := range out.Responses[table] {
			each(item)
		}
		unprocessed := out.UnprocessedKeys[table].Keys
		if len(unprocessed) == len(pending) {
			if pauses++; pauses > maxPauses {
				return fmt.Errorf("read %s: %w", table, ErrBusy)
			}
			if err := s.pause(ctx, pauses); err != nil {
				return err
			}
		}
		pending = unprocessed
	}
	return nil
}

// pause waits twice as long each time, up to 20 s.
func pause(ctx context.Context, attempt int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(min(20*time.Second, 50*time.Millisecond<<attempt)):
		return nil
	}
}
