package status

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/table"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Stranded is a staging user who can come over by no path, and has not come over before.
type Stranded struct {
	Email      string          `json:"email"`
	StagingSub string          `json:"stagingSub"`
	Username   string          `json:"username"`
	Status     string          `json:"status"`
	Created    time.Time       `json:"created"`
	Reason     userpool.Reason `json:"reason"`
}

// WithoutAPath calls each for every such user, in staging's order.
func (s *Survey) WithoutAPath(ctx context.Context, each func(Stranded) error) error {
	found, err := s.readLedger(ctx, func(ledger.Record) {})
	if err != nil {
		return err
	}
	return s.read(ctx, "staging", s.staging, func(u userpool.User) error {
		why := u.Ineligible(s.cutoff)
		if why == "" || found[digest(u.Sub)] >= underWay {
			return nil
		}
		return each(Stranded{
			Email: u.Email(), StagingSub: u.Sub, Username: u.Username, Status: u.Status, Created: u.Created.UTC(), Reason: why,
		})
	})
}

// StrandedWriter prints stranded users as they come. The longest column is the last one, so that lines stand under each
// other without being known beforehand.
type StrandedWriter struct {
	w      io.Writer
	json   bool
	counts map[userpool.Reason]map[string]int // by status
	total  int
}

// NewStrandedWriter prints to w, as one JSON document or for people.
func NewStrandedWriter(w io.Writer, asJSON bool) *StrandedWriter {
	return &StrandedWriter{w: w, json: asJSON, counts: map[userpool.Reason]map[string]int{}}
}

const strandedLine = "%-16s  %-21s  %-10s  %-36s  %s\n"

// Write prints one user.
func (p *StrandedWriter) Write(s Stranded) error {
	p.total++
	if p.counts[s.Reason] == nil {
		p.counts[s.Reason] = map[string]int{}
	}
	p.counts[s.Reason][s.Status]++
	if p.json {
		return p.writeJSON(s)
	}
	if p.total == 1 {
		if _, err := fmt.Fprintf(p.w, strandedLine, "because", "status", "created", "staging sub", "e-mail"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(p.w, strandedLine, s.Reason, s.Status, s.Created.Format(time.DateOnly), s.StagingSub, orNone(s.Email))
	return err
}

func (p *StrandedWriter) writeJSON(s Stranded) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	before := ",\n    "
	if p.total == 1 {
		before = "{\n  \"users\": [\n    "
	}
	_, err = io.WriteString(p.w, before+string(raw))
	return err
}

// End prints the sums and what can be done.
func (p *StrandedWriter) End() error {
	if p.json {
		open, shut := "", "\n  ]"
		if p.total == 0 {
			open, shut = "{\n  \"users\": [", "]"
		}
		_, err := fmt.Fprintf(p.w, "%s%s,\n  \"count\": %d\n}\n", open, shut, p.total)
		return err
	}
	if p.total == 0 {
		_, err := fmt.Fprintln(p.w, "Everybody in staging has a way over.")
		return err
	}
	if _, err := fmt.Fprintf(p.w, "\n%s no way over. What can be done:\n", people(p.total, "has", "have")); err != nil {
		return err
	}
	for _, reason := range slices.Sorted(maps.Keys(p.counts)) {
		for _, status := range slices.Sorted(maps.Keys(p.counts[reason])) {
			heading := string(reason)
			if reason == userpool.NotConfirmed {
				heading += ", " + status
			}
			advice := strings.TrimSpace(cause(reason, status) + " " + remedy(reason, status))
			if _, err := fmt.Fprintf(p.w, "  %s (%s)\n%s", heading, people(p.counts[reason][status], "", ""), table.Wrap(advice, "    ", "    ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// cause is why a user is not eligible.
func cause(reason userpool.Reason, status string) string {
	switch reason {
	case userpool.Federated:
		return "They sign in to staging through an identity provider and have no password there."
	case userpool.NotConfirmed:
		return map[string]string{
			"UNCONFIRMED":           "They never finished signing up.",
			"FORCE_CHANGE_PASSWORD": "They never used their temporary password.",
			"RESET_REQUIRED":        "Staging waits for them to choose a new password.",
		}[status]
	case userpool.Disabled:
		return "Somebody disabled them in staging."
	case userpool.EmailUnverified:
		return "Staging has no verified e-mail of theirs, so it may be somebody else's."
	case userpool.AfterCutoff:
		return "They came to staging at or after the cut-off."
	}
	return ""
}

// remedy is what can be done about it.
func remedy(reason userpool.Reason, status string) string {
	switch reason {
	case userpool.Federated:
		return "Connect the provider to production; they start there afresh."
	case userpool.NotConfirmed:
		return notConfirmed(status)
	case userpool.Disabled:
		return "Enable them in staging if they are to come."
	case userpool.EmailUnverified:
		return "They verify it in staging; or you do, once you know that the mailbox is theirs."
	case userpool.AfterCutoff:
		return "They sign up in production; or set STAGING_CUTOFF to a later time."
	}
	return "Look at them in staging."
}

func notConfirmed(status string) string {
	switch status {
	case "UNCONFIRMED":
		return "They enter the code that staging sent them, or sign up in production."
	case "FORCE_CHANGE_PASSWORD":
		return "They sign in to staging with it and choose their own, or are invited to production."
	case "RESET_REQUIRED":
		return "They use \"forgot password\" there, and are eligible at once."
	}
	return "Cognito lets nobody in with this status. Look at them in staging."
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
