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
			widths[i] = max(widths[i], utf8.RuneCountInString(Line(cell)))
		}
	}
	sign := map[byte]int{'l': -1, 'r': 1} // a negative width aligns left
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%*s  ", sign[align[i]]*widths[i], Line(cell))
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// command matches a line to paste, which is indented. A usage is too, but ends in brackets.
var command = regexp.MustCompile(`^ +(?:aws|bulk|eval|grep|source) .*[^\]]$`)

// begins matches a word that must not begin a line: what follows could pass for a command, or is a flag.
var begins = regexp.MustCompile(`^[\s\p{Z}]*(?:aws|bulk|eval|grep|source)(?:$|[\s\p{Z}])|^ +--`)

// lastColumn matches what stands before a line's last column, or before the text of a list.
var lastColumn = regexp.MustCompile(`^(?:.* {2})?(?:->? )?`)

// inline matches a command within a sentence.
var inline = regexp.MustCompile(
	`\bbulk (?:check|backup|attach|sweep|status|verify|move|detach|help|completion)\b(?: --[a-z-]+)?`)

// spacedWord matches a word, or a command within a sentence.
var spacedWord = regexp.MustCompile(` *(?:["(]*` + inline.String() + `[^ ]*|[^ ]+)`)

// Fold folds a line between words, so that it fits into the columns of a terminal; 0: it is no terminal. The line is
// continued below its last column. A command stays whole, and nothing that continues a line can pass for one.
func Fold(line string, columns int) string {
	if columns == 0 || utf8.RuneCountInString(line) <= columns || command.MatchString(line) {
		return line
	}
	folded := lastColumn.FindString(strings.TrimRight(string([]rune(line)[:columns/2+1]), " ")) // in the left half
	used := utf8.RuneCountInString(folded)
	indent := strings.Repeat(" ", used)
	var words []string // each with the spaces before it
	for _, word := range spacedWord.FindAllString(line[len(folded):], -1) {
		if len(words) > 0 && begins.MatchString(word) {
			words[len(words)-1] += word
		} else {
			words = append(words, word)
		}
	}
	for i, word := range words {
		if used += utf8.RuneCountInString(word); used > columns && i > 0 {
			word = indent + strings.TrimLeft(word, " ")
			folded, used = folded+"\n", utf8.RuneCountInString(word)
		}
		folded += word
	}
	return folded
}

// Text writes lines for people, escaped. An incomplete line waits for its end.
type Text struct {
	W       io.Writer
	Bar     *Progress // on the same terminal, is removed before each line
	Columns int       // of the terminal, where lines are folded
	Color   bool      // of the level of a line
	Flags   string    // that each command of bulk needs, to run as printed

	line string
}

var (
	level  = regexp.MustCompile(`^  (?:ok|warning|failure|failed +[1-9][0-9,]*)(?: |$)`)
	colors = map[byte]string{'o': "32", 'w': "33", 'f': "31"} // of ANSI, by a level's first letter
)

func (t *Text) Write(p []byte) (int, error) {
	lines := strings.SplitAfter(t.line+string(p), "\n")
	t.line = lines[len(lines)-1]
	var b strings.Builder
	for _, line := range lines[:len(lines)-1] {
		line = Escape(strings.TrimSuffix(line, "\n"))
		if t.Flags != "" {
			line = t.withFlags(line)
		}
		if line = Fold(line, t.Columns); t.Color {
			line = level.ReplaceAllStringFunc(line, func(text string) string {
				return "\x1b[" + colors[text[2]] + "m" + text + "\x1b[0m"
			})
		}
		b.WriteString(line + "\n")
	}
	if t.Bar != nil {
		t.Bar.mu.Lock()
		defer t.Bar.mu.Unlock()
		t.Bar.erase()
	}
	if _, err := io.WriteString(t.W, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// withFlags adds the flags to the command that a line is, or to those within it.
func (t *Text) withFlags(line string) string {
	switch {
	case !command.MatchString(line):
		return inline.ReplaceAllStringFunc(line, func(text string) string { return text + t.Flags })
	case strings.HasPrefix(strings.TrimSpace(line), "bulk "):
		return line + t.Flags
	}
	return line
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

// Quote returns a command line for a shell. printf writes an argument that must not reach the terminal, since not every
// shell knows $'…'; only a line break at its very end is lost.
func Quote(args ...string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = shellescape.Quote(arg)
		if Line(arg) != arg {
			octal := strings.NewReplacer("[", `\`, " ", `\`, "]", "").Replace(fmt.Sprintf("%03o", []byte(arg)))
			words[i] = `"$(printf '` + octal + `')"`
		}
	}
	return strings.Join(words, " ")
}

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

// control matches what a terminal or a reader could take for something else than text: C0, DEL, C1, line separators,
// and what changes the writing direction.
var control = regexp.MustCompile(`[^\P{Cc}\n\t]|[\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]`)

// Escape escapes these characters as JSON does. Bytes that are not UTF-8 are replaced: to some terminals 0x9b is C1.
func Escape(text string) string {
	return control.ReplaceAllStringFunc(strings.ToValidUTF8(text, "\ufffd"), func(char string) string {
		return fmt.Sprintf(`\u%04x`, []rune(char)[0])
	})
}

// Line escapes what comes from users: it stays within its line, since a line of its own could pass for one of ours.
func Line(text any) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(Escape(fmt.Sprint(text)))
}
