package bench

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spaceport/user-migration/bulk/console"
)

// section is one section of the report.
type section struct {
	title      string
	how        string     // what was measured and how, a line or more
	table      [][]string // a header and its rows
	thresholds []threshold
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
	w.columns("lrrrrr", s.table)
	w.printf("\n")
	lines := make([][]string, len(s.thresholds))
	for i, t := range s.thresholds {
		lines[i] = []string{t.status(), t.what, t.measured, "(" + t.bound + ")"}
	}
	w.columns("llrr", lines)
}

// columns prints rows with an indent. align has an l or r for each column.
func (w *printer) columns(align string, rows [][]string) {
	indented := make([][]string, len(rows))
	for i, row := range rows {
		indented[i] = append([]string{""}, row...)
	}
	if w.err == nil {
		w.err = console.Columns(w.out, "l"+align, indented...)
	}
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
