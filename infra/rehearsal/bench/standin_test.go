package bench

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// standInOf returns a stand-in and the SDK's configuration for it.
func standInOf(t *testing.T, users, projects int) (*standIn, aws.Config) {
	s := newStandIn(users, projects)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}
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

// The ledger on the stand-in must behave as the one in memory, which is held to the contract of the one in DynamoDB.
func TestLedgerOfStandIn(t *testing.T) {
	_, cfg := standInOf(t, 2, 2)
	at, ctx := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), t.Context()
	done := ledger.Progress{Copied: map[string]int{productionProjects: 2}, Kept: map[string]int{}}
	held := ledger.Lease{StagingSub: "u", ProductionSub: "p", Until: at.Add(time.Minute)}
	type call func(sweepLedger) (ledger.Record, error)
	only := func(f func(sweepLedger) error) call {
		return func(l sweepLedger) (ledger.Record, error) { return ledger.Record{}, f(l) }
	}
	begin := only(func(l sweepLedger) error {
		return l.BeginSweep(ctx, ledger.NewRecord("u", "u", "U@example.com", ledger.Sweep, at), ledger.Record{})
	})
	bind := func(productionSub string) call {
		return func(l sweepLedger) (ledger.Record, error) {
			record, _, err := l.BindCreated(ctx, "u", productionSub, at, time.Minute)
			return record, err
		}
	}
	passwordSet := func(l sweepLedger) (ledger.Record, error) { return l.PasswordSet(ctx, "u", "p", at) }
	lease := func(l sweepLedger) (ledger.Record, error) {
		record, _, err := l.TakeLease(ctx, "u", "p", at, time.Minute)
		return record, err
	}
	complete := only(func(l sweepLedger) error { return l.Complete(ctx, held, done, at) })
	free := only(func(l sweepLedger) error { return l.Free(ctx, held) })
	resetSent := func(productionSub string) call {
		return func(l sweepLedger) (ledger.Record, error) { return l.ResetSent(ctx, "u", productionSub, at) }
	}
	steps := []call{
		bind("p"), // no record
		begin, begin,
		passwordSet, // not bound
		complete,    // no lease
		bind("p"), bind("other"), lease, passwordSet, complete,
		lease, resetSent("other"), resetSent("p"), free,
	}
	get := func(l sweepLedger) (ledger.Record, error) { return l.Get(ctx, "u") }
	fake, expected := ledger.New(dynamodb.NewFromConfig(cfg), ledgerTable), ledgertest.New()
	for i, step := range steps {
		for _, step := range []call{step, get} {
			want, errWant := step(expected)
			got, err := step(fake)
			require.ErrorIs(t, err, errWant, "step %d", i)
			require.Equal(t, want, got, "step %d", i)
		}
	}
}

func TestMovedMissesNothing(t *testing.T) {
	s, cfg := standInOf(t, 2, 450) // of more than one page
	api, ctx, now, u := dynamodb.NewFromConfig(cfg), t.Context(), time.Now(), testUser(0)
	records, store := ledger.New(api, ledgerTable), rows.NewStore(api)
	require.ErrorContains(t, s.moved(1), "0 records, 0 profiles and 0 projects of 1 users")

	require.NoError(t, records.Import(ctx, ledger.NewRecord(u.stagingSub, u.stagingSub, u.email, ledger.SignIn, now)))
	_, err := records.Bind(ctx, u.stagingSub, u.productionSub, u.email)
	require.NoError(t, err)
	record, lease, err := records.TakeLease(ctx, u.stagingSub, u.productionSub, now, time.Minute)
	require.NoError(t, err)
	defaults, err := settings.Read(func(string) string { return "" })
	require.NoError(t, err)
	mover := datamover.NewMover(defaults.Tables, store, store, datamover.Groups{}, records, time.Now)
	_, _, err = mover.Move(ctx, record, lease)
	require.NoError(t, err)
	require.NoError(t, s.moved(1))
	require.ErrorContains(t, s.moved(2), "of 2 users")

	copied, err := store.PutIfAbsent(ctx, defaults.Tables[0], rows.Row{
		"id": &types.AttributeValueMemberS{Value: u.stagingSub}, "other": &types.AttributeValueMemberS{Value: "x"},
	}, u.productionSub)
	require.NoError(t, err)
	require.False(t, copied, "the existing row differs")

	_, err = records.Defer(ctx, u.stagingSub, now, time.Minute)
	require.NoError(t, err)
	_, _, err = records.TakeLease(ctx, u.stagingSub, u.productionSub, now.Add(time.Hour), time.Minute)
	require.NoError(t, err)
	require.ErrorContains(t, s.moved(1), "movingUntil", "a lease is left")
}

func TestRowsAreAbout1KB(t *testing.T) {
	s := newStandIn(1, 1)
	require.InDelta(t, 1024, len(s.generate(stagingProjects, testUser(0).stagingSub, 0)), 100)
}

// The stand-in is tested with the code that it is made for.
func TestMigratedUsers(t *testing.T) {
	const users = 1100
	s, cfg := standInOf(t, users, someProjects)
	s.migrated = true
	tables, ctx := dynamodb.NewFromConfig(cfg), t.Context()
	staging := userpool.New(cognito.NewFromConfig(cfg), stagingPool)
	production := userpool.New(cognito.NewFromConfig(cfg), productionPool)

	seen := map[string]bool{}
	for u, err := range staging.List(ctx) {
		require.NoError(t, err)
		require.Empty(t, u.Ineligible(u.Created.AddDate(1, 0, 0)))
		seen[u.Sub] = true
	}
	require.Len(t, seen, users)
	for u, err := range production.List(ctx) {
		require.NoError(t, err)
		delete(seen, u.StagingSub())
	}
	require.Empty(t, seen, "every user is in both")
	found, err := staging.FindByEmail(ctx, testUser(70).email)
	require.NoError(t, err)
	require.Equal(t, testUser(70).stagingSub, found[0].Sub)
	one, err := production.Get(ctx, testUser(70).productionSub)
	require.NoError(t, err)
	require.Equal(t, testUser(70).stagingSub, one.StagingSub())
	_, err = production.Get(ctx, testUser(users).email)
	require.ErrorIs(t, err, userpool.ErrUserNotFound)

	for r, err := range ledger.New(tables, ledgerTable).All(ctx) {
		require.NoError(t, err)
		require.True(t, r.Finished(nil))
		seen[r.ProductionSub] = true
	}
	require.Len(t, seen, users)
	scanned := map[string]bool{}
	for row, err := range rows.NewStore(tables).Scan(ctx, productionProjects) {
		require.NoError(t, err)
		scanned[row.Text("userSub")+row.Text("projectId")] = seen[row.Text("userSub")]
	}
	require.Len(t, scanned, users*someProjects)
	require.NotContains(t, fmt.Sprint(scanned), "false", "each has a user")
}

func TestStandInRejectsWhatItDoesNotSupport(t *testing.T) {
	_, cfg := standInOf(t, 2, 2)
	api := dynamodb.NewFromConfig(cfg)
	put := func(table, condition string) error {
		_, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: &table, Item: row{"stagingSub": &types.AttributeValueMemberS{Value: "u"}},
			ConditionExpression: &condition,
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
