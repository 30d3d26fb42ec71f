package rows

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/settings"
)

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func TestEqual(t *testing.T) {
	full := func() Row {
		return Row{
			"s": s(""), "n": n("1"), "b": &types.AttributeValueMemberB{Value: []byte{0}}, "nul": &types.AttributeValueMemberNULL{Value: true},
			"ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2"}},
			"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
			"m":  &types.AttributeValueMemberM{Value: Row{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x"), n("2")}}}},
		}
	}
	assert.True(t, Equal(full(), full()))
	shuffled := full()
	shuffled["ss"] = &types.AttributeValueMemberSS{Value: []string{"b", "a"}}
	shuffled["ns"] = &types.AttributeValueMemberNS{Value: []string{"2", "1"}}
	shuffled["bs"] = &types.AttributeValueMemberBS{Value: [][]byte{{2}, {1}}}
	assert.True(t, Equal(full(), shuffled), "sets have no order")
	for name, value := range map[string]types.AttributeValue{
		"s": s("x"), "n": s("1"), "b": &types.AttributeValueMemberB{Value: []byte{1}}, "ss": s("a"), "ns": s("1"), "bs": s("1"), "nul": s(""),
		"m": &types.AttributeValueMemberM{Value: Row{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{n("2"), s("x")}}}},
	} {
		other := full()
		other[name] = value
		assert.False(t, Equal(full(), other), name)
		delete(other, name)
		assert.False(t, Equal(full(), other), name)
	}
	other := full()
	delete(other, "s")
	other["t"] = s("")
	assert.False(t, Equal(full(), other))
}

func TestText(t *testing.T) {
	row := Row{"s": s("x"), "n": n("7"), "b": &types.AttributeValueMemberB{Value: []byte{0, 255}}}
	assert.Equal(t, []string{"x", "7", "AP8=", ""}, []string{row.Text("s"), row.Text("n"), row.Text("b"), row.Text("none")})
}

func TestPositionSurvivesAsText(t *testing.T) {
	key := Row{"userSub": s("ä \" {}"), "n": n("1.5E-3"), "b": &types.AttributeValueMemberB{Value: []byte{0, 255}}}
	text, err := encodePosition(key)
	require.NoError(t, err)
	back, err := decodePosition(text)
	require.NoError(t, err)
	assert.Equal(t, key, back)

	for _, bad := range []string{"x", `{"k":{}}`, `{"k":{"B":"!"}}`, `{"k":{"BOOL":true}}`, `{"k":{"X":"1"}}`} {
		_, err := decodePosition(bad)
		assert.ErrorIs(t, err, ErrPosition)
	}
	_, err = encodePosition(map[string]types.AttributeValue{"k": &types.AttributeValueMemberBOOL{}})
	assert.Error(t, err)
}

type fakeTable struct {
	dynamoAPI
	keys      []string
	describes int
	put       error
	written   *dynamodb.PutItemInput
}

func (f *fakeTable) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	f.describes++
	schema := []types.KeySchemaElement{{AttributeName: &f.keys[0], KeyType: types.KeyTypeHash}}
	if len(f.keys) == 2 {
		// In the other order, which DynamoDB does not promise.
		schema = []types.KeySchemaElement{{AttributeName: &f.keys[1], KeyType: types.KeyTypeRange}, schema[0]}
	}
	return &dynamodb.DescribeTableOutput{Table: &types.TableDescription{KeySchema: schema}}, nil
}

func (f *fakeTable) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	f.written = in
	return &dynamodb.PutItemOutput{}, f.put
}

var projects = settings.Table{Source: "P-staging", Target: "P-prod", OwnerKey: "userSub"}

func TestCheckKeys(t *testing.T) {
	page := []Row{
		{"userSub": s("u"), "projectId": s("1"), "status": s("open"), "n": n("1")},
		{"userSub": s("u"), "projectId": s("2"), "status": s("open"), "n": n("2")},
	}
	position, err := encodePosition(Row{"userSub": s("u"), "projectId": s("2")})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		keys  []string
		page  []Row
		after string
		want  string
	}{
		"as staging":                      {[]string{"userSub", "projectId"}, page, "", ""},
		"as staging, and a next page":     {[]string{"userSub", "projectId"}, page, position, ""},
		"other partition key":             {[]string{"id", "projectId"}, page, "", "table P-prod: key is id, not userSub"},
		"no sort key, many rows":          {[]string{"userSub"}, page, "", "table P-prod: key is userSub, not one that distinguishes the rows of P-staging"},
		"no sort key, one row":            {[]string{"userSub"}, page[:1], "", ""},
		"no sort key, and a next page":    {[]string{"userSub"}, page[:1], position, "table P-prod: key is userSub, not projectId and userSub as in P-staging"},
		"sort key that the rows lack":     {[]string{"userSub", "createdAt"}, page, "", "table P-prod: key is createdAt, not a key that rows of P-staging have"},
		"sort key that rows share":        {[]string{"userSub", "status"}, page, "", "table P-prod: key is userSub and status, not one that distinguishes the rows of P-staging"},
		"other sort key, and a next page": {[]string{"userSub", "n"}, page, position, "table P-prod: key is userSub and n, not projectId and userSub as in P-staging"},
		"no rows, key still checked":      {[]string{"id"}, nil, "", "table P-prod: key is id, not userSub"},
	} {
		t.Run(name, func(t *testing.T) {
			api := &fakeTable{keys: tt.keys}
			target := NewStore(api)
			err := target.CheckKeys(t.Context(), projects, tt.page, tt.after)
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.want)
				require.ErrorIs(t, err, ErrTable)
			}
			_ = target.CheckKeys(t.Context(), projects, tt.page, tt.after)
			assert.Equal(t, 1, api.describes, "read once")
		})
	}
}

func TestPutChangesOnlyTheOwner(t *testing.T) {
	row := Row{"userSub": s("before"), "projectId": s("1")}
	api := &fakeTable{}
	copied, err := NewStore(api).PutIfAbsent(t.Context(), projects, row, "after")
	require.NoError(t, err)
	assert.True(t, copied)
	assert.Equal(t, s("before"), row["userSub"], "the source's row is unchanged")
	require.NotNil(t, api.written.ConditionExpression, "else it overwrites a row of production")
	assert.Equal(t, "attribute_not_exists(#owner)", *api.written.ConditionExpression)
	assert.Equal(t, map[string]string{"#owner": "userSub"}, api.written.ExpressionAttributeNames)
}

func TestPutRecognizesAnEarlierCopy(t *testing.T) {
	existing := func(owner string) error {
		return &types.ConditionalCheckFailedException{Item: Row{"userSub": s(owner), "projectId": s("1")}}
	}
	row := Row{"userSub": s("before"), "projectId": s("1")}
	copied, err := NewStore(&fakeTable{put: existing("after")}).PutIfAbsent(t.Context(), projects, row, "after")
	require.NoError(t, err)
	assert.True(t, copied, "what a crash left is ours")
	copied, err = NewStore(&fakeTable{put: existing("other")}).PutIfAbsent(t.Context(), projects, row, "after")
	require.NoError(t, err)
	assert.False(t, copied)
}

func TestErrorsOfATable(t *testing.T) {
	for _, whole := range []error{&types.ResourceNotFoundException{}, &smithy.GenericAPIError{Code: "AccessDeniedException"}} {
		_, err := NewStore(&fakeTable{put: whole}).PutIfAbsent(t.Context(), projects, Row{}, "x")
		require.ErrorIs(t, err, ErrTable)
		require.ErrorContains(t, err, "write P-prod")
	}
	_, err := NewStore(&fakeTable{put: errors.New("x")}).PutIfAbsent(t.Context(), projects, Row{}, "x")
	assert.NotErrorIs(t, err, ErrTable)
}

type fakeQuery struct {
	dynamoAPI
	err error
}

func (f fakeQuery) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, f.err
}

func TestQueryOfATableWithAnotherKey(t *testing.T) {
	api := fakeQuery{err: &smithy.GenericAPIError{Code: "ValidationException", Message: "Query condition missed key schema element: id"}}
	_, _, err := NewStore(api).Query(t.Context(), projects, "u", "")
	var key *KeyError
	require.ErrorAs(t, err, &key)
	assert.ErrorContains(t, err, "table P-staging: partition key is not userSub as configured")
	assert.ErrorContains(t, err, "missed key schema element: id")

	_, _, err = NewStore(api).Query(t.Context(), projects, "u", `{"userSub":{"S":"u"}}`)
	require.ErrorIs(t, err, ErrPosition, "at the beginning the key is wrong; later the position is")
}
