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

// sweepLedger is what a sweep calls.
type sweepLedger interface {
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	BeginSweep(ctx context.Context, r, before ledger.Record) error
	BindCreated(ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration) (
		ledger.Record, ledger.Lease, error)
	PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
	TakeLease(ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration) (
		ledger.Record, ledger.Lease, error)
	Complete(ctx context.Context, l ledger.Lease, p ledger.Progress, at time.Time) error
	Free(ctx context.Context, l ledger.Lease) error
	ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (ledger.Record, error)
}

// The ledger on the fake tables must behave as the one in memory, which is held to the contract of the one in DynamoDB.
func TestLedgerInMemoryTables(t *testing.T) {
	_, api := memory(t)
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	done := ledger.Progress{Copied: map[string]int{productionProjects: 2}, Kept: map[string]int{}}
	type call func(context.Context, sweepLedger) (ledger.Record, error)
	begin := func(ctx context.Context, l sweepLedger) (ledger.Record, error) {
		return ledger.Record{}, l.BeginSweep(ctx, ledger.NewRecord("u", "u", "U@example.com", ledger.Sweep, at), ledger.Record{})
	}
	bind := func(productionSub string) call {
		return func(ctx context.Context, l sweepLedger) (ledger.Record, error) {
			record, _, err := l.BindCreated(ctx, "u", productionSub, at, time.Minute)
			return record, err
		}
	}
	passwordSet := func(ctx context.Context, l sweepLedger) (ledger.Record, error) {
		return l.PasswordSet(ctx, "u", "p", at)
	}
	lease := func(ctx context.Context, l sweepLedger) (ledger.Record, error) {
		record, _, err := l.TakeLease(ctx, "u", "p", at, time.Minute)
		return record, err
	}
	held := ledger.Lease{StagingSub: "u", ProductionSub: "p", Until: at.Add(time.Minute)}
	complete := func(ctx context.Context, l sweepLedger) (ledger.Record, error) {
		return ledger.Record{}, l.Complete(ctx, held, done, at)
	}
	free := func(ctx context.Context, l sweepLedger) (ledger.Record, error) {
		return ledger.Record{}, l.Free(ctx, held)
	}
	resetSent := func(productionSub string) call {
		return func(ctx context.Context, l sweepLedger) (ledger.Record, error) {
			return l.ResetSent(ctx, "u", productionSub, at)
		}
	}
	steps := []call{
		bind("p"), // no record
		begin, begin,
		passwordSet, // not bound
		complete,    // no lease
		bind("p"), bind("other"), lease, passwordSet, complete,
		lease, resetSent("other"), resetSent("p"), free,
	}
	fake, expected := ledger.New(api, ledgerTable), ledgertest.New()
	for i, step := range steps {
		want, errWant := step(t.Context(), expected)
		got, err := step(t.Context(), fake)
		require.ErrorIs(t, err, errWant, "step %d", i)
		require.Equal(t, want, got, "step %d", i)
		want, errWant = expected.Get(t.Context(), "u")
		got, err = fake.Get(t.Context(), "u")
		require.ErrorIs(t, err, errWant, "step %d", i)
		require.Equal(t, want, got, "step %d", i)
	}
}

func TestRowsInMemoryTables(t *testing.T) {
	tables, api := memory(t)
	projects := settings.Table{Source: stagingProjects, Target: productionProjects, OwnerKey: "userSub"}
	mine := projectsOf("ann", 3)
	for _, project := range append(mine, projectsOf("bob", 1)...) {
		require.NoError(t, tables.insert(stagingProjects, project))
	}
	got, err := rows.NewStore(api).Query(t.Context(), projects, "ann", "")
	require.NoError(t, err)
	require.Empty(t, got.Next)
	page := got.Rows
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
	require.False(t, copied, "the existing row differs")
	require.Len(t, tables.rowsOf(productionProjects, "ann in production"), len(mine))
	require.Empty(t, tables.rowsOf(productionProjects, "ann"))
}

func TestMemoryTablesRejectWhatTheyDoNotSupport(t *testing.T) {
	_, api := memory(t)
	put := func(table, condition string) error {
		_, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: &table, Item: row{"stagingSub": &types.AttributeValueMemberS{Value: "u"}}, ConditionExpression: &condition,
		})
		return err
	}
	require.NoError(t, put(ledgerTable, "attribute_not_exists(stagingSub)"))
	require.ErrorContains(t, put(ledgerTable, "size(email) < :n"), "unknown table or expression")
	require.ErrorContains(t, put("Another", "attribute_not_exists(stagingSub)"), "unknown table or expression")
	_, err := api.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(ledgerTable), Key: row{"stagingSub": &types.AttributeValueMemberS{Value: "u"}},
		ConditionExpression: aws.String("attribute_exists(stagingSub)"), UpdateExpression: aws.String("ADD n :n"),
	})
	require.ErrorContains(t, err, "unknown table or expression")
}
