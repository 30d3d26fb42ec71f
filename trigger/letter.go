package trigger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// Letter is the "Account Update" e-mail: what a user reads whose password a sweep has reset. It reaches them only where
// the pool sends by SES, since Cognito's own sender knows no custom text; so the Custom message trigger is attached there
// and nowhere else, and nothing here asks for it.
type Letter struct{ subject, text string }

// What stands for something else in a letter's text.
const (
	codePlace = "{####}" // the code, as in Cognito's own templates
	namePlace = "{name}" // the user's name, or their e-mail where they gave none
)

const (
	defaultSubject = "Spaceport Account Update - Action Required"
	defaultText    = `<p>Hi {name},</p>
<p>We're upgrading Spaceport to a new, more secure system. Your account has been migrated to the new system. All your projects and data have been preserved.</p>
<p>To access your account, set a new password. Your code is <strong>{####}</strong></p>
<ol>
<li>Go to the sign-in page and enter your email address</li>
<li>When you are asked for them, enter the code and a new password</li>
<li>Sign in normally</li>
</ol>
<p>The code is valid for one hour. If it has expired, or you are not asked for it, click "Forgot Password?" on the sign-in page, enter your email address and use the code that we then send you. Only the newest code works.</p>
<p>If you have any issues, please contact support.</p>
<p>Best regards,<br>The Spaceport Team</p>`
)

// Cognito's limits, in characters ("Amazon Cognito API reference, VerificationMessageTemplateType"). The variables of a
// Lambda function together have 4 KB.
const (
	maxSubject  = 140
	maxText     = 20_000
	maxGreeting = 100 // our own: what greets a reader is not to fill the page
)

// NewLetter takes LETTER_SUBJECT, a line of text, and LETTER_TEXT, which is HTML with {####} where the code goes and, if
// wanted, {name}. Empty ones have defaults. Its error names all that is wrong at once.
func NewLetter(subject, text string) (Letter, error) {
	l := Letter{
		subject: cmp.Or(strings.TrimSpace(subject), defaultSubject),
		text:    cmp.Or(strings.TrimSpace(text), defaultText),
	}
	longest := l.to(codePlace, strings.Repeat("&", maxGreeting))
	var problems []error
	for _, p := range []struct {
		wrong bool
		text  string
	}{
		{utf8.RuneCountInString(l.subject) > maxSubject, fmt.Sprintf("LETTER_SUBJECT: more than %d characters", maxSubject)},
		{!written(l.subject, " "), "LETTER_SUBJECT: not one line of visible characters"},
		{!strings.Contains(l.text, codePlace), "LETTER_TEXT: no " + codePlace + ", without which nobody learns the code"},
		{utf8.RuneCountInString(longest) > maxText, fmt.Sprintf("LETTER_TEXT: more than %d characters with the longest name", maxText)},
		{!written(l.text, " \t\r\n"), "LETTER_TEXT: characters that Cognito does not take, such as control characters"},
	} {
		if p.wrong {
			problems = append(problems, errors.New(p.text))
		}
	}
	return l, errors.Join(problems...)
}

// written tells whether s has visible characters and those spaces only.
func written(s, spaces string) bool {
	for _, r := range s {
		if !visible(r) && !strings.ContainsRune(spaces, r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// to fills the text for a reader, whose name is their own invention and no HTML.
func (l Letter) to(code, name string) string {
	return strings.NewReplacer(codePlace, code, namePlace, html.EscapeString(name)).Replace(l.text)
}

// The mark by which a sweep's reset is told from a "forgot password". Anybody can write it into the ClientMetadata of
// their own ForgotPassword, and can so have a migrated user told once more, by us and at their own address, that they
// were migrated, beside the code that they get anyway. That is all: nothing of the ClientMetadata is printed, and who was
// not in staging gets the pool's own text.
const (
	markName  = "spaceport-migration"
	markSweep = "sweep"
)

// SweepMark is the ClientMetadata with which a sweep resets a password.
func SweepMark() map[string]string { return map[string]string{markName: markSweep} }

// message answers the Custom message trigger. It never fails: whatever is not a sweep's reset goes back as it came, and
// Cognito then sends the pool's own text.
func (h *Handler) message(ctx context.Context, e event) []byte {
	var request struct {
		UserAttributes reader            `json:"userAttributes"`
		CodeParameter  string            `json:"codeParameter"`
		ClientMetadata map[string]string `json:"clientMetadata"`
	}
	if e.source != sourceReset || json.Unmarshal(e.request, &request) != nil ||
		request.ClientMetadata[markName] != markSweep || request.UserAttributes.StagingSub == "" || request.CodeParameter == "" {
		return e.raw
	}
	to := request.UserAttributes
	answer, err := e.filled(map[string]any{
		"emailSubject": h.letter.subject,
		"emailMessage": h.letter.to(request.CodeParameter, to.greeting()),
	})
	if err != nil {
		h.log.WarnContext(ctx, "letter", "decision", untouched, "error", err.Error())
		return e.raw
	}
	h.log.InfoContext(ctx, "letter", "decision", "account-update",
		"stagingSub", to.StagingSub, "email", ledger.Mask(to.Email))
	return answer
}

// reader is what a letter needs to know of its reader.
type reader struct {
	Name       string `json:"name"`
	Email      string `json:"email"`
	StagingSub string `json:"custom:staging_sub"`
}

// greeting is what to call them: the first of name and e-mail that Cognito would take in a message and that is not long.
func (r reader) greeting() string {
	for _, name := range []string{r.Name, r.Email} {
		name = strings.TrimSpace(name)
		if name != "" && utf8.RuneCountInString(name) <= maxGreeting && written(name, " ") {
			return name
		}
	}
	return ""
}
