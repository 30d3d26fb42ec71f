package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// section is one part of the report.
type section struct {
	title    string
	how      string     // what was measured and how, a line or more
	table    [][]string // a header and its rows
	promises []promise
}

// printer keeps the first error, so that a report needs to look once only.
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
	w.printf("\n%d. %s\n%s\n\n%s\n", number, s.title, s.how, aligned(s.table, 1))
	lines := make([][]string, len(s.promises))
	for i, p := range s.promises {
		lines[i] = []string{p.status(), p.what, p.measured, "(" + p.bound + ")"}
	}
	w.printf("%s", aligned(lines, 2))
}

// aligned sets the first columns flush left and all others flush right.
func aligned(rows [][]string, left int) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < left {
				line.WriteString("  " + cell + pad)
			} else {
				line.WriteString("  " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// number is what is measured: bytes and times.
type number interface{ int64 | time.Duration }

// ratio is that of the medians.
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
