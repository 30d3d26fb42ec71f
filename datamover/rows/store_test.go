package rows

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeDynamo holds rows by number. busy is how many batches it leaves unanswered, and short is the most it answers.
type fakeDynamo struct {
	dynamoAPI
	rows      int
	pageSize  int
	busy      int
	short     int
	batches   []int
	describes int
	err       error
}

func (f *fakeDynamo) Scan(_ context.Context, in *dynamodb.ScanInput,
	_ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	from := 0
	if in.ExclusiveStartKey != nil {
		_, _ = fmt.Sscan(in.ExclusiveStartKey["id"].(*types.AttributeValueMemberS).Value, &from)
	}
	out := &dynamodb.ScanOutput{}
	for ; from < f.rows && len(out.Items) < f.pageSize; from++ {
		out.Items = append(out.Items, row(from))
	}
	if from < f.rows {
		out.LastEvaluatedKey = row(from)
	}
	return out, nil
}

func (f *fakeDynamo) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput,
	_ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	keys := in.RequestItems["T"].Keys
	f.batches = append(f.batches, len(keys))
	if f.busy > 0 {
		f.busy--
		return &dynamodb.BatchGetItemOutput{UnprocessedKeys: in.RequestItems}, nil
	}
	n := len(keys)
	if f.short > 0 {
		n = min(n, f.short)
	}
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{"T": keys[:n]}}
	if n < len(keys) {
		out.UnprocessedKeys = map[string]types.KeysAndAttributes{"T": {Keys: keys[n:]}}
	}
	return out, nil
}

func (f *fakeDynamo) DescribeTable(context.Context, *dynamodb.DescribeTableInput,
	...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	f.describes++
	return &dynamodb.DescribeTableOutput{Table: &types.TableDescription{ItemCount: aws.Int64(7),
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("projectId"), KeyType: types.KeyTypeRange}, {AttributeName: aws.String("userSub"),
				KeyType: types.KeyTypeHash},
		}}}, nil
}

func row(i int) Row { return Row{"id": &types.AttributeValueMemberS{Value: fmt.Sprint(i)}} }

func TestScanStreamsAllPages(t *testing.T) {
	n := 0
	for got, err := range NewStore(&fakeDynamo{rows: 25, pageSize: 10}).Scan(t.Context(), "T") {
		require.NoError(t, err)
		assert.Equal(t, row(n), got)
		n++
	}
	assert.Equal(t, 25, n)
}

func get(t *testing.T, api *fakeDynamo, n int) (found int, pauses int, err error) {
	store := NewStore(api)
	store.pause = func(context.Context, int) error { pauses++; return nil }
	keys := make([]Row, n)
	for i := range keys {
		keys[i] = row(i)
	}
	seen := map[string]bool{}
	err = store.BatchGet(t.Context(), "T", keys, func(r Row) { seen[r["id"].(*types.AttributeValueMemberS).Value] = true })
	return len(seen), pauses, err
}

func TestBatchGetAsksForAHundredAtATime(t *testing.T) {
	api := &fakeDynamo{}
	found, _, err := get(t, api, 250)
	require.NoError(t, err)
	assert.Equal(t, 250, found)
	assert.Equal(t, []int{100, 100, 50}, api.batches)
}

func TestBatchGetRepeatsUnprocessedKeys(t *testing.T) {
	found, pauses, err := get(t, &fakeDynamo{short: 40}, 100)
	require.NoError(t, err)
	assert.Equal(t, 100, found)
	assert.Zero(t, pauses, "there was progress")

	found, pauses, err = get(t, &fakeDynamo{busy: 3}, 10)
	require.NoError(t, err)
	assert.Equal(t, 10, found)
	assert.Equal(t, 3, pauses)

	_, _, err = get(t, &fakeDynamo{busy: 1000}, 10)
	assert.ErrorIs(t, err, ErrBusy)
}

func TestPauseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, pause(ctx, 9), context.Canceled)
}

func TestKeySchemaIsReadOnce(t *testing.T) {
	api := &fakeDynamo{}
	store := NewStore(api)
	for range 3 {
		key, err := store.KeySchema(t.Context(), "T")
		require.NoError(t, err)
		assert.Equal(t, []string{"userSub", "projectId"}, key)
	}
	assert.Equal(t, 1, api.describes)
	assert.Equal(t, 7, store.EstimatedSize(t.Context(), "T"))
}

func TestErrors(t *testing.T) {
	for code, whole := range map[string]bool{"ResourceNotFoundException": true, "AccessDeniedException": true,
		"InternalServerError": false} {
		store := NewStore(&fakeDynamo{err: &smithy.GenericAPIError{Code: code}})
		var got []error
		for _, err := range store.Scan(t.Context(), "T") {
			got = append(got, err)
		}
		_, err := store.KeySchema(t.Context(), "T")
		got = append(got, err, store.BatchGet(t.Context(), "T", []Row{row(1)}, nil))
		require.Len(t, got, 3)
		for _, err := range got {
			require.ErrorContains(t, err, " T: ")
			assert.Equal(t, whole, errors.Is(err, ErrTable), err)
		}
		assert.Zero(t, store.EstimatedSize(t.Context(), "T"))
	}
}
