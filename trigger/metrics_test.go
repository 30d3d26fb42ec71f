package trigger

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/metrics/metricstest"
	"github.com/spaceport/user-migration/datamover/settings"
)

// TestMetricsOfEveryOutcome reads the log line of each outcome as CloudWatch does.
func TestMetricsOfEveryOutcome(t *testing.T) {
	const decisions, imports, failures = "Decisions Function=trigger", "Imports Function=trigger", "Errors Function=trigger"
	let := func(decision, via string) map[string]float64 {
		return map[string]float64{decisions: 1, decisions + " Decision=" + decision: 1, imports: 1, imports + " Via=" + via: 1}
	}
	refusal := func(r Reason) map[string]float64 {
		return map[string]float64{decisions: 1, decisions + " Decision=untouched": 1, decisions + " Decision=untouched Reason=" + string(r): 1}
	}
	failure := func(kind string) map[string]float64 {
		return map[string]float64{decisions: 1, decisions + " Decision=error": 1, failures: 1, failures + " ErrorType=" + kind: 1}
	}
	tokens := Proof{Sub: sub}
	tests := []struct {
		name    string
		staging *fakeStaging
		event   []byte
		ledger  error
		want    map[string]float64
		asked   bool // staging
	}{
		{"sign-in", knows(ada(), tokens, nil, email), recorded(t, "authentication"), nil, let("import", "sign-in"), true},
		{"sign-in with MFA", knows(but(func(u *User) { u.MFA = true }), tokens, nil, email), recorded(t, "authentication"), nil, let("import-for-reset", "sign-in"), true},
		{"forgot password", knows(ada(), tokens, nil, email), recorded(t, "forgot_password"), nil, let("import-for-reset", "forgot-password"), true},
		{"wrong password", knows(ada(), Proof{}, ErrRefused, email), recorded(t, "authentication"), nil, refusal(WrongPassword), true},
		{"unknown user", knows(ada(), tokens, nil), recorded(t, "forgot_password"), nil, refusal(UnknownUser), true},
		{"disabled", knows(but(func(u *User) { u.Enabled = false }), tokens, nil, email), recorded(t, "authentication"), nil, refusal(Disabled), true},
		{"name that no pool takes", knows(ada(), tokens, nil), typed(t, "authentication", "a b"), nil, refusal(UnusableName), false},
		{"no password", knows(ada(), tokens, nil), []byte(`{"triggerSource":"UserMigration_Authentication","userName":"a","response":{}}`), nil, refusal(NoPassword), false},
		{"other source", knows(ada(), tokens, nil), []byte(`{"triggerSource":"PreSignUp_SignUp"}`), nil, refusal(OtherSource), false},
		{"staging throttles", knows(ada(), Proof{}, ErrThrottled, email), recorded(t, "authentication"), nil, failure("StagingThrottled"), true},
		{"ledger away", knows(ada(), tokens, nil, email), recorded(t, "authentication"), errors.New("away"), failure("LedgerUnavailable"), true},
		{"not an event", knows(ada(), tokens, nil), []byte(`{`), nil, failure("MalformedEvent"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(tt.staging, func(s *settings.Settings) { s.MFAUsers = settings.MFAReset })
			h.lines.Before = func(string) error { return tt.ledger }
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
