package status

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Overview is how far the migration is.
type Overview struct {
	At      time.Time        `json:"at"`
	Cutoff  time.Time        `json:"cutoff,omitzero"`
	Staging users.Statistics `json:"staging"`
	Ledger  Ledger           `json:"ledger"`

	Linked  int `json:"linkedIdentities"`  // staging users who also sign in through an identity provider
	LeftOut int `json:"attributesLeftOut"` // eligible users of whom attributes do not move
	// eligible users whose email another has, apart from case, who is migrated
	SameEmail Affected `json:"sameEmail"`
	ShutOut   Affected `json:"shutOut"` // eligible users whose production user was deleted, or cannot sign in

	// Of the eligible users:
	Done          int     `json:"done"`          // all their data is in production
	UnderWay      int     `json:"underWay"`      // bound, data not copied completely
	WithoutEmail  int     `json:"withoutEmail"`  // moved, but with a random password and without a reset email
	Remaining     int     `json:"remaining"`     // not bound to a production user, without SameEmail
	MigratedShare float64 `json:"migratedShare"` // done; 1 if there are no eligible users

	SafeToDetach bool     `json:"safeToDetach"`
	Missing      []string `json:"missing"` // what has to be done before that

	Production Production `json:"production"`
}

// Production counts what a roll back to staging loses. Rows that changed are for verify to tell.
type Production struct {
	Users        int `json:"users"`
	Own          int `json:"own"`          // users that no ledger record is bound to: staging does not have them
	NewPasswords int `json:"newPasswords"` // users who migrated by setting a password: staging does not have it
}

// Ledger counts the ledger's records, also of users who are no longer in staging.
type Ledger struct {
	Records int                   `json:"records"`
	Stale   int                   `json:"stale"` // not bound for a month
	ByPath  map[ledger.Via]Stages `json:"byPath"`
	Resets  int                   `json:"resets"`  // users that a sweep sent a reset email
	Seen    int                   `json:"seen"`    // users that a sweep created, and who have signed in since
	NotSeen int                   `json:"notSeen"` // users that a sweep created, and who have not signed in since
	Adopted int                   `json:"adopted"` // users that production had before the migration
	Copied  map[string]int        `json:"copied"`  // table → rows that the migration wrote
	Kept    map[string]int        `json:"kept"`    // table → rows that production had already
	Expired map[string]int        `json:"expired"` // table → rows past their time to live, left behind

	Failures []Failure `json:"failures"`

	All Stages `json:"-"` // the sum of ByPath
}

// Stages counts users by stage.
type Stages [moved + 1]int

// MarshalJSON writes the stages of a record.
func (s Stages) MarshalJSON() ([]byte, error) {
	counts := map[string]int{
		"notBound": s[notBound], "moving": s[moving], "failed": s[failed], "withoutEmail": s[unsent], "moved": s[moved],
	}
	return json.Marshal(counts)
}

func (s Stages) bound() int { return s[moving] + s[failed] + s[unsent] + s[moved] }

// Failure is one reason why moves failed.
type Failure struct {
	Reason string `json:"reason"`
	Affected
}

// Affected counts users.
type Affected struct {
	Users    int      `json:"users"`
	Examples []string `json:"examples"` // a few of their emails
}

func (a *Affected) add(email string) {
	if a.Users++; len(a.Examples) < maxExamples {
		a.Examples = append(a.Examples, email)
	}
}

// String names some of the users.
func (a Affected) String() string {
	names := slices.Clone(a.Examples)
	if others := a.Users - len(names); others > 0 {
		names = append(names, console.Quantity(others, "other", "others"))
	}
	return console.Line(console.List(names))
}

// Overview counts all records and users.
func (c Collector) Overview(ctx context.Context) (o Overview, err error) {
	o = Overview{At: c.Now().UTC().Truncate(time.Second), Cutoff: c.Cutoff, Missing: []string{}, Ledger: Ledger{
		ByPath: map[ledger.Via]Stages{}, Copied: map[string]int{}, Kept: map[string]int{}, Expired: map[string]int{},
		Failures: []Failure{},
	}}
	found, err := c.readLedger(ctx, func(r ledger.Record) error { return o.Ledger.add(r, c.stageOf(r), c.stale(r)) })
	if err != nil {
		return o, err
	}
	for u, err := range c.list(ctx, "production", c.Production) {
		if err != nil {
			return o, err
		}
		o.Production.Users++
		if kept := found.find(u.Sub); kept != nil {
			kept.letsIn = !u.Blocked()
		} else {
			o.Production.Own++
		}
	}
	var eligible Stages
	var emails *users.EmailSet // to find those that are the same but for case
	if !c.UniqueEmails {
		emails = users.NewEmailSet()
	}
	o.Staging, err = users.Read(
		c.staging(ctx),
		c.Cutoff,
		emails,
		func(u userpool.User, reason userpool.Reason) error {
			if users.Linked(u) {
				o.Linked++
			}
			if reason != "" {
				return nil
			}
			if _, n := userpool.ProductionAttributes(u, c.CustomAttributes); n > 0 {
				o.LeftOut++
			}
			if kept := found.of(u.Sub); kept.stage > notBound && !kept.letsIn {
				o.ShutOut.add(u.Email())
			} else {
				eligible[kept.stage]++
			}
			return nil
		},
	)
	bound := func(sub string) (bool, error) { return found.of(sub).stage > notBound, nil }
	for _, email := range slices.Sorted(maps.Keys(o.Staging.SameEmail)) {
		pairs, _ := users.Pairs(o.Staging.SameEmail[email], bound)
		for _, pair := range pairs {
			if is, _ := bound(pair.Sub); !is {
				o.SameEmail.add(pair.Remaining)
			}
		}
	}
	if err != nil {
		return o, err
	}
	unowned, err := c.unowned(ctx, o.Ledger, found)
	o.conclude(eligible, unowned)
	return o, err
}

// unowned returns the tables of staging in which no row at all belongs to a migrated user, though they are not empty.
func (c Collector) unowned(ctx context.Context, l Ledger, found standings) (tables []string, err error) {
	for _, t := range c.Tables {
		if l.All[moved]+l.All[unsent] == 0 || l.Copied[t.Target]+l.Kept[t.Target]+l.Expired[t.Target] > 0 {
			continue
		}
		empty, owned := true, false
		for row, err := range c.Rows.Scan(ctx, t.Source) {
			if err != nil {
				return nil, err
			}
			empty = false
			if owned = found.find(row.Text(t.OwnerKey)) != nil; owned {
				break
			}
		}
		if !empty && !owned {
			tables = append(tables, t.Source)
		}
	}
	return tables, nil
}

func (o *Overview) conclude(eligible Stages, unowned []string) {
	o.Done, o.UnderWay, o.WithoutEmail = eligible[moved], eligible[moving]+eligible[failed], eligible[unsent]
	o.Remaining, o.MigratedShare = o.Staging.Eligible-eligible.bound()-o.ShutOut.Users-o.SameEmail.Users, 1
	if o.Staging.Eligible > 0 {
		o.MigratedShare = float64(o.Done) / float64(o.Staging.Eligible)
	}
	o.Production.NewPasswords = o.Ledger.Seen + o.Ledger.ByPath[ledger.ForgotPassword].bound()
	if o.Staging.Total == 0 {
		o.Missing = append(o.Missing, "staging has no users: is STAGING_USER_POOL_ID right?")
	}
	missing := func(n int, one, many, what string) {
		if n > 0 {
			o.Missing = append(o.Missing, console.Quantity(n, one, many)+" "+what)
		}
	}
	missing(o.Remaining, "user is", "users are", "not migrated: wait for them to sign in, or run bulk sweep")
	missing(o.SameEmail.Users, "user has", "users have", "the email of another, apart from case, who is migrated: "+
		"bulk check prints the commands that disable them in staging; "+o.SameEmail.String())
	missing(o.ShutOut.Users, "user is", "users are",
		"bound to a production user who was deleted or cannot sign in: bulk status --user says which; "+o.ShutOut.String())
	missing(o.WithoutEmail, "user has", "users have",
		"a random password and no reset email: run bulk sweep --live, which sends it")
	for _, table := range unowned {
		o.Missing = append(o.Missing, "no row of "+table+" belongs to a migrated user: check ownerKey in MIGRATION_TABLES")
	}
	missing(eligible[failed], "user's", "users'",
		"data could not be copied: resolve the reasons above, then run bulk sweep --live, or let them sign in again")
	missing(eligible[moving], "user's", "users'",
		"data or groups are not copied completely: run bulk sweep --live, which goes on")
	o.SafeToDetach = len(o.Missing) == 0
	slices.SortStableFunc(o.Ledger.Failures, func(a, b Failure) int { return b.Users - a.Users })
}

func (l *Ledger) add(r ledger.Record, at stage, stale bool) error {
	l.Records++
	if stale {
		l.Stale++
	}
	path := l.ByPath[r.Via]
	path[at]++
	l.ByPath[r.Via] = path
	l.All[at]++
	if r.Via == ledger.Sweep && !r.ResetAt.IsZero() {
		l.Resets++
	}
	if r.CreatedBySweep() && !r.SeenAt.IsZero() {
		l.Seen++
	}
	if randomPassword(r) {
		l.NotSeen++
	}
	if r.Adopted {
		l.Adopted++
	}
	if at == failed {
		l.addFailure(r)
	}
	for table, n := range r.Copied {
		l.Copied[table] += n
	}
	for table, n := range r.Kept {
		l.Kept[table] += n
	}
	for table, n := range r.Expired {
		l.Expired[table] += n
	}
	return nil
}

// Bounds of what is kept and printed.
const maxReasons, maxExamples, otherReason = 20, 3, "other reasons"

// requestID makes each error of AWS differ from all others.
var requestID = regexp.MustCompile(`RequestID: .*?(, |$)`)

func (l *Ledger) addFailure(r ledger.Record) {
	reason := requestID.ReplaceAllString(r.LastError, "")
	i := slices.IndexFunc(l.Failures, func(f Failure) bool { return f.Reason == reason || f.Reason == otherReason })
	if i < 0 {
		if i = len(l.Failures); i == maxReasons {
			reason = otherReason
		}
		l.Failures = append(l.Failures, Failure{Reason: reason})
	}
	l.Failures[i].add(r.Email)
}
