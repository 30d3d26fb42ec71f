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
	log    *bytes.Buffer
	handed []HandOver
}

func newHook(m *memory, lines *ledgertest.Memory) *hook {
	h := &hook{log: &bytes.Buffer{}}
	send := func(_ context.Context, o HandOver) error {
		h.handed = append(h.handed, o)
		return nil
	}
	h.Handler = NewHandler(newMover(m, lines), lines, send, 3*time.Second, metrics.NewLog(h.log, "datamover"))
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

func imported() ledger.Line {
	return ledger.Line{StagingSub: ada, Email: adasEmail, State: ledger.Imported, Via: ledger.SignIn}
}

// TestHookAuthority has every way in which a claim to be a staging user is true or false.
func TestHookAuthority(t *testing.T) {
	with := func(line ledger.Line, change func(*ledger.Line)) []ledger.Line {
		change(&line)
		return []ledger.Line{line}
	}
	asIs := func(*ledger.Line) {}
	tests := []struct {
		name     string
		lines    []ledger.Line
		from, to string // changed in the event
		decision string
		moves    bool
	}{
		{"first sign-in", with(imported(), asIs), "", "", moved, true},
		{"e-mail in other case", with(imported(), asIs), `"email":"ada@example.com"`, `"email":"ADA@example.com"`, moved, true},
		{"move began before", with(bound(), asIs), "", "", moved, true},
		{"moved", with(bound(), func(l *ledger.Line) { l.State = ledger.Moved }), "", "", alreadyMoved, false},
		{"bound, and changed their e-mail since", with(bound(), asIs), `"email":"ada@example.com"`, `"email":"new@example.com"`, moved, true},
		{"no sub in the event: the user name is it", with(imported(), asIs), `"sub":"production-sub-of-ada",`, "", moved, true},
		{"no line", nil, "", "", refused, false},
		{"line bound to another user", with(bound(), func(l *ledger.Line) { l.ProductionSub = "somebody" }), "", "", refused, false},
		{"line moved to another user", with(bound(), func(l *ledger.Line) { l.ProductionSub, l.State = "somebody", ledger.Moved }), "", "", refused, false},
		{"line of another e-mail", with(imported(), func(l *ledger.Line) { l.Email = "bob@example.com" }), "", "", refused, false},
		{"e-mail not verified", with(imported(), asIs), `"email_verified":"true"`, `"email_verified":"false"`, refused, false},
		{"no e-mail", with(imported(), asIs), `"email":"ada@example.com",`, ``, refused, false},
		{"no staging sub", with(imported(), asIs), `"custom:staging_sub":"staging-sub-of-ada"`, `"x":"y"`, "", false},
		{"empty staging sub", with(imported(), asIs), `"custom:staging_sub":"staging-sub-of-ada"`, `"custom:staging_sub":""`, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, lines := newMemory(5), ledgertest.New(tt.lines...)
			before := lines.Line(ada)
			h := newHook(m, lines)
			in := bytes.Replace(recorded(t, "post_authentication"), []byte(tt.from), []byte(tt.to), 1)
			out, err := h.Invoke(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, string(in), string(out), "byte for byte")
			assert.Equal(t, tt.decision, h.decision(t))
			if tt.moves {
				assert.Len(t, m.target["Projects-prod"], 5)
				assert.Equal(t, ledger.Moved, lines.Line(ada).State)
				assert.Equal(t, adaNow, lines.Line(ada).ProductionSub)
			} else {
				assert.Empty(t, m.target)
				assert.Equal(t, before, lines.Line(ada))
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
	m, lines := newMemory(5), ledgertest.New(imported())
	_, err := newHook(m, lines).Invoke(t.Context(), recorded(t, "confirm_forgot_password"))
	require.NoError(t, err)
	assert.Len(t, m.target["Projects-prod"], 5)
}

func TestWhatASignInCosts(t *testing.T) {
	tests := []struct {
		name, event string
		line        ledger.Line
		calls       map[string]int
	}{
		{"native user: nothing", "confirm_sign_up_native", imported(), map[string]int{}},
		{"moved user: one read", "post_authentication", func() ledger.Line { l := bound(); l.State = ledger.Moved; return l }(), map[string]int{"Get": 1}},
		{"first sign-in", "post_authentication", imported(), map[string]int{"Get": 1, "Bind": 1, "Finish": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, lines := newMemory(pageSize), ledgertest.New(tt.line)
			_, err := newHook(m, lines).Invoke(t.Context(), recorded(t, tt.event))
			require.NoError(t, err)
			assert.Equal(t, tt.calls, lines.Calls())
		})
	}
}

func TestSweptUserIsSeenOnce(t *testing.T) {
	swept := bound()
	swept.Via, swept.State = ledger.Sweep, ledger.Moved
	m, lines := newMemory(2), ledgertest.New(swept)
	h := newHook(m, lines)
	h.now = func() time.Time { return movedAt }
	for range 2 {
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
	}
	assert.Equal(t, movedAt, lines.Line(ada).SeenAt)
	assert.Equal(t, 1, lines.Calls()["Seen"])

	lines = ledgertest.New(swept)
	_, err := newHook(m, lines).Invoke(t.Context(), signedIn(t, "a-forger"))
	require.NoError(t, err)
	assert.Zero(t, lines.Line(ada).SeenAt, "a forger does not stand for the user")
}

func TestLedgerOutageLetsTheSignInPass(t *testing.T) {
	for _, call := range []string{"Get", "Bind", "Seen", "Checkpoint", "Finish"} {
		line := imported()
		line.Via = ledger.Sweep
		lines := ledgertest.New(line)
		lines.Before = func(c string) error {
			if c == call {
				return errors.New("ledger is away")
			}
			return nil
		}
		h := newHook(newMemory(10), lines)
		in := recorded(t, "post_authentication")
		out, err := h.Invoke(t.Context(), in)
		require.NoError(t, err, call)
		assert.Equal(t, string(in), string(out))
		assert.Contains(t, h.log.String(), "ledger is away")
		lines.Before = nil
		_, err = h.Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, ledger.Moved, lines.Line(ada).State, "the next sign-in makes up for it")
	}
}

// slow makes every call take its time, in the bubble's clock.
func slow(d time.Duration) func(string) error {
	return func(string) error { time.Sleep(d); return nil }
}

func TestSlowLedgerReadIsGiven300ms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHook(newMemory(1), ledgertest.New(imported()))
		h.ledger = hungLedger{h.ledger}
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, 300*time.Millisecond, time.Since(began))
		assert.Equal(t, handedOver, h.decision(t))
		assert.Equal(t, []HandOver{{StagingSub: ada, ProductionSub: adaNow, Email: adasEmail}}, h.handed)
	})
}

// TestLedgerThatDidNotAnswerIsAskedAgainOutsideTheSignIn has each call of the hook fail once: the hand-over makes up for it
// at once, and not only at the next sign-in.
func TestLedgerThatDidNotAnswerIsAskedAgainOutsideTheSignIn(t *testing.T) {
	for _, call := range []string{"Get", "Bind"} {
		line := imported()
		line.Via = ledger.Sweep
		m, lines := newMemory(5), ledgertest.New(line)
		lines.Before = failing(call, 1, errors.New("ledger is away"))
		h := newHook(m, lines)
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		require.Equal(t, handedOver, h.decision(t), call)
		require.NoError(t, handOn(t.Context(), t, h))
		assert.Equal(t, moved, h.decision(t))
		assert.Equal(t, ledger.Moved, lines.Line(ada).State)
		assert.Equal(t, adaNow, lines.Line(ada).ProductionSub)
		assert.NotZero(t, lines.Line(ada).SeenAt)
	}
}

func TestForgedClaimMeetsTheLedgerOutsideTheSignInToo(t *testing.T) {
	line := imported()
	line.Email = "bob@example.com"
	m, lines := newMemory(5), ledgertest.New(line)
	lines.Before = failing("Get", 1, errors.New("ledger is away"))
	h := newHook(m, lines)
	_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
	require.NoError(t, err)
	require.Error(t, handOn(t.Context(), t, h))
	assert.Equal(t, refused, h.decision(t))
	assert.Empty(t, m.target)
	assert.Equal(t, line, lines.Line(ada))
}

func TestNobodyAnswersAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHook(newMemory(1), ledgertest.New(imported()))
		h.ledger = hungLedger{h.ledger}
		h.handOver = func(ctx context.Context, _ HandOver) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, postponed, h.decision(t))
		assert.LessOrEqual(t, time.Since(began), time.Second)
	})
}

func TestRowsThatFailAreHandedOver(t *testing.T) {
	m, lines := newMemory(5), ledgertest.New(imported())
	m.before = failing("Page Projects-staging", 1, errors.New("InternalServerError"))
	h := newHook(m, lines)
	_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
	require.NoError(t, err)
	require.Equal(t, handedOver, h.decision(t))
	require.NoError(t, handOn(t.Context(), t, h))
	assert.Equal(t, ledger.Moved, lines.Line(ada).State)
	assert.Len(t, m.target["Projects-prod"], 5)
}

func TestFasterMoverIsNoFailure(t *testing.T) {
	for _, payload := range [][]byte{recorded(t, "post_authentication"), []byte(`{"stagingSub":"` + ada + `","productionSub":"` + adaNow + `"}`)} {
		lines := ledgertest.New(bound())
		lines.Before = failing("Finish", 1, ledger.ErrNotMoving)
		h := newHook(newMemory(2), lines)
		_, err := h.Invoke(t.Context(), payload)
		require.NoError(t, err)
		assert.Equal(t, otherMover, h.decision(t))
		assert.Empty(t, h.handed)
	}
}

func TestHungStampDoesNotHoldTheSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		swept := bound()
		swept.Via, swept.State = ledger.Sweep, ledger.Moved
		h := newHook(newMemory(1), ledgertest.New(swept))
		h.ledger = hungStamp{h.ledger}
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, seenTimeout, time.Since(began))
	})
}

type hungStamp struct{ hookLedger }

func (hungStamp) Seen(ctx context.Context, _, _ string, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestFlagsAsBooleans(t *testing.T) {
	for _, verified := range []string{`true`, `"True"`, `"true"`} {
		m, lines := newMemory(1), ledgertest.New(imported())
		in := bytes.Replace(recorded(t, "post_authentication"), []byte(`"email_verified":"true"`), []byte(`"email_verified":`+verified), 1)
		_, err := newHook(m, lines).Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, ledger.Moved, lines.Line(ada).State, verified)
	}
}

type hungLedger struct{ hookLedger }

func (hungLedger) Get(ctx context.Context, _ string) (ledger.Line, error) {
	<-ctx.Done()
	return ledger.Line{}, ctx.Err()
}

func TestBudgetEndsInAHandOverThatFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, lines := newMemory(100), ledgertest.New(imported())
		m.before = slow(200 * time.Millisecond)
		h := newHook(m, lines)
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Less(t, time.Since(began), 4*time.Second)
		assert.Equal(t, handedOver, h.decision(t))
		require.Equal(t, []HandOver{{StagingSub: ada, ProductionSub: adaNow}}, h.handed)
		assert.Equal(t, ledger.Moving, lines.Line(ada).State)

		// The hand-over has its own time limit, which is too short once more.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, handOn(ctx, t, h))
		require.Equal(t, HandOver{StagingSub: ada, ProductionSub: adaNow, Hop: 1}, h.handed[1])
		require.NoError(t, ctx.Err(), "it keeps time back to hand over again")

		require.NoError(t, handOn(t.Context(), t, h))
		assert.Equal(t, moved, h.decision(t))
		assertAllMoved(t, m, func() ledger.Line { l := lines.Line(ada); l.ImportedAt = bound().ImportedAt; return l }(), 100)
	})
}

// handOn invokes the handler with the last hand-over, as Lambda does.
func handOn(ctx context.Context, t *testing.T, h *hook) error {
	t.Helper()
	payload, err := json.Marshal(h.handed[len(h.handed)-1])
	require.NoError(t, err)
	_, err = h.Invoke(ctx, payload)
	return err
}

func TestFailedHandOverLetsTheSignInPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, lines := newMemory(100), ledgertest.New(imported())
		m.before = slow(200 * time.Millisecond)
		h := newHook(m, lines)
		h.handOver = func(ctx context.Context, _ HandOver) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		assert.Equal(t, notHanded, h.decision(t))
		assert.Less(t, time.Since(began), 4*time.Second)
	})
}

func TestHandOverMovesOnlyABoundPair(t *testing.T) {
	tests := []struct {
		name     string
		lines    []ledger.Line
		decision string
		failure  string
	}{
		{"bound", []ledger.Line{bound()}, moved, ""},
		{"moved", []ledger.Line{func() ledger.Line { l := bound(); l.State = ledger.Moved; return l }()}, alreadyMoved, ""},
		{"no line", nil, refused, "HandOverRefused"},
		{"not bound", []ledger.Line{imported()}, refused, "HandOverRefused"},
		{"bound to another", []ledger.Line{func() ledger.Line { l := bound(); l.ProductionSub = "x"; return l }()}, refused, "HandOverRefused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory(5)
			h := newHook(m, ledgertest.New(tt.lines...))
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

func TestHandOverThatLeavesRowsBehindFails(t *testing.T) {
	m, lines := newMemory(5), ledgertest.New(bound())
	m.before = func(call string) error {
		if call == "Put Projects-prod" {
			return errors.New("throttled")
		}
		return nil
	}
	_, err := newHook(m, lines).Invoke(t.Context(), []byte(`{"stagingSub":"`+ada+`","productionSub":"`+adaNow+`"}`))
	var named messages.InvokeResponse_Error
	require.ErrorAs(t, err, &named)
	assert.Equal(t, "MoveUnfinished", named.Type)
	assert.Contains(t, lines.Line(ada).LastError, "throttled")
}

func TestHandOverEndsAfterTenHops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, lines := newMemory(3000), ledgertest.New(bound())
		m.before = slow(time.Second)
		h := newHook(m, lines)
		h.handed = []HandOver{{StagingSub: ada, ProductionSub: adaNow}}
		var err error
		for len(h.handed) < 99 && err == nil {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err = handOn(ctx, t, h)
			cancel()
		}
		require.Error(t, err)
		assert.Len(t, h.handed, 11, "the sign-in's own, and ten more")
	})
}

func TestNoSecretInTheHooksLog(t *testing.T) {
	for _, lines := range []*ledgertest.Memory{ledgertest.New(), ledgertest.New(imported()), ledgertest.New(bound())} {
		for _, event := range []string{"post_authentication", "confirm_forgot_password"} {
			h := newHook(newMemory(3), lines)
			_, err := h.Invoke(t.Context(), recorded(t, event))
			require.NoError(t, err)
			assert.NotContains(t, strings.ToLower(h.log.String()), adasEmail)
			assert.NotContains(t, h.log.String(), "s3://", "rows are nobody's business")
		}
	}
}

func FuzzInvoke(f *testing.F) {
	for _, event := range []string{"post_authentication", "confirm_forgot_password", "confirm_sign_up_native"} {
		f.Add(recorded(f, event))
	}
	f.Add([]byte(`{"stagingSub":"` + ada + `","productionSub":"` + adaNow + `"}`))
	f.Add([]byte(`{"request":{"userAttributes":{"email_verified":"true","email":"0","custom:staging_sub":"` + ada + `"}}}`)) // nobody
	f.Fuzz(func(t *testing.T, in []byte) {
		m, lines := newMemory(4), ledgertest.New(imported())
		h := newHook(m, lines)
		sent := bytes.Clone(in)
		out, err := h.Invoke(t.Context(), in)
		require.Equal(t, sent, in)
		var e event
		if json.Unmarshal(in, &e) == nil && e.TriggerSource == "" && e.HandOver.StagingSub != "" {
			return
		}
		require.NoError(t, err)
		require.Equal(t, sent, out)
		if len(m.target) > 0 {
			require.Equal(t, adasEmail, ledger.Fold(e.verifiedEmail()), "only the verified e-mail binds")
		}
	})
}
