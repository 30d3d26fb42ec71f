package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Verdict answers "why can't they get in?".
type Verdict struct {
	Code string   `json:"code"` // one word, for scripts
	Text string   `json:"text"`
	ToDo []string `json:"toDo"` // in order; a line that begins with two spaces is a command
}

// Judge says why somebody cannot get in, or that they can, and what to do.
func (p Places) Judge(t Ticket) Verdict {
	v := p.judge(t)
	if len(t.Twins) > 0 {
		v.ToDo = append(v.ToDo, "Staging has more users whose e-mail is the same but for upper and lower case: "+
			strings.Join(t.Twins, ", ")+". Production takes only one of them, whoever comes first; ask which one is in use.")
	}
	return v
}

func (p Places) judge(t Ticket) Verdict {
	if t.Line != nil && t.Line.Bound() {
		return p.bound(t)
	}
	if t.Staging == nil {
		return p.notInStaging(t)
	}
	if why := t.Staging.Ineligible(t.Cutoff); why != "" {
		return p.ineligible(t, why)
	}
	switch {
	case len(t.Others) > 0 && t.Line == nil:
		return p.native(t)
	case len(t.Others) > 0:
		return p.importedWithAccount(t)
	case t.Line != nil:
		return Verdict{"not-come", "Their import was begun at " + moment(t.Line.ImportedAt) + " (" + string(t.Line.Via) +
			"), but production has no account for them: Cognito did not take it, or they gave up.", []string{
			"Ask them to try again; nothing is in their way." + spelling(t),
			"If it fails again, the log of the trigger function says why (look for " + t.Line.StagingSub + "), and bulk check finds what production's pool refuses, such as an attribute that it does not have.",
			"Or bring them over yourself:",
			p.sweep(t),
		}}
	}
	return Verdict{"can-come", "They are eligible and have not come over yet.", []string{
		"They sign in with their staging password, or use \"forgot password\"." + spelling(t),
		"If that fails, the log of the trigger function says why (look for " + t.Staging.Sub + "): most often the password is wrong.",
		"Or bring them over yourself:",
		p.sweep(t),
	}}
}

// bound is for those who came over before.
func (p Places) bound(t Ticket) Verdict {
	if t.Theirs == nil {
		return p.readmit(t)
	}
	if v, wrong := p.closed(*t.Theirs, t); wrong {
		return v
	}
	signIn := p.signIn(t)
	switch {
	case t.Line.State == ledger.Moved && neverCame(t):
		return Verdict{"swept", "A sweep brought them over with all their data, and they have not come in since.", []string{
			signIn,
			"To send them a letter with a code:",
			p.sweep(t),
		}}
	case t.Line.State == ledger.Moved:
		return Verdict{"moved", "They came over, all their data is in production, and nothing is in their way.", []string{
			signIn,
			"If they miss something:",
			"  bulk verify --user " + shell(p.name(t)),
		}}
	case t.Line.LastError != "":
		return Verdict{"failed", "They came over and can sign in, but not all of their data arrived: " + t.Line.LastError, []string{
			"See to the reason; bulk check finds tables that do not fit and permissions that are missing.",
			"Every sign-in of theirs tries again, and so does:",
			p.sweep(t),
			signIn,
		}}
	}
	return Verdict{"moving", "They came over and can sign in; their data is on its way.", []string{
		"Look again in a minute. If nothing changes, the log of the datamover function says why (look for " + t.Line.StagingSub + "), and this goes on with it:",
		p.sweep(t),
		signIn,
	}}
}

// neverCame tells whether they have an account with a password that nobody knows.
func neverCame(t Ticket) bool { return !t.Line.PasswordSetAt.IsZero() && t.Line.SeenAt.IsZero() }

// signIn says how somebody with an open account comes in.
func (p Places) signIn(t Ticket) string {
	var b strings.Builder
	verified := t.Theirs.EmailVerified()
	switch email := orNone(t.Theirs.Email()); {
	case neverCame(t):
		b.WriteString("They use \"forgot password\" with " + email + ": nobody knows the password that the sweep gave them.")
	case verified:
		b.WriteString("They sign in with " + email + " and their production password; \"forgot password\" gives a new one.")
	default:
		b.WriteString("They sign in with " + email + " and their production password.")
	}
	if !verified {
		b.WriteString(" \"Forgot password\" cannot reach them: their e-mail is not verified in production.")
	}
	if t.Staging != nil && ledger.FoldASCII(t.Theirs.Email()) != ledger.FoldASCII(t.Staging.Email()) {
		b.WriteString(" Their e-mail in production is no longer that of staging.")
	}
	return b.String()
}

// readmit is for those whose production user is gone. The ledger lets nobody else take their place.
func (p Places) readmit(t Ticket) Verdict {
	v := Verdict{Code: "production-user-deleted", Text: "They came over before (" + string(t.Line.Via) + ", " + moment(t.Line.ImportedAt) +
		"), and their production user " + t.Line.ProductionSub + " was deleted since. A second copy is given to nobody, since a mailbox may have a new owner."}
	v.ToDo = []string{
		"Make sure that it is the same person, and why the user was deleted.",
		"To let them come again, with their data as staging has it, delete their line of the ledger:",
		"  aws dynamodb delete-item --region " + region(p.ProductionPool) + " --table-name " + shell(p.LedgerTable) +
			" --key " + shell(`{"stagingSub":{"S":"`+t.Line.StagingSub+`"}}`),
		"Then they sign in with their staging password, or use \"forgot password\".",
	}
	if len(t.Others) > 0 {
		v.ToDo = append(v.ToDo[:3:3], "Production has another account under this e-mail, so the trigger will not be asked. Bring their data to it, if it is theirs:",
			"  bulk sweep --live --adopt --user "+shell(p.name(t)))
	}
	if t.Staging == nil {
		v.ToDo = []string{"They are not in staging either, so there is nothing left to bring over: they sign up again. A backup has what staging had."}
		return v
	}
	if why := t.Staging.Ineligible(t.Cutoff); why != "" {
		v.ToDo = slices.Insert(v.ToDo, 1, "They are not eligible in staging now ("+string(why)+"). "+remedy(why, t.Staging.Status))
	}
	return v
}

func (p Places) notInStaging(t Ticket) Verdict {
	if len(t.Others) == 0 {
		return Verdict{"unknown", "Neither staging nor production knows them.", []string{
			"Check the spelling, and ask whether they used another e-mail.",
			"If they never had an account, they sign up in production or are invited there.",
		}}
	}
	account := t.Others[0]
	if v, wrong := p.closed(account, t); wrong {
		v.Text = "They are production's own user; the migration has no part in this. " + v.Text
		return v
	}
	return Verdict{"native", "They are production's own user; the migration has no part in this, and nothing is in their way.", []string{
		"They sign in with their production password; \"forgot password\" gives a new one.",
	}}
}

func (p Places) ineligible(t Ticket, why userpool.Reason) Verdict {
	v := Verdict{Code: string(why), ToDo: []string{remedy(why, t.Staging.Status)}}
	user := shell(t.Staging.Username)
	staging := " --region " + region(p.StagingPool) + " --user-pool-id " + p.StagingPool + " --username " + user
	v.Text = cause(why, t.Staging.Status)
	switch why {
	case userpool.NotConfirmed:
		v.Text = strings.TrimSpace("Staging has them as " + t.Staging.Status + "; only CONFIRMED users come over. " + v.Text)
		if t.Staging.Status == "UNCONFIRMED" {
			v.ToDo = append(v.ToDo, "Or, once you know that it is them, with the credentials of staging:", "  aws cognito-idp admin-confirm-sign-up"+staging)
		}
	case userpool.Disabled:
		v.ToDo = append(v.ToDo, "With the credentials of staging:", "  aws cognito-idp admin-enable-user"+staging)
	case userpool.EmailUnverified:
		if t.Staging.Email() == "" {
			v.Text = "Staging has no e-mail of theirs; only a verified one proves who they are."
			v.ToDo = []string{"They add an e-mail in staging and verify it, or sign up in production."}
			break
		}
		v.ToDo = append(v.ToDo, "With the credentials of staging:",
			"  aws cognito-idp admin-update-user-attributes"+staging+" --user-attributes Name=email_verified,Value=true")
	case userpool.AfterCutoff:
		v.Text = "They came to staging at " + moment(t.Staging.Created) + ", which is not before the cut-off of " + moment(t.Cutoff) + "."
	}
	if len(t.Others) > 0 {
		v.Text += " Production has an account under this e-mail, which is not theirs as far as the ledger knows."
	}
	return v
}

// native is for an eligible user whose e-mail production has already, and not from this migration.
func (p Places) native(t Ticket) Verdict {
	account := t.Others[0]
	if v, wrong := p.closed(account, t); wrong {
		v.Text = "Production has an account of its own under this e-mail. " + v.Text
		v.ToDo = append(v.ToDo, "Their staging data is not there; once they can sign in:", p.adopt(t))
		return v
	}
	return Verdict{"native", "Production has an account of its own under this e-mail, so Cognito never asks the trigger about them, and their staging data stays behind.", []string{
		"They sign in with the password of production, not of staging; \"forgot password\" gives a new one.",
		"To bring their data to that account, if both e-mails are verified:",
		p.adopt(t),
	}}
}

// importedWithAccount is for an unbound line and an account that is there.
func (p Places) importedWithAccount(t Ticket) Verdict {
	account := t.Others[0]
	if account.StagingSub() != t.Line.StagingSub {
		return p.native(t)
	}
	if v, wrong := p.closed(account, t); wrong {
		return v
	}
	return Verdict{"not-bound", "Their production account was made at " + moment(account.Created) + ", but nothing has been brought to it: they have not signed in since, or the hook did not run.", []string{
		"They sign in with their staging password, or use \"forgot password\".",
		"If they are in and miss their data: the hook is not attached, or fails. bulk check finds the first; the log of the datamover function tells the second (look for " + t.Line.StagingSub + ").",
	}}
}

// closed tells whether a production account is in a state that lets nobody in.
func (p Places) closed(u userpool.User, t Ticket) (v Verdict, wrong bool) {
	production := " --region " + region(p.ProductionPool) + " --user-pool-id " + p.ProductionPool + " --username " + shell(u.Username)
	verified := u.EmailVerified()
	switch {
	case !u.Enabled:
		return Verdict{"production-disabled", "Their production account is disabled.", []string{
			"Enable it, once you know why it was disabled:", "  aws cognito-idp admin-enable-user" + production,
		}}, true
	case u.Status == "RESET_REQUIRED" && !verified:
		return Verdict{"production-reset-required", "Production waits for them to choose a new password, but their e-mail is not verified there, so that no code can be sent.", []string{
			"Make sure that the mailbox is theirs, then:",
			"  aws cognito-idp admin-update-user-attributes" + production + " --user-attributes Name=email_verified,Value=true",
			"Then they use \"forgot password\".",
		}}, true
	case u.Status == "RESET_REQUIRED":
		return Verdict{"production-reset-required", "Production waits for them to choose a new password; their old one is refused, however right it is.", []string{
			"They use \"forgot password\" at the sign-in page. The code in the letter is good for an hour; asking again sends a new one.",
			"If no letter comes, they look among junk mail; bulk check tells whether production can send enough letters.",
		}}, true
	case u.Status == "FORCE_CHANGE_PASSWORD":
		return p.temporary(u, t), true
	case u.Status == "UNCONFIRMED":
		return Verdict{"production-unconfirmed", "They signed up in production and never confirmed it.", []string{
			"They enter the code that they were sent, or, once you know that it is them:", "  aws cognito-idp admin-confirm-sign-up" + production,
		}}, true
	case u.Status == "EXTERNAL_PROVIDER":
		return Verdict{"production-federated", "Their production account belongs to an identity provider; it has no password.", []string{
			"They sign in through that provider.",
		}}, true
	case u.Status != "CONFIRMED":
		return Verdict{"production-" + strings.ToLower(u.Status), "Their production account is " + u.Status + ", in which Cognito lets nobody in.", []string{
			"Look at it in the console of Cognito.",
		}}, true
	}
	return Verdict{}, false
}

// temporary is for a state in which Cognito refuses "forgot password" too.
func (p Places) temporary(u userpool.User, t Ticket) Verdict {
	v := Verdict{Code: "production-temporary-password",
		Text: "Their production account has a temporary password (FORCE_CHANGE_PASSWORD), with which \"forgot password\" is refused."}
	if t.Line != nil && t.Line.Via == ledger.Sweep {
		v.Text += " A sweep was interrupted while it made the account."
		v.ToDo = []string{"Let it finish; it sends them a letter:", p.sweep(t)}
		return v
	}
	v.ToDo = []string{
		"They use the invitation that they were sent; a new one is sent to " + orNone(u.Email()) + " by:",
		"  aws cognito-idp admin-create-user --region " + region(p.ProductionPool) + " --user-pool-id " + p.ProductionPool +
			" --username " + shell(cmp.Or(u.Email(), u.Username)) + " --message-action RESEND",
	}
	return v
}

// name is how the ticket's person is best named in a command.
func (p Places) name(t Ticket) string {
	if t.Staging != nil && t.Staging.Email() != "" {
		return t.Staging.Email()
	}
	return t.Asked
}

func (p Places) sweep(t Ticket) string { return "  bulk sweep --live --user " + shell(p.name(t)) }
func (p Places) adopt(t Ticket) string {
	return "  bulk sweep --live --adopt --user " + shell(p.name(t))
}

// spelling warns of an e-mail that has to be typed as staging has it.
func spelling(t Ticket) string {
	email := t.Staging.Email()
	if email == ledger.FoldASCII(email) {
		return ""
	}
	return fmt.Sprintf(" Staging spells their e-mail %s: if its pool tells upper from lower case, they must type it just so.", email)
}

func region(poolID string) string {
	region, _, _ := strings.Cut(poolID, "_")
	return region
}

// shell quotes what a shell would take apart.
func shell(s string) string {
	special := func(r rune) bool {
		letter := '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && !strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
