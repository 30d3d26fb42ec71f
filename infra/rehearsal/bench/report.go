package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/console"
)

// section is one section of the report.
type section struct {
	title      string
	how        string     // what one needs to know to understand the figures
	table      [][]string // a header and its rows
	thresholds []threshold
}

// threshold is a limit that the README states, and what was measured.
type threshold struct {
	what, measured, bound string
	met                   bool
}

// atMost is met if a measured value is at most bound, but not if nothing was measured: 0, or 0/0.
func atMost(what string, measured, bound float64, format, unit string) threshold {
	return threshold{
		what: what, measured: fmt.Sprintf(format+unit, measured), bound: fmt.Sprintf("at most %g%s", bound, unit),
		met: measured > 0 && measured <= bound,
	}
}

func timesAtMost(what string, ratio, bound float64) threshold {
	return atMost(what, ratio, bound, "%.2f", " ×")
}

// printer keeps the first error, so that a report checks it only once.
type printer struct {
	out io.Writer
	err error
}

func (w *printer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

func (w *printer) section(number int, s section) {
	w.printf("\n%d. %s\n%s\n\n", number, s.title, s.how)
	rows := make([][]string, len(s.table))
	for i, row := range s.table {
		rows[i] = append([]string{""}, row...)
	}
	if w.err == nil {
		w.err = console.Columns(w.out, "ll"+strings.Repeat("r", len(s.table[0])-1), rows...)
	}
}

// promises prints the table of infra/rehearsal/README.md.
func (w *printer) promises(all []threshold) {
	w.printf("| promise | measured | threshold |\n|---|---|---|\n")
	for _, t := range all {
		w.printf("| %s | %s | %s |\n", t.what, t.measured, t.bound)
	}
}

func missed(all []threshold) error {
	var names []string
	for _, t := range all {
		if !t.met {
			names = append(names, fmt.Sprintf("%s: %s (%s)", t.what, t.measured, t.bound))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d thresholds not met: %s", len(names), len(all), strings.Join(names, "; "))
}

// number is what is measured: bytes and times.
type number interface{ int64 | time.Duration }

// ratio is the ratio of the medians.
func ratio[T number](a, b []T) float64 { return float64(median(a)) / float64(median(b)) }

func median[T number](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }
