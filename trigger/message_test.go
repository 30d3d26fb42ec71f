package trigger

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/userpool"
)

func withResetEmail(t *testing.T, subject, text string) *harness {
	return withResetURL(t, subject, text, "")
}

func withResetURL(t *testing.T, subject, text, url string) *harness {
	t.Helper()
	h := newHarness(knows(ada(), userpool.SignInResult{Sub: sub}, nil, email), nil)
	var err error
	h.resetEmail, err = NewResetEmail(subject, text, url)
	require.NoError(t, err)
	return h
}

type wording struct {
	SMSMessage   any    `json:"smsMessage"`
	EmailMessage string `json:"emailMessage"`
	EmailSubject string `json:"emailSubject"`
}

func wordingOf(t *testing.T, out []byte) wording {
	t.Helper()
	var e struct{ Response wording }
	require.NoError(t, json.Unmarshal(out, &e))
	return e.Response
}

// called is a sweep's reset of a user of that name.
func called(t *testing.T, name string) []byte {
	t.Helper()
	quoted, err := json.Marshal(name)
	require.NoError(t, err)
	return bytes.Replace(recorded(t, "reset_by_sweep"), []byte(`"Ada"`), quoted, 1)
}

func TestSweepsResetGetsTheResetEmail(t *testing.T) {
	h := withResetEmail(t, "", "")
	in := recorded(t, "reset_by_sweep")
	out, err := h.Invoke(t.Context(), in)
	require.NoError(t, err)
	m := wordingOf(t, out)
	assert.Equal(t, "Spaceport Account Update - Action Required", m.EmailSubject)
	assert.True(t, strings.HasPrefix(m.EmailMessage, "<p>Hi Ada,</p>\n<p>We're upgrading Spaceport"), m.EmailMessage)
	assert.Contains(t, m.EmailMessage, "Your code is <strong>{####}</strong>")
	assert.Nil(t, m.SMSMessage, "the text of an SMS is Cognito's")

	before, _, _ := strings.Cut(string(in), `"response"`)
	_, after, _ := strings.Cut(string(in), `"emailSubject": null`+"\n  }")
	assert.True(t, strings.HasPrefix(string(out), before) && strings.HasSuffix(string(out), after),
		"everything around the response, byte for byte")
	assert.Empty(t, names(h.staging.asked), "staging is not asked")
	assert.Empty(t, h.records.Calls(), "nor the ledger")
	line := logged(t, h.log)
	assert.Equal(t, "account-update", line["decision"])
	assert.Equal(t, "a***@e***", line["email"])
}

func TestResetEmailIsTheOperators(t *testing.T) {
	out, err := withResetEmail(t, " Moved! ", "<p>{name}: {####}, again {####}. {other}</p>").Invoke(t.Context(),
		recorded(t, "reset_by_sweep"))
	require.NoError(t, err)
	m := wordingOf(t, out)
	assert.Equal(t, "Moved!", m.EmailSubject)
	assert.Equal(t, "<p>Ada: {####}, again {####}. {other}</p>", m.EmailMessage)

	flag := bytes.Replace(recorded(t, "reset_by_sweep"), []byte(`"email_verified": "true"`),
		[]byte(`"email_verified": true`), 1)
	out, err = withResetEmail(t, "Moved!", "{####}").Invoke(t.Context(), flag)
	require.NoError(t, err)
	assert.Equal(t, "{####}", wordingOf(t, out).EmailMessage, "attributes that the email does not need may have any type")

	odd := bytes.Replace(recorded(t, "reset_by_sweep"), []byte("{####}"), []byte("[code]"), 1)
	out, err = withResetEmail(t, "Moved!", "{####}").Invoke(t.Context(), odd)
	require.NoError(t, err)
	assert.Equal(t, "[code]", wordingOf(t, out).EmailMessage, "Cognito's own placeholder for the code")
}

// TestLink: the default text has a link to the app's reset page, if that is set, and so can an operator's.
func TestLink(t *testing.T) {
	const start, end = "<li>Go to ", "</li>"
	for _, tt := range []struct{ text, url, want string }{
		{"", "", start + "the sign-in page" + end},
		{"", " https://spaceport.example/reset ",
			start + `<a href="https://spaceport.example/reset">https://spaceport.example/reset</a>` + end},
		{"", "https://spaceport.example/reset?from=email&lang=en",
			start + `<a href="https://spaceport.example/reset?from=email&amp;lang=en">` +
				"https://spaceport.example/reset?from=email&amp;lang=en</a>" + end},
		{"{link}: {####}", "https://spaceport.example",
			`<a href="https://spaceport.example">https://spaceport.example</a>: {####}`},
		{"{link}: {####}", "", "the sign-in page: {####}"},
		{"only {####}", "https://spaceport.example", "only {####}"},
	} {
		out, err := withResetURL(t, "", tt.text, tt.url).Invoke(t.Context(), recorded(t, "reset_by_sweep"))
		require.NoError(t, err)
		message := wordingOf(t, out).EmailMessage
		assert.Contains(t, message, tt.want)
		assert.NotContains(t, message, "{link}")
	}
}

// TestLinkChangesNothingElse of the default text.
func TestLinkChangesNothingElse(t *testing.T) {
	plain, err := NewResetEmail("", "", "")
	require.NoError(t, err)
	linked, err := NewResetEmail("", "", "https://spaceport.example/reset")
	require.NoError(t, err)
	assert.Equal(t, plain.subject, linked.subject)
	assert.Equal(t, plain.text, strings.Replace(linked.text, link("https://spaceport.example/reset"), noLink, 1))
}

// TestNamesAreNoLinks: what users call themselves is inserted once, and is no placeholder.
func TestNamesAreNoLinks(t *testing.T) {
	h := withResetURL(t, "s", "{name}|{####}", "https://spaceport.example")
	out, err := h.Invoke(t.Context(), called(t, "{link}"))
	require.NoError(t, err)
	assert.Equal(t, "{link}|{####}", wordingOf(t, out).EmailMessage)
}

// TestGreeting has what users can call themselves.
func TestGreeting(t *testing.T) {
	for name, want := range map[string]string{
		"Ada":                              "Ada",
		" Ada King ":                       "Ada King",
		"Zoë O'Neill 🚀":                    "Zoë O&#39;Neill 🚀",
		`<a href="http://evil">win</a>`:    "&lt;a href=&#34;http://evil&#34;&gt;win&lt;/a&gt;",
		"{####} {name} &amp;":              "{####} {name} &amp;amp;",
		"":                                 email,
		"  ":                               email,
		"Ada\r\nBcc: eve@example.com":      email,
		"Ada\u202eevil":                    email,
		strings.Repeat("a", maxGreeting):   strings.Repeat("a", maxGreeting),
		strings.Repeat("a", maxGreeting+1): email,
	} {
		out, err := withResetEmail(t, "s", "{name}|{####}").Invoke(t.Context(), called(t, name))
		require.NoError(t, err)
		assert.Equal(t, want+"|{####}", wordingOf(t, out).EmailMessage, "%q", name)
	}
}

// TestOtherMessagesAreUnchanged has every message and every reset that is not a sweep's. They write no log either: most
// are of users who are not migrated.
func TestOtherMessagesAreUnchanged(t *testing.T) {
	sweep := string(recorded(t, "reset_by_sweep"))
	change := func(from, to string) string {
		require.Contains(t, sweep, from)
		return strings.Replace(sweep, from, to, 1)
	}
	events := map[string]string{
		"the user's own reset":                      string(recorded(t, "reset_by_user")),
		"other ClientMetadata":                      change(`{"spaceport-migration": "sweep"}`, `{"theme": "dark"}`),
		"other value":                               change(`"sweep"`, `"Sweep"`),
		"no ClientMetadata":                         change(`{"spaceport-migration": "sweep"}`, `null`),
		"a native user, and forged ClientMetadata":  change(`"custom:staging_sub"`, `"custom:plan"`),
		"an empty claim, and forged ClientMetadata": change(`"11111111-aaaa-4aaa-8aaa-111111111111"`, `""`),
		"no code":             change(`"{####}"`, `null`),
		"no response to fill": sweep[:strings.Index(sweep, `"response"`)] + `"response": null}`,
		"no response": sweep[:strings.Index(sweep, `,
  "response"`)] + "}",
		"request of another shape": change(`"codeParameter": "{####}"`, `"codeParameter": 7`),
		"no request":               `{"triggerSource": "CustomMessage_ForgotPassword", "response": {}}`,
	}
	for _, source := range []string{"SignUp", "AdminCreateUser", "ResendCode", "UpdateUserAttribute",
		"VerifyUserAttribute", "Authentication", "OfNextYear"} {
		events[source] = change("CustomMessage_ForgotPassword", "CustomMessage_"+source)
	}
	for name, in := range events {
		t.Run(name, func(t *testing.T) {
			h := withResetEmail(t, "", "")
			out, err := h.Invoke(t.Context(), []byte(in))
			require.NoError(t, err)
			assert.Equal(t, in, string(out), "byte for byte")
			if !strings.HasPrefix(name, "no response") {
				assert.Empty(t, h.log.String())
			}
			assert.Empty(t, names(h.staging.asked))
		})
	}
}

// TestNothingOfClientMetadataIsPrinted: any user can send it with their own "forgot password".
func TestNothingOfClientMetadataIsPrinted(t *testing.T) {
	h := withResetEmail(t, "", "")
	in := bytes.Replace(recorded(t, "reset_by_sweep"), []byte(`{"spaceport-migration": "sweep"}`),
		[]byte(`{"spaceport-migration": "sweep", "name": "Mallory", "text": "evil.example",
			"RESET_EMAIL_TEXT": "evil.example"}`), 1)
	out, err := h.Invoke(t.Context(), in)
	require.NoError(t, err)
	plain, err := withResetEmail(t, "", "").Invoke(t.Context(), recorded(t, "reset_by_sweep"))
	require.NoError(t, err)
	assert.Equal(t, wordingOf(t, plain), wordingOf(t, out), "exactly the same email")
	assert.NotContains(t, h.log.String(), "evil")
	assert.NotContains(t, h.log.String(), email)
}

func TestInvalidResetEmail(t *testing.T) {
	for _, tt := range []struct {
		subject, text string
		wrong         []string
	}{
		{"", "no code", []string{"RESET_EMAIL_TEXT: no {####}"}},
		{strings.Repeat("é", 141), "{####}", []string{"RESET_EMAIL_SUBJECT: more than 140 characters"}},
		{"two\nlines", "{####}", []string{"RESET_EMAIL_SUBJECT: not one line"}},
		{"", "{####}\x00", []string{"RESET_EMAIL_TEXT: characters that Cognito rejects"}},
		{"", "{####}\xff", []string{"RESET_EMAIL_TEXT: characters that Cognito rejects"}},
		{"", "{####}" + strings.Repeat("é", maxText-5), []string{"RESET_EMAIL_TEXT: more than 20000 characters"}},
		{"", "{####}{name}" + strings.Repeat("é", maxText-505), []string{"RESET_EMAIL_TEXT: more than 20000 characters"}},
		{"two\nlines", "no code", []string{"RESET_EMAIL_SUBJECT: not one line", "RESET_EMAIL_TEXT: no {####}"}},
	} {
		_, err := NewResetEmail(tt.subject, tt.text, "")
		for _, wrong := range tt.wrong {
			assert.ErrorContains(t, err, wrong)
		}
	}
	for _, text := range []string{"", "{####}", "{####}" + strings.Repeat("é", maxText-6), "{####}{name}" +
		strings.Repeat("é", maxText-506), "<p>\r\n\t{####}</p>"} {
		_, err := NewResetEmail(strings.Repeat("é", 140), text, "")
		assert.NoError(t, err)
	}
	for _, url := range []string{
		"http://spaceport.example", "spaceport.example/reset", "https://", "https:///reset", "javascript:alert(1)",
		"https://ada@spaceport.example", `https://spaceport.example/"onclick="alert(1)`,
		"https://spaceport.example/<b>", "https://spaceport.example/a b", "https://spaceport.example/\nx",
		"https://spaceport.example/reset?code={####}",
		"https://spaceport.example/{name}", "https://späceport.example", "https://spaceport.example:port",
	} {
		_, err := NewResetEmail("two\nlines", "", url)
		assert.ErrorContains(t, err, "RESET_EMAIL_SUBJECT: not one line")
		assert.ErrorContains(t, err, "RESET_URL: not an https URL", url)
	}
}

func TestDefaultResetEmailFitsTheEnvironment(t *testing.T) {
	assert.Less(t, len(defaultSubject+defaultText), 3<<10,
		"Lambda has 4 KB for all variables, and an operator starts from this text")
}
