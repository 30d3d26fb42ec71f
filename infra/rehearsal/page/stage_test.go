package page

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stage is the page with a fake Cognito and a fake backend, which can give every answer.
type stage struct {
	played
	site   *site
	server *httptest.Server

	mu       sync.Mutex
	fails    map[string]string // an operation, or a path of the page: its error code, or noAnswer
	asked    map[string][]map[string]any
	held     map[string]chan struct{} // an operation: until it is closed
	accounts map[string]account       // by email
	shown    snapshot
}

const (
	noAnswer  = "no answer"
	challenge = "a challenge"
)

func setStage(t *testing.T) *stage {
	s := &stage{
		site: fakeSite(), fails: map[string]string{}, asked: map[string][]map[string]any{}, held: map[string]chan struct{}{},
		accounts: map[string]account{"pen@example.com": penHas, "ben@example.com": benHas},
	}
	cognito := httptest.NewServer(http.HandlerFunc(s.cognito))
	t.Cleanup(cognito.Close)
	s.site.config.Endpoint = cognito.URL
	s.site.config.PasswordPolicy = policy{MinimumLength: 8, Digits: true}
	s.site.config.Users = []scenarioUser{{Name: "Ben", Email: "ben@example.com", Password: "Ben-1"}}
	s.site.account = s.account
	s.site.watched.read = func(context.Context) (snapshot, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return snapshot{
			Ledger: append([]record{}, s.shown.Ledger...), LedgerCount: s.shown.LedgerCount,
			Messages: append([]message{}, s.shown.Messages...), Decisions: []decision{},
		}, nil
	}
	s.server = httptest.NewUnstartedServer(nil)
	guarded := s.site.guarded(s.server.Listener.Addr().String())
	s.server.Config.Handler = http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if s.failure(in.URL.Path) == noAnswer {
			panic(http.ErrAbortHandler)
		}
		guarded.ServeHTTP(out, in)
	})
	s.server.Start()
	t.Cleanup(func() { s.server.CloseClientConnections(); s.server.Close() })
	s.played = played{url: s.server.URL + "/", cloudURL: cognito.URL, axe: readAxe(t), browser: openBrowser(t)}
	return s
}

var (
	penHas = account{Email: "pen@example.com", Name: "Pen", ProductionSub: "pen-in-production", StagingSub: "pen-in-staging", State: "moved",
		Profile: map[string]string{"avatar": "of-pen"}, ProjectCount: 1, Projects: []map[string]string{{"title": "Flight of Pen"}}}
	benHas = account{Email: "ben@example.com", Name: "Ben", ProductionSub: "ben-in-production", StagingSub: "ben-in-staging", State: "moved",
		ProjectCount: 1, Projects: []map[string]string{{"title": "Flight of Ben"}}}
)

func (s *stage) cognito(out http.ResponseWriter, in *http.Request) {
	out.Header().Set("Access-Control-Allow-Origin", "*")
	out.Header().Set("Access-Control-Allow-Headers", "content-type, x-amz-target")
	if in.Method == http.MethodOptions {
		return
	}
	_, operation, _ := strings.Cut(in.Header.Get("X-Amz-Target"), ".")
	var input map[string]any
	_ = json.NewDecoder(in.Body).Decode(&input)
	s.mu.Lock()
	s.asked[operation] = append(s.asked[operation], input)
	held := s.held[operation]
	s.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-in.Context().Done():
		}
	}
	switch code := s.failure(operation); {
	case code == noAnswer:
		panic(http.ErrAbortHandler)
	case code == challenge:
		answer(out, http.StatusOK, map[string]string{"ChallengeName": "NEW_PASSWORD_REQUIRED"})
	case code != "":
		answer(out, http.StatusBadRequest, map[string]string{"__type": code})
	case operation == "InitiateAuth":
		name := input["AuthParameters"].(map[string]any)["USERNAME"].(string)
		answer(out, http.StatusOK, map[string]any{"AuthenticationResult": map[string]string{"AccessToken": name, "RefreshToken": "refresh " + name}})
	default:
		answer(out, http.StatusOK, map[string]string{})
	}
}

func (s *stage) account(_ context.Context, token string) (account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if has, ok := s.accounts[token]; ok {
		return has, nil
	}
	return account{}, errToken
}

func (s *stage) failure(what string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fails[what]
}

// fail lets an operation, or a path, fail from now on; "" ends that.
func (s *stage) fail(what, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails[what] = how
}

// hold blocks an operation until letGo is called.
func (s *stage) hold(operation string) (letGo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held[operation] = held
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.held, operation)
		close(held)
	}
}

func (s *stage) inputs(operation string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked[operation])
}

func (s *stage) owns(email string, has account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[email] = has
}

// isRevoked waits until a user's tokens are revoked.
func (s *stage) isRevoked(t *testing.T, email string) {
	t.Helper()
	assert.Eventually(t, func() bool {
		return slices.ContainsFunc(s.inputs("RevokeToken"), func(input map[string]any) bool { return input["Token"] == "refresh "+email })
	}, patience, patience/1000, "the tokens of %s are revoked", email)
}

// shows replaces what the observer shows.
func (s *stage) shows(p snapshot) {
	s.mu.Lock()
	s.shown = p
	s.mu.Unlock()
	s.site.watched.changes.notify()
}

// TestOnStage plays answers that real functions give rarely or never.
func TestOnStage(t *testing.T) {
	s := setStage(t)
	for _, scene := range []struct {
		name string
		play func(*stage, *visitor)
	}{
		{"the message for each error", explainsEachError},
		{"an unknown user gets the same message", hidesUnknownUsers},
		{"a pasted code", acceptsPastedCode},
		{"a new code can be requested after a wait", holdsResend},
		{"the wait is announced", announcesTheWait},
		{"a late answer", dropsLateAnswer},
		{"sign-in succeeds, the account cannot be read", losesAccount},
		{"the page's settings cannot be read once", readsSettingsAgain},
		{"projects are still copied, and the session ends", endsSession},
		{"two users, one after the other", forgetsTheLastUser},
		{"going back", forgetsCode},
		{"very long words", breaksLongWords},
		{"emails", readsEmails},
		{"a hidden tab", restsWhileHidden},
		{"a long ledger", countsTheRest},
	} {
		t.Run(scene.name, func(t *testing.T) {
			s.mu.Lock()
			clear(s.fails)
			clear(s.asked)
			s.mu.Unlock()
			v := s.visit(t, sizes[0])
			v.opens()
			scene.play(s, v)
		})
	}
	t.Run("connection lost and restored", func(t *testing.T) { losesConnection(s, s.visit(t, sizes[0])) })
}

const (
	ourSide    = "Something went wrong on our side. Please try again in a moment."
	moving     = "We are moving to a new system, which is busy just now. Please try again in a moment."
	tooOften   = "There were too many attempts. Wait a while, up to an hour, and try again."
	notReached = "Spaceport cannot be reached just now. Check your connection and try again."
	notSent    = "The email with your code could not be sent. Please try again in a moment."
	wrongPair  = "Email and password do not match. Check both and try again, or choose “Forgot your password?” to set " +
		"a new one. We have moved to a new system, so you may have to set a new password once."
	wrongCode = "That code is wrong or has expired. Enter the code from our newest email, or choose “Send a new code”."
)

func explainsEachError(s *stage, v *visitor) {
	for _, c := range []struct {
		form, code, says string
		about            string // the field that is marked
	}{
		{"sign-in", "NotAuthorizedException", wrongPair, "sign-in-password"},
		{"sign-in", "UserNotFoundException", wrongPair, "sign-in-password"},
		{"sign-in", "UserNotConfirmedException", wrongPair, "sign-in-password"},
		{"sign-in", "UserLambdaValidationException", moving, ""},
		{"sign-in", "UnexpectedLambdaException", moving, ""},
		{"sign-in", "InvalidLambdaResponseException", moving, ""},
		{"sign-in", "LimitExceededException", tooOften, ""},
		{"sign-in", "TooManyFailedAttemptsException", tooOften, ""},
		{"sign-in", "TooManyRequestsException", "Many users are signing in just now. Please try again in a moment.", ""},
		{"sign-in", "InvalidParameterException", "Something that you entered cannot be used. Check it and try again.", ""},
		{"sign-in", "InternalErrorException", ourSide, ""},
		{"sign-in", noAnswer, notReached, ""},
		{"forgot", "CodeDeliveryFailureException", notSent, ""},
		{"forgot", "UserLambdaValidationException", moving, ""},
		{"forgot", "LimitExceededException", tooOften, ""},
		{"forgot", noAnswer, notReached, ""},
		{"reset", "CodeMismatchException", wrongCode, "reset-code"},
		{"reset", "ExpiredCodeException", wrongCode, "reset-code"},
		{"reset", "UserNotFoundException", wrongCode, "reset-code"},
		{"reset", "NotAuthorizedException", wrongCode, "reset-code"},
		{"reset", "InvalidPasswordException", "That password does not meet the rules. Choose another one.", "reset-password"},
		{"reset", "PasswordHistoryPolicyViolationException", "You have used that password before. Choose another one.", "reset-password"},
		{"reset", "LimitExceededException", tooOften, ""},
		{"reset", "TooManyFailedAttemptsException", tooOften, ""},
		{"reset", noAnswer, notReached, ""},
	} {
		operation := map[string]string{"sign-in": "InitiateAuth", "forgot": "ForgotPassword", "reset": "ConfirmForgotPassword"}[c.form]
		s.fail(operation, c.code)
		v.opens()
		v.sends(c.form)
		assert.Equal(v.t, c.says, v.isToldOf(), "%s, %s", c.form, c.code)
		invalid := look[string](v, `[...document.querySelectorAll("[aria-invalid=true]")].map((e) => e.id).join()`)
		assert.Equal(v.t, c.about, invalid, "%s, %s", c.form, c.code)
		assert.Equal(v.t, c.says == wrongPair, v.counts("#error button") == 1, "%s, %s: a next step", c.form, c.code)
		focus := "#" + c.about
		if c.about == "" {
			focus = "#" + c.form + " [type=submit]"
		}
		assert.True(v.t, v.holds("document.activeElement.matches("+quoted(focus)+")"),
			"%s, %s: the focus is where the user continues", c.form, c.code)
		if c.about != "" {
			v.types("#"+c.about, "x")
			assert.Zero(v.t, v.counts("[aria-invalid]"), "%s, %s: until it is changed", c.form, c.code)
		}
		s.fail(operation, "")
	}
	s.fail("InitiateAuth", challenge)
	v.opens()
	v.sends("sign-in")
	assert.Equal(v.t, "Your password is correct, but your account needs another step that this page does not support. "+
		"Please contact support.", v.isToldOf())
}

// sends fills in a form as Pen does, and sends it.
func (v *visitor) sends(form string) {
	v.t.Helper()
	switch form {
	case "sign-in":
		v.signsInAs("pen@example.com", "Pen-1234")
	case "forgot":
		v.clicks("#to-forgot")
		v.types("#forgot-email", "pen@example.com")
		v.clicks("#forgot [type=submit]")
	case "reset":
		v.hasACode("123456")
		v.clicks("#reset [type=submit]")
	}
}

// hasACode goes to the form for it and fills it in.
func (v *visitor) hasACode(code string) {
	v.t.Helper()
	v.clicks("#to-forgot")
	v.types("#forgot-email", "pen@example.com")
	v.clicks("#have-code")
	v.types("#reset-code", code)
	v.types("#reset-password", "Pen-12345")
}

// isToldOf is the error, without the button below it.
func (v *visitor) isToldOf() string {
	v.t.Helper()
	v.isTold("error")
	return look[string](v, `document.getElementById("error").firstChild.textContent`)
}

func hidesUnknownUsers(s *stage, v *visitor) {
	for _, code := range []string{"", "UserNotFoundException", "NotAuthorizedException", "InvalidParameterException"} {
		s.fail("ForgotPassword", code)
		v.opens()
		v.sends("forgot")
		v.sees("#reset")
		assert.Equal(v.t, "We sent a code to p***@e***, if that address has an account.", v.isTold("news"), code)
	}
}

func acceptsPastedCode(s *stage, v *visitor) {
	v.hasACode(" 123 456 ")
	v.clicks("#reset [type=submit]")
	v.sees("#account")
	sent := s.inputs("ConfirmForgotPassword")
	require.Len(v.t, sent, 1)
	assert.Equal(v.t, "123456", sent[0]["ConfirmationCode"])
}

func holdsResend(s *stage, v *visitor) {
	v.hurries()
	v.clicks("#to-forgot")
	v.types("#forgot-email", "pen@example.com")
	look[int](v, `(() => { const watch = new MutationObserver(() => { window.held ||= document.getElementById("resend").disabled });
		watch.observe(document.getElementById("resend"), { attributes: true }); return 1 })()`)
	v.clicks("#forgot [type=submit]")
	v.sees("#reset")
	v.waits("be held back", "window.held")
	v.waits("be let go", `!document.getElementById("resend").disabled`)
	assert.Equal(v.t, "Send a new code", v.reads("#resend"))

	s.fail("ForgotPassword", "LimitExceededException")
	v.clicks("#resend")
	assert.Equal(v.t, tooOften, v.isToldOf())
	assert.True(v.t, v.holds(`document.activeElement.id === "resend"`), "to try again")
	s.fail("ForgotPassword", "")
	v.clicks("#resend")
	assert.Equal(v.t, "We sent a new code to p***@e***, if that address has an account.", v.isTold("news"))
}

func announcesTheWait(s *stage, v *visitor) {
	letGo := s.hold("InitiateAuth")
	v.types("#sign-in-email", "pen@example.com")
	v.types("#sign-in-password", "Pen-1234")
	v.tabsTo("#sign-in [type=submit]")
	v.presses("\r")
	v.waits("hear it", `document.getElementById("announcer").textContent === "Signing in …"`)
	v.sees(`#sign-in[aria-busy="true"] [type=submit][aria-disabled="true"]`)
	assert.True(v.t, v.holds(`document.activeElement.matches("#sign-in [type=submit]")`), "the focus does not move")
	v.presses("\r")
	v.clicks("#sign-in [type=submit]")
	letGo()
	v.sees("#account")
	v.waits("hear no more of it", `document.getElementById("announcer").textContent === ""`)
	assert.Len(v.t, s.inputs("InitiateAuth"), 1, "sent once")
}

func dropsLateAnswer(s *stage, v *visitor) {
	for _, code := range []string{"NotAuthorizedException", ""} {
		letGo := s.hold("InitiateAuth")
		s.fail("InitiateAuth", code)
		v.opens()
		v.sends("sign-in")
		v.sees(`#sign-in[aria-busy="true"]`)
		v.clicks(`#users li[data-email="ben@example.com"] button`)
		letGo()
		v.hasAnswer()
		assert.True(v.t, v.holds(`document.getElementById("sign-in").checkVisibility()`), "Pen is not signed in as Ben")
		assert.Equal(v.t, "Ben-1", look[string](v, `document.getElementById("sign-in-password").value`))
		assert.Empty(v.t, look[string](v, `document.getElementById("error").textContent`), "the error is not about Ben")
	}
	s.isRevoked(v.t, "pen@example.com")
}

func losesAccount(s *stage, v *visitor) {
	s.fail("/account", noAnswer)
	v.sends("sign-in")
	assert.Equal(v.t, notReached, v.isToldOf())
	s.isRevoked(v.t, "pen@example.com")
}

func readsSettingsAgain(s *stage, v *visitor) {
	s.fail("/rehearsal.json", noAnswer)
	v.opens()
	v.sends("sign-in")
	assert.Equal(v.t, notReached, v.isToldOf())
	s.fail("/rehearsal.json", "")
	v.clicks("#sign-in [type=submit]")
	v.sees("#account")
}

func endsSession(s *stage, v *visitor) {
	moving := penHas
	moving.State = "moving"
	s.owns("pen@example.com", moving)
	defer s.owns("pen@example.com", penHas)
	v.sends("sign-in")
	v.readsThat("#account-state", "moving")
	moving.Projects = []map[string]string{{"title": "Another flight"}}
	s.owns("pen@example.com", moving)
	v.readsThat("#projects .title", "Another flight") // as many as before

	s.mu.Lock()
	delete(s.accounts, "pen@example.com")
	s.mu.Unlock()
	v.sees("#sign-in")
	assert.Equal(v.t, "Your session has ended. Please sign in again.", v.isToldOf())
	v.hasForgotten(moving)
}

func forgetsTheLastUser(s *stage, v *visitor) {
	for _, who := range []account{penHas, benHas} {
		v.signsInAs(who.Email, "any")
		v.sees("#account")
		assert.Equal(v.t, who.Email, v.reads("#account-email"))
		assert.Equal(v.t, who.Projects[0]["title"], v.reads("#projects .title"))
		v.clicks("#sign-out")
		v.sees("#sign-in")
		v.hasForgotten(who)
		s.isRevoked(v.t, who.Email)
	}
}

func (v *visitor) hasForgotten(who account) {
	v.t.Helper()
	left := look[string](v, `document.getElementById("app").outerHTML + [...document.querySelectorAll("#app input")].map((e) => e.value)`)
	for _, trace := range []string{who.Email, who.ProductionSub, who.StagingSub, who.Projects[0]["title"], "of-pen", "Welcome, " + who.Name} {
		assert.NotContains(v.t, left, trace)
	}
}

func forgetsCode(_ *stage, v *visitor) {
	v.hasACode("123456")
	v.does("go elsewhere and back", chromedp.Navigate(v.url+"icon.svg"), chromedp.NavigateBack())
	v.sees(`#connection[data-state="live"]`)
	assert.Empty(v.t, look[string](v, `document.getElementById("reset-code").value + document.getElementById("reset-password").value`))
}

func breaksLongWords(s *stage, v *visitor) {
	has := penHas
	has.Name = strings.Repeat("n", 500)
	has.Projects = []map[string]string{{"title": strings.Repeat("x", 500), "file": strings.Repeat("y", 500), "progress": "100"}}
	has.Profile = map[string]string{strings.Repeat("k", 500): strings.Repeat("v", 500)}
	s.owns("pen@example.com", has)
	defer s.owns("pen@example.com", penHas)
	v.sends("sign-in")
	v.sees("#projects li")
	v.fits("account with long words")
	assert.LessOrEqual(v.t, look[int](v, `document.querySelector(".app").scrollWidth - document.querySelector(".app").clientWidth`), 0, "nor inside the app")
}

func readsEmails(s *stage, v *visitor) {
	s.shows(snapshot{Messages: []message{{To: "pen@example.com", Code: "123456", Body: `<!doctype html><html><head>
		<title>Email</title><style>p { color: red }</style><script>console.error("ran")</script></head>
		<body style="margin:0" onload="console.error('ran')"><!-- <p>unread</p> -->
		<h1 title="a > b">Hi &lt;Pen&gt;,</h1>


		<p style="color:red" onclick="console.error('ran')">your code
		is <b>123456</b>.</p><img src="http://127.0.0.1:1/" onerror="console.error('ran')">
		<ul><li>Go to <a href="https://spaceport.example/reset?a=1&amp;b=2">https://spaceport.example/reset?a=1&amp;b=2</a> now</li>
		<li>Two &amp; three</li></ul>
		<p>Best regards,<br/>The Spaceport Team</p></body></html>`}}})
	defer s.shows(snapshot{})
	assert.Equal(v.t, "Hi <Pen>,\nyour code is 123456.\nGo to https://spaceport.example/reset?a=1&b=2 now\nTwo & three\n"+
		"Best regards,\nThe Spaceport Team", v.reads("#mailbox .body"))
	assert.Empty(v.t, v.trouble.all(), "the console")
}

func restsWhileHidden(s *stage, v *visitor) {
	becomes := func(hidden bool) {
		look[int](v, `(Object.defineProperty(document, "hidden", { configurable: true, value: `+map[bool]string{true: "true", false: "false"}[hidden]+` }),
			document.dispatchEvent(new Event("visibilitychange")), 1)`)
	}
	becomes(true)
	v.sees(`#connection[data-state="resting"]`)
	s.shows(snapshot{Messages: []message{{To: "pen@example.com", Body: "Hi"}}})
	defer s.shows(snapshot{})
	becomes(false)
	v.sees(`#connection[data-state="live"]`)
	assert.Equal(v.t, "Hi", v.reads("#mailbox .body"))
}

func countsTheRest(s *stage, v *visitor) {
	assert.False(v.t, v.holds(`document.getElementById("ledger-more").checkVisibility()`))
	s.shows(snapshot{Ledger: []record{{StagingSub: "s", Email: "pen@example.com"}}, LedgerCount: 5000})
	defer s.shows(snapshot{})
	v.readsThat("#ledger-more", "and 4999 more")
}

func losesConnection(s *stage, v *visitor) {
	v.opens()
	s.fail("/events", noAnswer)
	s.server.CloseClientConnections()
	v.sees(`#connection[data-state="lost"]`)
	assert.Equal(v.t, "The rehearsal has ended, or cannot be reached. If you start it again, open the address that it prints.", v.reads("#connection"))
	s.fail("/events", "")
	v.sees(`#connection[data-state="live"]`)
	assert.Equal(v.t, "Live", v.reads("#connection"))
}
