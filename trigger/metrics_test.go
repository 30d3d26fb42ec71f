package trigger

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/metrics/metricstest"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// TestMetricsOfEveryOutcome reads the log line of each outcome as CloudWatch does.
func TestMetricsOfEveryOutcome(t *testing.T) {
	const decisions, imports, failures = "Decisions Function=trigger", "Imports Function=trigger",
		"Errors Function=trigger"
	accepted := func(decision, via string) map[string]float64 {
		return map[string]float64{decisions: 1, decisions + " Decision=" + decision: 1, imports: 1,
			imports + " Via=" + via: 1}
	}
	rejection := func(r userpool.Reason) map[string]float64 {
		return map[string]float64{decisions: 1, decisions + " Decision=unchanged": 1, decisions +
			" Decision=unchanged Reason=" + string(r): 1}
	}
	failure := func(kind string) map[string]float64 {
		return map[string]float64{decisions: 1, decisions + " Decision=error": 1, failures: 1, failures +
			" ErrorType=" + kind: 1}
	}
	tokens := userpool.SignInResult{Sub: sub}
	tests := []struct {
		name    string
		staging *fakeStaging
		event   []byte
		ledger  error
		want    map[string]float64
		asked   bool // staging
	}{
		{"sign-in", knows(ada(), tokens, nil, email), recorded(t, "authentication"), nil,
			accepted("import", "sign-in"), true},
		{"sign-in with MFA", knows(but(func(u *userpool.User) { u.MFA = true }), tokens, nil, email),
			recorded(t, "authentication"), nil, accepted("import-for-reset", "sign-in"), true},
		{"forgot password", knows(ada(), tokens, nil, email), recorded(t, "forgot_password"), nil,
			accepted("import-for-reset", "forgot-password"), true},
		{"wrong password", knows(ada(), userpool.SignInResult{Rejected: userpool.WrongPassword}, nil, email),
			recorded(t, "authentication"), nil, rejection(userpool.WrongPassword), true},
		{"unknown user", knows(ada(), tokens, nil), recorded(t, "forgot_password"), nil, rejection(UnknownUser), true},
		{"disabled", knows(but(func(u *userpool.User) { u.Enabled = false }), tokens, nil, email),
			recorded(t, "authentication"), nil, rejection(userpool.Disabled), true},
		{"name that no pool takes", knows(ada(), tokens, nil), typed(t, "authentication", "a b"), nil,
			rejection(InvalidUsername), false},
		{"no password", knows(ada(), tokens, nil),
			[]byte(`{"triggerSource":"UserMigration_Authentication","userName":"a","response":{}}`), nil,
			rejection(NoPassword), false},
		{"other source", knows(ada(), tokens, nil), []byte(`{"triggerSource":"PreSignUp_SignUp"}`), nil,
			rejection(UnsupportedEvent), false},
		{"staging throttles", knows(ada(), userpool.SignInResult{}, userpool.ErrThrottled, email),
			recorded(t, "authentication"), nil, failure("StagingThrottled"), true},
		{"ledger away", knows(ada(), tokens, nil, email), recorded(t, "authentication"), errors.New("away"),
			failure("LedgerUnavailable"), true},
		{"not an event", knows(ada(), tokens, nil), []byte(`{`), nil, failure("MalformedEvent"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(tt.staging, func(s *settings.Settings) { s.MFAUsers = settings.MFAReset })
			h.records.Before = func(string) error { return tt.ledger }
			clock := time.Now()
			h.now = func() time.Time { clock = clock.Add(10 * time.Millisecond); return clock }
			_, err := h.Invoke(t.Context(), tt.event)
			require.Equal(t, tt.want[failures] > 0, err != nil)
			logged(t, h.log)
			got := metricstest.Read(t, h.log.Bytes())
			assert.Positive(t, got["Duration Function=trigger"])
			delete(got, "Duration Function=trigger")
			assert.Equal(t, tt.asked, got["StagingLatency Function=trigger"] == 10)
			delete(got, "StagingLatency Function=trigger")
			assert.Equal(t, tt.want, got)
		})
	}
}
