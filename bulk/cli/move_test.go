package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console/consoletest"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const withBeta = `[{"source":"Spaceport-Users-staging","target":"Spaceport-Users-prod","ownerKey":"id"},
	{"source":"Spaceport-Projects-staging","target":"Spaceport-Projects-prod","ownerKey":"userSub"},
	{"source":"Spaceport-BetaAccessPermissions-staging","target":"Spaceport-BetaAccessPermissions-prod",` +
	`"ownerKey":"user_id"}]`

// TestMove: a table is added after everybody was moved, and a user has deleted a project in production.
func TestMove(t *testing.T) {
	o := sweeper(t)
	ctx := t.Context()
	ada := o.add(spaceport.User{Name: "Ada", Email: "ada@example.com", Projects: 3})
	bob := o.add(spaceport.User{Name: "Bob", Email: "bob@example.com"})
	o.add(spaceport.User{Name: "Cleo", Email: "cleo@example.com"})
	code, _, errs := o.bulk("sweep", "--live", "--yes", "--log-dir", t.TempDir(),
		"--user", "ada@example.com", "--user", "bob@example.com")
	require.Zero(t, code, errs)
	before, err := o.Ledger(ctx, ada)
	require.NoError(t, err)

	const source, target = "Spaceport-BetaAccessPermissions-staging", "Spaceport-BetaAccessPermissions-prod"
	require.NoError(t, spaceport.MakeTable(ctx, o.StagingTables, source, "user_id"))
	require.NoError(t, spaceport.MakeTable(ctx, o.ProductionTables, target, "user_id"))
	for _, sub := range []string{ada, bob} {
		beta := row(sub, "granted")
		beta["user_id"] = beta["userSub"]
		delete(beta, "projectId")
		require.NoError(t, o.Put(ctx, o.StagingTables, source, beta))
	}
	key := o.project(ada, 1)
	_, err = o.ProductionTables.DeleteItem(
		ctx,
		&dynamodb.DeleteItemInput{TableName: aws.String("Spaceport-Projects-prod"), Key: key},
	)
	require.NoError(t, err)
	o.env["MIGRATION_TABLES"] = withBeta

	o.Cloud.ResetRequests()
	code, plan, errs := o.bulk("move", "--user", "ada@example.com")
	assert.Zero(t, code, errs)
	golden.Equal(t, "cloud_move", o.plain(plan))
	consoletest.Commands(t, plan)
	assert.Zero(
		t,
		o.Cloud.CountRequests(
			cloud.Filter{Operation: "PutItem"},
		)+o.Cloud.CountRequests(
			cloud.Filter{Operation: "UpdateItem"},
		),
	)

	code, out, errs := o.bulk("move", "--live", "--yes", "--table", target)
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "ada@example.com  (staging ")
	assert.Contains(t, out, "bob@example.com  (staging ")
	assert.Contains(t, out, "\nCopied: 2 rows of 2 users. Nothing was overwritten.\n")
	for _, sub := range []string{ada, bob} {
		record, err := o.Ledger(ctx, sub)
		require.NoError(t, err)
		rows, err := spaceport.Rows(ctx, o.ProductionTables, target, "user_id", record.ProductionSub)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		assert.Equal(t, rows[0]["user_id"], rows[0]["userSub"], "the id inside the row too")
	}
	got, err := o.ProductionTables.GetItem(
		ctx,
		&dynamodb.GetItemInput{TableName: aws.String("Spaceport-Projects-prod"), Key: key},
	)
	require.NoError(t, err)
	assert.Empty(t, got.Item, "--table chooses: what its owner has deleted stays deleted")
	after, err := o.Ledger(ctx, ada)
	require.NoError(t, err)
	before.Copied[target] = 1
	assert.Equal(t, before, after, "still moved, and nobody's lease")

	code, _, errs = o.bulk("move", "--live", "--yes", "--user", "ada@example.com")
	assert.Zero(t, code, errs)
	code, _, errs = o.bulk("verify", "--user", "ada@example.com")
	assert.Zero(t, code, errs)
	code, out, _ = o.bulk("move", "--json")
	assert.Zero(t, code)
	assert.True(t, json.Valid([]byte(out)), out)

	code, _, errs = o.bulk("move", "--user", "nobody@example.com")
	assert.Equal(t, 1, code)
	assert.Contains(t, errs, "nobody@example.com has no ledger record")
	code, _, errs = o.bulk("move", "--table", "Projects")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "--table Projects: MIGRATION_TABLES has Spaceport-Users-staging, Spaceport-Users-prod, ")
	code, _, errs = o.bulk("move", "--live")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "no terminal to confirm on")
	code, out, _ = o.bulk("move", "--user", "cleo@example.com")
	assert.Equal(t, 1, code, "never migrated: %s", out)
}

// TestMoveAsks for the pool's name, and writes nothing without it.
func TestMoveAsks(t *testing.T) {
	o := sweeper(t)
	ada := o.add(spaceport.User{Name: "Ada", Email: "ada@example.com", Projects: 1})
	code, _, errs := o.bulk("sweep", "--live", "--yes", "--log-dir", t.TempDir())
	require.Zero(t, code, errs)
	_, err := o.ProductionTables.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: aws.String("Spaceport-Projects-prod"), Key: o.project(ada, 0),
	})
	require.NoError(t, err)
	written := cloud.Filter{Operation: "PutItem", Caller: "bulk"}
	o.Cloud.ResetRequests()
	code, errs = o.typing("yes", "move", "--live")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "This copies 1 row of 1 user into the tables of Spaceport-Users-prod")
	assert.Zero(t, o.Cloud.CountRequests(written))
	code, errs = o.typing(*o.describe().Name, "move", "--live")
	assert.Zero(t, code, errs)
	assert.Equal(t, 1, o.Cloud.CountRequests(written))
}
