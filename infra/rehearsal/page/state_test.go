package page

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// screenshots is the folder of screenshots, axe the script that checks the page for accessibility.
const (
	screenshots = "../../../.build/screenshots"
	axe         = "../../../.venv/axe/node_modules/axe-core/axe.min.js"
)

func readAxe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(axe)
	if err != nil {
		err = fmt.Errorf("axe-core is not installed (make test installs it): %w", err)
	}
	spaceporttest.Need(t, err)
	return string(script)
}

// fault is a violation as axe-core reports it.
type fault struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML, FailureSummary string
	}
}

func (f fault) String() string {
	text := fmt.Sprintf("%s (%s): %s", f.ID, f.Impact, f.Help)
	for _, node := range f.Nodes {
		text += "\n  " + node.HTML + "\n  " + strings.ReplaceAll(node.FailureSummary, "\n", "\n  ")
	}
	return text
}

// isSound checks the page in its current state, in each size: axe-core finds nothing serious in the light or the dark
// theme, and on the narrowest phone nothing has to be scrolled sideways. Screenshots are kept by that name.
func (v *visitor) isSound(state string) {
	v.t.Helper()
	for _, screen := range sizes {
		v.resizes(screen)
		for _, scheme := range []struct{ name, rules string }{
			{"light", `{}`},
			// The other rules have the same result in both.
			{"dark", `{ runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } }`},
		} {
			v.prefers(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme.name},
				&emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
			for _, f := range v.faults(scheme.rules) {
				if f.Impact == "serious" || f.Impact == "critical" {
					assert.Fail(v.t, "axe-core, "+state+", "+screen.name+", "+scheme.name, f.String())
				}
			}
			hidden := look[int](v, `document.querySelector("form:not([hidden])") ? app.scrollHeight - app.clientHeight : 0`)
			assert.True(v.t, screen.phone || hidden <= 0, "%s: all of the form is shown", state)
			v.keep(screen.name+"-"+state+"-"+scheme.name, gets(v, "take a screenshot", screen.screenshot()))
		}
	}
	v.prefers()
	v.resizes(v.size)
	v.fits(state)
}

// screenshot has all of the page on a phone. Elsewhere the page fits, and its lists have scrollbars.
func (s size) screenshot() chromedp.Action[[]byte] {
	if s.phone {
		return chromedp.FullScreenshot(100)
	}
	return chromedp.CaptureScreenshot()
}

func (v *visitor) prefers(features ...*emulation.MediaFeature) {
	v.t.Helper()
	v.does("prefer", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

func (v *visitor) faults(rules string) []fault {
	v.t.Helper()
	if !v.holds("window.axe") {
		v.does("load axe-core", chromedp.Evaluate[chromedp.Void](v.axe))
	}
	return gets(v, "run axe-core", chromedp.Evaluate[[]fault](
		`axe.run(document, { resultTypes: ["violations"], ...`+rules+` }).then((r) => r.violations)`,
		chromedp.EvalAwaitPromise))
}

func (v *visitor) fits(state string) {
	v.t.Helper()
	assert.LessOrEqual(v.t, v.widthOnNarrow(), narrow, "%s is wider than the narrowest phone", state)
}

const narrow = 320

func (v *visitor) widthOnNarrow() int {
	v.t.Helper()
	v.resizes(size{"narrow", narrow, 640, true})
	defer v.resizes(v.size)
	return look[int](v, "document.documentElement.scrollWidth")
}

func (v *visitor) keep(name string, screenshot []byte) {
	v.t.Helper()
	require.NoError(v.t, os.MkdirAll(screenshots, 0o755))
	require.NoError(v.t, os.WriteFile(filepath.Join(screenshots, name+".png"), screenshot, 0o644))
}

// keepsNothing ensures that no secret is where others can find it: in the address, in what the browser stores, or in an
// attribute, which extensions and style sheets can read.
func (v *visitor) keepsNothing(secrets ...string) {
	v.t.Helper()
	assert.Empty(v.t, v.keeps(append(secrets, "eyJ")...)) // every token begins so
	assert.Equal(v.t, v.url, look[string](v, "location.href"))
	assert.Zero(v.t, look[int](v, "localStorage.length + sessionStorage.length"))
}

func (v *visitor) keeps(secrets ...string) (found []string) {
	v.t.Helper()
	places := look[[]string](v, `[location.href, document.cookie, JSON.stringify([{...localStorage}, {`+
		`...sessionStorage}, history.state]),
		...[...document.querySelectorAll("*")].flatMap((e) => [...e.attributes].map((a) => e.id + " " + a.name + "=" `+
		`+ a.value))]`)
	for _, place := range places {
		if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(place, secret) }) {
			found = append(found, place)
		}
	}
	return found
}
