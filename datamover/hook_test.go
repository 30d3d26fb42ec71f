package datamover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
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
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var _ lambda.Handler = (*Handler)(nil)

// fakePool is a user pool with one user, who can be missing.
type fakePool struct {
	user userpool.User
	err  error
	gets int
}

func (p *fakePool) Get(ctx context.Context, name string) (userpool.User, error) {
	p.gets++
	if ctx.Err() != nil {
		return userpool.User{}, ctx.Err()
	}
	if p.err == nil && name != p.user.Sub && name != p.user.Username {
		return userpool.User{}, userpool.ErrUserNotFound
	}
	return p.user, p.err
}

func (*fakePool) AddToGroup(context.Context, string, string) error { return userpool.ErrNoGroup }

type hook struct {
	*Handler
	log                 *bytes.Buffer
	invoked             []Continuation
	staging, production *fakePool
}

func newHook(m *memory, records *ledgertest.Memory) *hook {
	h := &hook{log: &bytes.Buffer{}}
	h.staging = &fakePool{user: userpool.User{
		Username: ada, Sub: ada, Status: userpool.Confirmed, Enabled: true,
		Attributes: map[userpool.Attribute]string{userpool.AttrEmail: adasEmail, userpool.AttrEmailVerified: "true"},
	}}
	h.production = &fakePool{user: userpool.User{
		Username: adaNow, Sub: adaNow, Status: userpool.Confirmed, Enabled: true,
		Attributes: map[userpool.Attribute]string{
			userpool.AttrEmail: adasEmail, userpool.AttrEmailVerified: "true", userpool.AttrStagingSub: ada,
		},
	}}
	invoke := func(_ context.Context, c Continuation) error {
		h.invoked = append(h.invoked, c)
		return nil
	}
	mover := newMover(m, records)
	mover.now = time.Now
	s := settings.Settings{HookBudget: 3 * time.Second, MFAUsers: settings.MFAReset}
	h.Handler = NewHandler(mover, records, h.staging, func(string) ProductionPool { return h.production }, invoke, s,
		metrics.NewLog(h.log, "datamover"))
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
	return ledger.NewRecord(ada, ada, adasEmail, ledger.SignIn, time.Now())
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
		{"email in other case", with(imported(), asIs), `"email":"ada@example.com"`,
			`"email":"ADA@example.com"`, moved, true},
		{"move began before", with(bound(), asIs), "", "", moved, true},
		{"moved", with(bound(), func(l *ledger.Record) { l.State = ledger.Moved }), "", "", alreadyMoved, false},
		{"bound, and changed their email since", with(bound(), asIs), `"email":"ada@example.com"`,
			`"email":"new@example.com"`, moved, true},
		{"no sub in the event: the user name is it", with(imported(), asIs),
			`"sub":"ada00000-9204-4000-8000-920d0c710ada",`, "", moved, true},
		{"no record", nil, "", "", rejected, false},
		{"record bound to another user", with(bound(), func(l *ledger.Record) { l.ProductionSub = "another" }), "",
			"", rejected, false},
		{"record moved to another user", with(bound(),
			func(l *ledger.Record) { l.ProductionSub, l.State = "another", ledger.Moved }), "", "", rejected, false},
		{"record of another email", with(imported(), func(l *ledger.Record) { l.Email = "bob@example.com" }), "",
			"", rejected, false},
		{"email not verified", with(imported(), asIs), `"email_verified":"true"`,
			`"email_verified":"false"`, rejected, false},
		{"no email", with(imported(), asIs), `"email":"ada@example.com",`, ``, rejected, false},
		{"no staging sub", with(imported(), asIs), `"custom:staging_sub":"5ada0000-57a9-4000-8000-57a910900ada"`,
			`"x":"y"`, "", false},
		{"empty staging sub", with(imported(), asIs), `"custom:staging_sub":"5ada0000-57a9-4000-8000-57a910900ada"`,
			`"custom:staging_sub":""`, "", false},
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
	for _, odd := range []string{``, `null`, `7`, `[`, `{"request":7}`,
		`{"request":{"userAttributes":{"custom:staging_sub":7}}}`, `{"stagingSub":7}`} {
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
		{"moved user: one read", "post_authentication",
			func() ledger.Record { l := bound(); l.State = ledger.Moved; return l }(), map[string]int{"Get": 1}},
		{"first sign-in", "post_authentication", imported(), map[string]int{"Get": 1, "Bind": 1,
			"TakeLease": 1, "Complete": 1}},
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
		if len(h.invoked) > 0 {
			require.NoError(t, continueMove(t.Context(), t, h))
		}
		assert.Equal(t, ledger.Moved, records.Record(ada).State, "the background completes the move, or nothing was left")
	}
}

// slow makes every call take its time, in the bubble's clock.
func slow(d time.Duration) func(string) error {
	return func(string) error { time.Sleep(d); return nil }
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
		h.ledger = hangingLedger{h.ledger, "Get"}
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
	for _, payload := range [][]byte{recorded(t, "post_authentication"),
		[]byte(`{"stagingSub":"` + ada + `","productionSub":"` + adaNow + `"}`)} {
		records := ledgertest.New(bound())
		records.Before = failing("Complete", 1, ledger.ErrLeaseLost)
		h := newHook(newMemory(2), records)
		_, err := h.Invoke(t.Context(), payload)
		require.NoError(t, err)
		assert.Equal(t, movedElsewhere, h.decision(t))
		assert.Empty(t, h.invoked)
	}
}

// TestNoCallDelaysASignIn has one call hang at a time: the sign-in passes after that call's limit, and the background
// goes on.
func TestNoCallDelaysASignIn(t *testing.T) {
	old, swept := imported(), bound()
	old.ImportedAt = time.Time{}
	swept.Via, swept.State = ledger.Sweep, ledger.Moved
	for call, tt := range map[string]struct {
		record   ledger.Record
		limit    time.Duration
		decision string
	}{
		"Get":         {imported(), readTimeout, continued},
		"staging":     {old, stagingTimeout, continued},
		"Bind":        {imported(), bindTimeout, continued},
		"TakeLease":   {bound(), leaseTimeout, continued},
		"FirstSignIn": {swept, firstSignInTimeout, alreadyMoved},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHook(newMemory(1), ledgertest.New(tt.record))
			h.ledger = hangingLedger{h.ledger, call}
			if call == "staging" {
				h.Handler.staging = hangingPool{}
			}
			began := time.Now()
			_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
			require.NoError(t, err)
			assert.Equal(t, tt.limit, time.Since(began), call)
			assert.Equal(t, tt.decision, h.decision(t), call)
			assert.Equal(t, tt.decision == continued, len(h.invoked) == 1, call)
		})
	}
}

// hangingLedger never answers one call.
type hangingLedger struct {
	hookLedger
	call string
}

func (l hangingLedger) wait(ctx context.Context, call string) error {
	if call == l.call {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (l hangingLedger) Get(ctx context.Context, stagingSub string) (ledger.Record, error) {
	if err := l.wait(ctx, "Get"); err != nil {
		return ledger.Record{}, err
	}
	return l.hookLedger.Get(ctx, stagingSub)
}

func (l hangingLedger) Bind(ctx context.Context, stagingSub, productionSub, email string) (ledger.Record, error) {
	if err := l.wait(ctx, "Bind"); err != nil {
		return ledger.Record{}, err
	}
	return l.hookLedger.Bind(ctx, stagingSub, productionSub, email)
}

func (l hangingLedger) TakeLease(
	ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration,
) (ledger.Record, ledger.Lease, error) {
	if err := l.wait(ctx, "TakeLease"); err != nil {
		return ledger.Record{}, ledger.Lease{}, err
	}
	return l.hookLedger.TakeLease(ctx, stagingSub, productionSub, now, d)
}

func (l hangingLedger) FirstSignIn(ctx context.Context, stagingSub, productionSub string, at time.Time) error {
	if err := l.wait(ctx, "FirstSignIn"); err != nil {
		return err
	}
	return l.hookLedger.FirstSignIn(ctx, stagingSub, productionSub, at)
}

type hangingPool struct{}

func (hangingPool) Get(ctx context.Context, _ string) (userpool.User, error) {
	<-ctx.Done()
	return userpool.User{}, userpool.ErrUnavailable
}

func TestFlagsAsBooleans(t *testing.T) {
	for _, verified := range []string{`true`, `"True"`, `"true"`} {
		m, records := newMemory(1), ledgertest.New(imported())
		in := bytes.Replace(recorded(t, "post_authentication"), []byte(`"email_verified":"true"`),
			[]byte(`"email_verified":`+verified), 1)
		_, err := newHook(m, records).Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, ledger.Moved, records.Record(ada).State, verified)
	}
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
		require.Len(t, h.invoked, 1)
		assert.Equal(t, records.Record(ada).MovingUntil, h.invoked[0].Lease, "it continues under the hook's lease")
		assert.WithinDuration(t, time.Now().Add(queueTime), h.invoked[0].Lease, 2*time.Second)
		assert.Equal(t, ledger.Moving, records.Record(ada).State)

		// The background move has its own time limit, which is too short again.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, continueMove(ctx, t, h))
		require.Equal(t, 1, h.invoked[1].Hop)
		require.NoError(t, ctx.Err(), "it reserves the time to continue again")

		require.NoError(t, continueMove(t.Context(), t, h))
		assert.Equal(t, moved, h.decision(t))
		assertAllMoved(t, m, func() ledger.Record {
			l := records.Record(ada)
			l.ImportedAt, l.MovedAt = bound().ImportedAt, movedAt
			return l
		}(), 100)
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
	otherEmail := imported()
	otherEmail.Email = "bob@example.com"
	tests := []struct {
		name     string
		records  []ledger.Record
		decision string
		failure  string
	}{
		{"bound", []ledger.Record{bound()}, moved, ""},
		{"moved", []ledger.Record{func() ledger.Record { l := bound(); l.State = ledger.Moved; return l }()}, alreadyMoved,
			""},
		{"no record", nil, rejected, "ContinuationRejected"},
		{"not bound, and production's user is another", []ledger.Record{otherEmail}, rejected, "ContinuationRejected"},
		{"bound to another", []ledger.Record{func() ledger.Record { l := bound(); l.ProductionSub = "x"; return l }()},
			rejected, "ContinuationRejected"},
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

// TestManySignInsDuringOneMove has one user sign in a hundred times while the rows move.
func TestManySignInsDuringOneMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const projects = 2000
		m, records := newMemory(projects), ledgertest.New(imported())
		m.before = slow(10 * time.Millisecond)
		h := newHook(m, records)
		var moves sync.WaitGroup
		var mu sync.Mutex
		invocations := 0
		h.invoke = func(_ context.Context, c Continuation) error {
			mu.Lock()
			invocations++
			mu.Unlock()
			payload, err := json.Marshal(c)
			require.NoError(t, err)
			moves.Go(func() {
				_, err := h.Invoke(t.Context(), payload)
				assert.NoError(t, err)
			})
			return nil
		}
		var signIns sync.WaitGroup
		for range 100 {
			signIns.Go(func() {
				_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
				assert.NoError(t, err)
			})
			time.Sleep(100 * time.Millisecond)
		}
		signIns.Wait()
		moves.Wait()
		assert.Equal(t, ledger.Moved, records.Record(ada).State)
		assert.LessOrEqual(t, m.called("PutIfAbsent Projects-prod"), projects*105/100)
		assert.LessOrEqual(t, invocations, 2)
	})
}

// TestExpiredLease has a mover that stalls for longer than its lease. Another one takes over, and nothing that the
// first one writes afterwards counts.
func TestExpiredLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, records := newMemory(30), ledgertest.New(bound())
		var stalled atomic.Bool
		m.before = func(call string) error {
			if call == "PutIfAbsent Projects-prod" && stalled.CompareAndSwap(false, true) {
				time.Sleep(time.Hour)
			}
			return nil
		}
		record, lease, err := records.TakeLease(t.Context(), ada, adaNow, time.Now(), LeaseFor)
		require.NoError(t, err)
		records.Before = failing("Renew", 1<<30, errors.New("frozen"))
		done := make(chan error)
		go func() {
			_, _, err := newHook(m, records).mover.Move(t.Context(), record, lease)
			done <- err
		}()
		time.Sleep(LeaseFor - time.Second)
		h := newHook(m, records)
		_, err = h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		require.Equal(t, moveInProgress, h.decision(t), "the lease is live")
		require.Empty(t, h.invoked)

		time.Sleep(2 * time.Second)
		_, err = h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		require.Equal(t, moved, h.decision(t), "a dead mover's lease expires by itself")
		after := records.Record(ada)
		require.ErrorIs(t, <-done, ledger.ErrLeaseLost)
		assert.Equal(t, after, records.Record(ada))
	})
}

// TestLongPageKeepsTheLease has a page that takes longer than a lease lasts.
func TestLongPageKeepsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, records := newMemory(1), ledgertest.New(bound())
		m.before = func(call string) error {
			if call == "PutIfAbsent Projects-prod" {
				time.Sleep(10 * LeaseFor)
				require.True(t, records.Record(ada).Leased(time.Now()))
			}
			return nil
		}
		mover := newMover(m, records)
		mover.now = time.Now
		record, lease, err := records.TakeLease(t.Context(), ada, adaNow, time.Now(), LeaseFor)
		require.NoError(t, err)
		_, _, err = mover.Move(t.Context(), record, lease)
		require.NoError(t, err)
		assert.Zero(t, records.Record(ada).MovingUntil)
	})
}

// TestRowsThatCannotBeWrittenPauseTheMove has a row that DynamoDB rejects whenever it is sent.
func TestRowsThatCannotBeWrittenPauseTheMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, records := newMemory(5), ledgertest.New(bound())
		tooLarge := &rows.RowError{Table: "Projects-prod", Key: "projectId=p0003"}
		m.before = failing("PutIfAbsent Projects-prod", 1<<30, tooLarge)
		h := newHook(m, records)
		signIn := func() string {
			_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
			require.NoError(t, err)
			return h.decision(t)
		}
		for failures, pause := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			require.Equal(t, incomplete, signIn())
			record := records.Record(ada)
			assert.Equal(t, failures+1, record.Failures)
			assert.Equal(t, "Projects-prod: projectId=p0003", record.FailedRows[0])
			assert.WithinDuration(t, time.Now().Add(pause), record.RetryAfter, time.Second)
			assert.Zero(t, record.MovingUntil, "the lease is free")
			puts := m.called("PutIfAbsent Projects-prod")
			require.Equal(t, paused, signIn())
			_, err := h.Invoke(t.Context(), []byte(`{"stagingSub":"`+ada+`","productionSub":"`+adaNow+`"}`))
			require.NoError(t, err, "a pause is no failed invocation")
			require.Equal(t, paused, h.decision(t))
			assert.Equal(t, puts, m.called("PutIfAbsent Projects-prod"))
			time.Sleep(pause)
		}
		assert.Empty(t, h.invoked)
		m.before = nil
		require.Equal(t, moved, signIn())
		record := records.Record(ada)
		assert.Zero(t, record.Failures)
		assert.Empty(t, record.FailedRows)
		assert.Zero(t, record.RetryAfter)
	})
}

func TestLongestPause(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Minute, 9: 512 * time.Minute, 11: 24 * time.Hour,
		500: 24 * time.Hour} {
		mv := &move{Mover: newMover(nil, nil), record: ledger.Record{Failures: failures}}
		assert.Equal(t, movedAt.Add(want), mv.failure(&PartialError{}).RetryAfter)
	}
}

// TestStagingIsAskedAgainAtTheBind has what may have become of a user between the import and the first sign-in.
func TestStagingIsAskedAgainAtTheBind(t *testing.T) {
	old := imported()
	old.ImportedAt = time.Now().Add(-2 * time.Minute)
	aliased := old
	aliased.StagingUsername = "ada"
	for name, tt := range map[string]struct {
		record   ledger.Record
		change   func(u *userpool.User)
		policy   settings.MFAPolicy
		decision string
		gets     int
	}{
		"imported just now":       {imported(), func(u *userpool.User) { u.Enabled = false }, "", moved, 0},
		"bound already":           {bound(), func(u *userpool.User) { u.Enabled = false }, "", moved, 0},
		"as before":               {old, func(*userpool.User) {}, "", moved, 1},
		"under another user name": {aliased, func(u *userpool.User) { u.Username = "ada" }, "", moved, 1},
		"deleted":                 {old, func(u *userpool.User) { *u = userpool.User{} }, "", rejected, 1},
		"name of another user":    {aliased, func(u *userpool.User) { u.Username, u.Sub = "ada", "x" }, "", rejected, 1},
		"disabled":                {old, func(u *userpool.User) { u.Enabled = false }, "", rejected, 1},
		"email changed": {old,
			func(u *userpool.User) { u.Attributes["email"] = "new@example.com" }, "", rejected, 1},
		"email not verified": {old,
			func(u *userpool.User) { u.Attributes["email_verified"] = "false" }, "", rejected, 1},
		"reset required":        {old, func(u *userpool.User) { u.Status = userpool.ResetRequired }, "", rejected, 1},
		"second factor, refuse": {old, func(u *userpool.User) { u.MFA = true }, settings.MFARefuse, rejected, 1},
		"second factor, reset":  {old, func(u *userpool.User) { u.MFA = true }, settings.MFAReset, moved, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m, records := newMemory(3), ledgertest.New(tt.record)
			h := newHook(m, records)
			h.settings.MFAUsers = tt.policy
			tt.change(&h.staging.user)
			in := recorded(t, "post_authentication")
			out, err := h.Invoke(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, string(in), string(out), "the sign-in passes")
			assert.Equal(t, tt.decision, h.decision(t))
			assert.Equal(t, tt.gets, h.staging.gets)
			assert.Equal(t, tt.decision == moved, records.Record(ada).Bound())
			assert.Empty(t, h.invoked)
			assert.NotContains(t, h.log.String(), "ada@example.com")
		})
	}
}

// TestStagingThatDoesNotAnswer has the background ask later, with the same rules.
func TestStagingThatDoesNotAnswer(t *testing.T) {
	for _, outage := range []error{userpool.ErrThrottled, userpool.ErrUnavailable, userpool.ErrAccessDenied} {
		record := imported()
		record.ImportedAt = time.Now().Add(-time.Hour)
		m, records := newMemory(3), ledgertest.New(record)
		h := newHook(m, records)
		h.staging.err = outage
		_, err := h.Invoke(t.Context(), recorded(t, "post_authentication"))
		require.NoError(t, err)
		require.Equal(t, continued, h.decision(t))
		require.Equal(t, []Continuation{{StagingSub: ada, ProductionSub: adaNow, SignedIn: true}}, h.invoked)
		require.False(t, records.Record(ada).Bound())

		require.Error(t, continueMove(t.Context(), t, h), "Lambda retries")
		require.Equal(t, deferred, h.decision(t))
		h.staging.err = nil
		require.NoError(t, continueMove(t.Context(), t, h))
		require.Equal(t, moved, h.decision(t))
		require.Len(t, h.invoked, 1)
	}
}

// TestBackgroundBindsOnlyWhatProductionConfirms: the event proves nothing.
func TestBackgroundBindsOnlyWhatProductionConfirms(t *testing.T) {
	for name, change := range map[string]func(h *hook){
		"production user of another staging user": func(h *hook) {
			h.production.user.Attributes[userpool.AttrStagingSub] = "x"
		},
		"email not verified":    func(h *hook) { h.production.user.Attributes[userpool.AttrEmailVerified] = "false" },
		"another email":         func(h *hook) { h.production.user.Attributes[userpool.AttrEmail] = "bob@example.com" },
		"production user gone":  func(h *hook) { h.production.user.Username, h.production.user.Sub = "x", "x" },
		"staging user disabled": func(h *hook) { h.staging.user.Enabled = false },
	} {
		record := imported()
		record.ImportedAt = time.Now().Add(-time.Hour)
		m, records := newMemory(3), ledgertest.New(record)
		h := newHook(m, records)
		change(h)
		_, err := h.Invoke(t.Context(), []byte(`{"stagingSub":"`+ada+`","productionSub":"`+adaNow+`"}`))
		require.Error(t, err, name)
		assert.Equal(t, rejected, h.decision(t), name)
		assert.False(t, records.Record(ada).Bound(), name)
		assert.Empty(t, m.target, name)
	}
}

func TestClaimOfAnotherLengthInvokesNothing(t *testing.T) {
	for _, claim := range []string{"x", ada[:35], ada + "0", strings.Repeat("a", 1<<10)} {
		records := ledgertest.New(imported())
		records.Before = func(string) error { return errors.New("ledger is away") }
		h := newHook(newMemory(3), records)
		in := bytes.ReplaceAll(recorded(t, "post_authentication"), []byte(ada), []byte(claim))
		_, err := h.Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, rejected, h.decision(t))
		assert.Empty(t, h.invoked)
		assert.Empty(t, records.Calls())
	}
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
	// no production user
	f.Add([]byte(`{"request":{"userAttributes":{"email_verified":"true","email":"0","custom:staging_sub":"` + ada +
		`"}}}`))
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
