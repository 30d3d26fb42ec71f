package status

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
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

// list writes items while they are found: as JSON, or by a template, which begins and ends the list too.
type list struct {
	io.Writer
	json     *console.JSONList
	asJSON   bool
	template string
	total    int
}

func (l *list) add(item any) error {
	if l.total++; l.asJSON {
		return l.json.Add(item)
	}
	return texts.ExecuteTemplate(l, l.template, map[string]any{"Item": item, "First": l.total == 1})
}

func (l *list) end(err error, end any) error {
	if err == nil && l.asJSON {
		err = l.json.End("count", l.total)
	} else if err == nil {
		err = texts.ExecuteTemplate(l, l.template+" end", end)
	}
	return err
}

// ListIneligible writes these users in staging's order, while it is read, and at the end what can be done for them.
func (c Collector) ListIneligible(ctx context.Context, w io.Writer, asJSON bool) error {
	found, err := c.readLedger(ctx, func(ledger.Record) error { return nil })
	if err != nil {
		return err
	}
	list, counts := list{w, console.NewList(w, "users"), asJSON, "ineligible", 0}, map[userpool.Reason]int{}
	_, err = users.Read(c.staging(ctx), c.Cutoff, nil, func(u userpool.User, reason userpool.Reason) error {
		if reason == "" || found.of(u.Sub).stage > notBound {
			return nil
		}
		counts[reason]++
		return list.add(Ineligible{u.Email(), u.Sub, u.Username, u.Status, u.Created.UTC(), reason})
	})
	return list.end(err, map[string]any{"Total": list.total, "Counts": counts, "From": c})
}

// Advice is what --ineligible says about users with a reason.
func (c Collector) Advice(reason userpool.Reason) string {
	d := UserReport{Staging: Account{Ineligible: reason}, From: c}.diagnose()
	return d.Text + " " + d.Remedies[0]
}

func (c Collector) stale(r ledger.Record) bool {
	return !r.Bound() && c.Now().Sub(r.ImportedAt) > 30*24*time.Hour
}

// ListStale writes the records to which no production user was bound for a month, while the ledger is read.
func (c Collector) ListStale(ctx context.Context, w io.Writer, asJSON bool) error {
	list := list{w, console.NewList(w, "records"), asJSON, "stale", 0}
	_, err := c.readLedger(ctx, func(r ledger.Record) error {
		if !c.stale(r) {
			return nil
		}
		return list.add(Record{r})
	})
	return list.end(err, list.total)
}

// ids has the columns of WriteIDs.
var ids = []string{"email", "staging_sub", "production_sub", "state", "via"}

// WriteIDs writes who became whom, while the ledger is read: CSV, or JSON with the same names.
func (c Collector) WriteIDs(ctx context.Context, w io.Writer, asJSON bool) error {
	lines, list := csv.NewWriter(w), console.NewList(w, "users")
	if !asJSON {
		_ = lines.Write(ids) // an error stays until Flush
	}
	_, err := c.readLedger(ctx, func(r ledger.Record) error {
		cells := []string{r.Email, r.StagingSub, r.ProductionSub, string(r.State), string(r.Via)}
		switch {
		case !r.Bound():
			return nil
		case !asJSON:
			for i, cell := range cells {
				cells[i] = harmless(cell)
			}
			return lines.Write(cells)
		}
		user := map[string]string{}
		for i, name := range ids {
			user[name] = cells[i]
		}
		return list.Add(user)
	})
	if lines.Flush(); asJSON && err == nil {
		return list.End("columns", ids)
	}
	return errors.Join(err, lines.Error())
}

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(cell string) string {
	if strings.IndexAny(cell, "=+-@\t\r") == 0 {
		return "'" + cell
	}
	return cell
}
