package rows

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

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
			"s": s(""), "n": n("1"), "b": &types.AttributeValueMemberB{Value: []byte{0}},
			"nul": &types.AttributeValueMemberNULL{Value: true},
			"ss": &types.AttributeValueMemberSS{Value: []string{"a",
				"b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2"}},
			"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
			"m": &types.AttributeValueMemberM{Value: Row{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x"),
				n("2")}}}},
		}
	}
	assert.True(t, Equal(full(), full()))
	shuffled := full()
	shuffled["ss"] = &types.AttributeValueMemberSS{Value: []string{"b", "a"}}
	shuffled["ns"] = &types.AttributeValueMemberNS{Value: []string{"2", "1"}}
	shuffled["bs"] = &types.AttributeValueMemberBS{Value: [][]byte{{2}, {1}}}
	assert.True(t, Equal(full(), shuffled), "sets have no order")
	for name, value := range map[string]types.AttributeValue{
		"s": s("x"), "n": s("1"), "b": &types.AttributeValueMemberB{Value: []byte{1}}, "ss": s("a"), "ns": s("1"),
		"bs": s("1"), "nul": s(""),
		"m": &types.AttributeValueMemberM{Value: Row{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{n("2"),
			s("x")}}}},
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
	assert.Equal(t, []string{"x", "7", "AP8=", ""}, []string{row.Text("s"), row.Text("n"),
		row.Text("b"), row.Text("none")})
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

func (f *fakeTable) DescribeTable(context.Context, *dynamodb.DescribeTableInput,
	...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	f.describes++
	schema := []types.KeySchemaElement{{AttributeName: &f.keys[0], KeyType: types.KeyTypeHash}}
	if len(f.keys) == 2 {
		// In the other order, which DynamoDB does not promise.
		schema = []types.KeySchemaElement{{AttributeName: &f.keys[1], KeyType: types.KeyTypeRange}, schema[0]}
	}
	return &dynamodb.DescribeTableOutput{Table: &types.TableDescription{KeySchema: schema}}, nil
}

func (f *fakeTable) PutItem(_ context.Context, in *dynamodb.PutItemInput,
	_ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
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
		"as staging":                  {[]string{"userSub", "projectId"}, page, "", ""},
		"as staging, and a next page": {[]string{"userSub", "projectId"}, page, position, ""},
		"other partition key":         {[]string{"id", "projectId"}, page, "", "table P-prod: key is id, not userSub"},
		"no sort key, many rows": {[]string{"userSub"}, page, "",
			"table P-prod: key is userSub, not one that distinguishes the rows of P-staging"},
		"no sort key, one row": {[]string{"userSub"}, page[:1], "", ""},
		"no sort key, and a next page": {[]string{"userSub"}, page[:1], position,
			"table P-prod: key is userSub, not projectId and userSub as in P-staging"},
		"sort key that the rows lack": {[]string{"userSub", "createdAt"}, page, "",
			"table P-prod: key is createdAt, not a key that rows of P-staging have"},
		"sort key that rows share": {[]string{"userSub", "status"}, page, "",
			"table P-prod: key is userSub and status, not one that distinguishes the rows of P-staging"},
		"other sort key, and a next page": {[]string{"userSub", "n"}, page, position,
			"table P-prod: key is userSub and n, not projectId and userSub as in P-staging"},
		"no rows, key still checked": {[]string{"id"}, nil, "", "table P-prod: key is id, not userSub"},
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
	for _, whole := range []error{&types.ResourceNotFoundException{},
		&smithy.GenericAPIError{Code: "AccessDeniedException"}} {
		_, err := NewStore(&fakeTable{put: whole}).PutIfAbsent(t.Context(), projects, Row{}, "x")
		require.ErrorIs(t, err, ErrTable)
		require.ErrorContains(t, err, "write P-prod")
	}
	_, err := NewStore(&fakeTable{put: errors.New("x")}).PutIfAbsent(t.Context(), projects, Row{}, "x")
	assert.NotErrorIs(t, err, ErrTable)
}

type fakeQuery struct {
	dynamoAPI
	err   error
	units float64
}

func (f fakeQuery) Query(
	_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options),
) (*dynamodb.QueryOutput, error) {
	out := &dynamodb.QueryOutput{}
	if in.ReturnConsumedCapacity == types.ReturnConsumedCapacityTotal {
		out.ConsumedCapacity = &types.ConsumedCapacity{CapacityUnits: &f.units}
	}
	return out, f.err
}

// TestQuerySaysHowMuchItRead: a page of few rows can be large.
func TestQuerySaysHowMuchItRead(t *testing.T) {
	page, err := NewStore(fakeQuery{units: 256}).Query(t.Context(), projects, "u", "")
	require.NoError(t, err)
	assert.Equal(t, 256, page.Units)
}

func (fakeQuery) DescribeTimeToLive(
	context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options),
) (*dynamodb.DescribeTimeToLiveOutput, error) {
	return &dynamodb.DescribeTimeToLiveOutput{}, nil
}

func TestQueryOfATableWithAnotherKey(t *testing.T) {
	api := fakeQuery{err: &smithy.GenericAPIError{Code: "ValidationException",
		Message: "Query condition missed key schema element: id"}}
	_, err := NewStore(api).Query(t.Context(), projects, "u", "")
	var key *KeyError
	require.ErrorAs(t, err, &key)
	assert.ErrorContains(t, err, "table P-staging: partition key is not userSub as configured")
	assert.ErrorContains(t, err, "missed key schema element: id")

	_, err = NewStore(api).Query(t.Context(), projects, "u", `{"userSub":{"S":"u"}}`)
	require.ErrorIs(t, err, ErrPosition, "at the beginning the key is wrong; later the position is")
}

func TestExpired(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	seconds := func(at time.Time) types.AttributeValue { return n(strconv.FormatInt(at.Unix(), 10)) }
	for name, tt := range map[string]struct {
		value   types.AttributeValue
		expired bool
	}{
		"a second ago":                  {seconds(now.Add(-time.Second)), true},
		"now":                           {seconds(now), false},
		"in an hour":                    {seconds(now.Add(time.Hour)), false},
		"almost five years ago":         {seconds(now.AddDate(-5, 0, 0)), true},
		"five years ago: never deleted": {seconds(now.AddDate(-5, 0, 0).Add(-time.Second)), false},
		"milliseconds":                  {n(strconv.FormatInt(now.UnixMilli(), 10)), false},
		"zero":                          {n("0"), false},
		"a fraction":                    {n("1772366399.5"), true},
		"a text":                        {s(strconv.FormatInt(now.Add(-time.Hour).Unix(), 10)), false},
		"null":                          {&types.AttributeValueMemberNULL{Value: true}, false},
	} {
		assert.Equal(t, tt.expired, Row{"expiresAt": tt.value}.expired("expiresAt", now), name)
		assert.False(t, Row{"expiresAt": tt.value}.expired("other", now), name)
	}
}

// TestTheUsersIDInsideRows has a row as the application writes it, and every type of DynamoDB.
func TestTheUsersIDInsideRows(t *testing.T) {
	const before, after, other = "13689004-2715-599e-9960-3e8838709aa2",
		"9200d000-0000-4000-8000-000000000001", "someone-else"
	m := func(v map[string]types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberM{Value: v}
	}
	l := func(v ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: v} }
	ss := func(v ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: v} }
	table := settings.Table{Source: "U", Target: "U", OwnerKey: "id", Keep: []string{"legacyId"}}
	row := func(id string) Row {
		return Row{
			"id": s(id), "userSub": s(id), "userId": s(id), "referredBy": s(other), "empty": s(""),
			"team": m(map[string]types.AttributeValue{"owner": s(id), before: s("a key stays"),
				"members": l(s(other), s(id))}),
			"sharedWith": ss(other, id), "plan": s("pro"), "n": n("42"), "flag": &types.AttributeValueMemberBOOL{Value: true},
			"none": &types.AttributeValueMemberNULL{Value: true}, "b": &types.AttributeValueMemberB{Value: []byte(before)},
			"ns":     &types.AttributeValueMemberNS{Value: []string{"1"}},
			"bs":     &types.AttributeValueMemberBS{Value: [][]byte{[]byte(before)}},
			"avatar": s("s3://spaceport-uploads/" + before + "/me.png"), "pk2": s("USER#" + before),
			"legacyId": s(before),
		}
	}
	source := row(before)
	got := source.OwnedBy(table, after)
	assert.True(t, Equal(row(after), got), "%v", got)
	assert.True(t, Equal(row(before), source), "the source's row is unchanged")
	assert.True(t, Equal(got, row(after).OwnedBy(table, after)), "again")
	assert.Equal(t, []string{"avatar", "pk2", "team"}, source.Containing(before))
	assert.Empty(t, source.Containing("unknown"))

	both := Row{"id": s(before), "ids": ss(after, before)}.OwnedBy(table, after)
	assert.True(t, Equal(Row{"id": s(after), "ids": ss(after)}, both), "once: %v", both)

	project := Row{"userSub": s(before), "projectId": s("PROJECT#" + before + "#1"), "createdBy": s(before)}
	assert.True(t, Equal(
		Row{"userSub": s(after), "projectId": s("PROJECT#" + before + "#1"), "createdBy": s(after)},
		project.OwnedBy(projects, after)))
	assert.Equal(t, []string{"projectId"}, project.Containing(before))

	key := Row{"userSub": s(before), "projectId": s(before)} // a sort key that is the id
	assert.Equal(t, s(after), key.OwnedBy(projects, after)["projectId"])
}

func BenchmarkOwnedBy(b *testing.B) {
	row := Row{"userSub": s("before"), "projectId": s("1"), "title": s("Flight"), "notes": s(strings.Repeat("x", 850)),
		"stages": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), s("b"), n("1")}}}
	for b.Loop() {
		_ = row.OwnedBy(projects, "after")
	}
}
