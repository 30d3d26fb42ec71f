package page

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// played is shared by all journeys: the accounts, the page and a browser.
type played struct {
	*spaceport.Spaceport
	url, cloudURL, axe string
	browser            context.Context
}

// TestByHand plays every journey in a real browser, by clicking and typing. Each has its own users.
func TestByHand(t *testing.T) {
	p := &played{axe: readAxe(t), browser: openBrowser(t), Spaceport: spaceporttest.Start(t, spaceport.Options{})}
	served, err := Serve(t.Context(), p.Spaceport, journeys.ScenarioUsers)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, served.Close()) })
	p.url, p.cloudURL = served.URL(), p.Cloud.URL()

	for _, screen := range sizes {
		for _, j := range []struct {
			name string
			walk func(*visitor)
		}{
			{"signs in", signsIn},
			{"forgot the password", forgetsPassword},
			{"must reset: Cognito says so", mustReset(cloud.AnswerPasswordResetRequired)},
			{"must reset: Cognito does not say so", mustReset(cloud.AnswerNotAuthorized)},
			{"is rejected", isRejected},
			{"was never in staging", isNative},
			{"signs out and in again", signsOutAndIn},
			{"has no mouse", hasNoMouse},
			{"waits for an answer", waitsForAnAnswer},
			{"meets a busy staging", meetsBusyStaging},
			{"has so many projects that copying continues", hasManyProjects},
			{"is swept", isSwept},
			{"tries the users of the list", triesTheUsers},
		} {
			t.Run(screen.name+"/"+j.name, func(t *testing.T) {
				v := p.visit(t, screen)
				j.walk(v)
				assert.Empty(t, v.trouble.all(), "the console")
			})
		}
	}
	t.Run("the checks find errors", func(t *testing.T) { findsErrors(p.visit(t, sizes[0])) })
}

// isFrom creates a user in staging with an email for this screen size, and returns the staging sub.
func (v *visitor) isFrom(p *spaceport.User) (stagingSub string) {
	v.t.Helper()
	p.Email = strings.ToLower(fmt.Sprintf("%s@%s.example", p.Name, v.size.name))
	sub, err := v.Add(v.t.Context(), *p)
	require.NoError(v.t, err)
	return sub
}

func (v *visitor) signsInAs(email, password string) {
	v.t.Helper()
	v.types("#sign-in-email", email)
	v.types("#sign-in-password", password)
	v.clicks("#sign-in [type=submit]")
}

// isIn waits until the account of a migrated user is shown and complete, and the ledger says so.
func (v *visitor) isIn(p spaceport.User, stagingSub string) {
	v.t.Helper()
	v.sees("#account")
	user, err := v.ProductionUser(v.t.Context(), p.Email)
	require.NoError(v.t, err)
	assert.Equal(v.t, p.Name, v.reads("#account-name"))
	assert.Equal(v.t, p.Email, v.reads("#account-email"))
	assert.Equal(v.t, spaceport.Attribute(user, "sub"), v.reads("#production-sub"))
	assert.Equal(v.t, stagingSub, v.reads("#staging-sub"))
	v.readsThat("#account-state", "moved")
	v.readsThat("#project-count", fmt.Sprint(p.Projects))
	assert.Equal(v.t, min(p.Projects, shownProjects), v.counts("#projects li"))
	v.sees(fmt.Sprintf(`#ledger tr[data-sub="%s"][data-state="moved"]`, stagingSub))
}

// hasAnswer waits until Cognito has answered what was sent.
func (v *visitor) hasAnswer() {
	v.t.Helper()
	v.waits("get an answer", `!document.querySelector("[aria-busy]")`)
}

// isTold waits for the page's message and returns it.
func (v *visitor) isTold(kind string) string {
	v.t.Helper()
	v.hasAnswer()
	return v.reads("#" + kind)
}

// opensEmail waits for an email to an address with another code than the last one, and returns the code.
func (v *visitor) opensEmail(email, last string) string {
	v.t.Helper()
	v.hasAnswer()
	code := fmt.Sprintf(`#mailbox li[data-to="%s"] .code`, email)
	v.sees(code)
	v.waits("get another email", fmt.Sprintf("document.querySelector(%s).textContent !== %s", quoted(code), quoted(last)))
	return v.reads(code)
}

func (v *visitor) decided(decision string) {
	v.t.Helper()
	v.sees(fmt.Sprintf(`#decisions li[data-decision="%s"]`, decision))
}

func signsIn(v *visitor) {
	ada := spaceport.User{Name: "Ada", Password: "Ada-Staging-1", Projects: 3}
	sub := v.isFrom(&ada)
	v.opens()
	v.isSound("sign-in")
	v.signsInAs(ada.Email, ada.Password)
	v.isIn(ada, sub)
	v.decided("import")
	v.decided("moved")
	assert.True(v.t, v.holds(`document.activeElement.closest("#account") !== null`), "the focus is in the account")
	v.keepsNothing(ada.Password)
	v.isSound("account")
}

func forgetsPassword(v *visitor) {
	ben := spaceport.User{Name: "Ben", Password: "Ben-Staging-1", Projects: 2}
	sub := v.isFrom(&ben)
	v.opens()
	v.hurries()
	v.clicks("#to-forgot")
	v.sees("#forgot")
	v.isSound("forgot")
	v.types("#forgot-email", ben.Email)
	v.clicks("#forgot [type=submit]")
	v.sees("#reset")
	v.isTold("news")
	first := v.opensEmail(ben.Email, "")

	v.meets("#reset-password", "ben", map[string]bool{"length": false, "uppercase": false, "lowercase": true, "digits": false})
	v.isSound("reset")
	v.meets("#reset-password", "Ben-Production-1", map[string]bool{"length": true, "uppercase": true, "lowercase": true, "digits": true})
	v.shows("#reset-show", "#reset-password")

	v.types("#reset-code", other(first))
	v.clicks("#reset [type=submit]")
	v.isTold("error")
	v.isSound("reset-wrong-code")

	v.clicks("#resend")
	second := v.opensEmail(ben.Email, first)
	v.types("#reset-code", first)
	v.types("#reset-password", "Ben-Production-1")
	v.clicks("#reset [type=submit]")
	v.isTold("error")
	v.types("#reset-code", second)
	v.types("#reset-password", "Ben-Production-1")
	v.clicks("#reset [type=submit]")
	v.isIn(ben, sub)
	v.decided("import-for-reset")
	v.keepsNothing("Ben-Production-1", second)
}

// hurries shortens the wait before another code can be requested.
func (v *visitor) hurries() {
	v.t.Helper()
	look[int](v, `(() => { const usual = setInterval; setInterval = (f, ms) => usual(f, ms / 100); return 1 })()`)
}

// meets types a password and checks the rules below it.
func (v *visitor) meets(selector, password string, rules map[string]bool) {
	v.t.Helper()
	v.types(selector, password)
	for rule, met := range rules {
		v.sees(fmt.Sprintf(`#reset-rules li[data-rule="%s"][data-met="%t"]`, rule, met))
	}
}

// shows shows a password and hides it again.
func (v *visitor) shows(toggle, field string) {
	v.t.Helper()
	for _, kind := range []string{"text", "password"} {
		v.clicks(toggle)
		v.sees(fmt.Sprintf(`%s[type="%s"]`, field, kind))
	}
}

// other is a different code.
func other(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}

func mustReset(answer cloud.ResetAnswer) func(*visitor) {
	return func(v *visitor) {
		v.Cloud.SetResetAnswer(answer)
		v.t.Cleanup(func() { v.Cloud.SetResetAnswer(cloud.AnswerPasswordResetRequired) })
		gus := spaceport.User{Name: fmt.Sprint("Gus", answer), Password: "Gus-Staging-1", Projects: 1, TOTP: true}
		sub := v.isFrom(&gus)
		v.opens()
		v.signsInAs(gus.Email, gus.Password)
		if answer == cloud.AnswerNotAuthorized {
			v.isTold("error")
			v.isSound("sign-in-rejected")
			v.clicks("#error button")
			v.sees("#forgot")
			assert.Equal(v.t, gus.Email, look[string](v, `document.getElementById("forgot-email").value`), "it is filled in")
			v.clicks("#forgot [type=submit]")
		}
		v.sees("#reset")
		v.isTold("news")
		if answer == cloud.AnswerPasswordResetRequired {
			v.isSound("reset-forced")
		}
		code := v.opensEmail(gus.Email, "")
		v.types("#reset-code", code)
		v.types("#reset-password", "Gus-Production-1")
		v.clicks("#reset [type=submit]")
		v.isIn(gus, sub)
		v.keepsNothing(gus.Password, "Gus-Production-1", code)
	}
}

func isRejected(v *visitor) {
	cleo := spaceport.User{Name: "Cleo", Password: "Cleo-Staging-1"}
	dan := spaceport.User{Name: "Dan", Password: "Dan-Staging-1", Disabled: true}
	v.isFrom(&cleo)
	v.isFrom(&dan)
	v.opens()
	told := map[string]bool{}
	for _, try := range [][2]string{
		{cleo.Email, "not-her-password"}, {"unknown@example.com", "any-password"}, {dan.Email, dan.Password},
	} {
		v.signsInAs(try[0], try[1])
		told[v.isTold("error")] = true
		v.sees("#sign-in")
		v.types("#sign-in-email", "") // clears the message
	}
	assert.Len(v.t, told, 1, "all get the same message")
	v.keepsNothing("not-her-password", "any-password", dan.Password)
	v.decided("unchanged")
}

func isNative(v *visitor) {
	nia := spaceport.User{Name: "Nia", Email: fmt.Sprintf("nia@%s.example", v.size.name), Password: "Nia-Production-1"}
	require.NoError(v.t, v.AddNative(v.t.Context(), nia))
	v.opens()
	v.signsInAs(nia.Email, nia.Password)
	v.sees("#account")
	assert.Equal(v.t, nia.Name, v.reads("#account-name"))
	v.readsThat("#project-count", "0")
	assert.False(v.t, v.holds(`document.getElementById("staging-sub").checkVisibility()`), "she was never in staging")
	v.isSound("account-native")
}

func signsOutAndIn(v *visitor) {
	fay := spaceport.User{Name: "Fay", Password: "Fay-Staging-1", Projects: 1}
	sub := v.isFrom(&fay)
	v.opens()
	for range 2 {
		v.signsInAs(fay.Email, fay.Password)
		v.isIn(fay, sub)
		v.clicks("#sign-out")
		v.sees("#sign-in")
		v.isTold("news")
		v.keepsNothing(fay.Password)
		assert.Empty(v.t, look[string](v, `document.getElementById("sign-in-password").value`))
	}
}

func hasNoMouse(v *visitor) {
	kay := spaceport.User{Name: "Kay", Password: "Kay-Staging-1", Projects: 1}
	sub := v.isFrom(&kay)
	v.opens()
	v.tabsTo("#sign-in-email")
	v.presses(kay.Email)
	v.tabsTo("#sign-in-password")
	v.presses("a slip")
	v.presses(kb.Enter)
	v.isTold("error")
	v.waits("be back in the password", `document.activeElement.id === "sign-in-password"`)
	v.presses(kay.Password) // the field was cleared
	v.presses(kb.Enter)
	v.isIn(kay, sub)
	v.tabsTo("#sign-out")
	v.presses(kb.Enter)
	v.sees("#sign-in")
	v.tabsTo("#to-forgot")
	v.presses(" ")
	v.sees("#forgot")
	v.waits("be in the first field", `document.activeElement.id === "forgot-email"`)
}

func waitsForAnAnswer(v *visitor) {
	lou := spaceport.User{Name: "Lou", Password: "Lou-Staging-1"}
	v.isFrom(&lou)
	restore := v.Cloud.Inject(cloud.Fault{Service: "cognito-idp", Operation: "InitiateAuth", Caller: "public", Kind: cloud.Latency, Delay: 2 * time.Second})
	defer restore()
	v.opens()
	v.signsInAs(lou.Email, lou.Password)
	v.sees(`#sign-in[aria-busy="true"] [type=submit][aria-disabled="true"]`)
	v.sees("#account")
	assert.Zero(v.t, v.counts(`[aria-busy="true"]`), "the wait is over")
}

func meetsBusyStaging(v *visitor) {
	kim := spaceport.User{Name: "Kim", Password: "Kim-Staging-1", Projects: 1}
	sub := v.isFrom(&kim)
	restore := v.Cloud.Inject(cloud.Fault{Account: cloud.StagingAccount, Service: "cognito-idp", Caller: spaceport.Trigger, Kind: cloud.Throttle})
	defer restore()
	v.opens()
	v.signsInAs(kim.Email, kim.Password)
	assert.Contains(v.t, v.isTold("error"), "try again")
	v.decided("error")
	v.isSound("sign-in-busy")
	restore()
	v.clicks("#sign-in [type=submit]")
	v.isIn(kim, sub)
}

func hasManyProjects(v *visitor) {
	ida := spaceport.User{Name: "Ida", Password: "Ida-Staging-1", Projects: 150}
	sub := v.isFrom(&ida)
	restore := v.SlowMoves(500 * time.Millisecond)
	defer restore()
	v.opens()
	v.signsInAs(ida.Email, ida.Password)
	v.sees("#account")
	v.readsThat("#account-state", "moving")
	v.sees(fmt.Sprintf(`#ledger tr[data-sub="%s"][data-state="moving"]`, sub))
	v.isSound("account-moving")
	restore()
	v.isIn(ida, sub)
	v.decided("continued")
}

func isSwept(v *visitor) {
	sam := spaceport.User{Name: "Sam", Password: "Sam-Staging-1", Projects: 2}
	sub := v.isFrom(&sam)
	v.opens()
	look[int](v, "window.sameDocument = 1")
	v.sweeps()
	v.sees(fmt.Sprintf(`#ledger tr[data-sub="%s"][data-state="moved"]`, sub))
	code := v.opensEmail(sam.Email, "")
	assert.True(v.t, v.holds("window.sameDocument"), "the page was not reloaded")
	body := v.reads(fmt.Sprintf(`#mailbox li[data-to="%s"] .body`, sam.Email))
	assert.Contains(v.t, body, "Hi Sam,\nWe're upgrading")
	assert.True(v.t, strings.HasSuffix(body, "\nBest regards,\nThe Spaceport Team"), body)
	v.isSound("swept")

	v.signsInAs(sam.Email, sam.Password)
	v.sees("#reset")
	code = v.opensEmail(sam.Email, code)
	v.types("#reset-code", code)
	v.types("#reset-password", "Sam-Production-1")
	v.clicks("#reset [type=submit]")
	v.isIn(sam, sub)
}

func triesTheUsers(v *visitor) {
	v.opens()
	asked := v.Cloud.CountRequests(cloud.Filter{Operation: "InitiateAuth"})
	for _, u := range journeys.ScenarioUsers {
		v.clicks(fmt.Sprintf(`#users li[data-email="%s"] button`, u.Email))
		v.sees("#sign-in")
		assert.Equal(v.t, u.Email+u.Password,
			look[string](v, `document.getElementById("sign-in-email").value + document.getElementById("sign-in-password").value`))
	}
	v.clicks("#to-forgot")
	v.clicks(`#users li button`)
	v.sees("#sign-in")
	assert.Equal(v.t, asked, v.Cloud.CountRequests(cloud.Filter{Operation: "InitiateAuth"}), "it is filled in, not sent")
}

// findsErrors ensures that the other journeys would have found these errors.
func findsErrors(v *visitor) {
	v.opens()
	assert.Empty(v.t, v.trouble.all())
	assert.Empty(v.t, v.faults(`{}`))
	assert.Empty(v.t, v.keeps("s3cret"))
	assert.LessOrEqual(v.t, v.widthOnNarrow(), narrow)
	look[int](v, `(() => {
		console.error("said");
		setTimeout(() => { throw new Error("thrown") });
		fetch("/missing");
		fetch("https://spaceport.example/").catch(() => {});
		document.querySelector("label").remove();
		localStorage.setItem("password", "s3cret");
		document.body.insertAdjacentHTML("beforeend", '<div id="wide" data-code="s3cret">wide</div>');
		document.getElementById("wide").style.width = "400px";
		return 1;
	})()`)
	for _, trouble := range []string{"console error: \"said\"", "thrown", "answer 404 of " + v.url + "missing", "Content Security Policy"} {
		assert.Eventually(v.t, func() bool { return strings.Contains(strings.Join(v.trouble.all(), "\n"), trouble) }, patience, 20*time.Millisecond, trouble)
	}
	assert.NotEmpty(v.t, v.faults(`{}`), "a field without a label")
	assert.Len(v.t, v.keeps("s3cret"), 2, "in storage, and in an attribute")
	assert.GreaterOrEqual(v.t, v.widthOnNarrow(), 400)
}
