package page

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// recorded reads a recorded log, and returns the decisions that are shown with that ledger.
func recorded(t *testing.T, function, file string, records ...record) []decision {
	t.Helper()
	log, err := os.ReadFile(file)
	require.NoError(t, err)
	d := &decisions{}
	for raw := range bytes.Lines(log) {
		d.read(function, raw)
	}
	return d.newest(records)
}

func TestDecisionsOfTheTrigger(t *testing.T) {
	got := recorded(t, spaceport.Trigger, "testdata/trigger.log")
	require.Len(t, got, 4)
	assert.Equal(t, "account-update", got[0].Decision)
	assert.Equal(t, "reset email", got[0].Message)
	assert.Equal(t, "error", got[1].Decision)
	assert.Equal(t, "check password: staging is throttling (TooManyRequestsException)", got[1].Error)
	assert.Equal(t, "unchanged", got[2].Decision)
	assert.Equal(t, "unknown-user", got[2].Reason)
	assert.Empty(t, got[2].Email, "the log does not have what an unknown user typed")
	assert.Equal(t, decision{
		Time:    time.Date(2026, 11, 23, 3, 46, 10, 127025720, time.UTC),
		Message: "migrate user", Function: "trigger", Email: "a***@e***", Decision: "import",
		Source: "UserMigration_Authentication", DurationMs: 48, StagingSub: "97f5a4e7-2066-4ea3-aa13-c398459cb2d5",
	}, got[3])
}

func TestDecisionsOfTheDatamover(t *testing.T) {
	hal := record{StagingSub: "97f5a4e7-2066-4ea3-aa13-c398459cb2d5", Email: "hal@example.com"}
	got := recorded(t, spaceport.Datamover, "testdata/datamover.log", hal)
	require.Len(t, got, 2, "other lines are skipped")
	assert.Equal(t, "moved", got[0].Decision)
	assert.Equal(t, "background", got[0].Message)
	assert.Equal(t, "continued", got[1].Decision)
	assert.Equal(t, int64(3005), got[1].DurationMs)
	for _, d := range got {
		assert.Equal(t, "datamover", d.Function)
		assert.Equal(t, "hal@example.com", d.Email, "the ledger has the email of that id")
	}
}

func TestOldDecisionsAreDropped(t *testing.T) {
	d := &decisions{}
	for range 3 * shown {
		assert.True(t, d.read(spaceport.Trigger, []byte(`{"decision":"import"}`)))
	}
	assert.Len(t, d.newest(nil), shown)
}
