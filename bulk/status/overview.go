package status

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Overview is how far the migration is.
type Overview struct {
	At      time.Time  `json:"at"`
	Cutoff  *time.Time `json:"cutoff,omitempty"`
	Staging Staging    `json:"staging"`
	Ledger  Ledger     `json:"ledger"`

	// Of those who are eligible:
	Done       int     `json:"done"`       // all their data is in production
	UnderWay   int     `json:"underWay"`   // bound, data on its way or failed
	Stragglers int     `json:"stragglers"` // not bound to any production user
	ShareDone  float64 `json:"shareDone"`  // of the eligible; 1 where there are none

	SafeToDetach bool     `json:"safeToDetach"`
	Missing      []string `json:"missing"` // what is to be done before it is

	Production Production `json:"production"`
}

// Production counts what would stay behind if people went back to staging. Rows that changed are for verify to tell.
type Production struct {
	Users        int `json:"users"`
	Own          int `json:"own"`          // users whom no ledger line is bound to: staging does not know these accounts
	NewPasswords int `json:"newPasswords"` // users who came by setting a password, which staging does not know
}

// Staging counts who is in staging.
type Staging struct {
	Users    int                    `json:"users"`
	Eligible int                    `json:"eligible"`
	ByStatus map[string]StatusCount `json:"byStatus"`
}

// StatusCount counts the staging users of one Cognito status.
type StatusCount struct {
	Eligible   int                     `json:"eligible"`
	Ineligible map[userpool.Reason]int `json:"ineligible,omitempty"`
}

// Ledger counts the ledger's lines, of whoever is in staging or was.
type Ledger struct {
	Lines   int                   `json:"lines"`
	ByPath  map[ledger.Via]Stages `json:"byPath"`
	Letters int                   `json:"letters"` // swept users whose password was reset, which sends a letter
	Seen    int                   `json:"seen"`    // swept users who have come in since
	Adopted int                   `json:"adopted"` // of those a sweep brought over, whose account production had already
	Copied  map[string]int        `json:"copied"`  // table → rows that the migration wrote
	Kept    map[string]int        `json:"kept"`    // table → rows that production held already

	Failures []Failure `json:"failures"`
}

// Stages counts the lines of one path by how far they are.
type Stages struct {
	NotCome int `json:"notCome"` // imported, but nobody has come for it
	Moving  int `json:"moving"`
	Failed  int `json:"failed"` // moving, and the last try failed
	Moved   int `json:"moved"`
}

func (s Stages) plus(o Stages) Stages {
	return Stages{s.NotCome + o.NotCome, s.Moving + o.Moving, s.Failed + o.Failed, s.Moved + o.Moved}
}

func (s Stages) total() int { return s.NotCome + s.Moving + s.Failed + s.Moved }

// Failure is one reason why moves failed.
type Failure struct {
	Reason   string   `json:"reason"`
	Users    int      `json:"users"`
	Examples []string `json:"examples"` // a few of their e-mails
}

// Total counts the lines of all paths.
func (l Ledger) Total() (all Stages) {
	for _, stages := range l.ByPath {
		all = all.plus(stages)
	}
	return all
}

// Overview counts everybody.
func (s *Survey) Overview(ctx context.Context) (Overview, error) {
	o := Overview{
		At:      s.now().UTC().Truncate(time.Second),
		Staging: Staging{ByStatus: map[string]StatusCount{}},
		Ledger:  Ledger{ByPath: map[ledger.Via]Stages{}, Copied: map[string]int{}, Kept: map[string]int{}, Failures: []Failure{}},
	}
	if !s.cutoff.IsZero() {
		o.Cutoff = &s.cutoff
	}
	found, err := s.readLedger(ctx, func(line ledger.Record) {
		o.Ledger.add(line)
		o.Production.addLine(line)
	})
	if err != nil {
		return Overview{}, err
	}
	err = s.read(ctx, "staging", s.staging, func(u userpool.User) error {
		o.add(u, u.Ineligible(s.cutoff), found[digest(u.Sub)])
		return nil
	})
	if err == nil {
		err = s.read(ctx, "production", s.production, func(u userpool.User) error {
			o.Production.add(found[digest(u.Sub)])
			return nil
		})
	}
	if err != nil {
		return Overview{}, err
	}
	o.conclude()
	return o, nil
}

func (o *Overview) add(u userpool.User, why userpool.Reason, p progressOf) {
	count := o.Staging.ByStatus[u.Status]
	o.Staging.Users++
	if why != "" {
		if count.Ineligible == nil {
			count.Ineligible = map[userpool.Reason]int{}
		}
		count.Ineligible[why]++
		o.Staging.ByStatus[u.Status] = count
		return
	}
	count.Eligible++
	o.Staging.Eligible++
	o.Staging.ByStatus[u.Status] = count
	switch p {
	case done:
		o.Done++
	case underWay:
		o.UnderWay++
	default:
		o.Stragglers++
	}
}

func (p *Production) add(known progressOf) {
	p.Users++
	if known == notImported {
		p.Own++
	}
}

func (p *Production) addLine(line ledger.Record) {
	bySweep := line.Via == ledger.Sweep && !line.PasswordSetAt.IsZero() && !line.SeenAt.IsZero()
	if line.Bound() && line.Via == ledger.ForgotPassword || bySweep {
		p.NewPasswords++
	}
}

func (l *Ledger) add(line ledger.Record) {
	l.Lines++
	stages := l.ByPath[line.Via]
	switch stage := stageOf(line); {
	case stage == notCome:
		stages.NotCome++
	case stage == done:
		stages.Moved++
	case line.LastError != "":
		stages.Failed++
		l.addFailure(line)
	default:
		stages.Moving++
	}
	l.ByPath[line.Via] = stages
	if line.Via == ledger.Sweep {
		l.addSwept(line)
	}
	for table, n := range line.Copied {
		l.Copied[table] += n
	}
	for table, n := range line.Kept {
		l.Kept[table] += n
	}
}

func (l *Ledger) addSwept(line ledger.Record) {
	if !line.ResetAt.IsZero() {
		l.Letters++
	}
	switch {
	case line.SeenAt.IsZero():
	case line.PasswordSetAt.IsZero():
		l.Adopted++ // an adopted account is stamped at once, and given no password
	default:
		l.Seen++
	}
}

// Reasons differ little from each other; should they ever differ much, these bounds keep memory and screen in hand.
const (
	maxReasons  = 20
	maxExamples = 3
	otherReason = "other reasons"
)

func (l *Ledger) addFailure(line ledger.Record) {
	reason := withoutRequestID(line.LastError)
	same := func(f Failure) bool { return f.Reason == reason }
	i := slices.IndexFunc(l.Failures, same)
	if i < 0 && len(l.Failures) >= maxReasons {
		reason = otherReason
		i = slices.IndexFunc(l.Failures, same)
	}
	if i < 0 {
		l.Failures = append(l.Failures, Failure{Reason: reason})
		i = len(l.Failures) - 1
	}
	l.Failures[i].Users++
	if len(l.Failures[i].Examples) < maxExamples {
		l.Failures[i].Examples = append(l.Failures[i].Examples, line.Email)
	}
}

// withoutRequestID drops what makes every AWS error unlike all others.
func withoutRequestID(reason string) string {
	for {
		before, after, found := strings.Cut(reason, "RequestID: ")
		if !found {
			return reason
		}
		_, after, _ = strings.Cut(after, ", ")
		reason = before + after
	}
}

// conclude says in words what is missing before staging's triggers may go.
func (o *Overview) conclude() {
	o.ShareDone = 1
	if o.Staging.Eligible > 0 {
		o.ShareDone = float64(o.Done) / float64(o.Staging.Eligible)
	}
	all := o.Ledger.Total()
	o.Missing = []string{}
	if o.Staging.Users == 0 {
		o.Missing = append(o.Missing, "staging has no users at all: is STAGING_USER_POOL_ID right?")
	}
	if n := o.Stragglers; n > 0 {
		o.Missing = append(o.Missing, people(n, "has", "have")+" not come over: wait for them to sign in, or run bulk sweep")
	}
	if n := all.Failed; n > 0 {
		o.Missing = append(o.Missing, "the data of "+people(n, "", "")+" did not arrive: see to the reasons above, then run bulk sweep --live, or let them sign in again")
	}
	if n := all.Moving; n > 0 {
		o.Missing = append(o.Missing, "the data of "+people(n, "is", "are")+" on its way: look again in a minute")
	}
	o.SafeToDetach = len(o.Missing) == 0
}
