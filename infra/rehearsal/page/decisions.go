package page

import (
	"cmp"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// decision is what a function decided, as in its log, where emails are already masked.
type decision struct {
	Time     time.Time `json:"time"`
	Function string    `json:"function"`
	User     string    `json:"user"`
	Decision string    `json:"decision"`
	Reason   string    `json:"reason"`
	Source   string    `json:"source"`
	Ms       int64     `json:"ms"`

	stagingSub string
}

// logLine is the part of a function's log line that is shown. Its metrics have some of the same names, capitalized,
// with the same values.
type logLine struct {
	Time       time.Time `json:"time"`
	Message    string    `json:"msg"`
	Email      string    `json:"email"`
	StagingSub string    `json:"stagingSub"`
	Decision   string    `json:"decision"`
	Reason     string    `json:"reason"`
	Error      string    `json:"error"`
	Source     string    `json:"source"`
	DurationMs int64     `json:"durationMs"`
}

// decisions are the latest that the functions logged.
type decisions struct {
	mu   sync.Mutex
	last []decision
}

// read reads a line of a function's log, and reports whether it was a decision.
func (d *decisions) read(function string, raw []byte) bool {
	var l logLine
	if json.Unmarshal(raw, &l) != nil || l.Decision == "" {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = append(d.last, decision{
		Time: l.Time, Function: strings.TrimPrefix(function, "Spaceport-Migration-"), User: l.Email, Decision: l.Decision,
		Reason: cmp.Or(l.Reason, l.Error), Source: cmp.Or(l.Source, l.Message), Ms: l.DurationMs, stagingSub: l.StagingSub,
	})
	d.last = d.last[max(0, len(d.last)-shown):]
	return true
}

// newest returns the decisions in the order in which they are shown. The datamover logs ids only; the ledger has the
// emails.
func (d *decisions) newest(records []record) []decision {
	emails := map[string]string{}
	for _, r := range records {
		emails[r.StagingSub] = ledger.MaskEmail(r.Email)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]decision, len(d.last))
	for i, one := range d.last {
		one.User = cmp.Or(one.User, emails[one.stagingSub])
		all[len(all)-1-i] = one
	}
	return all
}
