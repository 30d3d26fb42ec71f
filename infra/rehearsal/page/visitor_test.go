package page

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// size is the size of a screen.
type size struct {
	name          string
	width, height int64
	phone         bool
}

var sizes = []size{{"phone", 390, 844, true}, {"desktop", 1280, 900, false}}

// visitor is a user of the page, with a separate browser profile. Each method waits until its action is possible, or
// fails.
type visitor struct {
	t *testing.T
	*spaceport.Spaceport
	url     string
	axe     string
	size    size
	tab     context.Context
	trouble *trouble
}

const patience = 15 * time.Second

// visit opens a new profile, whose tab is closed with the test.
func (p *played) visit(t *testing.T, screen size) *visitor {
	t.Helper()
	v := &visitor{
		t: t, Spaceport: p.Spaceport, url: p.url, axe: p.axe, size: screen,
		trouble: &trouble{cloudURL: p.cloudURL},
	}
	var closeTab context.CancelFunc
	v.tab, closeTab = chromedp.NewContext(p.browser, chromedp.WithNewBrowserContext(),
		chromedp.WithListener(v.trouble.note))
	t.Cleanup(closeTab)
	require.NoError(t, chromedp.Do(v.tab), "open a tab") // no time limit: the tab would end with it
	v.resizes(screen)
	return v
}

func (v *visitor) does(what string, steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	gets(v, what, chromedp.Steps(steps...))
}

func gets[T any](v *visitor, what string, action chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.tab, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		v.givesUp(what, err)
	}
	return got
}

// givesUp keeps a screenshot, and fails with the page's last message.
func (v *visitor) givesUp(what string, err error) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.tab, patience)
	defer cancel()
	if screenshot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		v.keep(strings.NewReplacer("/", "-", " ", "-").Replace(v.t.Name()), screenshot)
	}
	said, _ := chromedp.Run(ctx, chromedp.Evaluate[string](
		`document.activeElement.id + " | " + document.getElementById("error")?.textContent + `+
			`document.getElementById("news")?.textContent`))
	require.FailNow(v.t, what, "%v\nfocus and message: %s\nconsole: %q", err, said, v.trouble.all())
}

func (v *visitor) resizes(to size) {
	v.t.Helper()
	options := []chromedp.EmulateViewportOption{}
	if to.phone {
		options = append(options, chromedp.EmulateMobile)
	}
	v.does("resize", chromedp.EmulateViewport(to.width, to.height, options...))
}

func (v *visitor) opens() {
	v.t.Helper()
	v.does("open the page", chromedp.Navigate(v.url))
	v.sees("#sign-in")
	v.sees(`#connection[data-state="live"]`)
}

func (v *visitor) clicks(selector string) {
	v.t.Helper()
	v.does("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// types goes to a field and replaces its text, key by key.
func (v *visitor) types(selector, text string) {
	v.t.Helper()
	v.does("go to "+selector, chromedp.Focus(chromedp.CSS(selector)),
		chromedp.Evaluate[chromedp.Void]("document.activeElement.select()"))
	v.presses(kb.Delete + text)
}

// presses keys where the focus is.
func (v *visitor) presses(keys string) {
	v.t.Helper()
	v.does("press keys", chromedp.KeyEvent(keys))
}

func (v *visitor) tabsTo(selector string) {
	v.t.Helper()
	for range 20 {
		v.presses(kb.Tab)
		if v.holds(fmt.Sprintf("document.activeElement.matches(%s)", quoted(selector))) {
			return
		}
	}
	v.givesUp("tab to "+selector, fmt.Errorf("not among the first 20"))
}

// isAt waits until an element has the focus.
func (v *visitor) isAt(selector string) {
	v.t.Helper()
	v.waits("be at "+selector, fmt.Sprintf("document.activeElement.matches(%s)", quoted(selector)))
}

func (v *visitor) value(id string) string {
	v.t.Helper()
	return look[string](v, fmt.Sprintf("document.getElementById(%s).value", quoted(id)))
}

// sees waits until something that matches is shown.
func (v *visitor) sees(selector string) {
	v.t.Helper()
	v.waits("see "+selector,
		fmt.Sprintf(`[...document.querySelectorAll(%s)].some((e) => e.checkVisibility())`, quoted(selector)))
}

// reads waits until an element is shown and has text, and returns it.
func (v *visitor) reads(selector string) string {
	v.t.Helper()
	v.waits("read "+selector,
		fmt.Sprintf(`document.querySelector(%[1]s)?.checkVisibility() && `+
			`document.querySelector(%[1]s).textContent.trim() !== ""`, quoted(selector)))
	return strings.TrimSpace(look[string](v, fmt.Sprintf("document.querySelector(%s).textContent", quoted(selector))))
}

func (v *visitor) readsThat(selector, text string) {
	v.t.Helper()
	v.waits("read "+text, fmt.Sprintf(`document.querySelector(%s)?.innerText.includes(%s)`,
		quoted(selector), quoted(text)))
}

func (v *visitor) counts(selector string) int {
	v.t.Helper()
	return look[int](v, fmt.Sprintf("document.querySelectorAll(%s).length", quoted(selector)))
}

// waits until a condition is true. The page's policy allows no eval, so it is polled from outside.
func (v *visitor) waits(what, condition string) {
	v.t.Helper()
	for began := time.Now(); !v.holds(condition); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patience {
			v.givesUp(what, fmt.Errorf("not within %s: %s", patience, condition))
		}
	}
}

func (v *visitor) holds(condition string) bool {
	v.t.Helper()
	return look[bool](v, "!!("+condition+")")
}

func look[T any](v *visitor, expression string) T {
	v.t.Helper()
	return gets(v, "look at "+expression, chromedp.Evaluate[T](expression))
}

func quoted(text string) string {
	encoded, _ := json.Marshal(text) // a string
	return string(encoded)
}
