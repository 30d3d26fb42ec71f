package console

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"al.essio.dev/pkg/shellescape"
	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
)

// Columns writes rows under each other with two spaces between columns. align has an l or r for each column.
func Columns(w io.Writer, align string, rows ...[]string) error {
	widths := make([]int, len(align))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	sign := map[byte]int{'l': -1, 'r': 1} // a negative width aligns left
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%*s  ", sign[align[i]]*widths[i], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const width = 88 // of the lines that Wrap folds

// Wrap folds text into lines. The first begins with first, all others with rest.
func Wrap(text, first, rest string) string {
	folded, line, space := "", first, ""
	for _, word := range strings.Fields(text) {
		if space != "" && utf8.RuneCountInString(line+space+word) > width {
			folded += line + "\n"
			line, space = rest, ""
		}
		line, space = line+space+word, " "
	}
	return folded + line + "\n"
}

// Count formats a number: 12,345.
func Count(n int) string { return humanize.Comma(int64(n)) }

// Quantity formats a number of things: "1 user", "12,345 users".
func Quantity(n int, one, many string) string {
	return Count(n) + " " + english.PluralWord(n, one, many)
}

// Duration formats a duration: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min.
func Duration(d time.Duration) string {
	switch seconds := int(d.Seconds()); {
	case seconds < 10:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%d min %d s", seconds/60, seconds%60)
	default:
		return fmt.Sprintf("%d h %d min", seconds/3600, seconds/60%60)
	}
}

// Time formats a time in UTC.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// List joins names: a, b and c.
func List(names []string) string { return english.WordSeries(names, "and") }

// Quote returns a command line for a shell.
func Quote(args ...string) string { return shellescape.QuoteCommand(args) }

// WriteJSON writes a document.
func WriteJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// JSONList streams a document with one list, an item a line, and one more member.
type JSONList struct {
	w         io.Writer
	next, end string // what is written before the next item, and after the last one
}

// NewList returns a list of that name, which is written to w.
func NewList(w io.Writer, name string) *JSONList {
	return &JSONList{w, fmt.Sprintf("{\n  %q: [", name), fmt.Sprintf("{\n  %q: []", name)}
}

// Add writes an item.
func (l *JSONList) Add(item any) error {
	raw, err := json.Marshal(item)
	if err == nil {
		_, err = fmt.Fprintf(l.w, "%s\n    %s", l.next, raw)
		l.next, l.end = ",", "\n  ]"
	}
	return err
}

// End writes the other member, and closes the document.
func (l *JSONList) End(name string, value any) error {
	raw, err := json.Marshal(value)
	if err == nil {
		_, err = fmt.Fprintf(l.w, "%s,\n  %q: %s\n}\n", l.end, name, raw)
	}
	return err
}

// control matches C0 without the new line and the tab, DEL, C1, and the characters that change the writing direction.
var control = regexp.MustCompile(`[^\P{Cc}\n\t]|[\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// escaper escapes control characters as JSON does: user data must not command the terminal, nor look like other text.
type escaper struct{ io.Writer }

func (e escaper) Write(p []byte) (int, error) {
	_, err := e.Writer.Write(control.ReplaceAllFunc(p, func(char []byte) []byte {
		return fmt.Appendf(nil, `\u%04x`, []rune(string(char))[0])
	}))
	return len(p), err
}
