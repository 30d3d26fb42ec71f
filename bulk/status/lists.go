package status

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Ineligible is a staging user who is neither eligible nor migrated.
type Ineligible struct {
	Email      string          `json:"email"`
	StagingSub string          `json:"stagingSub"`
	Username   string          `json:"username"`
	Status     string          `json:"status"`
	Created    time.Time       `json:"created"`
	Reason     userpool.Reason `json:"reason"`
}

// ineligibleLine has the longest column last, so that lines align whatever follows.
const ineligibleLine = "%-16s  %-21s  %-10s  %-36s  %s\n"

// ListIneligible writes these users in staging's order, while it is read, and at the end what can be done for them.
func (c Collector) ListIneligible(ctx context.Context, w io.Writer, asJSON bool) error {
	found, err := c.readLedger(ctx, func(ledger.Record) {})
	if err != nil {
		return err
	}
	list, total, counts := console.NewList(w, "users"), 0, map[userpool.Reason]int{}
	staging := c.list(ctx, "staging", c.Staging)
	_, err = users.Read(staging, c.Cutoff, nil, func(u userpool.User, reason userpool.Reason) error {
		if reason == "" || found.of(u.Sub) > notBound {
			return nil
		}
		c.Progress.Clear() // the list grows in its place
		total++
		counts[reason]++
		item := Ineligible{u.Email(), u.Sub, u.Username, u.Status, u.Created.UTC(), reason}
		if asJSON {
			return list.Add(item)
		}
		return item.write(w, total == 1)
	})
	if err == nil && asJSON {
		err = list.End("count", total)
	} else if err == nil {
		_, err = io.WriteString(w, c.adviceFor(total, counts))
	}
	return err
}

func (i Ineligible) write(w io.Writer, first bool) error {
	if first {
		fmt.Fprintf(w, ineligibleLine, "reason", "status", "created", "staging sub", "email")
	}
	created, email := i.Created.Format(time.DateOnly), cmp.Or(i.Email, "(none)")
	_, err := fmt.Fprintf(w, ineligibleLine, i.Reason, i.Status, created, i.StagingSub, email)
	return err
}

func (c Collector) adviceFor(total int, counts map[userpool.Reason]int) string {
	if total == 0 {
		return "All staging users are eligible or migrated.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s cannot be migrated as they are. What can be done:\n", console.Quantity(total, "user", "users"))
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		d := c.diagnose(UserReport{Staging: Account{Ineligible: reason}})
		advice := console.Wrap(d.Text+" "+d.Remedies[0], "    ", "    ")
		fmt.Fprintf(&b, "  %s (%s)\n%s", reason, console.Quantity(counts[reason], "user", "users"), advice)
	}
	return b.String()
}
