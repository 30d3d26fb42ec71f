package bench

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestSmallPool runs every command as make bench does, over pools and tables of more than one page.
func TestSmallPool(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	t.Chdir("../../..")
	for _, c := range commands {
		r := &poolRun{command: c, users: 1100}
		require.NoError(t, r.run(t.Context()), c.name)
		require.Positive(t, r.calls, c.name)
	}
}

// The stand-in is tested with the code that it is made for.
func TestGeneratedPool(t *testing.T) {
	const users = 1100
	pool, err := newGeneratedPool(users, users)
	require.NoError(t, err)
	server := httptest.NewServer(pool)
	defer server.Close()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}
	tables, ctx := dynamodb.NewFromConfig(cfg), t.Context()
	staging := userpool.New(cognito.NewFromConfig(cfg), stagingPoolID)
	production := userpool.New(cognito.NewFromConfig(cfg), productionPoolID)

	seen := map[string]bool{}
	for u, err := range staging.List(ctx) {
		require.NoError(t, err)
		require.Empty(t, u.Ineligible(u.Created.AddDate(1, 0, 0)))
		seen[u.Sub] = true
	}
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
	projects := settings.Table{Source: stagingProjects, Target: productionProjects, OwnerKey: "userSub"}
	store, scanned := rows.NewStore(tables), map[string]bool{}
	for row, err := range store.Scan(ctx, productionProjects) {
		require.NoError(t, err)
		scanned[row.Text("userSub")+row.Text("projectId")] = seen[row.Text("userSub")]
	}
	require.Len(t, scanned, users*someProjects)
	require.NotContains(t, fmt.Sprint(scanned), "false", "each has a user")
	got, err := store.Query(ctx, projects, testUser(70).stagingSub, "")
	require.NoError(t, err)
	require.Len(t, got.Rows, someProjects)
	_, err = store.PutIfAbsent(ctx, projects, got.Rows[0], testUser(70).productionSub)
	require.ErrorContains(t, err, "AccessDenied", "nothing can be written")
}

func TestPoolThresholds(t *testing.T) {
	pair := [2]*poolRun{{calls: 1, child: child{peak: 20}}, {calls: 1.06, child: child{peak: 30}}}
	for _, r := range pair {
		r.users = 1
	}
	s := poolsSection([][2]*poolRun{pair})
	require.True(t, s.thresholds[0].met, "memory at its bound")
	require.False(t, s.thresholds[1].met, "calls above theirs")
	require.Len(t, s.table, 3)
}
