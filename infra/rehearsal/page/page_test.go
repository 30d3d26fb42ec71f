package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
)

func TestWhatChangesTheSnapshot(t *testing.T) {
	const table = "Spaceport-Migration-prod"
	for _, r := range []struct {
		cloud.Request
		want bool
	}{
		{cloud.Request{Service: "dynamodb", Operation: "PutItem", Resource: table}, true},
		{cloud.Request{Service: "dynamodb", Operation: "UpdateItem", Resource: table}, true},
		{cloud.Request{Service: "dynamodb", Operation: "DeleteItem", Resource: table}, true},
		{cloud.Request{Service: "dynamodb", Operation: "Scan", Resource: table}, false},
		{cloud.Request{Service: "dynamodb", Operation: "GetItem", Resource: table}, false},
		{cloud.Request{Service: "dynamodb", Operation: "PutItem", Resource: "Spaceport-Projects-prod"}, false},
		{cloud.Request{Service: "cognito-idp", Operation: "ForgotPassword"}, true},
		{cloud.Request{Service: "cognito-idp", Operation: "AdminResetUserPassword"}, true},
		{cloud.Request{Service: "sts", Operation: "AssumeRole"}, false},
	} {
		assert.Equal(t, r.want, changesSnapshot(r.Request, table), "%s %s", r.Operation, r.Resource)
	}
}

func TestRecordHasTheTimeOfItsLastChange(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 23, hour, 0, 0, 0, time.UTC) }
	got := show(ledger.Record{
		StagingSub: "s", ProductionSub: "p", Email: "ada@example.com", State: ledger.Moving, Via: ledger.Sweep,
		LastError:  "throttled",
		ImportedAt: at(1), PasswordSetAt: at(2), ResetAt: at(4), MovedAt: at(3),
		Copied: map[string]int{"Spaceport-Projects-prod": 3,
			"Spaceport-Users-prod": 1}, Kept: map[string]int{"Spaceport-Projects-prod": 2},
	})
	assert.Equal(t, record{
		StagingSub: "s", ProductionSub: "p", Email: "ada@example.com", State: "moving", Via: "sweep", Rows: 6,
		Error: "throttled", updated: at(4),
	}, got)
}

func TestTheNewestMessagesAreShown(t *testing.T) {
	var all []cloud.Message
	for range shown {
		all = append(all, cloud.Message{To: "ada@example.com"})
	}
	all = append(all, cloud.Message{To: "ben@example.com", Code: "123456"})
	got := newest(all)
	assert.Len(t, got, shown)
	assert.Equal(t, "ben@example.com", got[0].To)
	assert.NotNil(t, newest(nil), "an empty list, not null")
}
