package datamover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/metrics"
)

var _ lambda.Handler = (*Handler)(nil)

type hook struct {
	*Handler
	log     *bytes.Buffer
	invoked []Continuation
}

func newHook(m *memory, records *ledgertest.Memory) *hook {
	h := &hook{log: &bytes.Buffer{}}
	send := func(_ context.Context, o Continuation) error {
		h.invoked = append(h.invoked, o)
		return nil
	}
	h.Handler = NewHandler(newMover(m, records), records, send, 3*time.Second, metrics.NewLog(h.log, "datamover"))
	return h
}

func (h *hook) decision(t *testing.T) string {
	t.Helper()
	if h.log.Len() == 0 {
		return ""
	}
	all := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	var line struct{ Decision string }
	require.NoError(t, json.Unmarshal([]byte(all[len(all)-1]), &line))
	return line.Decision
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	return raw
}

func signedIn(t testing.TB, sub string) []byte {
	return bytes.ReplaceAll(recorded(t, "post_authentication"), []byte(adaNow), []byte(sub))
}

func imported() ledger.Record {
	return ledger.Record{StagingSub: ada, Email: adasEmail, State: ledger.Imported, Via: ledger.SignIn}
}

// TestHookAuthority has every way in which a claim to be a staging user is true or false.
func TestHookAuthority(t *testing.T) {
	with := func(record ledger.Record, change func(*ledger.Record)) []ledger.Record {
		change(&record)
		return []ledger.Record{record}
	}
	asIs := func(*ledger.Record) {}
	tests := []struct {
		name     string
		records  []ledger.Record
		from, to string // changed in the event
		decision string
		moves    bool
	}{
		{"first sign-in", with(imported(), asIs), "", "", moved, true},
		{"email in other case", with(imported(), asIs), `"email":"ada@example.com"`, `"email":"ADA@example.com"`, moved, true},
		{"move began before", with(bound(), asIs), "", "", moved, true},
		{"moved", with(bound(), func(l *ledger.Record) { l.State = ledger.Moved }), "", "", alreadyMoved, false},
		{"bound, and changed their email since", with(bound(), asIs), `"email":"ada@example.com"`, `"email":"new@example.com"`, moved, true},
		{"no sub in the event: the user name is it", with(imported(), asIs), `"sub":"production-sub-of-ada",`, "", moved, true},
		{"no record", nil, "", "", rejected, false},
		{"record bound to another user", with(bound(), func(l *ledger.Record) { l.ProductionSub = "another" }), "", "", rejected, false},
		{"record moved to another user", with(bound(), func(l *ledger.Record) { l.ProductionSub, l.State = "another", ledger.Moved }), "", "", rejected, false},
		{"record of another email", with(imported(), func(l *ledger.Record) { l.Email = "bob@example.com" }), "", "", rejected, false},
		{"email not verified", with(imported(), asIs), `"email_verified":"true"`, `"email_verified":"false"`, rejected, false},
		{"no email", with(imported(), asIs), `"email":"ada@example.com",`, ``, rejected, false},
		{"no staging sub", with(imported(), asIs), `"custom:staging_sub":"staging-sub-of-ada"`, `"x":"y"`, "", false},
		{"empty staging sub", with(imported(), asIs), `"custom:staging_sub":"staging-sub-of-ada"`, `"custom:staging_sub":""`, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, records := newMemory(5), ledgertest.New(tt.records...)
			before := records.Record(ada)
			h := newHook(m, records)
			in := bytes.Replace(recorded(t, "post_authentication"), []byte(tt.from), []byte(tt.to), 1)
			out, err := h.Invoke(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, string(in), string(out), "byte for byte")
			assert.Equal(t, tt.decision, h.decision(t))
			if tt.moves {
				assert.Len(t, m.target["Projects-prod"], 5)
				assert.Equal(t, ledger.Moved, records.Record(ada).State)
				assert.Equal(t, adaNow, records.Record(ada).ProductionSub)
			} else {
				assert.Empty(t, m.target)
				assert.Equal(t, before, records.Record(ada))
			}
		})
	}
}

func TestEverySourceIsEchoedByteForByte(t *testing.T) {
	for _, event := range []string{"post_authentication", "confirm_forgot_password", "confirm_sign_up_native"} {
		in := recorded(t, event)
		out, err := newHook(newMemory(2), ledgertest.New(imported())).Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, string(in), string(out))
	}
	for _, odd := range []string{``, `null`, `7`, `[`, `{"request":7}`, `{"request":{"userAttributes":{"custom:staging_sub":7}}}`, `{"stagingSub":7}`} {
		out, err := newHook(newMemory(2), ledgertest.New()).Invoke(t.Context(), []byte(odd))
		require.NoError(t, err)
		assert.Equal(t, odd, string(out))
	}
}

func TestForgotPasswordConfirmedMovesTheData(t *testing.T) {
	m, records := newMemory(5), ledgertest.New(imported())
	_, err := newHook(m, records).Invoke(t.Context(), recorded(t, "confirm_forgot_password"))
	require.NoError(t, err)
	assert.Len(t, m.target["Projects-prod"], 5)
}

func TestCallsOfASignIn(t *testing.T) {
	tests := []struct {
		name, event string
		record      ledger.Record
		calls       map[string]int
	}{
		{"native user: nothing", "confirm_sign_up_native", imported(), map[string]int{}},
		{"moved user: one read", "post_authentication", func() ledger.Record { l := bound(); l.State = ledger.Moved; return l }(), map[string]int{"Get": 1}},
		{"first sign-in", "post_authentication", imported(), map[string]int{"Get": 1, "Bind": 1, "Complete": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, records := newMemory(pageSize), ledgertest.New(tt.record)
			_, err := newHook(m, records).Invoke(t.Context(), recorded(t, tt.event))
			require.NoError(t, err)
			assert.Equal(t, tt.calls, records.Calls())
		})
	}
}

func TestFirstSignInIsRecordedOnce(t *testing.T) {
	swept := bound()
	swept.Via, swept.State = ledger.Sweep, ledger.Moved
	m, records := newMemory(2), ledgertest.New(swept)
	h := newHook(m, records)
	h.now = func() time.Time { return movedAt }
	for range 2 {
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
	}
	assert.Equal(t, movedAt, records.Record(ada).SeenAt)
	assert.Equal(t, 1, records.Calls()["FirstSignIn"])

	records = ledgertest.New(swept)
	_, err := newHook(m, records).Invoke(t.Context(), signedIn(t, "a-forger"))
	require.NoError(t, err)
	assert.Zero(t, records.Record(ada).SeenAt, "a forged claim records nothing")
}

func TestLedgerOutageLetsTheSignInPass(t *testing.T) {
	for _, call := range []string{"Get", "Bind", "FirstSignIn", "Checkpoint", "Complete"} {
		record := imported()
		record.Via = ledger.Sweep
		records := ledgertest.New(record)
		records.Before = func(c string) error {
			if c == call {
				return errors.New("ledger is away")
			}
			return nil
		}
		h := newHook(newMemory(10), records)
		in := recorded(t, "post_authentication")
		out, err := h.Invoke(t.Context(), in)
		require.NoError(t, err, call)
		assert.Equal(t, string(in), string(out))
		assert.Contains(t, h.log.String(), "ledger is away")
		records.Before = nil
		_, err = h.Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, ledger.Moved, records.Record(ada).State, "the next sign-in completes the move")
	}
}

// slow makes every call take its time, in the bubble's clock.
func slow(d time.Duration) func(string) error {
	return func(string) error { time.Sleep(d); return nil }
}

func TestSlowLedgerReadEndsAfter300ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHook(newMemory(1), ledgertest.New(imported()))
		h.ledger = hungLedger{h.ledger}
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, 300*time.Millisecond, time.Since(began))
		assert.Equal(t, continued, h.decision(t))
		assert.Equal(t, []Continuation{{StagingSub: ada, ProductionSub: adaNow, Email: adasEmail}}, h.invoked)
	})
}

// TestBackgroundMoveBindsAfterALedgerOutage has each call of the hook fail once: the background move binds at once, not
// only the next sign-in.
func TestBackgroundMoveBindsAfterALedgerOutage(t *testing.T) {
	for _, call := range []string{"Get", "Bind"} {
		record := imported()
		record.Via = ledger.Sweep
		m, records := newMemory(5), ledgertest.New(record)
		records.Before = failing(call, 1, errors.New("ledger is away"))
		h := newHook(m, records)
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		require.Equal(t, continued, h.decision(t), call)
		require.NoError(t, continueMove(t.Context(), t, h))
		assert.Equal(t, moved, h.decision(t))
		assert.Equal(t, ledger.Moved, records.Record(ada).State)
		assert.Equal(t, adaNow, records.Record(ada).ProductionSub)
		assert.NotZero(t, records.Record(ada).SeenAt)
	}
}

func TestBackgroundMoveRejectsAForgedClaim(t *testing.T) {
	record := imported()
	record.Email = "bob@example.com"
	m, records := newMemory(5), ledgertest.New(record)
	records.Before = failing("Get", 1, errors.New("ledger is away"))
	h := newHook(m, records)
	_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
	require.NoError(t, err)
	require.Error(t, continueMove(t.Context(), t, h))
	assert.Equal(t, rejected, h.decision(t))
	assert.Empty(t, m.target)
	assert.Equal(t, record, records.Record(ada))
}

func TestNothingAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHook(newMemory(1), ledgertest.New(imported()))
		h.ledger = hungLedger{h.ledger}
		h.invoke = func(ctx context.Context, _ Continuation) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, deferred, h.decision(t))
		assert.LessOrEqual(t, time.Since(began), time.Second)
	})
}

func TestFailedRowsContinueInTheBackground(t *testing.T) {
	m, records := newMemory(5), ledgertest.New(imported())
	m.before = failing("Query Projects-staging", 1, errors.New("InternalServerError"))
	h := newHook(m, records)
	_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
	require.NoError(t, err)
	require.Equal(t, continued, h.decision(t))
	require.NoError(t, continueMove(t.Context(), t, h))
	assert.Equal(t, ledger.Moved, records.Record(ada).State)
	assert.Len(t, m.target["Projects-prod"], 5)
}

func TestConcurrentMoverIsNoFailure(t *testing.T) {
	for _, payload := range [][]byte{recorded(t, "post_authentication"), []byte(`{"stagingSub":"` + ada + `","productionSub":"` + adaNow + `"}`)} {
		records := ledgertest.New(bound())
		records.Before = failing("Complete", 1, ledger.ErrNotMoving)
		h := newHook(newMemory(2), records)
		_, err := h.Invoke(t.Context(), payload)
		require.NoError(t, err)
		assert.Equal(t, movedElsewhere, h.decision(t))
		assert.Empty(t, h.invoked)
	}
}

func TestHungFirstSignInDoesNotDelayTheSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		swept := bound()
		swept.Via, swept.State = ledger.Sweep, ledger.Moved
		h := newHook(newMemory(1), ledgertest.New(swept))
		h.ledger = hungStamp{h.ledger}
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, firstSignInTimeout, time.Since(began))
	})
}

type hungStamp struct{ hookLedger }

func (hungStamp) FirstSignIn(ctx context.Context, _, _ string, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestFlagsAsBooleans(t *testing.T) {
	for _, verified := range []string{`true`, `"True"`, `"true"`} {
		m, records := newMemory(1), ledgertest.New(imported())
		in := bytes.Replace(recorded(t, "post_authentication"), []byte(`"email_verified":"true"`), []byte(`"email_verified":`+verified), 1)
		_, err := newHook(m, records).Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, ledger.Moved, records.Record(ada).State, verified)
	}
}

type hungLedger struct{ hookLedger }

func (hungLedger) Get(ctx context.Context, _ string) (ledger.Record, error) {
	<-ctx.Done()
	return ledger.Record{}, ctx.Err()
}

func TestBudgetEndsInABackgroundMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, records := newMemory(100), ledgertest.New(imported())
		m.before = slow(200 * time.Millisecond)
		h := newHook(m, records)
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Less(t, time.Since(began), 4*time.Second)
		assert.Equal(t, continued, h.decision(t))
		require.Equal(t, []Continuation{{StagingSub: ada, ProductionSub: adaNow}}, h.invoked)
		assert.Equal(t, ledger.Moving, records.Record(ada).State)

		// The background move has its own time limit, which is too short again.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, continueMove(ctx, t, h))
		require.Equal(t, Continuation{StagingSub: ada, ProductionSub: adaNow, Hop: 1}, h.invoked[1])
		require.NoError(t, ctx.Err(), "it reserves the time to continue again")

		require.NoError(t, continueMove(t.Context(), t, h))
		assert.Equal(t, moved, h.decision(t))
		assertAllMoved(t, m, func() ledger.Record { l := records.Record(ada); l.ImportedAt = bound().ImportedAt; return l }(), 100)
	})
}

// continueMove invokes the handler with the last continuation, as Lambda does.
func continueMove(ctx context.Context, t *testing.T, h *hook) error {
	t.Helper()
	payload, err := json.Marshal(h.invoked[len(h.invoked)-1])
	require.NoError(t, err)
	_, err = h.Invoke(ctx, payload)
	return err
}

func TestFailedContinuationLetsTheSignInPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, records := newMemory(100), ledgertest.New(imported())
		m.before = slow(200 * time.Millisecond)
		h := newHook(m, records)
		h.invoke = func(ctx context.Context, _ Continuation) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, continuationFailed, h.decision(t))
		assert.Less(t, time.Since(began), 4*time.Second)
	})
}

func TestBackgroundMovesOnlyABoundPair(t *testing.T) {
	tests := []struct {
		name     string
		records  []ledger.Record
		decision string
		failure  string
	}{
		{"bound", []ledger.Record{bound()}, moved, ""},
		{"moved", []ledger.Record{func() ledger.Record { l := bound(); l.State = ledger.Moved; return l }()}, alreadyMoved, ""},
		{"no record", nil, rejected, "ContinuationRejected"},
		{"not bound", []ledger.Record{imported()}, rejected, "ContinuationRejected"},
		{"bound to another", []ledger.Record{func() ledger.Record { l := bound(); l.ProductionSub = "x"; return l }()}, rejected, "ContinuationRejected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory(5)
			h := newHook(m, ledgertest.New(tt.records...))
			_, err := h.Invoke(t.Context(), []byte(`{"stagingSub":"`+ada+`","productionSub":"`+adaNow+`"}`))
			assert.Equal(t, tt.decision, h.decision(t))
			if tt.failure == "" {
				require.NoError(t, err)
			} else {
				var named messages.InvokeResponse_Error
				require.ErrorAs(t, err, &named)
				assert.Equal(t, tt.failure, named.Type)
				assert.Empty(t, m.target)
			}
		})
	}
}

func TestBackgroundMoveWithFailedRowsFails(t *testing.T) {
	m, records := newMemory(5), ledgertest.New(bound())
	m.before = func(call string) error {
		if call == "PutIfAbsent Projects-prod" {
			return errors.New("throttled")
		}
		return nil
	}
	_, err := newHook(m, records).Invoke(t.Context(), []byte(`{"stagingSub":"`+ada+`","productionSub":"`+adaNow+`"}`))
	var named messages.InvokeResponse_Error
	require.ErrorAs(t, err, &named)
	assert.Equal(t, "MoveIncomplete", named.Type)
	assert.Contains(t, records.Record(ada).LastError, "throttled")
}

func TestBackgroundMoveEndsAfterTenHops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, records := newMemory(3000), ledgertest.New(bound())
		m.before = slow(time.Second)
		h := newHook(m, records)
		h.invoked = []Continuation{{StagingSub: ada, ProductionSub: adaNow}}
		var err error
		for len(h.invoked) < 99 && err == nil {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err = continueMove(ctx, t, h)
			cancel()
		}
		require.Error(t, err)
		assert.Len(t, h.invoked, 11, "the one of the sign-in, and ten more")
	})
}

func TestNoSecretInTheHooksLog(t *testing.T) {
	for _, records := range []*ledgertest.Memory{ledgertest.New(), ledgertest.New(imported()), ledgertest.New(bound())} {
		for _, event := range []string{"post_authentication", "confirm_forgot_password"} {
			h := newHook(newMemory(3), records)
			_, err := h.Invoke(t.Context(), recorded(t, event))
			require.NoError(t, err)
			assert.NotContains(t, strings.ToLower(h.log.String()), adasEmail)
			assert.NotContains(t, h.log.String(), "s3://", "rows are not logged")
		}
	}
}

func FuzzInvoke(f *testing.F) {
	for _, event := range []string{"post_authentication", "confirm_forgot_password", "confirm_sign_up_native"} {
		f.Add(recorded(f, event))
	}
	f.Add([]byte(`{"stagingSub":"` + ada + `","productionSub":"` + adaNow + `"}`))
	f.Add([]byte(`{"request":{"userAttributes":{"email_verified":"true","email":"0","custom:staging_sub":"` + ada + `"}}}`)) // no production user
	f.Fuzz(func(t *testing.T, in []byte) {
		m, records := newMemory(4), ledgertest.New(imported())
		h := newHook(m, records)
		sent := bytes.Clone(in)
		out, err := h.Invoke(t.Context(), in)
		require.Equal(t, sent, in)
		var e event
		if json.Unmarshal(in, &e) == nil && e.TriggerSource == "" && e.Continuation.StagingSub != "" {
			return
		}
		require.NoError(t, err)
		require.Equal(t, sent, out)
		if len(m.target) > 0 {
			require.Equal(t, adasEmail, ledger.FoldASCII(e.verifiedEmail()), "only the verified email binds")
		}
	})
}
