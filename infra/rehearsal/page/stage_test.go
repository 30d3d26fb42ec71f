package page

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
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
	noAnswer  = "no-answer"
	challenge = "challenge"
)

func setStage(t *testing.T) *stage {
	s := &stage{
		site: fakeSite(), fails: map[string]string{}, asked: map[string][]map[string]any{}, held: map[string]chan struct{}{},
		accounts: map[string]account{"pen@example.com": penHas, "ben@example.com": benHas},
	}
	cognito := httptest.NewServer(http.HandlerFunc(s.cognito))
	t.Cleanup(cognito.Close)
	s.site.config.Endpoint = cognito.URL
	s.site.config.PasswordPolicy = &types.PasswordPolicyType{MinimumLength: aws.Int32(8), RequireNumbers: true}
	s.site.config.Users = []journeys.ScenarioUser{journeys.Ben}
	s.site.account = s.account
	s.site.watched.read = func(context.Context) (snapshot, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return snapshot{
			Ledger: append([]record{}, s.shown.Ledger...), LedgerCount: s.shown.LedgerCount,
			Messages: append([]cloud.Message{}, s.shown.Messages...), Decisions: append([]decision{}, s.shown.Decisions...),
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
	penHas = account{Email: "pen@example.com", Name: "Pen", ProductionSub: "pen-in-production",
		StagingSub: "pen-in-staging", State: "moved",
		Profile: map[string]any{"name": "Pen", "avatar": "s3://files/pen-in-staging/of-pen.png"}, ProjectCount: 1,
		Projects: []project{{Title: "Flight of Pen", File: "s3://files/pen-in-staging/1.zip"}}}
	benHas = account{Email: "ben@example.com", Name: "Ben", ProductionSub: "ben-in-production",
		StagingSub: "ben-in-staging", State: "moved",
		ProjectCount: 1, Projects: []project{{Title: "Flight of Ben"}}}
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
		answer(out, http.StatusOK,
			map[string]any{"AuthenticationResult": map[string]string{"AccessToken": name, "RefreshToken": "refresh " + name}})
	default:
		answer(out, http.StatusOK, map[string]string{})
	}
}

func (s *stage) account(_ context.Context, token string) (account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[token].Email == "" {
		return account{}, errToken
	}
	return s.accounts[token], nil
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
		return slices.ContainsFunc(s.inputs("RevokeToken"),
			func(input map[string]any) bool { return input["Token"] == "refresh "+email })
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
		{"a code from an earlier email", hasCode},
		{"no mouse", hasNoMouse},
		{"a forced reset", mustReset},
		{"a new code can be requested after a wait", holdsResend},
		{"the wait is announced", announcesTheWait},
		{"a late answer", dropsLateAnswer},
		{"account or settings cannot be read once", readsAgain},
		{"projects are still copied", copiesProjects},
		{"two users, one after the other", forgetsTheLastUser},
		{"going back", forgetsCode},
		{"very long words", breaksLongWords},
		{"emails", readsEmails},
		{"a hidden tab", restsWhileHidden},
		{"long lists", showsLists},
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
	moving    = "Our new system is busy just now. Please try again in a moment."
	tooOften  = "There were too many attempts. Wait up to an hour and try again."
	noAccess  = "Spaceport cannot be reached. Check your connection and try again."
	wrongPair = "Email and password do not match."
	wrongCode = "That code is wrong or has expired. Use the code from our newest email."
)

func explainsEachError(s *stage, v *visitor) {
	for _, c := range []struct {
		form, says string
		about      string // the field that is marked
		codes      string
	}{
		{"sign-in", wrongPair, "sign-in-password",
			"NotAuthorizedException UserNotFoundException UserNotConfirmedException"},
		{"sign-in", moving, "",
			"UserLambdaValidationException UnexpectedLambdaException InvalidLambdaResponseException"},
		{"sign-in", tooOften, "", "LimitExceededException TooManyFailedAttemptsException"},
		{"sign-in", "Many users are signing in just now. Please try again in a moment.", "", "TooManyRequestsException"},
		{"sign-in", "Something that you entered cannot be used. Check it and try again.", "", "InvalidParameterException"},
		{"sign-in", "Something went wrong on our side. Please try again in a moment.", "", "InternalErrorException"},
		{"sign-in", "Your account needs another step. Please contact support.", "", challenge},
		{"sign-in", noAccess, "", noAnswer},
		{"forgot", "Your code could not be sent. Please try again in a moment.", "", "CodeDeliveryFailureException"},
		{"forgot", noAccess, "", noAnswer},
		{"reset", wrongCode, "reset-code",
			"CodeMismatchException ExpiredCodeException UserNotFoundException NotAuthorizedException"},
		{"reset", "That password does not meet the rules. Choose another one.", "reset-password", "InvalidPasswordException"},
		{"reset", "You have used that password before. Choose another one.", "reset-password",
			"PasswordHistoryPolicyViolationException"},
		{"reset", noAccess, "", noAnswer},
	} {
		for _, code := range strings.Fields(c.codes) {
			s.explains(v, c.form, code, c.says, c.about)
		}
	}
}

// explains an error: where the user reads of it, what is marked, and where they continue.
func (s *stage) explains(v *visitor, form, code, says, about string) {
	v.t.Helper()
	operation := map[string]string{"sign-in": "InitiateAuth", "forgot": "ForgotPassword",
		"reset": "ConfirmForgotPassword"}[form]
	s.fail(operation, code)
	defer s.fail(operation, "")
	v.opens()
	v.fills(form)
	before := v.places()
	v.clicks("#" + form + " [type=submit]")
	assert.Equal(v.t, says, v.isToldOf(), "%s, %s", form, code)
	assert.Equal(v.t, before, v.places(), "%s, %s: nothing has moved", form, code)
	invalid := look[string](v, `[...document.querySelectorAll("[aria-invalid=true]")].map((e) => e.id).join()`)
	assert.Equal(v.t, about, invalid, "%s, %s", form, code)
	assert.Equal(v.t, says == wrongPair, v.counts("#error button") == 1, "%s, %s: a next step", form, code)
	focus := "#" + cmp.Or(about, form+" [type=submit]")
	v.isAt(focus)
	if about != "" {
		v.types("#"+about, "x")
		assert.Zero(v.t, v.counts("[aria-invalid]"), "%s, %s: until it is changed", form, code)
	}
}

// places are those of all that is shown of the app, and of what follows, on the page: the screen may have scrolled.
func (v *visitor) places() []string {
	v.t.Helper()
	v.waits("have the users", `document.querySelector("#users li")`) // their list grows
	return look[[]string](v, `[...document.querySelectorAll("#app :is(h1, label, input, button, li), #users-panel, `+
		`.behind")]
		.filter((e) => e.checkVisibility() && !e.closest("#error")).map((e) => {
			const r = e.getBoundingClientRect();
			return [e.id || e.className || e.textContent, r.x, r.y + scrollY, r.width].join(" ");
		})`)
}

// sends fills in a form as Pen does, and sends it.
func (v *visitor) sends(form string) {
	v.t.Helper()
	v.fills(form)
	v.clicks("#" + form + " [type=submit]")
}

func (v *visitor) fills(form string) {
	v.t.Helper()
	switch form {
	case "sign-in":
		v.types("#sign-in-email", "pen@example.com")
		v.types("#sign-in-password", "Pen-1234")
	case "forgot":
		v.clicks("#to-forgot")
		v.types("#forgot-email", "pen@example.com")
	case "reset":
		v.clicks("#to-reset")
		v.types("#reset-email", "pen@example.com")
		v.types("#reset-code", " 123 456 ")
		v.types("#reset-password", "Pen-12345")
	}
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

// hasCode plays each way to the form for a code from an email. None requests another one.
func hasCode(s *stage, v *visitor) {
	for name, goes := range map[string]func(){
		"sign-in":            func() { v.types("#sign-in-email", "pen@example.com"); v.clicks("#to-reset") },
		"forgot password":    func() { v.fills("forgot"); v.clicks("#have-code") },
		"link":               func() { v.does("go", chromedp.Navigate("about:blank"), chromedp.Navigate(v.url+"#code")) },
		"link, in this page": func() { v.does("go", chromedp.Navigate(v.url+"#code")) },
	} {
		v.opens()
		goes()
		v.sees("#reset")
		assert.Equal(v.t, v.url, look[string](v, "location.href"), name)
		if strings.HasPrefix(name, "link") {
			v.isAt("#reset-email")
			v.presses("pen@example.com")
		} else {
			v.isAt("#reset-code") // the email is filled in
		}
		v.types("#reset-code", " 123 456 ")
		v.types("#reset-password", "Pen-12345")
		v.clicks("#reset [type=submit]")
		v.sees("#account")
	}
	want := map[string]any{
		"Username": "pen@example.com", "ConfirmationCode": "123456", "Password": "Pen-12345", "ClientId": "",
	}
	assert.Equal(v.t, []map[string]any{want, want, want, want}, s.inputs("ConfirmForgotPassword"))
	assert.Empty(v.t, s.inputs("ForgotPassword"))

	v.does("go while signed in", chromedp.Navigate(v.url+"#code"))
	v.sees("#reset")
	s.isRevoked(v.t, "pen@example.com")
}

// hasNoMouse plays sign-in, sign-out and the form for a code by keyboard.
func hasNoMouse(s *stage, v *visitor) {
	v.tabsTo("#sign-in-email")
	v.presses("pen@example.com")
	v.tabsTo("#sign-in-password")
	s.fail("InitiateAuth", "NotAuthorizedException")
	v.presses("a slip" + kb.Enter)
	v.isTold("error")
	v.isAt("#sign-in-password")
	s.fail("InitiateAuth", "")
	v.presses("Pen-1234" + kb.Enter) // the field was cleared
	v.sees("#account")
	v.isAt("#title")
	v.tabsTo("#sign-out")
	v.presses(kb.Enter)
	v.sees("#sign-in")
	v.tabsTo("#to-forgot")
	v.presses(" ")
	v.isAt("#forgot-email")
	v.tabsTo("#have-code")
	v.presses(" ")
	v.isAt("#reset-email")
	v.presses("pen@example.com" + kb.Tab + "123456" + kb.Tab + "Pen-12345" + kb.Enter)
	v.sees("#account")
}

// mustReset plays both of Cognito's answers to a forced reset.
func mustReset(s *stage, v *visitor) {
	s.fail("InitiateAuth", "PasswordResetRequiredException")
	v.sends("sign-in")
	v.sees("#reset")
	assert.Contains(v.t, v.isTold("news"), "Set a new password once.")
	assert.Empty(v.t, s.inputs("ForgotPassword"), "the code of a sweep's email stays valid")
	v.clicks("#resend")
	assert.Equal(v.t, "We sent a code to p***@e***, if that address has an account.", v.isTold("news"))

	s.fail("InitiateAuth", "NotAuthorizedException")
	v.opens()
	v.sends("sign-in")
	v.isTold("error")
	v.clicks("#error button")
	v.sees("#forgot")
	assert.Equal(v.t, "pen@example.com", v.value("forgot-email"), "it is filled in")
	v.clicks("#forgot [type=submit]")
	v.sees("#reset")
	assert.Len(v.t, s.inputs("ForgotPassword"), 2)
}

func holdsResend(s *stage, v *visitor) {
	// it hurries
	look[int](v, `(() => { const usual = setInterval; setInterval = (f, ms) => usual(f, ms / 100); return 1 })()`)
	v.fills("forgot")
	look[int](v, `(() => { const watch = new MutationObserver(() => { window.held ||= `+
		`document.getElementById("resend").disabled });
		watch.observe(document.getElementById("resend"), { attributes: true }); return 1 })()`)
	v.clicks("#forgot [type=submit]")
	v.sees("#reset")
	v.waits("be held back", "window.held")
	v.waits("be let go", `!document.getElementById("resend").disabled`)
	assert.Equal(v.t, "Send a new code", v.reads("#resend"))

	s.fail("ForgotPassword", "LimitExceededException")
	v.clicks("#resend")
	assert.Equal(v.t, tooOften, v.isToldOf())
	v.isAt("#resend") // to try again
	s.fail("ForgotPassword", "")
	v.clicks("#resend")
	assert.Equal(v.t, "We sent a code to p***@e***, if that address has an account.", v.isTold("news"))
}

func announcesTheWait(s *stage, v *visitor) {
	letGo := s.hold("InitiateAuth")
	v.types("#sign-in-email", "pen@example.com")
	v.types("#sign-in-password", "Pen-1234")
	v.tabsTo("#sign-in [type=submit]")
	v.presses("\r")
	v.waits("hear it", `document.getElementById("announcer").textContent === "Signing in …"`)
	v.sees(`#sign-in[aria-busy="true"] [type=submit][aria-disabled="true"]`)
	v.isAt("#sign-in [type=submit]")
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
		assert.Equal(v.t, journeys.Ben.Password, v.value("sign-in-password"))
		assert.Empty(v.t, look[string](v, `document.getElementById("error").textContent`), "the error is not about Ben")
	}
	assert.Len(v.t, s.inputs("InitiateAuth"), 2, "Ben is filled in and not sent")
	s.isRevoked(v.t, "pen@example.com")
}

func readsAgain(s *stage, v *visitor) {
	for _, path := range []string{"/rehearsal.json", "/account"} {
		s.fail(path, noAnswer)
		v.opens()
		v.sends("sign-in")
		assert.Equal(v.t, noAccess, v.isToldOf(), path)
		s.fail(path, "")
		v.clicks("#sign-in [type=submit]")
		v.sees("#account")
	}
	s.isRevoked(v.t, "pen@example.com") // the tokens of the sign-in whose account could not be read
}

// copiesProjects has a session that ends during a move, then one during which the move ends.
func copiesProjects(s *stage, v *visitor) {
	moving := penHas
	moving.State = "moving"
	defer s.owns("pen@example.com", penHas)
	for _, completes := range []bool{false, true} {
		s.owns("pen@example.com", moving)
		v.opens()
		v.sends("sign-in")
		v.readsThat("#intro", "We are still copying your projects")
		another := moving
		another.Projects = []project{{Title: "Another flight"}}
		s.owns("pen@example.com", another)
		v.readsThat("#projects .title", "Another flight") // as many as before
		if completes {
			v.isSound("account-moving")
			s.owns("pen@example.com", penHas)
			assert.Equal(v.t, "All your projects are here.", v.isTold("news"))
			continue
		}
		s.owns("pen@example.com", account{})
		v.sees("#sign-in")
		assert.Equal(v.t, "Your session has ended. Please sign in again.", v.isToldOf())
		v.hasForgotten(another)
	}
}

func forgetsTheLastUser(s *stage, v *visitor) {
	for _, who := range []account{penHas, benHas} {
		v.signsInAs(who.Email, "any")
		v.sees("#account")
		assert.Equal(v.t, who.Email, v.reads("#account-email"))
		assert.Equal(v.t, who.Projects[0].Title, v.reads("#projects .title"))
		v.clicks("#sign-out")
		v.sees("#sign-in")
		v.hasForgotten(who)
		s.isRevoked(v.t, who.Email)
	}
}

func (v *visitor) hasForgotten(who account) {
	v.t.Helper()
	left := look[string](v, `["app", "stored"].map((id) => document.getElementById(id).outerHTML).join() +
		[...document.querySelectorAll("#app input")].map((e) => e.value)`)
	for _, trace := range []string{who.Email, who.ProductionSub, who.StagingSub, who.Projects[0].Title, "of-pen",
		"Welcome, " + who.Name} {
		assert.NotContains(v.t, left, trace)
	}
}

func forgetsCode(_ *stage, v *visitor) {
	v.fills("reset")
	v.does("go elsewhere and back", chromedp.Navigate(v.url+"icon.svg"), chromedp.NavigateBack())
	v.sees(`#connection[data-state="live"]`)
	assert.Empty(v.t, v.value("reset-code")+v.value("reset-password"))
}

func breaksLongWords(s *stage, v *visitor) {
	has := penHas
	has.Name = strings.Repeat("n", 500)
	has.Projects = []project{{Title: strings.Repeat("x", 500), File: strings.Repeat("y", 500)}}
	has.Profile = map[string]any{"name": strings.Repeat("k", 500), strings.Repeat("k", 500): strings.Repeat("v", 500)}
	s.owns("pen@example.com", has)
	defer s.owns("pen@example.com", penHas)
	v.sends("sign-in")
	v.sees("#projects li")
	v.fits("account with long words")
	assert.LessOrEqual(v.t, look[int](v,
		`document.querySelector(".app").scrollWidth - document.querySelector(".app").clientWidth`), 0, "nor inside the app")
}

func readsEmails(s *stage, v *visitor) {
	s.shows(snapshot{Messages: []cloud.Message{{To: "pen@example.com", Code: "123456", Body: `<!doctype html><html><head>
		<title>Email</title><style>p { color: red }</style><script>console.error("ran")</script></head>
		<body style="margin:0" onload="console.error('ran')"><!-- <p>unread</p> -->
		<h1 title="a > b">Hi &lt;Pen&gt;,</h1>


		<p style="color:red" onclick="console.error('ran')">your code
		is <b>123456</b>.</p><img src="http://127.0.0.1:1/" onerror="console.error('ran')">
		<ul><li>Go to <a href="https://spaceport.example/reset?a=1&amp;b=2">` +
		`https://spaceport.example/reset?a=1&amp;b=2</a> now</li>
		<li>Two &amp; three</li></ul>
		<p>Best regards,<br/>The Spaceport Team</p></body></html>`}}})
	defer s.shows(snapshot{})
	assert.Equal(v.t,
		"Hi <Pen>,\nyour code is 123456.\n• Go to https://spaceport.example/reset?a=1&b=2 now\n• Two & three\n"+
			"Best regards,\nThe Spaceport Team", v.reads("#mailbox .body"))
	assert.Empty(v.t, v.trouble.all(), "the console")
}

func restsWhileHidden(s *stage, v *visitor) {
	becomes := func(hidden bool) {
		look[int](v, `(Object.defineProperty(document, "hidden", { configurable: true, value: `+
			``+map[bool]string{true: "true", false: "false"}[hidden]+` }),
			document.dispatchEvent(new Event("visibilitychange")), 1)`)
	}
	becomes(true)
	v.sees(`#connection[data-state="resting"]`)
	s.shows(snapshot{Messages: []cloud.Message{{To: "pen@example.com", Body: "Hi"}}})
	defer s.shows(snapshot{})
	becomes(false)
	v.sees(`#connection[data-state="live"]`)
	assert.Equal(v.t, "Hi", v.reads("#mailbox .body"))
}

// showsLists has more of everything than the screen has room for.
func showsLists(s *stage, v *visitor) {
	long := strings.Repeat("long-name.", 10) + "@example.com"
	lists := snapshot{LedgerCount: 5000}
	for i := range 30 {
		email := []string{journeys.Ben.Email, "user@desktop.example", long}[i%3]
		decided := decision{
			Time: time.Unix(int64(i), 0), Email: email, Function: "trigger", Source: "UserMigration_Authentication",
			Decision: []string{"import", "unchanged", "continued"}[i%3],
		}
		lists.Ledger = append(lists.Ledger, record{StagingSub: fmt.Sprint(i), Email: email, State: "moved", Via: "sign-in"})
		lists.Messages = append(lists.Messages, cloud.Message{To: email, Subject: "Your code", Code: fmt.Sprint(1000 + i)})
		lists.Decisions = append(lists.Decisions, decided)
	}
	lists.Decisions = append(lists.Decisions, decision{Decision: "unchanged", Reason: "unknown-user"})
	assert.False(v.t, v.holds(`document.getElementById("ledger-more").checkVisibility()`))
	s.shows(lists)
	defer s.shows(snapshot{})
	v.readsThat("#ledger-more", "and 4970 more")
	v.readsThat("#ledger-title", "5000")
	v.readsThat("#mailbox-title", "30")
	v.isSound("lists")

	for _, screen := range sizes {
		v.resizes(screen)
		broken := look[[]string](v, `[...document.querySelectorAll(".panel .email")].filter((e) => {
			const text = document.createRange();
			text.selectNodeContents(e);
			return new Set([...text.getClientRects()].map((r) => r.top)).size > 1 ||
				e.textContent.includes("@") && e.title !== e.textContent;
		}).map((e) => e.textContent)`)
		assert.Empty(v.t, broken, "%s: an email is in one line, and its title has all of it", screen.name)
		for _, list := range []string{"mailbox", "ledger", "decisions"} {
			cue := look[[]bool](v, `[document.querySelector("#`+list+`-panel .scroll")].flatMap((box) => [
				box.scrollHeight > box.clientHeight, getComputedStyle(box, "::after").position === "sticky",
				box.offsetWidth > box.clientWidth])`)
			assert.Equal(v.t, []bool{true, true, !screen.phone}, cue, "%s: %s has a fade, and a scrollbar", screen.name, list)
		}
	}
	assert.LessOrEqual(v.t, look[int64](v, "document.documentElement.scrollHeight"), sizes[1].height,
		"the page does not scroll")

	for _, shown := range []string{`getComputedStyle(e).color`, `getComputedStyle(e, "::before").content`} {
		kinds := look[map[string]string](v, `Object.fromEntries([...document.querySelectorAll("#decisions .state")]
			.map((e) => [`+shown+`, e.closest("li").dataset.result]))`)
		assert.Len(v.t, kinds, 3, "each result has its own color, and its own sign: %v", kinds)
	}

	look[bool](v, `document.querySelector("#users .email").dispatchEvent(new PointerEvent("pointerover", { `+
		`bubbles: true }))`)
	assert.Equal(v.t, []int{1, 10, 10, 10}, look[[]int](v, `["users", "mailbox", "ledger", "decisions"].map((list) =>
		[...document.querySelectorAll("#" + list + " .same")].filter((e) => e.dataset.email === "ben@example.com").length)`))
	assert.Equal(v.t, 31, v.counts(".same"), "and nobody else is marked")
}

func losesConnection(s *stage, v *visitor) {
	v.opens()
	s.fail("/events", noAnswer)
	s.server.CloseClientConnections()
	v.sees(`#connection[data-state="lost"]`)
	assert.Equal(v.t,
		"The rehearsal has ended, or cannot be reached. If you start it again, open the address that it prints.",
		v.reads("#connection"))
	s.fail("/events", "")
	v.sees(`#connection[data-state="live"]`)
	assert.Equal(v.t, "Live", v.reads("#connection"))
}
