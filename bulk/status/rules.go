package status

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Diagnosis says why a user cannot sign in, or that they can.
type Diagnosis struct {
	Code     string   `json:"code"` // one word, for scripts
	Text     string   `json:"text"`
	Remedies []string `json:"remedies"` // in order; those that begin with "bulk " or "aws " are commands
}

// rule has the name of its template in advice.tmpl.
type rule struct {
	name    string
	applies func(UserReport) bool
}

// rules are in order of precedence: the first that applies is the diagnosis. The last one always applies.
var rules = []rule{
	{"production-user-deleted", func(u UserReport) bool { return u.Ledger.Bound() && !u.inProduction() }},
	ineligible(userpool.Federated), ineligible(userpool.NotConfirmed), ineligible(userpool.Disabled),
	ineligible(userpool.EmailUnverified), ineligible(userpool.AfterCutoff), ineligible(userpool.MFARejected),
	{"same-email", func(u UserReport) bool { return u.SameEmailAs != "" && !u.Ledger.Bound() }},
	{"production-blocked", UserReport.blocked},
	{"production-reset-required", func(u UserReport) bool {
		return u.has(userpool.ResetRequired) && u.Ledger.Failures == 0 && (u.Ledger.Bound() || !u.emailChanged())
	}},
	{"move-in-progress", UserReport.BeingMoved},
	{"sweep-interrupted", func(u UserReport) bool {
		return u.has(userpool.ForceChangePassword) && u.Ledger.Via == ledger.Sweep && u.Ours() && u.Eligible()
	}},
	{"production-temporary-password", func(u UserReport) bool { return u.has(userpool.ForceChangePassword) }},
	{"swept", func(u UserReport) bool { return u.Moved() && u.RandomPassword() }},
	{"groups", func(u UserReport) bool { return u.Moved() && !u.GroupsDone() }},
	{"moved", UserReport.Moved},
	{"rows-failed", func(u UserReport) bool { return u.Ledger.Bound() && u.Ledger.Failures > 0 }},
	{"moving", func(u UserReport) bool { return u.Ledger.Bound() }},
	{"unknown", func(u UserReport) bool { return !u.inStaging() && !u.inProduction() }},
	{"production-only", func(u UserReport) bool { return !u.inStaging() }},
	{"email-changed", UserReport.emailChanged},
	{"not-bound", UserReport.Ours},
	{"production-user-exists", UserReport.inProduction},
	{"phone-in-use", func(u UserReport) bool { return u.PhoneOwner.Sub != "" }},
	{"no-sign-in-by-email", func(u UserReport) bool {
		return !u.From.StagingByEmail && fold(u.Staging.Username) != fold(u.Staging.Email)
	}},
	{"not-created", func(u UserReport) bool { return u.Ledger.Exists() }},
	{"eligible", UserReport.inStaging},
}

// ineligible is for staging users who are not migrated. Its first remedy is also what --ineligible says.
func ineligible(reason userpool.Reason) rule {
	return rule{string(reason), func(u UserReport) bool { return !u.Ledger.Bound() && u.Staging.Ineligible == reason }}
}

func (u UserReport) inStaging() bool          { return u.Staging.Sub != "" }
func (u UserReport) inProduction() bool       { return u.Account().Sub != "" }
func (u UserReport) has(status string) bool   { return u.Account().Status == status }
func (u UserReport) Moved() bool              { return u.Ledger.State == ledger.Moved }
func (u UserReport) GroupsDone() bool         { return u.Ledger.Finished(u.From.Groups) }
func (u UserReport) Eligible() bool           { return u.inStaging() && u.Staging.Ineligible == "" }
func (u UserReport) BeingMoved() bool         { return u.Ledger.Bound() && u.Ledger.Leased(u.From.Now()) }
func (u UserReport) SameEmail(a Account) bool { return fold(a.Email) == fold(u.Staging.Email) }

// Renewed reports whether staging has another email than it had at the import.
func (u UserReport) Renewed() bool { return u.Ledger.Email != fold(u.Staging.Email) }

func (u UserReport) emailChanged() bool {
	return u.Ours() && (u.Renewed() || !u.SameEmail(u.Account()))
}

func (u UserReport) RandomPassword() bool { return randomPassword(u.Ledger.Record) }

// Ours reports whether the production user was created for the staging user, which only a bound record proves.
func (u UserReport) Ours() bool {
	return u.Ledger.Bound() || u.Ledger.Exists() && u.Account().StagingSub == u.Ledger.StagingSub
}

// blocked reports whether Cognito lets them neither sign in nor reset their password.
func (u UserReport) blocked() bool {
	return u.inProduction() && userpool.User{Status: u.Account().Status, Enabled: u.Account().Enabled}.Blocked()
}

// Account is the production user to judge: the bound one; for an eligible user who is not bound, the other one.
func (u UserReport) Account() Account {
	if u.Ledger.Bound() || u.Staging.Ineligible != "" {
		return u.Production
	}
	return u.Other()
}

// Other is the production user with staging's email, else one with the email that was asked for.
func (u UserReport) Other() Account {
	if len(u.Others) == 0 {
		return Account{}
	}
	return u.Others[max(0, slices.IndexFunc(u.Others, u.SameEmail))]
}

// StagingSub is also known of users whom staging no longer has.
func (u UserReport) StagingSub() string { return cmp.Or(u.Staging.Sub, u.Ledger.StagingSub) }

// User names the user for bulk.
func (u UserReport) User() string { return cmp.Or(u.Staging.Email, u.StagingSub(), u.Account().Email) }

func (u UserReport) diagnose() Diagnosis {
	first := rules[slices.IndexFunc(rules, func(r rule) bool { return r.applies(u) })]
	var b strings.Builder
	if err := errors.Join(texts.ExecuteTemplate(&b, first.name, u), texts.ExecuteTemplate(&b, "logs", u)); err != nil {
		panic(err)
	}
	lines := slices.DeleteFunc(strings.Split(b.String(), "\n"), func(line string) bool { return line == "" })
	return Diagnosis{first.name, lines[0], lines[1:]}
}

func isCommand(remedy string) bool {
	return strings.HasPrefix(remedy, "bulk ") || strings.HasPrefix(remedy, "aws ")
}

var fold = ledger.FoldASCII

func region(p pool) string { return strings.Split(p.ID(), "_")[0] }

// options are of a command about one user. The AWS CLI takes some values for a file, a URL or an option, unless they
// come in JSON.
func options(p pool, username string) string {
	user := []string{"--username", username}
	if strings.Contains(username, "://") || strings.HasPrefix(username, "-") {
		raw, _ := json.Marshal(map[string]string{"Username": username}) // of a text
		user = []string{"--cli-input-json", string(raw)}
	}
	return console.Quote(append([]string{"--region", region(p), "--user-pool-id", p.ID()}, user...)...)
}
