package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
)

func TestAllMovedMissesNothing(t *testing.T) {
	tables, api := memory(t)
	ctx, store, u, now := t.Context(), ledger.New(api, ledgerTable), testUser(0), time.Now()
	require.NoError(t, tables.addRows(u, loadProjects))
	require.ErrorContains(t, tables.allMoved(1), "0 records of 1 users")
	require.NoError(t, store.Import(ctx, ledger.NewRecord(u.stagingSub, u.stagingSub, u.email, ledger.SignIn, now)))
	_, err := store.Bind(ctx, u.stagingSub, u.productionSub, u.email)
	require.NoError(t, err)
	_, lease, err := store.TakeLease(ctx, u.stagingSub, u.productionSub, now, time.Minute)
	require.NoError(t, err)
	require.ErrorContains(t, tables.allMoved(1), "ledger record of "+u.email, "not moved")
	progress := ledger.Progress{Copied: map[string]int{productionProfiles: 1}, Kept: map[string]int{}}
	require.NoError(t, store.Complete(ctx, lease, progress, now))
	require.ErrorContains(t, tables.allMoved(1), "rows in")
	own := user{stagingSub: u.productionSub, email: u.email}
	require.NoError(t, tables.insert(productionProfiles, profileOf(own)))
	for _, project := range projectsOf(u.stagingSub, loadProjects) {
		project["userSub"] = profileOf(own)["id"]
		require.NoError(t, tables.insert(productionProjects, project))
	}
	require.NoError(t, tables.allMoved(1))
	_, _, err = store.TakeLease(ctx, u.stagingSub, u.productionSub, now, time.Minute)
	require.NoError(t, err)
	require.ErrorContains(t, tables.allMoved(1), "movingUntil", "a lease is left")
}
