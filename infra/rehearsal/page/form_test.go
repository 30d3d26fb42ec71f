package page

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheFormsAreInTheHTML: password managers and screen readers use what is served, before any script has run.
func TestTheFormsAreInTheHTML(t *testing.T) {
	raw, err := files.ReadFile("web/index.html")
	require.NoError(t, err)
	html := string(raw)
	tag := func(id string) string { return regexp.MustCompile(`<\w+ [^>]*?id="` + id + `"[^>]*>`).FindString(html) }

	for id, autocomplete := range map[string]string{
		"sign-in-email": "username", "sign-in-password": "current-password", "forgot-email": "username",
		"reset-email": "username", "reset-code": "one-time-code", "reset-password": "new-password",
	} {
		assert.Contains(t, tag(id), `autocomplete="`+autocomplete+`"`, id)
		assert.Contains(t, html, `<label for="`+id+`">`, "it has a name")
		assert.Contains(t, tag(id), `required`, id)
		assert.Contains(t, tag(id), `aria-errormessage="error"`, id)
	}
	for id, role := range map[string]string{
		"error": "alert", "news": "status", "announcer": "status", "connection": "status",
	} {
		assert.Contains(t, tag(id), `role="`+role+`"`, "it is read out when it changes: "+id)
	}
	for _, form := range []string{"sign-in", "forgot", "reset"} {
		assert.Contains(t, tag(form), `method="post"`, "without a script, nothing is put into the address")
	}
}
