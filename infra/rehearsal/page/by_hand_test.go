package page

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

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

// TestByHand plays with the real functions, by clicking and typing, what only a browser can prove: that page, functions
// and emails fit together, and what a user sees. The journeys prove what the API does.
func TestByHand(t *testing.T) {
	p := &played{axe: readAxe(t), browser: openBrowser(t), Spaceport: spaceporttest.Start(t, spaceport.Options{})}
	for _, u := range append(swept, journeys.Ada, journeys.Ben, journeys.Dan) {
		require.NoError(t, u.Create(t.Context(), p.Spaceport))
	}
	served, err := Serve(t.Context(), p.Spaceport, journeys.ScenarioUsers)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, served.Close()) })
	p.url, p.cloudURL = served.URL(), p.Cloud.URL()

	for _, j := range []struct {
		name string
		walk func(*visitor)
	}{
		{"forgot the password", forgetsPassword},
		{"is rejected", isRejected},
		{"signs in", signsIn},
		{"is swept", isSwept},
	} {
		t.Run(j.name, func(t *testing.T) {
			v := p.visit(t, sizes[0])
			v.opens()
			j.walk(v)
			assert.Empty(v.t, v.trouble.all(), "the console")
		})
	}
	t.Run("the checks find errors", func(t *testing.T) { findsErrors(p.visit(t, sizes[0])) })
}

var swept = journeys.Remaining[:2:2]

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

// isIn waits until the user's account is shown, with nothing of the migration, which is shown beside it.
func (v *visitor) isIn(u journeys.ScenarioUser) {
	v.t.Helper()
	v.sees("#account")
	v.readsThat("#title", "Welcome, "+u.Name)
	assert.Equal(v.t, u.Email, v.reads("#account-email"))
	v.readsThat("#project-count", fmt.Sprint(u.Projects))
	assert.Equal(v.t, u.Projects, v.counts("#projects li"))
	assert.Equal(v.t, "me.png", v.reads("#profile-picture"))
	v.sees(fmt.Sprintf(`#ledger tr[data-email="%s"][data-state="moved"]`, u.Email))

	user, err := v.ProductionUser(v.t.Context(), u.Email)
	require.NoError(v.t, err)
	app := look[string](v, `document.getElementById("app").innerHTML`)
	stored := look[string](v, `document.querySelector("#stored:not([open])").textContent`)
	sub, stagingSub := spaceport.Attribute(user, "sub"), spaceport.Attribute(user, "custom:staging_sub")
	for _, internal := range []string{sub, stagingSub, "s3://spaceport-uploads/" + stagingSub + "/me.png"} {
		assert.NotContains(v.t, app, internal)
		assert.Contains(v.t, stored, internal)
	}
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

// opensEmail waits for an email to an address, and returns the code.
func (v *visitor) opensEmail(email string) string {
	v.t.Helper()
	v.hasAnswer()
	return v.reads(fmt.Sprintf(`#mailbox li[data-email="%s"] .code`, email))
}

// decided waits for a decision about a user, with what it means.
func (v *visitor) decided(email, decision, result string) {
	v.t.Helper()
	v.waits("see "+decision, fmt.Sprintf(`[...document.querySelectorAll('#decisions `+
		`li[data-email="%s"][data-result="%s"] .state')]
		.some((e) => e.textContent === %s)`, email, result, quoted(decision)))
}

func signsIn(v *visitor) {
	v.isSound("sign-in")
	v.signsInAs(journeys.Ada.Email, journeys.Ada.Password)
	v.isIn(journeys.Ada)
	v.decided(journeys.Ada.Email, "import", "good")
	v.decided(journeys.Ada.Email, "moved", "good")
	v.keepsNothing(journeys.Ada.Password)
	v.isSound("account")
}

func forgetsPassword(v *visitor) {
	ben := journeys.Ben
	v.clicks("#to-forgot")
	v.sees("#forgot")
	v.isSound("forgot")
	v.types("#forgot-email", ben.Email)
	v.clicks("#forgot [type=submit]")
	v.sees("#reset")
	v.isTold("news")
	code := v.opensEmail(ben.Email)
	gap := look[float64](v, `document.getElementById("mailbox-panel").getBoundingClientRect().top -
		document.getElementById("app").getBoundingClientRect().bottom`)
	assert.True(v.t, 0 < gap && gap < 100, "the mailbox is next to the form on a phone: %v", gap)

	const missing = `[...document.querySelectorAll("#reset-rules [data-met=false]:not([hidden])")].map((e) => ` +
		`e.dataset.rule) + ""`
	v.types("#reset-password", "ben")
	assert.Equal(v.t, "MinimumLength,RequireUppercase,RequireNumbers", look[string](v, missing))
	v.isSound("reset")
	v.setsPassword(other(code), "Ben-Production-1")
	assert.Empty(v.t, look[string](v, missing))
	v.isTold("error")
	v.isSound("reset-wrong-code")
	for _, kind := range []string{"text", "password"} {
		v.clicks("#reset-show")
		v.sees(fmt.Sprintf(`#reset-password[type="%s"]`, kind))
	}
	v.setsPassword(code, "Ben-Production-1")
	v.isIn(ben)
	v.decided(ben.Email, "import-for-reset", "good")
	v.keepsNothing("Ben-Production-1", code)
}

func (v *visitor) setsPassword(code, password string) {
	v.t.Helper()
	v.types("#reset-code", code)
	v.types("#reset-password", password)
	v.clicks("#reset [type=submit]")
}

// other is a different code.
func other(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}

// isRejected is told so in two lines, with one link, and nothing moves, whatever the screen.
func isRejected(v *visitor) {
	for _, screen := range sizes {
		v.resizes(screen)
		v.opens()
		before := v.places()
		v.signsInAs(journeys.Dan.Email, journeys.Dan.Password)
		assert.Equal(v.t, wrongPair+"Forgot your password?", v.isTold("error"))
		links := look[int](v, `[...document.querySelectorAll("#app button")].filter((e) =>
			e.textContent === "Forgot your password?" && e.checkVisibility({ visibilityProperty: true })).length`)
		assert.Equal(v.t, 1, links)
		lines := look[int](v, `(() => { const box = document.getElementById("error"), text = document.createRange();
			return [box.firstChild, box.lastChild.firstChild].flatMap((line) => {
				text.selectNode(line);
				return [...text.getClientRects()];
			}).length })()`)
		assert.Equal(v.t, 2, lines, screen.name)
		assert.Equal(v.t, before, v.places(), "nothing has moved: %s", screen.name)
	}
	v.isSound("sign-in-rejected")
	v.keepsNothing(journeys.Dan.Password)
	v.decided(journeys.Dan.Email, "unchanged", "bad") // the log has the sub alone, and the ledger has no record
}

// isSwept has a code from the sweep's email, and enters it without requesting another one.
func isSwept(v *visitor) {
	look[int](v, "window.sameDocument = 1")
	v.sweeps("--user", swept[0].Email, "--user", swept[1].Email)
	u := swept[1]
	v.sees(fmt.Sprintf(`#ledger tr[data-email="%s"][data-state="moved"]`, u.Email))
	code := v.opensEmail(u.Email)
	assert.True(v.t, v.holds("window.sameDocument"), "the page was not reloaded")
	body := v.reads(fmt.Sprintf(`#mailbox li[data-email="%s"] .body`, u.Email))
	assert.Contains(v.t, body, "Hi "+u.Name+",\nWe're upgrading")
	assert.True(v.t, strings.HasSuffix(body, "\nBest regards,\nThe Spaceport Team"), body)
	v.isSound("swept")

	requested := v.Cloud.CountRequests(cloud.Filter{Operation: "ForgotPassword"})
	for _, button := range []string{"#to-reset", "#to-forgot"} {
		assert.Contains(v.t, body, `"`+v.reads(button)+`"`, "the email names what the page has")
	}
	v.clicks("#to-reset")
	v.isSound("code")
	v.types("#reset-email", u.Email)
	v.setsPassword(code, "User-Production-1")
	v.isIn(u)
	v.keepsNothing("User-Production-1", code)
	assert.Equal(v.t, requested, v.Cloud.CountRequests(cloud.Filter{Operation: "ForgotPassword"}))
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
	for _, trouble := range []string{"console error: \"said\"", "thrown", "404 (Not Found) " + v.url + "missing",
		"Content Security Policy"} {
		assert.Eventually(v.t, func() bool { return strings.Contains(strings.Join(v.trouble.all(), "\n"), trouble) },
			patience, 20*time.Millisecond, trouble)
	}
	assert.NotEmpty(v.t, v.faults(`{}`), "a field without a label")
	assert.Len(v.t, v.keeps("s3cret"), 2, "in storage, and in an attribute")
	assert.GreaterOrEqual(v.t, v.widthOnNarrow(), 400)
}
