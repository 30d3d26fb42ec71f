package page

import (
	"cmp"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// decision is what a function decided, as its own log has it: e-mails are masked there already.
type decision struct {
	Time     time.Time `json:"time"`
	Function string    `json:"function"`
	Who      string    `json:"who"`
	Decision string    `json:"decision"`
	Reason   string    `json:"reason"`
	Source   string    `json:"source"`
	Ms       int64     `json:"ms"`

	stagingSub string
}

// logLine is as much of a function's line as is shown. Its metrics have some of the same words, capitalised, and the same values.
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

// decisions are the last that the functions logged.
type decisions struct {
	mu   sync.Mutex
	last []decision
}

// read takes a line of a function's log, and says whether it was a decision.
func (d *decisions) read(function string, raw []byte) bool {
	var l logLine
	if json.Unmarshal(raw, &l) != nil || l.Decision == "" {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = append(d.last, decision{
		Time: l.Time, Function: strings.TrimPrefix(function, "Spaceport-Migration-"), Who: l.Email, Decision: l.Decision,
		Reason: cmp.Or(l.Reason, l.Error), Source: cmp.Or(l.Source, l.Message), Ms: l.DurationMs, stagingSub: l.StagingSub,
	})
	d.last = d.last[max(0, len(d.last)-shown):]
	return true
}

// newest are in the order in which they are shown. The datamover logs ids alone, and of those the ledger knows whose they are.
func (d *decisions) newest(lines []line) []decision {
	emails := map[string]string{}
	for _, l := range lines {
		emails[l.StagingSub] = ledger.MaskEmail(l.Email)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]decision, len(d.last))
	for i, one := range d.last {
		one.Who = cmp.Or(one.Who, emails[one.stagingSub])
		all[len(all)-1-i] = one
	}
	return all
}
