// Package table writes columns that line up.
package table

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Write writes rows under each other, two spaces between columns. align has a letter for each column: l or r.
func Write(w io.Writer, align string, rows ...[]string) error {
	widths := make([]int, len(align))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if align[i] == 'r' {
				b.WriteString(gap + cell)
			} else {
				b.WriteString(cell + gap)
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// width is what Wrap fills: any terminal shows it whole.
const width = 88

// Wrap breaks text into lines. The first begins with first, all others with rest.
func Wrap(text, first, rest string) string {
	var b strings.Builder
	line := first
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			b.WriteString(line + "\n")
			line = rest + word
		}
	}
	return b.String() + line + "\n"
}
