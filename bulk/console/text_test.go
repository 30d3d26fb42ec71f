package console

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console/consoletest"
)

func TestColumns(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Columns(&b, "lrl", []string{"a", "1", "x"}, []string{"größer", "1,000", ""}))
	assert.Equal(t, "a           1  x\ngrößer  1,000\n", b.String())
}

// TestFold: nothing breaks within a word, a line is continued below its last column, and a command stays whole.
func TestFold(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"short", "1234567890123456789012345678", "1234567890123456789012345678"},
		{"between words", "one two three four five six seven", "one two three four five six\nseven"},
		{"below the last column", "  ok    case  upper and lower case are",
			"  ok    case  upper and\n              lower case are"},
		{"below the text of a list", "  - one two three four five six", "  - one two three four five\n    six"},
		{"below the text of a remedy", "        -> one two three four five",
			"        -> one two three\n           four five"},
		{"a column too far right", "12345678901234567890123  one two three", "12345678901234567890123  one\ntwo three"},
		{"a long word", "  - 123456789012345678901234567890 one", "  - 123456789012345678901234567890\n    one"},
		{"characters, not bytes", strings.Repeat("é", 13) + " " + strings.Repeat("é", 14), strings.Repeat("é", 13) + " " +
			strings.Repeat("é", 14)},
		{"a command", "  bulk sweep --live --user ada@example.com", "  bulk sweep --live --user ada@example.com"},
		{"a usage", "  bulk sweep [--live] [--limit N] [flags]", "  bulk sweep [--live]\n  [--limit N] [flags]"},
		{"an error", "bulk sweep: one two three four five", "bulk sweep: one two three\nfour five"},
		{"would pass for a command", "one two three four five six bulk sweep --live",
			"one two three four five\nsix bulk sweep --live"},
		{"a flag", "one two three bulk status --ineligible", "one two\nthree bulk status --ineligible"},
		{"after spaces too", "one two three four five six  aws s3 rm x", "one two three four five\nsix  aws s3 rm x"},
		{"below a column in the left half", "  a  b             c  123456789  1", "  a  b             c\n     123456789  1"},
		{"between columns", "  a           b  12345678901  1", "  a           b  12345678901\n              1"},
	} {
		assert.Equal(t, tt.want, Fold(tt.line, 28), tt.name)
	}
	assert.Equal(t, "a line of a file", Fold("a line of a file", 0))
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	text := &Text{W: &b, Columns: 24, Color: true, Flags: " --stack S"}
	for _, part := range []string{"  failure  a b\x1b c d", " e f g\n  ok  x\n  failed  0\n",
		"  bulk check\n  aws sts x\n  failed  1", "2\n"} {
		n, err := text.Write([]byte(part))
		require.NoError(t, err)
		assert.Equal(t, len(part), n)
	}
	assert.Equal(t, "\x1b[31m  failure \x1b[0m a b\\u001b c d\n           e f g\n\x1b[32m  ok \x1b[0m x\n  failed  0\n"+
		"  bulk check --stack S\n  aws sts x\n\x1b[31m  failed  12\x1b[0m\n", b.String())
	b.Reset()
	text.Color, text.Columns = false, 0
	_, err := text.Write([]byte("  failure  x: bulk status --stale, says bulk check. bulk needs it\n"))
	require.NoError(t, err)
	assert.Equal(t, "  failure  x: bulk status --stale --stack S, says bulk check --stack S. bulk needs it\n", b.String())
	text.W = full{}
	_, err = text.Write([]byte("x\n"))
	require.ErrorIs(t, err, io.ErrShortWrite)
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{
		0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100",
	} {
		assert.Equal(t, want, Count(n))
	}
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0.4 s", 12 * time.Second: "12 s", 200 * time.Second: "3 min 20 s",
		125 * time.Minute: "2 h 5 min",
	} {
		assert.Equal(t, want, Duration(d))
	}
	assert.Equal(t, "1 user", Quantity(1, "user", "users"))
	assert.Equal(t, "2,000 users", Quantity(2000, "user", "users"))
	assert.Equal(t, "a, b and c", List([]string{"a", "b", "c"}))
	assert.Equal(t, "2026-05-04 01:02:01 UTC", Time(time.Date(2026, 5, 4, 3, 2, 1, 0, time.FixedZone("", 7200))))
}

// TestQuote runs the commands.
func TestQuote(t *testing.T) {
	for _, value := range append([]string{
		"ada@example.com", "o'hara@example.com", "$(id)", "a b", `a"b`, "", "*", "!x", "-n", "a\\b",
		"%s\x1b\\033", "a\nb", "\x9b\xff",
	}, consoletest.Hostile...) {
		command := Quote("aws", "iam", value)
		assert.Equal(t, [][]string{{"aws", "iam", value}}, consoletest.Commands(t, command+"\n"), command)
	}
	assert.Equal(t, "bulk verify --user ada@example.com", Quote("bulk", "verify", "--user", "ada@example.com"))
}

func TestControlCharactersAreEscaped(t *testing.T) {
	for char, want := range map[string]string{
		"\x1b[2J": `\u001b[2J`, "\r": `\u000d`, "\b": `\u0008`, "\x00": `\u0000`, "\x7f": `\u007f`, "\u009b2J": `\u009b2J`,
		"\u202e": `\u202e`, "\u2066": `\u2066`, "\u200f": `\u200f`, "a\tb\n": "a\tb\n", "é🚀": "é🚀",
		"\u061c": `\u061c`, "\u200e": `\u200e`, "\u202a": `\u202a`, "\u2069": `\u2069`, "\u2028\u2029": `\u2028\u2029`,
		"\x9b2J\xff.": "\ufffd2J\ufffd.", "\ufffd": "\ufffd",
	} {
		var out, errs bytes.Buffer
		n, err := fmt.Fprintln(&Text{W: &out}, char)
		require.NoError(t, err)
		assert.Equal(t, len(char)+1, n)
		assert.Equal(t, want+"\n", out.String())
		_, err = Streams{In: strings.NewReader("x"), Err: &errs}.Ask(t.Context(), char)
		require.NoError(t, err)
		assert.Equal(t, want+" ", errs.String())
	}
}

// TestCharactersThatAreWrittenInParts has writers that do not know where a character ends.
func TestCharactersThatAreWrittenInParts(t *testing.T) {
	for text, want := range map[string]string{
		"é🚀\u202e\u009b.\n": "é🚀" + `\u202e\u009b.` + "\n", "\x9b\xe2\x80.\n": "\ufffd\ufffd.\n", "\xf0\x9f.\n": "\ufffd.\n",
	} {
		for size := 1; size <= len(text); size++ {
			var out bytes.Buffer
			lines := &Text{W: &out}
			for part := range slices.Chunk([]byte(text), size) {
				n, err := lines.Write(part)
				require.NoError(t, err)
				require.Equal(t, len(part), n)
			}
			assert.Equal(t, strings.ReplaceAll(want, "\ufffd\ufffd", "\ufffd"), out.String(), size)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestValuesStayWithinTheirLine(t *testing.T) {
	const value = "a\nbulk sweep\t--live\x1b"
	assert.Equal(t, `a\nbulk sweep\t--live\u001b`, Line(value))
	var b bytes.Buffer
	require.NoError(t, Columns(&b, "ll", []string{value, "x"}, []string{"b", "y"}))
	assert.Equal(t, 2, strings.Count(b.String(), "\n"))
}
