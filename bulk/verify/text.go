package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/bulk/table"
)

// Writer prints comparisons as they come: those in which something is missing, changed or unread, unless all are asked for.
type Writer struct {
	w      io.Writer
	json   bool
	all    bool
	ledger string // its table, for what to do

	printed int
}

// NewWriter prints to w, as one JSON document or for people. With all, it prints users with nothing to tell as well.
func NewWriter(w io.Writer, asJSON, all bool, ledgerTable string) *Writer {
	return &Writer{w: w, json: asJSON, all: all, ledger: ledgerTable}
}

// Write prints one user.
func (p *Writer) Write(c Comparison) error {
	sum := c.Sum()
	if !p.all && sum.Missing == 0 && sum.Changed == 0 && c.Unread == "" {
		return nil
	}
	p.printed++
	if p.json {
		raw, err := json.Marshal(c)
		if err != nil {
			return err
		}
		before := ",\n    "
		if p.printed == 1 {
			before = "{\n  \"users\": [\n    "
		}
		_, err = io.WriteString(p.w, before+string(raw))
		return err
	}
	var b strings.Builder
	c.writeText(&b)
	_, err := io.WriteString(p.w, b.String()+"\n")
	return err
}

func (c Comparison) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "%s (staging %s, production %s)\n", c.Email, c.StagingSub, c.ProductionSub)
	if c.Unread != "" {
		fmt.Fprintf(b, "  could not be compared: %s\n", c.Unread)
		return
	}
	var lines [][]string
	for _, t := range c.Tables {
		lines = append(lines, []string{"  " + t.Name, fmt.Sprintf("%s of %s", progress.Count(t.Same+t.Changed), progress.Count(t.Staging)), "there"})
		if t.Missing > 0 {
			lines = append(lines, []string{"", progress.Count(t.Missing), "missing: " + examples(t.Keys.Missing, t.Missing)})
		}
		if t.Changed > 0 {
			lines = append(lines, []string{"", progress.Count(t.Changed), "changed since: " + examples(t.Keys.Changed, t.Changed)})
		}
		if t.AddedSince > 0 {
			lines = append(lines, []string{"", progress.Count(t.AddedSince), "or more came to staging after the move"})
		}
	}
	_ = table.Write(b, "lrl", lines...)
}

func examples(keys []string, of int) string {
	text := strings.Join(keys, ", ")
	if more := of - len(keys); more > 0 {
		text += fmt.Sprintf(" and %s more", progress.Count(more))
	}
	return text
}

// End prints the sums.
func (p *Writer) End(s Summary) error {
	if p.json {
		return p.endJSON(s)
	}
	var b strings.Builder
	s.writeText(&b)
	if s.Missing > 0 {
		fmt.Fprintf(&b, `
Missing: staging has the row and production has not. It was not moved, or its owner
deleted it in production since, or staging got it after the move; this cannot tell
which. To move somebody's rows again, which brings back deleted ones too:
  aws dynamodb update-item --table-name %s --key '{"stagingSub":{"S":"STAGING_SUB"}}' \
    --update-expression 'SET #s = :m' --expression-attribute-names '{"#s":"state"}' \
    --expression-attribute-values '{":m":{"S":"moving"}}'
  bulk sweep --live --user EMAIL
`, p.ledger)
	}
	if s.Changed > 0 {
		b.WriteString("\nChanged since: the row in production is another than staging's. Its owner went on\nworking, or production had a row of its own there, which was kept. No failure.\n")
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

func (p *Writer) endJSON(s Summary) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	open, shut := "", "\n  ]"
	if p.printed == 0 {
		open, shut = "{\n  \"users\": [", "]"
	}
	_, err = fmt.Fprintf(p.w, "%s%s,\n  \"summary\": %s\n}\n", open, shut, raw)
	return err
}

func (s Summary) writeText(b *strings.Builder) {
	heading := []string{"Rows of moved users", "in staging", "same", "changed since", "missing"}
	lines := [][]string{heading}
	var all Table
	for _, t := range s.Tables {
		lines = append(lines, line(t.Name, t))
		all.add(t)
	}
	lines = append(lines, line("all", all))
	_ = table.Write(b, "lrrrr", lines...)
	b.WriteString("\n")
	if s.Moved == 0 {
		b.WriteString("Nobody is moved yet, so there is nothing to compare.\n")
	} else if s.Failed() {
		fmt.Fprintf(b, "Of %s moved, %s whole, %s rows missing, %s could not be compared.\n",
			users(s.Moved), were(s.Whole), have(s.Missing), progress.Count(s.Unread))
	} else {
		fmt.Fprintf(b, "All is well: every row of %s moved is in production.\n", users(s.Moved))
	}
	if s.NotYet > 0 {
		fmt.Fprintf(b, "%s not moved yet and not compared: bulk status says how far they are.\n", are(s.NotYet))
	}
}

func line(name string, t Table) []string {
	return []string{name, progress.Count(t.Staging), progress.Count(t.Same), progress.Count(t.Changed), progress.Count(t.Missing)}
}

func users(n int) string {
	if n == 1 {
		return "1 user"
	}
	return progress.Count(n) + " users"
}

func were(n int) string {
	if n == 1 {
		return "1 is"
	}
	return progress.Count(n) + " are"
}

func have(n int) string {
	if n == 1 {
		return "1 has"
	}
	return progress.Count(n) + " have"
}

func are(n int) string {
	if n == 1 {
		return "1 user is"
	}
	return progress.Count(n) + " users are"
}
