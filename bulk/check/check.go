// Package check tells whether a migration can work. A Reader reads what AWS says of both accounts; Run judges it: one
// finding per check, with the remedy. Every check is a pure function of AWS's own descriptions. It chooses a line of
// findings.txt, which also says why it matters. What could not be read is reported, never taken for ok.
package check

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/spaceport/user-migration/bulk/console"
)

// Level is the result of a check. A failure must be corrected first; a warning is something to know or to decide.
type Level string

const (
	OK      Level = "ok"
	Warning Level = "warning"
	Failure Level = "failure"
)

// Finding is what one check found.
type Finding struct {
	Group  string `json:"group"`
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Found  string `json:"found"`
	Remedy string `json:"do,omitempty"`
}

// Report is all findings, in the order of the groups.
type Report struct {
	Findings []Finding `json:"findings"`
	OK       int       `json:"ok"`
	Warnings int       `json:"warnings"`
	Failures int       `json:"failures"`
	Skipped  []string  `json:"skipped,omitempty"` // checks that need what could not be read
}

// Run runs all checks that need no sign-in.
func Run(f Facts) Report {
	var r Report
	production, staging := f.Settings.ProductionUserPoolID, f.Settings.StagingUserPoolID
	account, always := aws.ToString(f.Operator.Account), r.needs(nil)
	always.pool("production pool: pool", f.Production, production, account, f.ProductionRegion, staging)
	r.needs(f.Production.Err).productionPool(f)
	r.needs(f.Production.Err).passwordSignIn(f.ProductionClients)
	r.needs(f.ProductionClients.Err).appClients(f)
	always.stagingRole(f)
	always.pool("staging pool: pool", f.Staging, staging, f.StagingAccount.Value, f.StagingRegion, production)
	r.needs(f.Staging.Err).stagingPool(f)
	always.eligible(f.Users)
	r.needs(f.Users.Err).users(f)
	always.tables(f)
	denied, err := console.List(f.Denied.Value), f.Denied.Err
	r.needs(cmp.Or(f.Production.Err, f.Ledger.Err)).check("permissions: operator",
		vars{"caller": aws.ToString(f.Operator.Arn), "denied": denied, "error": err},
		when{"unread", err != nil}, when{"denied", denied != ""})
	return r
}

// checker adds findings to a report. They are skipped if what they need is unread, which another check reports.
type checker struct {
	*Report
	unread error
}

func (r *Report) needs(unread error) checker { return checker{r, unread} }

// when is a case of a check.
type when struct {
	name    string
	applies bool
}

func (w when) is() bool { return w.applies }

// vars are the values of the $names of a text.
type vars map[string]any

// check adds the finding of the first case that applies, or the finding that has no case.
func (c checker) check(name string, v vars, cases ...when) {
	if c.unread != nil {
		c.Skipped = append(c.Skipped, name)
		return
	}
	f := texts[name][""]
	for _, one := range slices.Backward(cases) {
		if texts[name][one.name].Level == "" {
			panic("findings.txt has no case " + one.name + " of " + name)
		}
		if one.applies {
			f = texts[name][one.name]
		}
	}
	value := func(name string) string { return fmt.Sprint(v[name]) }
	f.Found, f.Remedy = os.Expand(f.Found, value), os.Expand(f.Remedy, value)
	c.Findings = append(c.Findings, f)
	*map[Level]*int{OK: &c.OK, Warning: &c.Warnings, Failure: &c.Failures}[f.Level]++
}

//go:embed findings.txt
var findings string

// texts are by check and case. findings.txt has a section for each check: why it matters, and a line "level case: what
// was found -> remedy" for each case. The line without a case is for all others. $names are vars.
var texts = parse(findings)

var line = regexp.MustCompile(`(?m)^(ok|warning|failure) ?(.*?): (.+?)(?: -> (.+))?$`)

func parse(findings string) map[string]map[string]Finding {
	all := map[string]map[string]Finding{}
	for section := range strings.SplitSeq(findings, "\n\n") {
		name, lines, _ := strings.Cut(strings.TrimPrefix(section, "["), "]")
		group, check, _ := strings.Cut(name, ": ")
		all[name] = map[string]Finding{}
		for _, m := range line.FindAllStringSubmatch(lines, -1) {
			all[name][m[2]] = Finding{group, check, Level(m[1]), m[3], m[4]}
		}
	}
	return all
}

// Failed reports whether the migration cannot work yet.
func (r Report) Failed() bool { return r.Failures > 0 }

//go:embed report.tmpl
var reportTemplate string

var reportFuncs = template.FuncMap{
	"count": console.Count, "line": console.Line, "join": strings.Join, "quantity": console.Quantity,
}

var reportText = template.Must(template.New("").Funcs(reportFuncs).Parse(reportTemplate))

// Print writes the report as text. Without all, checks that are ok are counted, but for what a canary proves.
func (r Report) Print(w io.Writer, all bool) error {
	r.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool {
		return f.Level == OK && f.Group != "canary" && !all
	})
	return reportText.Execute(w, r)
}

// Listed reports whether every check that is ok is among the findings.
func (r Report) Listed() bool { return len(r.Findings) == r.OK+r.Warnings+r.Failures }
