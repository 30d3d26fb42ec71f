package status

import (
	"cmp"
	_ "embed"
	"os"
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

// rule has the name of its section in advice.txt.
type rule struct {
	name    string
	applies func(UserReport) bool
}

// rules are in order of precedence: the first that applies is the diagnosis. The last one always applies.
var rules = []rule{
	{"production-user-deleted", UserReport.deleted},
	ineligible(userpool.Federated), ineligible(userpool.NotConfirmed), ineligible(userpool.Disabled),
	ineligible(userpool.EmailUnverified), ineligible(userpool.AfterCutoff),
	{"production-blocked", UserReport.blocked},
	{"production-reset-required", func(u UserReport) bool { return u.has(userpool.ResetRequired) }},
	{"sweep-interrupted", func(u UserReport) bool {
		return u.has(userpool.ForceChangePassword) && u.Ledger.Via == ledger.Sweep
	}},
	{"production-temporary-password", func(u UserReport) bool { return u.has(userpool.ForceChangePassword) }},
	{"swept", func(u UserReport) bool {
		return u.moved() && !u.Ledger.PasswordSetAt.IsZero() && u.Ledger.SeenAt.IsZero()
	}},
	{"moved", UserReport.moved},
	{"moving", func(u UserReport) bool { return u.Ledger.Bound() }},
	{"unknown", func(u UserReport) bool { return !u.inStaging() && !u.inProduction() }},
	{"production-only", func(u UserReport) bool { return !u.inStaging() }},
	{"production-user-exists", UserReport.native},
	{"not-bound", UserReport.inProduction},
	{"not-created", func(u UserReport) bool { return u.Ledger.Exists() }},
	{"eligible", UserReport.inStaging},
}

// notes are remedies that are added to every diagnosis.
var notes = []rule{
	{"note: adopt", func(u UserReport) bool { return u.inStaging() && (u.native() || u.deleted() && len(u.Others) > 0) }},
	{"note: unverified", func(u UserReport) bool { return u.inProduction() && !u.account().EmailVerified }},
	{"note: capitals", func(u UserReport) bool {
		return u.Staging.Ineligible == "" && !u.inProduction() && u.Staging.Email != ledger.FoldASCII(u.Staging.Email)
	}},
}

//go:embed advice.txt
var adviceText string

// advice has the lines of each rule: the diagnosis, then a remedy a line; of a note only remedies. A $name is a fact.
var advice = sections(adviceText, slices.Concat(rules, notes))

// sections panics unless the text has one section for each rule and no others.
func sections(text string, rules []rule) map[string][]string {
	all := map[string][]string{}
	for section := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(section, "\n")
		all[strings.Trim(lines[0], "[]")] = lines[1:]
	}
	for _, r := range rules {
		if len(all[r.name]) == 0 {
			panic("advice.txt has no section " + r.name)
		}
	}
	if len(all) != len(rules) {
		panic("advice.txt has a section without a rule")
	}
	return all
}

// ineligible is for staging users who are not migrated. Its first remedy is also what --ineligible says.
func ineligible(reason userpool.Reason) rule {
	return rule{string(reason), func(u UserReport) bool { return !u.Ledger.Bound() && u.Staging.Ineligible == reason }}
}

func (u UserReport) inStaging() bool        { return u.Staging.Sub != "" }
func (u UserReport) inProduction() bool     { return u.account().Sub != "" }
func (u UserReport) has(status string) bool { return u.account().Status == status }
func (u UserReport) moved() bool            { return u.Ledger.State == ledger.Moved }
func (u UserReport) deleted() bool          { return u.Ledger.Bound() && !u.inProduction() }

// blocked reports whether Cognito lets them neither sign in nor reset their password.
func (u UserReport) blocked() bool {
	known := u.has(userpool.Confirmed) || u.has(userpool.ResetRequired) || u.has(userpool.ForceChangePassword)
	return u.inProduction() && (!known || !u.account().Enabled)
}

// native reports whether production has a user with their email that the migration did not create.
func (u UserReport) native() bool {
	created := u.Ledger.Exists() && u.account().StagingSub == u.Ledger.StagingSub
	return !u.Ledger.Bound() && u.inProduction() && !created
}

// account is the production user to judge: the bound one; for an eligible user who is not bound, one with their email.
func (u UserReport) account() Account {
	if u.Ledger.Bound() || u.Staging.Ineligible != "" || len(u.Others) == 0 {
		return u.Production
	}
	return u.Others[0]
}

func (c Collector) diagnose(u UserReport) Diagnosis {
	first := rules[slices.IndexFunc(rules, func(r rule) bool { return r.applies(u) })]
	lines := slices.Clone(advice[first.name])
	for _, note := range notes {
		if note.applies(u) {
			lines = append(lines, advice[note.name]...)
		}
	}
	facts := c.facts(u)
	for i, line := range lines {
		lines[i] = os.Expand(line, func(name string) string { return facts[name] })
	}
	return Diagnosis{first.name, lines[0], lines[1:]}
}

func isCommand(remedy string) bool {
	return strings.HasPrefix(remedy, "bulk ") || strings.HasPrefix(remedy, "aws ")
}

// facts are quoted if they are for commands.
func (c Collector) facts(u UserReport) map[string]string {
	account, stagingSub := u.account(), cmp.Or(u.Staging.Sub, u.Ledger.StagingSub)
	return map[string]string{
		"email": u.Staging.Email, "stagingSub": stagingSub, "cutoff": console.Time(c.Cutoff),
		"productionEmail": account.Email, "productionState": account.State(),

		"user": console.Quote(cmp.Or(u.Staging.Email, stagingSub)), "stagingUser": options(c.Staging, u.Staging.Username),
		"productionUser": options(c.Production, account.Username),
		"invited":        options(c.Production, cmp.Or(account.Email, account.Username)),
		"ledgerRecord": console.Quote("--region", region(c.Production), "--table-name", c.LedgerTable,
			"--key", `{"stagingSub":{"S":"`+stagingSub+`"}}`),
	}
}

func options(p pool, username string) string {
	return console.Quote("--region", region(p), "--user-pool-id", p.ID(), "--username", username)
}

func region(p pool) string { return strings.Split(p.ID(), "_")[0] }
