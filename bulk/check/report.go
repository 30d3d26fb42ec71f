package check

import (
	"fmt"
	"io"
	"strings"

	"github.com/spaceport/user-migration/bulk/progress"
)

// Report is everything that was found, in the order of the groups.
type Report struct {
	Findings []Finding `json:"findings"`
	OK       int       `json:"ok"`
	Warnings int       `json:"warnings"`
	Failures int       `json:"failures"`
	LeftOut  []string  `json:"leftOut,omitempty"` // checks that had nothing to look at, because of a failure above them
}

func (r *Report) add(g Group, name string, v verdict) {
	r.Findings = append(r.Findings, Finding{g, name, v.level, v.found, v.do})
	switch v.level {
	case OK:
		r.OK++
	case Warning:
		r.Warnings++
	case Failure:
		r.Failures++
	}
}

// Failed says whether something has to be seen to before the migration can work.
func (r Report) Failed() bool { return r.Failures > 0 }

// Print writes the report for people. What to do stands under what was found, so that a line stays readable and grep still
// finds every warning.
func (r Report) Print(w io.Writer) error {
	var b strings.Builder
	group, width := Group(""), r.widest()
	for _, f := range r.Findings {
		if f.Group != group {
			if group != "" {
				b.WriteByte('\n')
			}
			group = f.Group
			fmt.Fprintln(&b, group)
		}
		fmt.Fprintf(&b, "  %-7s  %-*s  %s\n", f.Level, width, f.Check, f.Found)
		if f.Do != "" {
			fmt.Fprintf(&b, "  %-7s  %-*s  -> %s\n", "", width, "", f.Do)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.closing())
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) widest() int {
	width := 0
	for _, f := range r.Findings {
		width = max(width, len(f.Check))
	}
	return width
}

// closing sums up.
func (r Report) closing() string {
	left := ""
	if n := len(r.LeftOut); n > 0 {
		left = fmt.Sprintf(" %s left out, because of what failed above: %s.",
			quantity(n, "check was", "checks were"), strings.Join(r.LeftOut, ", "))
	}
	warnings := quantity(r.Warnings, "warning", "warnings")
	switch {
	case r.Failures > 0:
		return fmt.Sprintf("This migration cannot work yet: %s, %s, %s ok.%s",
			quantity(r.Failures, "failure", "failures"), warnings, count(r.OK), left)
	case r.Warnings > 0:
		return fmt.Sprintf("This migration can work: no failure, %s to know about, %s ok.%s", warnings, count(r.OK), left)
	}
	return fmt.Sprintf("This migration can work: all %s checks are ok.%s", count(r.OK), left)
}

func count(n int) string { return progress.Count(n) }
