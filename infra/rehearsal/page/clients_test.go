package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestClients signs in with the document's lines, as printed, and the real packages, in a browser.
func TestClients(t *testing.T) {
	p := &played{Spaceport: spaceporttest.Start(t, spaceport.Options{})}
	app := build(t)
	p.browser = openBrowser(t)
	site := httptest.NewServer(p.serves(app))
	t.Cleanup(site.Close)
	p.cloudURL = p.Cloud.URL()

	for _, client := range []struct {
		name     string
		journeys []journey
	}{{"amplify-6", ownForm}, {"amplify-5", ownForm}, {"authenticator", authenticator}} {
		for _, j := range client.journeys {
			t.Run(client.name+"/"+j.name, func(t *testing.T) {
				p.url = site.URL + "/" + client.name
				v := p.visit(t, size{name: client.name, width: 1280, height: 800})
				v.opensApp()
				j.walk(v)
				for _, trouble := range v.trouble.all() {
					assert.Contains(t, trouble, "custom Amazon Amazon Cognito User Pool endpoint", "the console")
				}
			})
		}
	}
}

type journey struct {
	name string
	walk func(*visitor)
}

// build bundles the test's apps with the document's lines.
func build(t *testing.T) (folder string) {
	t.Helper()
	installed, err := filepath.Abs("../../../.venv/clients/node_modules")
	require.NoError(t, err)
	if _, err := os.Stat(installed); err != nil {
		spaceporttest.Need(t, errors.New("Amplify is not installed: run make .venv/clients/installed"))
	}
	folder = t.TempDir()
	bundle := func(entry string, words string, more ...string) {
		from, to := t.TempDir(), filepath.Join(folder, strings.TrimSuffix(entry, filepath.Ext(entry)))
		require.NoError(t, os.CopyFS(from, os.DirFS("testdata/clients")))
		require.NoError(t, os.WriteFile(filepath.Join(from, "README.jsx"), []byte(documentLines(t, words)), 0o600))
		more = append(more, entry, "README.jsx", "--bundle", "--format=esm", "--splitting", "--jsx=automatic",
			"--log-level=warning", "--outdir="+to)
		command := exec.CommandContext(t.Context(), filepath.Join(installed, ".bin", "esbuild"), more...)
		command.Dir, command.Env = from, append(os.Environ(), "NODE_PATH="+installed)
		said, err := command.CombinedOutput()
		require.NoError(t, err, string(said))
	}
	bundle("amplify-6.js", `from "aws-amplify/auth";`+"\n\ntry")
	bundle("amplify-5.js", `import { Auth } from "aws-amplify";`,
		"--alias:aws-amplify=amplify-auth-5", "--define:global=globalThis")
	bundle("authenticator.jsx", `from "@aws-amplify/ui-react";`)
	return folder
}

// documentLines is the one block of code of the trigger's document that has some words.
func documentLines(t *testing.T, words string) string {
	t.Helper()
	text, err := os.ReadFile("../../../trigger/README.md")
	require.NoError(t, err)
	var found []string
	for _, block := range regexp.MustCompile("(?ms)^```jsx?\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], words) {
			found = append(found, block[1])
		}
	}
	require.Len(t, found, 1, words)
	return found[0]
}

// serves serves what was built, and for each app a page that starts it.
func (p *played) serves(folder string) http.Handler {
	settings, _ := json.Marshal(map[string]string{
		"endpoint": p.Cloud.URL(), "region": p.Cloud.Region(),
		"userPoolId": p.ProductionPool, "clientId": p.ProductionApp,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(os.DirFS(folder)))
	mux.HandleFunc("GET /{app}", func(out http.ResponseWriter, in *http.Request) {
		out.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(out, `<!doctype html><link rel="icon" href="data:,"><div id="root"></div>
			<script>window.settings = %s</script>
			<script type="module" src="/%[2]s/%[2]s.js"></script>`, settings, in.PathValue("app"))
	})
	return mux
}

func (v *visitor) opensApp() {
	v.t.Helper()
	v.does("open the app", chromedp.Navigate(v.url))
	v.waits("start", "window.app")
}

// asks calls the app, and waits for its answer.
func asks[T any](v *visitor, function string, arguments ...any) T {
	v.t.Helper()
	encoded, err := json.Marshal(append([]any{}, arguments...))
	require.NoError(v.t, err)
	call := fmt.Sprintf("app.%s(...%s)", function, encoded)
	return gets(v, function, chromedp.Evaluate[T](call, chromedp.EvalAwaitPromise))
}

// tries signs in with the document's lines, and returns what they show.
func (v *visitor) tries(email, password string) string {
	v.t.Helper()
	return asks[string](v, "signIn", email, password)
}

// hasTokens checks that the app has the tokens of a user who has moved, and returns the access token.
func (v *visitor) hasTokens(who spaceport.User, stagingSub string) (accessToken string) {
	v.t.Helper()
	accessToken = asks[string](v, "accessToken", false)
	require.NotEmpty(v.t, accessToken, "signed in")
	user, err := v.App.GetUser(v.t.Context(), &cognito.GetUserInput{AccessToken: &accessToken})
	require.NoError(v.t, err)
	assert.Equal(v.t, who.Email, spaceport.ValueOf(user.UserAttributes, "email"))
	assert.Equal(v.t, stagingSub, spaceport.ValueOf(user.UserAttributes, "custom:staging_sub"))
	record, err := v.Ledger(v.t.Context(), stagingSub)
	require.NoError(v.t, err)
	assert.Equal(v.t, ledger.Moved, record.State)
	assert.Equal(v.t, spaceport.ValueOf(user.UserAttributes, "sub"), record.ProductionSub)
	return accessToken
}

// code is the code of the last email to an address.
func (v *visitor) code(email string) string {
	v.t.Helper()
	last, ok := v.Cloud.LastMessage(email)
	require.True(v.t, ok, "an email to %s", email)
	return last.Code
}

func (v *visitor) setsResetAnswer(answer cloud.ResetAnswer) {
	v.Cloud.SetResetAnswer(answer)
	v.t.Cleanup(func() { v.Cloud.SetResetAnswer(cloud.AnswerPasswordResetRequired) })
}

// keepsRefreshToken returns the refresh token, which Amplify keeps in the browser.
func (v *visitor) keepsRefreshToken() string {
	v.t.Helper()
	return look[string](v, `Object.entries(localStorage).find(([name]) => name.endsWith(".refreshToken"))?.[1] ?? ""`)
}

// refreshesAndSignsOut refreshes, signs out with what is given, and checks that no token works any more.
func (v *visitor) refreshesAndSignsOut(who spaceport.User, stagingSub string, signOut func()) {
	v.t.Helper()
	first := v.hasTokens(who, stagingSub)
	second := asks[string](v, "accessToken", true)
	assert.NotEqual(v.t, first, second, "refreshed")
	assert.Equal(v.t, second, v.hasTokens(who, stagingSub), "and in use")

	refreshToken := v.keepsRefreshToken()
	refresh := &cognito.GetTokensFromRefreshTokenInput{ClientId: &v.ProductionApp, RefreshToken: &refreshToken}
	_, err := v.App.GetTokensFromRefreshToken(v.t.Context(), refresh)
	require.NoError(v.t, err)
	signOut()
	assert.Empty(v.t, asks[string](v, "accessToken", false))
	assert.Empty(v.t, v.keepsRefreshToken())
	_, err = v.App.GetTokensFromRefreshToken(v.t.Context(), refresh)
	assert.Equal(v.t, "NotAuthorizedException: Refresh Token has been revoked", spaceport.Answer(err))
	for _, token := range []string{first, second} {
		_, err = v.App.GetUser(v.t.Context(), &cognito.GetUserInput{AccessToken: &token})
		assert.Equal(v.t, "NotAuthorizedException: Access Token has been revoked", spaceport.Answer(err))
	}
}

var ownForm = []journey{
	{"first sign-in, refresh, sign-out", func(v *visitor) {
		ada := spaceport.User{Name: "Ada", Password: "Ada-Staging-1", Projects: 2}
		sub := v.isFrom(&ada)
		assert.Empty(v.t, v.tries(ada.Email, ada.Password))
		v.refreshesAndSignsOut(ada, sub, func() { asks[chromedp.Void](v, "signOut") })
		assert.Empty(v.t, v.tries(ada.Email, ada.Password), "and in again")
		v.hasTokens(ada, sub)
	}},
	{"wrong password", func(v *visitor) {
		cleo := spaceport.User{Name: "Cleo", Password: "Cleo-Staging-1"}
		v.isFrom(&cleo)
		for _, email := range []string{cleo.Email, "unknown@clients.example"} {
			assert.Equal(v.t, "forgot password: "+email, v.tries(email, "not-the-password"))
		}
		assert.Empty(v.t, asks[string](v, "accessToken", false))
	}},
	{"forgot password", func(v *visitor) {
		ben := spaceport.User{Name: "Ben", Password: "Ben-Staging-1", Projects: 1}
		sub := v.isFrom(&ben)
		asks[chromedp.Void](v, "forgot", ben.Email)
		v.setsNewPassword(ben, "Ben-Production-1")
		v.hasTokens(ben, sub)
	}},
	{"forced reset", func(v *visitor) {
		gus := spaceport.User{Name: "Gus", Password: "Gus-Staging-1", TOTP: true}
		sub := v.isFrom(&gus)
		assert.Equal(v.t, "reset form: "+gus.Email, v.tries(gus.Email, gus.Password))
		_, sent := v.Cloud.LastMessage(gus.Email)
		assert.False(v.t, sent, "no code yet")
		asks[chromedp.Void](v, "forgot", gus.Email)
		v.setsNewPassword(gus, "Gus-Production-1")
		v.hasTokens(gus, sub)
	}},
	{"forced reset, hidden", func(v *visitor) {
		v.setsResetAnswer(cloud.AnswerNotAuthorized)
		hal := spaceport.User{Name: "Hal", Password: "Hal-Staging-1", TOTP: true}
		sub := v.isFrom(&hal)
		assert.Equal(v.t, "forgot password: "+hal.Email, v.tries(hal.Email, hal.Password))
		asks[chromedp.Void](v, "forgot", hal.Email)
		v.setsNewPassword(hal, "Hal-Production-1")
		v.hasTokens(hal, sub)
	}},
	{"swept with an email", func(v *visitor) {
		sam := spaceport.User{Name: "Sam", Password: "Sam-Staging-1", Projects: 1}
		sub := v.isFrom(&sam)
		v.sweeps("--user", sam.Email)
		assert.Equal(v.t, "reset form: "+sam.Email, v.tries(sam.Email, sam.Password))
		v.setsNewPassword(sam, "Sam-Production-1")
		v.hasTokens(sam, sub)
	}},
	{"busy", func(v *visitor) {
		kim := spaceport.User{Name: "Kim", Password: "Kim-Staging-1"}
		v.isFrom(&kim)
		busy := cloud.Fault{Account: cloud.StagingAccount, Caller: spaceport.Trigger, Kind: cloud.Throttle}
		defer v.Cloud.Inject(busy)()
		assert.Equal(v.t, "threw UserLambdaValidationException", v.tries(kim.Email, kim.Password))
	}},
}

func (v *visitor) setsNewPassword(who spaceport.User, password string) {
	v.t.Helper()
	asks[chromedp.Void](v, "reset", who.Email, v.code(who.Email), password)
	assert.Empty(v.t, v.tries(who.Email, password))
}

func (v *visitor) refusesCodes(code string, during func()) {
	defer v.Cloud.Inject(cloud.Fault{Operation: "ForgotPassword", Kind: cloud.Rejected, Code: code, Text: "not now"})()
	during()
}

var authenticator = []journey{
	{"first sign-in, refresh, sign-out", func(v *visitor) {
		ada := spaceport.User{Name: "Ada", Password: "Ada-Staging-1", Projects: 2}
		sub := v.isFrom(&ada)
		v.sees("[name=username]")
		assert.Zero(v.t, v.counts(`[role=tab]`), "sign-up is hidden")
		v.fillsIn(ada.Email, ada.Password)
		assert.Equal(v.t, ada.Email, v.reads("#user"))
		v.refreshesAndSignsOut(ada, sub, func() {
			v.clicks("#sign-out")
			v.sees("[name=username]")
		})
		v.comesIn(ada, sub, ada.Password)
	}},
	{"wrong password", func(v *visitor) {
		cleo := spaceport.User{Name: "Cleo", Password: "Cleo-Staging-1"}
		v.isFrom(&cleo)
		for _, email := range []string{cleo.Email, "unknown@clients.example"} {
			v.opensApp()
			v.fillsIn(email, "not-the-password")
			assert.Equal(v.t, "Incorrect username or password.", v.reads("[role=alert]"), email)
			assert.Empty(v.t, asks[string](v, "accessToken", false))
		}
	}},
	{"forgot password", func(v *visitor) {
		ben := spaceport.User{Name: "Ben", Password: "Ben-Staging-1", Projects: 1}
		sub := v.isFrom(&ben)
		v.forgets(ben.Email)
		v.entersCode(other(v.code(ben.Email)), "Ben-Production-1")
		assert.Contains(v.t, v.reads("[role=alert]"), "Invalid verification code provided")
		v.entersCode(v.code(ben.Email), "Ben-Production-1")
		v.comesIn(ben, sub, "Ben-Production-1")
	}},
	{"forced reset", func(v *visitor) {
		gus := spaceport.User{Name: "Gus", Password: "Gus-Staging-1", TOTP: true}
		sub := v.isFrom(&gus)
		v.fillsIn(gus.Email, gus.Password)
		assert.Contains(v.t, v.reads("[role=alert]"), "Set a new password")
		_, sent := v.Cloud.LastMessage(gus.Email)
		assert.False(v.t, sent, "no code yet")
		v.refusesCodes("LimitExceededException", func() {
			v.asksForCode(gus.Email)
			assert.Equal(v.t, "not now", v.reads("[role=alert]"))
		})
		v.clicks("[type=submit]")
		v.sees("[name=confirmation_code]")
		v.entersCode(v.code(gus.Email), "Gus-Production-1")
		v.comesIn(gus, sub, "Gus-Production-1")
	}},
	{"forced reset, hidden", func(v *visitor) {
		v.setsResetAnswer(cloud.AnswerNotAuthorized)
		hal := spaceport.User{Name: "Hal", Password: "Hal-Staging-1", TOTP: true}
		sub := v.isFrom(&hal)
		v.fillsIn(hal.Email, hal.Password)
		assert.Equal(v.t, "Incorrect username or password.", v.reads("[role=alert]"))
		v.forgets(hal.Email)
		v.entersCode(v.code(hal.Email), "Hal-Production-1")
		v.comesIn(hal, sub, "Hal-Production-1")
	}},
	{"swept with an email", func(v *visitor) {
		sam := spaceport.User{Name: "Sam", Password: "Sam-Staging-1", Projects: 1}
		sub := v.isFrom(&sam)
		v.sweeps("--user", sam.Email)
		fromSweep := v.code(sam.Email)
		v.forgets(sam.Email)
		v.entersCode(fromSweep, "Sam-Production-1")
		assert.Contains(v.t, v.reads("[role=alert]"), "Invalid verification code provided", "a new one was sent")
		v.entersCode(v.code(sam.Email), "Sam-Production-1")
		v.comesIn(sam, sub, "Sam-Production-1")
	}},
	{"swept without an email", func(v *visitor) {
		tim := spaceport.User{Name: "Tim", Password: "Tim-Staging-1", Projects: 1}
		sub := v.isFrom(&tim)
		v.sweeps("--user", tim.Email, "--notify", "none")
		_, sent := v.Cloud.LastMessage(tim.Email)
		assert.False(v.t, sent)
		v.forgets(tim.Email)
		v.entersCode(v.code(tim.Email), "Tim-Production-1")
		v.comesIn(tim, sub, "Tim-Production-1")
	}},
}

// fillsIn fills in the sign-in form.
func (v *visitor) fillsIn(email, password string) {
	v.t.Helper()
	v.sees("[name=username]")
	v.types("[name=username]", email)
	v.types("[name=password]", password)
	v.clicks("[type=submit]")
}

func (v *visitor) forgets(email string) {
	v.t.Helper()
	v.asksForCode(email)
	v.sees("[name=confirmation_code]")
}

func (v *visitor) asksForCode(email string) {
	v.t.Helper()
	v.sees("[name=password]")
	look[int](v, `([...document.querySelectorAll("button")]
		.find((b) => b.textContent === "Forgot your password?").click(), 1)`)
	v.waits("be asked for the email", `!document.querySelector("[name=password]")`)
	v.types("[name=username]", email)
	v.clicks("[type=submit]")
}

func (v *visitor) entersCode(code, password string) {
	v.t.Helper()
	v.types("[name=confirmation_code]", code)
	v.types("[name=password]", password)
	v.types("[name=confirm_password]", password)
	v.clicks("[type=submit]")
}

// comesIn signs in after a reset.
func (v *visitor) comesIn(who spaceport.User, stagingSub, password string) {
	v.t.Helper()
	v.waits("be back at the sign-in", `!document.querySelector("[name=confirmation_code]")`)
	v.fillsIn(who.Email, password)
	assert.Equal(v.t, who.Email, v.reads("#user"))
	v.hasTokens(who, stagingSub)
}

// sweeps runs bulk sweep --live as the operator.
func (v *visitor) sweeps(more ...string) {
	v.t.Helper()
	arguments := append([]string{"sweep", "--live", "--yes", "--log-dir", v.t.TempDir()}, more...)
	sweep := exec.CommandContext(v.t.Context(), v.Bulk(), arguments...)
	sweep.Env = []string{}
	for name, value := range v.OperatorEnv() {
		sweep.Env = append(sweep.Env, name+"="+value)
	}
	said, err := sweep.CombinedOutput()
	require.NoError(v.t, err, string(said))
}
