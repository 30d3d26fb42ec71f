package trigger

import (
	"cmp"
	"context"
	_ "embed" // reset_email.html
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// ResetEmail is the "Account Update" email: what a user reads whose password a sweep has reset. Only a pool that sends
// by SES takes a custom text, so the Custom message trigger is attached there and nowhere else, and nothing here
// checks it.
type ResetEmail struct{ subject, text string }

const (
	codePlaceholder = "{####}" // the code, as in Cognito's own templates
	namePlaceholder = "{name}" // the user's name, or the email if there is none
	linkPlaceholder = "{link}" // a link to the app's reset page, or noLink

	noLink = "the sign-in page"

	defaultSubject = "Spaceport Account Update - Action Required"
)

//go:embed reset_email.html
var defaultText string

// Cognito's limits, in characters ("Amazon Cognito API reference, VerificationMessageTemplateType"). All variables of a
// Lambda function together have 4 KB.
const (
	maxSubject  = 140
	maxText     = 20_000
	maxGreeting = 100 // our own: a greeting must not fill the page
)

// resetURL has no braces, so that a URL contains no placeholder: neither ours nor Cognito's of the code.
var resetURL = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(:[0-9]+)?([/?#][A-Za-z0-9._~:/?#@!&()*+,;=%-]*)?$`)

// NewResetEmail returns the email of RESET_EMAIL_SUBJECT, a line of text; RESET_EMAIL_TEXT, HTML with {####} for the
// code and, optionally, {name} and {link}; and RESET_URL, the app's reset page. Empty ones have defaults. The error
// names everything that is wrong.
func NewResetEmail(subject, text, url string) (ResetEmail, error) {
	subject, text, url = strings.TrimSpace(subject), strings.TrimSpace(text), strings.TrimSpace(url)
	m := ResetEmail{
		subject: cmp.Or(subject, defaultSubject),
		text:    strings.ReplaceAll(cmp.Or(text, strings.TrimSpace(defaultText)), linkPlaceholder, link(url)),
	}
	longest := m.body(codePlaceholder, strings.Repeat("&", maxGreeting))
	var problems []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	require(utf8.RuneCountInString(m.subject) <= maxSubject, "RESET_EMAIL_SUBJECT: more than %d characters", maxSubject)
	require(allowed(m.subject, " "), "RESET_EMAIL_SUBJECT: not one line of visible characters")
	require(strings.Contains(m.text, codePlaceholder), "RESET_EMAIL_TEXT: no %s, the place of the code", codePlaceholder)
	require(
		utf8.RuneCountInString(longest) <= maxText,
		"RESET_EMAIL_TEXT: more than %d characters with a long name",
		maxText,
	)
	require(allowed(m.text, " \t\r\n"), "RESET_EMAIL_TEXT: characters that Cognito rejects, such as control characters")
	require(url == "" || resetURL.MatchString(url), "RESET_URL: not an https URL of plain ASCII characters")
	return m, errors.Join(problems...)
}

// link returns the URL as HTML. It is visible too, since some readers show no links.
func link(url string) string {
	if url == "" {
		return noLink
	}
	url = html.EscapeString(url)
	return fmt.Sprintf(`<a href="%s">%s</a>`, url, url)
}

// allowed reports whether s has only visible characters and those spaces.
func allowed(s, spaces string) bool {
	for _, r := range s {
		if !visible(r) && !strings.ContainsRune(spaces, r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// body fills in the code and the name, which the user chose and which is no HTML.
func (m ResetEmail) body(code, name string) string {
	return strings.NewReplacer(codePlaceholder, code, namePlaceholder, html.EscapeString(name)).Replace(m.text)
}

// message answers the Custom message trigger. It never fails: an event that is not a sweep's reset goes back unchanged,
// and Cognito then sends the pool's own text.
func (h *Handler) message(ctx context.Context, e event) []byte {
	var request struct {
		UserAttributes recipient         `json:"userAttributes"`
		CodeParameter  string            `json:"codeParameter"`
		ClientMetadata map[string]string `json:"clientMetadata"`
	}
	if e.source != sourceResetMessage || json.Unmarshal(e.request, &request) != nil ||
		!userpool.IsReset(request.ClientMetadata) || request.UserAttributes.StagingSub == "" || request.CodeParameter == "" {
		return e.raw
	}
	to := request.UserAttributes
	answer, err := e.filled(map[string]any{
		"emailSubject": h.resetEmail.subject,
		"emailMessage": h.resetEmail.body(request.CodeParameter, to.greeting()),
	})
	if err != nil {
		h.log.WarnContext(ctx, "reset email", "decision", unchanged.String(), "error", err.Error())
		return e.raw
	}
	h.log.InfoContext(ctx, "reset email", "decision", "account-update",
		"stagingSub", to.StagingSub, "email", ledger.MaskEmail(to.Email))
	return answer
}

// recipient is what the email needs to know of the user. Attributes that are not strings are ignored.
type recipient struct {
	Name       string `json:"name"`
	Email      string `json:"email"`
	StagingSub string `json:"custom:staging_sub"`
}

// greeting returns the first of name and email that Cognito takes in a message and that is not long.
func (r recipient) greeting() string {
	for _, name := range []string{r.Name, r.Email} {
		name = strings.TrimSpace(name)
		if name != "" && utf8.RuneCountInString(name) <= maxGreeting && allowed(name, " ") {
			return name
		}
	}
	return ""
}
