package trigger

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
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var _ lambda.Handler = (*Handler)(nil)

const (
	email    = "ada@example.com"
	sub      = "11111111-aaaa-4aaa-8aaa-111111111111"
	password = "Secret-Passw0rd!"
)

// ada is an eligible staging user.
func ada() userpool.User {
	return userpool.User{
		Username: sub, Sub: sub, Status: "CONFIRMED", Enabled: true, Created: time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC),
		Attributes: map[userpool.Attribute]string{"sub": sub, "email": email, "email_verified": "true", "name": "Ada"},
	}
}

func but(change func(*userpool.User)) userpool.User {
	u := ada()
	change(&u)
	return u
}

// fakeStaging answers by function and records the names that it was asked for.
type fakeStaging struct {
	signIn func(ctx context.Context, name string) (userpool.SignInResult, error)
	get    func(ctx context.Context, name string) (userpool.User, error)

	asked, tried chan string
}

func (f *fakeStaging) SignIn(
	ctx context.Context, _, name string, _ userpool.Password,
) (userpool.SignInResult, error) {
	f.tried <- name
	return f.signIn(ctx, name)
}

func (f *fakeStaging) Get(ctx context.Context, name string) (userpool.User, error) {
	f.asked <- name
	return f.get(ctx, name)
}

func names(c chan string) []string {
	var all []string
	for len(c) > 0 {
		all = append(all, <-c)
	}
	return all
}

// knows is a staging pool with one user, who has the given names and whose password gives the given answer.
func knows(u userpool.User, result userpool.SignInResult, signInErr error, byName ...string) *fakeStaging {
	known := func(name string) bool {
		for _, n := range byName {
			if n == name {
				return true
			}
		}
		return false
	}
	return &fakeStaging{
		asked: make(chan string, 9), tried: make(chan string, 9),
		signIn: func(_ context.Context, name string) (userpool.SignInResult, error) {
			if !known(name) {
				return userpool.SignInResult{Rejected: userpool.RejectedByStaging}, nil
			}
			return result, signInErr
		},
		get: func(_ context.Context, name string) (userpool.User, error) {
			if !known(name) {
				return userpool.User{}, userpool.ErrUserNotFound
			}
			return u, nil
		},
	}
}

type harness struct {
	*Handler
	staging *fakeStaging
	records *ledgertest.Memory
	log     *bytes.Buffer
}

func newHarness(st *fakeStaging, change func(*settings.Settings)) *harness {
	s := settings.Settings{MFAUsers: settings.MFAReset}
	if change != nil {
		change(&s)
	}
	email, err := NewResetEmail("", "", "")
	if err != nil {
		panic(err)
	}
	h := &harness{staging: st, records: ledgertest.New(), log: &bytes.Buffer{}}
	h.Handler = NewHandler(st, h.records, s, email, metrics.NewLog(h.log, "trigger"))
	return h
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	return raw
}

// typed is a recorded event with another user name.
func typed(t testing.TB, event, name string) []byte {
	t.Helper()
	quoted, err := json.Marshal(name)
	require.NoError(t, err)
	return bytes.Replace(recorded(t, event), []byte(`"`+email+`"`), quoted, 1)
}

type response struct {
	UserAttributes         map[string]string
	ForceAliasCreation     any
	EnableSMSMFA           any
	FinalUserStatus        any
	MessageAction          any
	DesiredDeliveryMediums any
}

func responseOf(t *testing.T, out []byte) response {
	t.Helper()
	var e struct{ Response response }
	require.NoError(t, json.Unmarshal(out, &e))
	return e.Response
}

// TestDecisionTable has each row of the table in the design, for both paths.
func TestDecisionTable(t *testing.T) {
	const (
		keep  = "import"
		reset = "import-for-reset"
		no    = "unchanged"
	)
	tokens := userpool.SignInResult{Sub: sub}
	withMFA := but(func(u *userpool.User) { u.MFA = true })
	totp := userpool.SignInResult{Challenge: "SOFTWARE_TOKEN_MFA"}
	setup := userpool.SignInResult{Challenge: "MFA_SETUP", FactorMissing: true}
	unserved := userpool.SignInResult{FactorMissing: true}
	tests := []struct {
		name   string
		user   userpool.User
		result userpool.SignInResult
		err    error
		mfa    settings.MFAPolicy
		signIn string
		forgot string
		reason userpool.Reason // at sign-in
	}{
		{"tokens, eligible, no MFA", ada(), tokens, nil, "", keep, reset, ""},
		{"wrong password", ada(), userpool.SignInResult{Rejected: userpool.WrongPassword}, nil, "", no, reset,
			userpool.WrongPassword},
		{"MFA challenge, policy reset", withMFA, totp, nil, settings.MFAReset, reset, reset, ""},
		{"MFA in settings only, policy reset", withMFA, tokens, nil, settings.MFAReset, reset, reset, ""},
		{"SMS challenge, policy reset", ada(), userpool.SignInResult{Challenge: "SMS_MFA"}, nil,
			settings.MFAReset, reset, reset, ""},
		{"email challenge, policy reset", ada(), userpool.SignInResult{Challenge: "EMAIL_OTP"}, nil,
			settings.MFAReset, reset, reset, ""},
		{"MFA choice, policy reset", ada(), userpool.SignInResult{Challenge: "SELECT_MFA_TYPE"}, nil,
			settings.MFAReset, reset, reset, ""},
		{"MFA challenge, policy refuse", withMFA, totp, nil, settings.MFARefuse, no, no, userpool.MFARejected},
		{"MFA in settings only, policy refuse", withMFA, tokens, nil, settings.MFARefuse, no, no, userpool.MFARejected},
		{"MFA challenge, policy accept", withMFA, totp, nil, settings.MFAAccept, keep, reset, ""},
		{"MFA in settings only, policy accept", withMFA, tokens, nil, settings.MFAAccept, keep, reset, ""},
		{"MFA and a wrong password, policy accept", withMFA, userpool.SignInResult{Rejected: userpool.WrongPassword}, nil,
			settings.MFAAccept, no, reset, userpool.WrongPassword},
		{"challenge of another user", withMFA, userpool.SignInResult{Challenge: "SMS_MFA", Username: "other"}, nil,
			settings.MFAAccept, no, reset, UserMismatch},
		{"new password required", but(func(u *userpool.User) { u.Status = "FORCE_CHANGE_PASSWORD" }),
			userpool.SignInResult{Challenge: "NEW_PASSWORD_REQUIRED"}, nil, "", no, no, userpool.NotConfirmed},
		{"new password required of a confirmed user", ada(), userpool.SignInResult{Challenge: "NEW_PASSWORD_REQUIRED"}, nil,
			settings.MFAAccept, no, reset, UnsupportedChallenge},
		{"factor to be set up, policy reset", ada(), setup, nil, settings.MFAReset, reset, reset, ""},
		{"factor to be set up, policy refuse", ada(), setup, nil, settings.MFARefuse, reset, reset, ""},
		{"factor to be set up, policy accept", ada(), setup, nil, settings.MFAAccept, reset, reset, ""},
		{"factor that cannot be served, policy reset", withMFA, unserved, nil, settings.MFAReset, reset, reset, ""},
		{"factor that cannot be served, policy refuse", withMFA, unserved, nil, settings.MFARefuse, no, no,
			userpool.MFARejected},
		{"factor that cannot be served, policy accept", withMFA, unserved, nil, settings.MFAAccept, reset, reset, ""},
		{"factor to be set up by another user", ada(), userpool.SignInResult{Challenge: "MFA_SETUP",
			FactorMissing: true, Username: "x"},
			nil, "", no, reset, UserMismatch},
		{"factor to be set up, disabled", but(func(u *userpool.User) { u.Enabled = false }), setup, nil, "", no,
			no, userpool.Disabled},
		{"too many attempts", ada(), userpool.SignInResult{Rejected: userpool.TooManyAttempts}, nil, "", no, reset,
			userpool.TooManyAttempts},
		{"blocked by threat protection", ada(), userpool.SignInResult{Rejected: userpool.BlockedByThreatProtection}, nil, "",
			no, reset, userpool.BlockedByThreatProtection},
		{"rejected by staging's own trigger", ada(), userpool.SignInResult{Rejected: userpool.RejectedByTrigger}, nil, "",
			no, reset, userpool.RejectedByTrigger},
		{"rejected for an unknown cause", ada(), userpool.SignInResult{Rejected: userpool.RejectedByStaging}, nil, "",
			no, reset, userpool.RejectedByStaging},
		{"custom challenge", ada(), userpool.SignInResult{Challenge: "CUSTOM_CHALLENGE"}, nil, settings.MFAAccept, no, reset,
			UnsupportedChallenge},
		{"unconfirmed", but(func(u *userpool.User) { u.Status = "UNCONFIRMED" }), tokens, nil, "", no, no,
			userpool.NotConfirmed},
		{"reset required", but(func(u *userpool.User) { u.Status = "RESET_REQUIRED" }),
			userpool.SignInResult{Rejected: userpool.WrongPassword}, nil, "", no, no, userpool.NotConfirmed},
		{"disabled", but(func(u *userpool.User) { u.Enabled = false }), tokens, nil, "", no, no, userpool.Disabled},
		{"federated", but(func(u *userpool.User) { u.Status = "EXTERNAL_PROVIDER" }), tokens, nil, "", no,
			no, userpool.Federated},
		{"email not verified", but(func(u *userpool.User) { u.Attributes["email_verified"] = "false" }), tokens, nil, "", no,
			no, userpool.EmailUnverified},
		{"email verification unknown", but(func(u *userpool.User) { delete(u.Attributes, "email_verified") }), tokens, nil,
			"", no, no, userpool.EmailUnverified},
		{"no email", but(func(u *userpool.User) { delete(u.Attributes, "email") }), tokens, nil, "", no, no,
			userpool.EmailUnverified},
		{"created at the cut-off", but(func(u *userpool.User) { u.Created = cutoff }), tokens, nil, "", no, no,
			userpool.AfterCutoff},
		{"created before the cut-off", but(func(u *userpool.User) { u.Created = cutoff.Add(-time.Second) }), tokens, nil,
			"", keep, reset, ""},
		{"resolves to another email", but(func(u *userpool.User) { u.Attributes["email"] = "bob@example.com" }), tokens, nil,
			"", no, no, EmailMismatch},
		{"token of another user", ada(), userpool.SignInResult{Sub: "other"}, nil, "", no, reset, UserMismatch},
		{"token without sub", ada(), userpool.SignInResult{}, nil, "", no, reset, UserMismatch},
	}
	for _, tt := range tests {
		for event, want := range map[string]string{"authentication": tt.signIn, "forgot_password": tt.forgot} {
			t.Run(tt.name+"/"+event, func(t *testing.T) {
				h := newHarness(knows(tt.user, tt.result, tt.err, email), func(s *settings.Settings) {
					s.StagingCutoff = cutoff
					if tt.mfa != "" {
						s.MFAUsers = tt.mfa
					}
				})
				in := recorded(t, event)
				out, err := h.Invoke(t.Context(), in)
				require.NoError(t, err)
				assert.Equal(t, want, logged(t, h.log)["decision"])
				if want == no {
					assert.Equal(t, string(in), string(out), "byte for byte")
					assert.Empty(t, h.records.Calls(), "no ledger record")
					if event == "authentication" {
						assert.Equal(t, string(tt.reason), logged(t, h.log)["reason"])
					}
					return
				}
				r := responseOf(t, out)
				assert.Equal(t, "SUPPRESS", r.MessageAction)
				assert.Equal(t, map[bool]any{true: "CONFIRMED", false: nil}[want == keep], r.FinalUserStatus)
				assert.Nil(t, r.ForceAliasCreation)
				assert.Nil(t, r.EnableSMSMFA)
				assert.Nil(t, r.DesiredDeliveryMediums)
				record := h.records.Record(tt.user.Sub)
				assert.Equal(t, ledger.Imported, record.State)
				assert.Equal(t, map[string]ledger.Via{"authentication": ledger.SignIn,
					"forgot_password": ledger.ForgotPassword}[event], record.Via)
			})
		}
	}
}

var cutoff = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func logged(t *testing.T, log *bytes.Buffer) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 1, "one line an event")
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &line))
	return line
}

func TestUnknownUserIsUnchanged(t *testing.T) {
	for _, event := range []string{"authentication", "forgot_password"} {
		h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, "another@example.com"), nil)
		in := recorded(t, event)
		out, err := h.Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, string(in), string(out))
		assert.Equal(t, string(UnknownUser), logged(t, h.log)["reason"])
	}
}

// TestImportedEventKeepsEveryField proves that what we do not fill comes back as Cognito wrote it.
func TestImportedEventKeepsEveryField(t *testing.T) {
	for _, event := range []string{"authentication", "forgot_password"} {
		t.Run(event, func(t *testing.T) {
			in := recorded(t, event)
			out, err := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil).Invoke(t.Context(), in)
			require.NoError(t, err)
			before, after := bytes.Index(in, []byte(`"response"`)), bytes.Index(out, []byte(`"response"`))
			assert.Equal(t, string(in[:before]), string(out[:after]), "all before the response, byte for byte")
			_, tail, _ := strings.Cut(string(in), `"desiredDeliveryMediums": null`)
			if _, rest, found := strings.Cut(tail, "}"); found {
				assert.True(t, strings.HasSuffix(string(out), rest), "all after the response, byte for byte")
			}
			var r struct{ Response map[string]any }
			require.NoError(t, json.Unmarshal(out, &r))
			assert.Len(t, r.Response, 6, "nothing added to the response, nothing lost")
		})
	}
}

func TestResponseInAnyPlaceAndShape(t *testing.T) {
	for _, raw := range []string{
		`{"response":{},"triggerSource":"UserMigration_ForgotPassword","userName":"ada@example.com"}`,
		" {\"triggerSource\" : \"UserMigration_ForgotPassword\" ,\"response\" :\n {\"new\":[1, 2]} ," +
			"\"userName\":\"ada@example.com\"}\n",
	} {
		out, err := newHarness(knows(ada(), userpool.SignInResult{}, nil, email), nil).Invoke(t.Context(), []byte(raw))
		require.NoError(t, err)
		assert.Equal(t, email, responseOf(t, out).UserAttributes["email"])
		from := strings.Index(raw, `"response"`)
		assert.Equal(t, raw[:from], string(out[:from]))
		assert.Equal(t, raw[len(raw)-25:], string(out[len(out)-25:]))
	}
}

func TestMalformedEvent(t *testing.T) {
	for _, raw := range []string{``, `null`, `[]`, `"x"`, `{`, `{"triggerSource":7}`, `{"request":{"password":{}}}`,
		`{"userName":"a"} x`,
		`{"triggerSource":"UserMigration_ForgotPassword","userName":"ada@example.com"}`,
		`{"triggerSource":"UserMigration_ForgotPassword","userName":"ada@example.com","response":null}`,
		`{"triggerSource":"UserMigration_ForgotPassword","userName":"ada@example.com","response":[]}`,
	} {
		h := newHarness(knows(ada(), userpool.SignInResult{}, nil, email), nil)
		out, err := h.Invoke(t.Context(), []byte(raw))
		var named messages.InvokeResponse_Error
		require.ErrorAs(t, err, &named, raw)
		assert.Equal(t, "MalformedEvent", named.Type)
		assert.Nil(t, out)
		assert.Empty(t, h.records.Calls(), "no ledger record for an answer that cannot be given")
	}
}

func TestUnsupportedEventIsUnchangedAndLoggedOnce(t *testing.T) {
	h := newHarness(knows(ada(), userpool.SignInResult{}, nil, email), nil)
	in := bytes.Replace(recorded(t, "authentication"), []byte("UserMigration_Authentication"),
		[]byte("PreSignUp_SignUp"), 1)
	out, err := h.Invoke(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, string(in), string(out))
	assert.Equal(t, "unsupported-event", logged(t, h.log)["reason"])
	assert.Empty(t, names(h.staging.asked), "staging is not asked")
}

func TestMissingPasswordIsUnchanged(t *testing.T) {
	for _, request := range []string{`{}`, `null`, `{"password":""}`, `{"password":null}`} {
		h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil)
		in := []byte(`{"triggerSource":"UserMigration_Authentication","userName":"ada@example.com","request":` +
			request + `,"response":{}}`)
		out, err := h.Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, string(in), string(out))
		assert.Equal(t, string(NoPassword), logged(t, h.log)["reason"])
	}
}

// TestNames has what users, and programs, type into the name field.
func TestNames(t *testing.T) {
	tests := []struct {
		name, typed string
		asked       []string // of staging; both spellings are asked at once, so in no order
		imported    bool
	}{
		{"as staging has it", email, []string{email}, true},
		{"upper case that staging does not know", "Ada@Example.COM", []string{"Ada@Example.COM", email}, true},
		{"unknown", "bob@example.com", []string{"bob@example.com"}, false},
		{"unknown upper case", "Bob@example.com", []string{"Bob@example.com", "bob@example.com"}, false},
		{"sub", sub, []string{sub}, false},
		{"phone number", "+15551234567", []string{"+15551234567"}, false},
		{"Kelvin sign for the K", "\u212Ada@example.com", []string{"\u212Ada@example.com"}, false},
		{"full-width a", "ａda@example.com", []string{"ａda@example.com"}, false},
		{"emoji", "🚀@example.com", []string{"🚀@example.com"}, false},
		{"empty", "", nil, false},
		{"leading space", " " + email, nil, false},
		{"trailing space", email + " ", nil, false},
		{"control character", "ada\x00@example.com", nil, false},
		{"new line", email + "\n", nil, false},
		{"10 KB", strings.Repeat("a", 10<<10), nil, false},
		{"128 characters", strings.Repeat("é", 128), []string{strings.Repeat("é", 128)}, false},
		{"129 characters", strings.Repeat("é", 129), nil, false},
	}
	for _, tt := range tests {
		for _, event := range []string{"authentication", "forgot_password"} {
			t.Run(tt.name+"/"+event, func(t *testing.T) {
				h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email, sub, "+15551234567",
					"\u212Ada@example.com"), nil)
				in := typed(t, event, tt.typed)
				out, err := h.Invoke(t.Context(), in)
				require.NoError(t, err)
				assert.ElementsMatch(t, tt.asked, names(h.staging.asked))
				assert.Equal(t, tt.imported, string(in) != string(out))
			})
		}
	}
}

// TestAliasIsUnchanged has names that staging does resolve, to a user with another email.
func TestAliasIsUnchanged(t *testing.T) {
	for _, alias := range []string{sub, "+15551234567", "\u212Ada@example.com", "ada"} {
		h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, alias), nil)
		in := typed(t, "authentication", alias)
		out, err := h.Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, string(in), string(out))
		assert.Equal(t, string(EmailMismatch), logged(t, h.log)["reason"])
	}
}

func TestWrongPasswordIsNeverRetried(t *testing.T) {
	mixed := "Ada@Example.com"
	h := newHarness(knows(but(func(u *userpool.User) { u.Attributes["email"] = mixed }),
		userpool.SignInResult{Rejected: userpool.WrongPassword}, nil, mixed, email), nil)
	_, err := h.Invoke(t.Context(), typed(t, "authentication", mixed))
	require.NoError(t, err)
	assert.Equal(t, []string{mixed}, names(h.staging.tried))
	assert.Equal(t, string(userpool.WrongPassword), logged(t, h.log)["reason"])
}

func TestBothCallsRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := knows(ada(), userpool.SignInResult{Sub: sub}, nil, email)
		signIn, get := st.signIn, st.get
		st.signIn = func(ctx context.Context, name string) (userpool.SignInResult, error) {
			time.Sleep(time.Second)
			return signIn(ctx, name)
		}
		st.get = func(ctx context.Context, name string) (userpool.User, error) {
			time.Sleep(time.Second)
			return get(ctx, name)
		}
		began := time.Now()
		_, err := newHarness(st, nil).Invoke(t.Context(), recorded(t, "authentication"))
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestErrorsHaveATypeAndNothingOfTheUser(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{userpool.ErrThrottled, "StagingThrottled"},
		{userpool.ErrUnavailable, "StagingUnavailable"},
		{userpool.ErrAccessDenied, "StagingAccessDenied"},
		{userpool.ErrMisconfigured, "StagingMisconfigured"},
		{errors.New("something else about " + email), "StagingUnavailable"},
	}
	for _, tt := range tests {
		for _, side := range []string{"password check", "read"} {
			t.Run(tt.want+"/"+side, func(t *testing.T) {
				st := knows(ada(), userpool.SignInResult{Sub: sub}, nil, email)
				if side == "read" {
					st.get = func(context.Context, string) (userpool.User, error) { return userpool.User{}, tt.err }
				} else {
					st.signIn = func(context.Context, string) (userpool.SignInResult, error) { return userpool.SignInResult{}, tt.err }
				}
				h := newHarness(st, nil)
				out, err := h.Invoke(t.Context(), recorded(t, "authentication"))
				var named messages.InvokeResponse_Error
				require.ErrorAs(t, err, &named)
				assert.Equal(t, tt.want, named.Type)
				assert.Nil(t, out)
				assert.NotContains(t, named.Message, "ada")
				assert.Empty(t, h.records.Calls(), "no record is written")
			})
		}
	}
}

// TestAnOutageDoesNotOutrankEligibility: an error of the password check does not matter for a user who is not imported
// anyway, and does not tell that the user exists.
func TestAnOutageDoesNotOutrankEligibility(t *testing.T) {
	for name, user := range map[string]userpool.User{
		"disabled":      but(func(u *userpool.User) { u.Enabled = false }),
		"unverified":    but(func(u *userpool.User) { u.Attributes["email_verified"] = "false" }),
		"another email": but(func(u *userpool.User) { u.Attributes["email"] = "bob@example.com" }),
	} {
		for _, outage := range []error{userpool.ErrThrottled, userpool.ErrUnavailable, userpool.ErrMisconfigured} {
			h := newHarness(knows(user, userpool.SignInResult{}, outage, email), nil)
			in := recorded(t, "authentication")
			out, err := h.Invoke(t.Context(), in)
			require.NoError(t, err, name)
			assert.Equal(t, string(in), string(out))
		}
	}
	withMFA := but(func(u *userpool.User) { u.MFA = true })
	h := newHarness(knows(withMFA, userpool.SignInResult{}, userpool.ErrThrottled, email), func(s *settings.Settings) {
		s.MFAUsers = settings.MFARefuse
	})
	in := recorded(t, "authentication")
	out, err := h.Invoke(t.Context(), in)
	require.NoError(t, err, "a second factor that is refused")
	assert.Equal(t, string(in), string(out))
	st := knows(ada(), userpool.SignInResult{}, userpool.ErrThrottled)
	_, err = newHarness(st, nil).Invoke(t.Context(), recorded(t, "authentication"))
	require.NoError(t, err, "an unknown user is unknown, whatever the password check says")
}

// TestTimeDoesNotTellWhoExists awaits both answers, whichever comes first.
func TestTimeDoesNotTellWhoExists(t *testing.T) {
	took := func(typedName string, names ...string) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			st := knows(ada(), userpool.SignInResult{Rejected: userpool.WrongPassword}, nil, names...)
			signIn := st.signIn
			st.signIn = func(ctx context.Context, name string) (userpool.SignInResult, error) {
				time.Sleep(50 * time.Millisecond)
				return signIn(ctx, name)
			}
			began := time.Now()
			_, err := newHarness(st, nil).Invoke(t.Context(), typed(t, "authentication", typedName))
			require.NoError(t, err)
			d = time.Since(began)
		})
		return d
	}
	const capital = "Ada@example.com"
	assert.Equal(t, took(email, email), took(email), "known and unknown")
	assert.Equal(t, took(capital, email, capital), took(capital), "also with a capital, which Cognito folds by default")
}

func TestHungStagingEndsInsideFourSeconds(t *testing.T) {
	for _, event := range []string{"authentication", "forgot_password"} {
		synctest.Test(t, func(t *testing.T) {
			st := knows(ada(), userpool.SignInResult{}, nil, email)
			st.signIn = func(ctx context.Context, _ string) (userpool.SignInResult, error) {
				<-ctx.Done()
				return userpool.SignInResult{}, ctx.Err()
			}
			st.get = func(ctx context.Context, _ string) (userpool.User, error) {
				<-ctx.Done()
				return userpool.User{}, ctx.Err()
			}
			began := time.Now()
			_, err := newHarness(st, nil).Invoke(t.Context(), recorded(t, event))
			var named messages.InvokeResponse_Error
			require.ErrorAs(t, err, &named)
			assert.Equal(t, "StagingUnavailable", named.Type)
			assert.Less(t, time.Since(began), 4*time.Second)
		})
	}
}

func TestRecordIsWrittenBeforeTheAnswer(t *testing.T) {
	h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil)
	h.records.Before = func(string) error { return errors.New("table is gone") }
	out, err := h.Invoke(t.Context(), recorded(t, "authentication"))
	var named messages.InvokeResponse_Error
	require.ErrorAs(t, err, &named)
	assert.Equal(t, "LedgerUnavailable", named.Type)
	assert.Nil(t, out)
}

func TestBoundRecordIsNeverOverwritten(t *testing.T) {
	for _, event := range []string{"authentication", "forgot_password"} {
		bound := ledger.Record{StagingSub: sub, Email: email, State: ledger.Moved, Via: ledger.Sweep, ProductionSub: "p"}
		h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil)
		h.records = ledgertest.New(bound)
		h.Handler.ledger = h.records
		in := recorded(t, event)
		out, err := h.Invoke(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, string(in), string(out))
		assert.Equal(t, string(AlreadyBound), logged(t, h.log)["reason"])
		assert.Equal(t, bound, h.records.Record(sub))
	}
}

func TestUnboundRecordIsOverwritten(t *testing.T) {
	h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil)
	h.records = ledgertest.New(ledger.Record{StagingSub: sub, Email: "before@example.com",
		State: ledger.Imported, Via: ledger.Sweep})
	h.Handler.ledger = h.records
	_, err := h.Invoke(t.Context(), recorded(t, "authentication"))
	require.NoError(t, err)
	assert.Equal(t, email, h.records.Record(sub).Email)
	assert.Equal(t, ledger.SignIn, h.records.Record(sub).Via)
}

// TestNoSecretInLogsOrErrors runs every outcome and looks for what must never be written.
func TestNoSecretInLogsOrErrors(t *testing.T) {
	answers := map[string]*fakeStaging{
		"import":    knows(ada(), userpool.SignInResult{Sub: sub}, nil, email),
		"wrong":     knows(ada(), userpool.SignInResult{Rejected: userpool.WrongPassword}, nil, email),
		"unknown":   knows(ada(), userpool.SignInResult{}, nil),
		"throttled": knows(ada(), userpool.SignInResult{}, userpool.ErrThrottled, email),
		"other email": knows(but(func(u *userpool.User) { u.Attributes["email"] = "bob@example.com" }),
			userpool.SignInResult{Sub: sub}, nil, email),
		"not confirmed": knows(but(func(u *userpool.User) { u.Status = "UNCONFIRMED" }),
			userpool.SignInResult{Sub: sub}, nil, email),
	}
	events := [][]byte{recorded(t, "authentication"), recorded(t, "forgot_password"),
		// The password typed into the name field, and an event that does not parse.
		typed(t, "authentication", password), []byte(`{"request":{"password":["` + password + `"]}}`)}
	for name, st := range answers {
		for _, in := range events {
			h := newHarness(st, nil)
			_, err := h.Invoke(t.Context(), in)
			if err != nil {
				assert.NotContains(t, err.Error(), password)
				assert.NotContains(t, err.Error(), "ada")
			}
			assert.NotContains(t, h.log.String(), password, name)
			assert.NotContains(t, h.log.String(), email, "emails are masked")
			assert.NotContains(t, h.log.String(), "Ada", "attributes are not logged")
			names(st.asked)
			names(st.tried)
		}
	}
}

func TestLogMasksTheEmail(t *testing.T) {
	h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil)
	_, err := h.Invoke(t.Context(), recorded(t, "authentication"))
	require.NoError(t, err)
	line := logged(t, h.log)
	assert.Equal(t, "a***@e***", line["email"])
	assert.Equal(t, sub, line["stagingSub"])
	assert.Equal(t, "sign-in", line["via"])
	assert.Contains(t, line, "durationMs")
}

func FuzzInvoke(f *testing.F) {
	f.Add(recorded(f, "authentication"))
	f.Add(recorded(f, "forgot_password"))
	f.Add([]byte(`{"response":{},"triggerSource":"UserMigration_ForgotPassword","userName":"ADA@example.com"}`))
	f.Add([]byte(`{"response":{"a":1},"response":null,"triggerSource":"UserMigration_ForgotPassword"}`))
	f.Add(recorded(f, "reset_by_sweep"))
	f.Add(recorded(f, "reset_by_user"))
	f.Fuzz(func(t *testing.T, in []byte) {
		h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil)
		sent := bytes.Clone(in)
		out, err := h.Invoke(t.Context(), in)
		require.Equal(t, sent, in, "the event is not written to")
		if err != nil {
			require.Nil(t, out)
			return
		}
		require.True(t, json.Valid(out))
		if h.records.Calls()["Import"] > 0 || bytes.Equal(in, out) {
			return
		}
		// Then it is the reset email, and only the response differs.
		sentEvent, err := parseEvent(in)
		require.NoError(t, err)
		require.Equal(t, sourceResetMessage, sentEvent.source, "unchanged means byte for byte")
		answered, err := parseEvent(out)
		require.NoError(t, err)
		require.Equal(t, in[:sentEvent.responseFrom], out[:answered.responseFrom])
		require.Equal(t, in[sentEvent.responseTo:], out[answered.responseTo:])
	})
}
