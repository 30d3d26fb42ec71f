package status

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/bulk/table"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Answer is the answer to one support ticket.
type Answer struct {
	Asked   string   `json:"asked"`
	Persons []Person `json:"persons"` // more than one where staging has several users under that e-mail
}

// Person is one of them.
type Person struct {
	Staging         *Account  `json:"staging"`
	Ledger          *Entry    `json:"ledger"`
	Production      *Account  `json:"production"`      // whom the ledger has bound
	OtherProduction []Account `json:"otherProduction"` // who else has that e-mail in production
	Verdict         Verdict   `json:"verdict"`
}

// Account is a user of either pool.
type Account struct {
	Sub           string          `json:"sub"`
	Username      string          `json:"username"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"emailVerified"`
	Status        string          `json:"status"`
	Enabled       bool            `json:"enabled"`
	Created       time.Time       `json:"created"`
	Ineligible    userpool.Reason `json:"ineligible,omitempty"` // of staging users
	StagingSub    string          `json:"stagingSub,omitempty"` // of production users: custom:staging_sub, which only the ledger can confirm
}

// Entry is a line of the ledger.
type Entry struct {
	State         ledger.State   `json:"state"`
	Via           ledger.Via     `json:"via"`
	Email         string         `json:"email"`
	StagingSub    string         `json:"stagingSub"`
	ProductionSub string         `json:"productionSub,omitempty"`
	ImportedAt    time.Time      `json:"importedAt"`
	MovedAt       *time.Time     `json:"movedAt,omitempty"`
	PasswordSetAt *time.Time     `json:"passwordSetAt,omitempty"` // by a sweep
	ResetAt       *time.Time     `json:"resetAt,omitempty"`
	SeenAt        *time.Time     `json:"seenAt,omitempty"`
	Copied        map[string]int `json:"copied,omitempty"`
	Kept          map[string]int `json:"kept,omitempty"`
	LastError     string         `json:"lastError,omitempty"`
}

// Answer looks up who is asked for and judges.
func (d *Desk) Answer(ctx context.Context, asked string) (Answer, error) {
	tickets, err := d.Look(ctx, asked)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Asked: asked}
	for _, t := range tickets {
		a.Persons = append(a.Persons, person(t, d.places.Judge(t)))
	}
	return a, nil
}

func person(t Ticket, v Verdict) Person {
	p := Person{OtherProduction: []Account{}, Verdict: v}
	if t.Staging != nil {
		staging := accountOf(*t.Staging)
		staging.Ineligible = t.Staging.Ineligible(t.Cutoff)
		p.Staging = &staging
	}
	if t.Line != nil {
		p.Ledger = entryOf(*t.Line)
	}
	if t.Theirs != nil {
		theirs := accountOf(*t.Theirs)
		p.Production = &theirs
	}
	for _, other := range t.Others {
		p.OtherProduction = append(p.OtherProduction, accountOf(other))
	}
	return p
}

func accountOf(u userpool.User) Account {
	return Account{
		Sub: u.Sub, Username: u.Username, Email: u.Email(), EmailVerified: u.EmailVerified(),
		Status: u.Status, Enabled: u.Enabled, Created: u.Created.UTC(), StagingSub: u.StagingSub(),
	}
}

func entryOf(l ledger.Record) *Entry {
	return &Entry{
		State: l.State, Via: l.Via, Email: l.Email, StagingSub: l.StagingSub, ProductionSub: l.ProductionSub,
		ImportedAt: l.ImportedAt, MovedAt: present(l.MovedAt), PasswordSetAt: present(l.PasswordSetAt), ResetAt: present(l.ResetAt), SeenAt: present(l.SeenAt),
		Copied: l.Copied, Kept: l.Kept, LastError: l.LastError,
	}
}

func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// WriteText prints the answer for people.
func (a Answer) WriteText(w io.Writer) error {
	var b strings.Builder
	for i, p := range a.Persons {
		if len(a.Persons) > 1 {
			fmt.Fprintf(&b, "%d of %d for %s\n\n", i+1, len(a.Persons), a.Asked)
		}
		p.writeText(&b)
		if i < len(a.Persons)-1 {
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p Person) writeText(b *strings.Builder) {
	rows := [][]string{}
	add := func(heading string, lines ...string) {
		for _, line := range lines {
			rows = append(rows, []string{heading, line})
			heading = ""
		}
	}
	add("Staging", p.Staging.describe()...)
	add("Ledger", p.Ledger.describe()...)
	if p.Production != nil || len(p.OtherProduction) == 0 {
		add("Production", p.Production.describe()...)
	}
	for _, other := range p.OtherProduction {
		add("Production", append(other.describe(), p.unbound(other))...)
	}
	_ = table.Write(b, "ll", rows...)
	b.WriteString("\n" + table.Wrap(p.Verdict.Text, "", ""))
	for _, line := range p.Verdict.ToDo {
		if strings.HasPrefix(line, "  ") {
			b.WriteString("    " + line + "\n") // a command is not to be broken
		} else {
			b.WriteString(table.Wrap(line, "  - ", "    "))
		}
	}
}

// unbound says what a production account is that the ledger has not bound to the staging user. What it says of itself may
// be forged.
func (p Person) unbound(other Account) string {
	switch {
	case other.StagingSub == "":
		return "not made by the migration"
	case p.Staging != nil && other.StagingSub == p.Staging.Sub && p.Ledger != nil:
		return "made for this staging user, not bound yet"
	}
	return "says that it was staging user " + other.StagingSub + ", which only that user's line of the ledger can confirm"
}

func (a *Account) describe() []string {
	if a == nil {
		return []string{"nobody"}
	}
	verified, enabled := "verified", "enabled"
	if !a.EmailVerified {
		verified = "not verified"
	}
	if !a.Enabled {
		enabled = "disabled"
	}
	email := a.Email + " (" + verified + ")"
	if a.Email == "" {
		email = "no e-mail"
	}
	lines := []string{
		fmt.Sprintf("%s, %s, %s", email, a.Status, enabled),
		fmt.Sprintf("created %s, sub %s", moment(a.Created), a.Sub),
	}
	if a.Ineligible != "" {
		lines = append(lines, "not eligible: "+string(a.Ineligible))
	}
	return lines
}

func (e *Entry) describe() []string {
	if e == nil {
		return []string{"no line"}
	}
	lines := []string{fmt.Sprintf("%s, by %s, begun %s", e.State, e.Via, moment(e.ImportedAt))}
	for _, step := range []struct {
		at   *time.Time
		what string
	}{{e.MovedAt, "moved"}, {e.PasswordSetAt, "account made"}, {e.ResetAt, "letter sent"}, {e.SeenAt, "first came in"}} {
		if step.at != nil {
			lines = append(lines, step.what+" "+moment(*step.at))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Copied)) {
		lines = append(lines, fmt.Sprintf("%s: %s copied, %s kept", name, progress.Count(e.Copied[name]), progress.Count(e.Kept[name])))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Kept)) {
		if _, told := e.Copied[name]; !told {
			lines = append(lines, fmt.Sprintf("%s: 0 copied, %s kept", name, progress.Count(e.Kept[name])))
		}
	}
	if e.ProductionSub != "" {
		lines = append(lines, "bound to "+e.ProductionSub)
	}
	if e.LastError != "" {
		lines = append(lines, "last error: "+e.LastError)
	}
	return lines
}
