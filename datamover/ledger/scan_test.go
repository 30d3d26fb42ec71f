package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pagedTable answers Scan with two records a page, and fails after the last of its pages if err is set.
type pagedTable struct {
	dynamoAPI
	records, scans int
	err            error
}

func (p *pagedTable) Scan(_ context.Context, in *dynamodb.ScanInput,
	_ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	from := 2 * p.scans
	p.scans++
	if from >= p.records && p.err != nil {
		return nil, p.err
	}
	out := &dynamodb.ScanOutput{}
	for i := from; i < min(from+2, p.records); i++ {
		out.Items = append(out.Items, key(fmt.Sprint(i)))
	}
	if from+2 < p.records || p.err != nil {
		out.LastEvaluatedKey = key(fmt.Sprint(from + 1))
	}
	return out, nil
}

func TestAllReadsPageByPage(t *testing.T) {
	table := &pagedTable{records: 5}
	var subs []string
	for record, err := range New(table, "t").All(t.Context()) {
		require.NoError(t, err)
		subs = append(subs, record.StagingSub)
	}
	assert.Equal(t, []string{"0", "1", "2", "3", "4"}, subs)
	assert.Equal(t, 3, table.scans)

	table.scans = 0
	for range New(table, "t").All(t.Context()) {
		break
	}
	assert.Equal(t, 1, table.scans, "nothing is read ahead")
}

func TestAllEndsWithItsFirstError(t *testing.T) {
	away := errors.New("away")
	var errs []error
	for _, err := range New(&pagedTable{records: 2, err: away}, "t").All(t.Context()) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 3)
	require.ErrorIs(t, errs[2], away)

	errs = nil
	for _, err := range New(badTable{}, "t").All(t.Context()) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	assert.ErrorContains(t, errs[0], "decode ledger record")
}

// badTable has items that are no records.
type badTable struct{ dynamoAPI }

func (badTable) Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	bad := map[string]types.AttributeValue{"importedAt": &types.AttributeValueMemberS{Value: "yesterday"}}
	return &dynamodb.ScanOutput{Items: []map[string]types.AttributeValue{bad, bad}}, nil
}
