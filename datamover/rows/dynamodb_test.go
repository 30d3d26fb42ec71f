package rows_test

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

var table = settings.Table{Source: "Spaceport-Projects-staging", Target: "Spaceport-Projects-prod", OwnerKey: "userSub"}

func text(v string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: v} }
func number(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

// TestEveryTypeSurvives moves one row of every DynamoDB type through a real table and compares it exactly.
func TestEveryTypeSurvives(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	items := map[string]types.AttributeValue{
		"empty string": text(""),
		"emoji":        text("🚀 <&> \u2028"),
		"38 digits":    number("12345678901234567890123456789012345678"),
		"negative 38":  number("-9.9999999999999999999999999999999999999E+125"),
		"tiny":         number("1E-130"),
		"binary":       &types.AttributeValueMemberB{Value: []byte{0, 1, 254, 255}},
		"empty binary": &types.AttributeValueMemberB{Value: []byte{}},
		"true":         &types.AttributeValueMemberBOOL{Value: true},
		"false":        &types.AttributeValueMemberBOOL{Value: false},
		"null":         &types.AttributeValueMemberNULL{Value: true},
		"string set":   &types.AttributeValueMemberSS{Value: []string{"b", "a"}},
		"number set":   &types.AttributeValueMemberNS{Value: []string{"3", "12345678901234567890123456789012345678"}},
		"binary set":   &types.AttributeValueMemberBS{Value: [][]byte{{1}, {0, 255}}},
		"empty list":   &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		"empty map":    &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
		"reference":    text("s3://spaceport-uploads/before/1.zip"),
		"395 KB":       text(strings.Repeat("é", 395<<10/2-100)),
		"the id again": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"userSub": text("before")}},
	}
	nested := map[string]types.AttributeValue{"deep": &types.AttributeValueMemberNULL{Value: true}}
	list := []types.AttributeValue{number("1.50"), &types.AttributeValueMemberM{Value: nested}}
	items["nested"] = &types.AttributeValueMemberM{
		Value: map[string]types.AttributeValue{"l": &types.AttributeValueMemberL{Value: list}},
	}
	for name, value := range items {
		require.NoError(t, s.Put(t.Context(), s.StagingTables, table.Source,
			rows.Row{"userSub": text("before"), "projectId": text(name), "v": value}))
	}
	source, target := rows.NewStore(s.StagingTables), rows.NewStore(s.ProductionTables)
	want := map[string]rows.Row{}
	for after, first := "", true; first || after != ""; first = false {
		page, err := source.Query(t.Context(), table, "before", after)
		require.NoError(t, err)
		require.NoError(t, target.CheckKeys(t.Context(), table, page.Rows, page.Next))
		for _, row := range page.Rows {
			for range 2 { // the second time it exists, and is recognized as ours
				copied, err := target.PutIfAbsent(t.Context(), table, row, "after")
				require.NoError(t, err)
				require.True(t, copied)
			}
			row["userSub"] = text("after")
			want[row["projectId"].(*types.AttributeValueMemberS).Value] = row
		}
		after = page.Next
	}
	want["the id again"]["v"] = &types.AttributeValueMemberM{
		Value: map[string]types.AttributeValue{"userSub": text("after")},
	}
	got, err := spaceport.Rows(t.Context(), s.ProductionTables, table.Target, table.OwnerKey, "after")
	require.NoError(t, err)
	require.Len(t, got, len(items))
	for _, row := range got {
		name := row["projectId"].(*types.AttributeValueMemberS).Value
		assert.True(t, rows.Equal(want[name], row), name)
	}
}

func TestPagesOfARealTable(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	const projects = 450
	sub, err := s.Add(t.Context(), spaceport.User{Email: "ada@example.com", Password: "Passw0rd-1", Projects: projects})
	require.NoError(t, err)
	_, err = s.Add(t.Context(), spaceport.User{Email: "bob@example.com", Password: "Passw0rd-1", Projects: 5})
	require.NoError(t, err)
	source := rows.NewStore(s.StagingTables)
	seen := map[string]bool{}
	for after, first := "", true; first || after != ""; first = false {
		page, err := source.Query(t.Context(), table, sub, after)
		require.NoError(t, err)
		for _, row := range page.Rows {
			seen[row["projectId"].(*types.AttributeValueMemberS).Value] = true
		}
		after = page.Next
	}
	assert.Len(t, seen, projects)
}

// TestExpiredRowsStayBehind has a share link that DynamoDB has not deleted yet, which it may take days for.
func TestExpiredRowsStayBehind(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	at := func(d time.Duration) types.AttributeValue {
		return number(strconv.FormatInt(time.Now().Add(d).Unix(), 10))
	}
	for project, expires := range map[string]types.AttributeValue{"share-link": at(-30 * time.Hour),
		"draft": at(time.Hour)} {
		require.NoError(t, s.Put(t.Context(), s.StagingTables, table.Source, rows.Row{
			"userSub": text("u"), "projectId": text(project), "expiresAt": expires,
		}))
	}
	page, err := rows.NewStore(s.StagingTables).Query(t.Context(), table, "u", "")
	require.NoError(t, err)
	require.Len(t, page.Rows, 2, "the table has no time to live")
	_, err = s.StagingTables.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(table.Source),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expiresAt"),
			Enabled: aws.Bool(true)},
	})
	require.NoError(t, err)
	page, err = rows.NewStore(s.StagingTables).Query(t.Context(), table, "u", "")
	require.NoError(t, err)
	require.Len(t, page.Rows, 1)
	assert.Equal(t, "draft", page.Rows[0].Text("projectId"))
	assert.Equal(t, 1, page.Expired)
}

func TestRealTablesWithAnotherKey(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	require.NoError(t, spaceport.MakeTable(t.Context(), s.StagingTables, "By-id", "id"))
	require.NoError(t, spaceport.MakeTable(t.Context(), s.ProductionTables, "By-id-prod", "id"))
	wrong := settings.Table{Source: "By-id", Target: "By-id-prod", OwnerKey: "userSub"}
	_, err := rows.NewStore(s.StagingTables).Query(t.Context(), wrong, "u", "")
	require.ErrorIs(t, err, rows.ErrTable)
	assert.ErrorContains(t, err, "table By-id: partition key is not userSub")
	err = rows.NewStore(s.ProductionTables).CheckKeys(t.Context(), wrong, nil, "")
	assert.EqualError(t, err, "table By-id-prod: key is id, not userSub")

	wrong.Source, wrong.Target = "Gone", "Gone"
	_, err = rows.NewStore(s.StagingTables).Query(t.Context(), wrong, "u", "")
	require.ErrorIs(t, err, rows.ErrTable)
	require.ErrorIs(t, rows.NewStore(s.ProductionTables).CheckKeys(t.Context(), wrong, nil, ""), rows.ErrTable)
}

// TestPutOverwritesNothing meets a row of production's own.
func TestPutOverwritesNothing(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	own := rows.Row{"userSub": text("after"), "projectId": text("1"), "title": text("production's own")}
	require.NoError(t, s.Put(t.Context(), s.ProductionTables, table.Target, own))
	copied, err := rows.NewStore(s.ProductionTables).PutIfAbsent(t.Context(), table,
		rows.Row{"userSub": text("before"), "projectId": text("1")}, "after")
	require.NoError(t, err)
	assert.False(t, copied)
	got, err := spaceport.Rows(t.Context(), s.ProductionTables, table.Target, table.OwnerKey, "after")
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.True(t, rows.Equal(own, got[0]))
}
