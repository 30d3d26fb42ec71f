package bench

import (
	"os"
	"testing"
	"time"

	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestSmallSweep runs a sweep as make bench does, for a pool of more than one page.
func TestSmallSweep(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	r := &sweepRun{users: 70, projects: 3}
	require.NoError(t, r.run(t.Context()))
	require.Zero(t, r.throttled)
	require.Positive(t, r.cpu)
	require.Less(t, r.perSecond(), ceiling*1.2, "quotas are enforced")
}

func TestVerifyMissesNothing(t *testing.T) {
	tables, _ := memory(t)
	staging, production := testUser(1).stagingSub, testUser(1).productionSub
	r := &sweepRun{}
	has := func() error { return r.hasAll(tables, staging, production) }
	insert := func(table string, attributes map[string]string) {
		made := row{}
		for name, value := range attributes {
			made[name] = &dynamotypes.AttributeValueMemberS{Value: value}
		}
		require.NoError(t, tables.insert(table, made))
	}
	insert(stagingProfiles, map[string]string{"id": staging, "name": "Ann"})
	insert(stagingProjects, map[string]string{"userSub": staging, "projectId": "1"})
	require.ErrorContains(t, has(), "ledger record")
	record := map[string]string{"stagingSub": staging, "productionSub": production, "state": "moved", "resetAt": "now"}
	insert(ledgerTable, record)
	require.ErrorContains(t, has(), "rows in")
	insert(productionProjects, map[string]string{"userSub": production, "projectId": "1"})
	insert(productionProfiles, map[string]string{"id": production, "name": "Bob"})
	require.ErrorContains(t, has(), "differs")
	insert(productionProfiles, map[string]string{"id": production, "name": "Ann"})
	require.NoError(t, has())
	record["productionSub"] = "another"
	insert(ledgerTable, record)
	require.ErrorContains(t, has(), "ledger record")
}

func TestWatchMemory(t *testing.T) {
	peak := watchMemory(os.Getpid())
	time.Sleep(20 * time.Millisecond)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc here")
	}
	require.Greater(t, peak(), int64(1<<20))
}
