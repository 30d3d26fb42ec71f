package page

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

// decision is what a function decided: the part of its log line that is shown. The line's metrics have some of the same
// names, capitalized, with the same values.
type decision struct {
	Time       time.Time `json:"time"`
	Message    string    `json:"msg"`
	Function   string    `json:"function"`
	Email      string    `json:"email"` // masked in the log
	StagingSub string    `json:"stagingSub"`
	Decision   string    `json:"decision"`
	Reason     string    `json:"reason"`
	Error      string    `json:"error"`
	Source     string    `json:"source"`
	DurationMs int64     `json:"durationMs"`
}

// decisions are the latest that the functions logged.
type decisions struct {
	emails map[string]string // of staging's users, by sub

	mu   sync.Mutex
	last []decision
}

// read reads a line of a function's log, and reports whether it was a decision.
func (d *decisions) read(function string, raw []byte) bool {
	var one decision
	if json.Unmarshal(raw, &one) != nil || one.Decision == "" {
		return false
	}
	one.Function = strings.TrimPrefix(function, "Spaceport-Migration-")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = append(d.last, one)
	d.last = d.last[max(0, len(d.last)-shown):]
	return true
}

// newest returns the decisions in the order in which they are shown, with the users' emails where ledger or staging has
// them, so that a reader can follow a user through all lists.
func (d *decisions) newest(records []record) []decision {
	emails := map[string]string{}
	for _, r := range records {
		emails[r.StagingSub] = r.Email
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	all := append([]decision{}, d.last...)
	slices.Reverse(all)
	for i, one := range all {
		all[i].Email = cmp.Or(emails[one.StagingSub], d.emails[one.StagingSub], one.Email)
	}
	return all
}
