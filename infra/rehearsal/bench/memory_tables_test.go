package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
)

func memory(t *testing.T) (*memoryTables, *dynamodb.Client) {
	cloud := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(cloud.Close)
	tables, err := newMemoryTables(cloud.URL)
	require.NoError(t, err)
	server := httptest.NewServer(tables)
	t.Cleanup(server.Close)
	return tables, dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
}

// sweepLedger is what a sweep asks of the ledger.
type sweepLedger interface {
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	BeginSweep(ctx context.Context, stagingSub, email string, at time.Time, before ledger.Record) (ledger.Record, error)
	BindCreated(ctx context.Context, stagingSub, productionSub string) (ledger.Record, error)
	PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	Complete(ctx context.Context, stagingSub, productionSub string, p ledger.Progress, at time.Time) error
	ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
}

// The ledger in the stand-in is held against the one in memory, which is held to the contract of the one in DynamoDB.
func TestLedgerInMemoryTables(t *testing.T) {
	_, api := memory(t)
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	done := ledger.Progress{Copied: map[string]int{productionProjects: 2}, Kept: map[string]int{}}
	steps := []func(context.Context, sweepLedger) error{
		func(ctx context.Context, l sweepLedger) error { _, err := l.BindCreated(ctx, "u", "p"); return err }, // no line
		func(ctx context.Context, l sweepLedger) error {
			_, err := l.BeginSweep(ctx, "u", "U@example.com", at, ledger.Record{})
			return err
		},
		func(ctx context.Context, l sweepLedger) error {
			_, err := l.BeginSweep(ctx, "u", "U@example.com", at, ledger.Record{})
			return err
		},
		func(ctx context.Context, l sweepLedger) error { _, err := l.PasswordSet(ctx, "u", "p", at); return err }, // not theirs yet
		func(ctx context.Context, l sweepLedger) error { return l.Complete(ctx, "u", "p", done, at) },             // nor moving
		func(ctx context.Context, l sweepLedger) error { _, err := l.BindCreated(ctx, "u", "p"); return err },
		func(ctx context.Context, l sweepLedger) error { _, err := l.BindCreated(ctx, "u", "other"); return err },
		func(ctx context.Context, l sweepLedger) error { _, err := l.PasswordSet(ctx, "u", "p", at); return err },
		func(ctx context.Context, l sweepLedger) error { return l.Complete(ctx, "u", "p", done, at) },
		func(ctx context.Context, l sweepLedger) error { return l.Complete(ctx, "u", "p", done, at) }, // moved already
		func(ctx context.Context, l sweepLedger) error {
			_, err := l.ResetSent(ctx, "u", "other", at)
			return err
		},
		func(ctx context.Context, l sweepLedger) error { _, err := l.ResetSent(ctx, "u", "p", at); return err },
	}
	stands, expected := ledger.New(api, ledgerTable), ledgertest.New()
	for i, step := range steps {
		want := step(t.Context(), expected)
		require.ErrorIs(t, step(t.Context(), stands), want, "step %d", i)
		line, err := expected.Get(t.Context(), "u")
		got, errGot := stands.Get(t.Context(), "u")
		require.ErrorIs(t, errGot, err, "step %d", i)
		require.Equal(t, line, got, "step %d", i)
	}
}

func TestRowsInMemoryTables(t *testing.T) {
	tables, api := memory(t)
	projects := settings.Table{Source: stagingProjects, Target: productionProjects, OwnerKey: "userSub"}
	mine := projectsOf("ann", 3)
	for _, project := range append(mine, projectsOf("bob", 1)...) {
		require.NoError(t, tables.give(stagingProjects, project))
	}
	page, next, err := rows.NewStore(api).Query(t.Context(), projects, "ann", "")
	require.NoError(t, err)
	require.Empty(t, next)
	require.Len(t, page, len(mine))
	for i, row := range page {
		require.True(t, rows.Equal(mine[i], row))
		copied, err := rows.NewStore(api).PutIfAbsent(t.Context(), projects, row, "ann in production")
		require.NoError(t, err)
		require.True(t, copied)
	}
	page[0]["title"] = &types.AttributeValueMemberS{Value: "another"}
	copied, err := rows.NewStore(api).PutIfAbsent(t.Context(), projects, page[0], "ann in production")
	require.NoError(t, err)
	require.False(t, copied, "what stands there is not this row")
	require.Len(t, tables.of(productionProjects, "ann in production"), len(mine))
	require.Empty(t, tables.of(productionProjects, "ann"))
}

func TestMemoryTablesRefuseWhatTheyDoNotKnow(t *testing.T) {
	_, api := memory(t)
	put := func(table, condition string) error {
		_, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: &table, Item: row{"stagingSub": &types.AttributeValueMemberS{Value: "u"}}, ConditionExpression: &condition,
		})
		return err
	}
	require.NoError(t, put(ledgerTable, "attribute_not_exists(stagingSub)"))
	require.ErrorContains(t, put(ledgerTable, "size(email) < :n"), "stand-in does not know")
	require.ErrorContains(t, put("Another", "attribute_not_exists(stagingSub)"), "stand-in does not know")
	_, err := api.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(ledgerTable), Key: row{"stagingSub": &types.AttributeValueMemberS{Value: "u"}},
		ConditionExpression: aws.String("attribute_exists(stagingSub)"), UpdateExpression: aws.String("ADD n :n"),
	})
	require.ErrorContains(t, err, "stand-in does not know")
}
