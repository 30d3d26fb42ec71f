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

func TestWrap(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("word ", 30))
	lines := strings.Split(strings.TrimSuffix(Wrap(text, "  - ", "    "), "\n"), "\n")
	require.Len(t, lines, 2)
	assert.Equal(t, "  - word", lines[0][:8])
	assert.Equal(t, "    word", lines[1][:8])
	for _, line := range lines {
		assert.LessOrEqual(t, len(line), width)
	}
	assert.Equal(t, "  - \n", Wrap("", "  - ", "    "))
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{
		0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100",
	} {
		assert.Equal(t, want, Count(n))
	}
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0.4 s", 12 * time.Second: "12 s", 200 * time.Second: "3 min 20 s", 125 * time.Minute: "2 h 5 min",
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
		"ada@example.com", "o'hara@example.com", "$(id)", "a b", `a"b`, "", "*", "!x", "-n", "a\\b", "%s\x1b\\033", "a\nb", "\x9b\xff",
	}, consoletest.Hostile...) {
		command := Quote("aws", "iam", value)
		assert.Equal(t, [][]string{{"aws", "iam", value}}, consoletest.Commands(t, command+"\n"), command)
	}
	assert.Equal(t, "bulk verify --user ada@example.com", Quote("bulk", "verify", "--user", "ada@example.com"))
}

func TestControlCharactersAreEscaped(t *testing.T) {
	var out, errs bytes.Buffer
	s := Streams{Out: &out, Err: &errs}.Escaped()
	for char, want := range map[string]string{
		"\x1b[2J": `\u001b[2J`, "\r": `\u000d`, "\b": `\u0008`, "\x00": `\u0000`, "\x7f": `\u007f`, "\u009b2J": `\u009b2J`,
		"\u202e": `\u202e`, "\u2066": `\u2066`, "\u200f": `\u200f`, "a\tb\n": "a\tb\n", "é🚀": "é🚀",
		"\u061c": `\u061c`, "\u200e": `\u200e`, "\u202a": `\u202a`, "\u2069": `\u2069`, "\u2028\u2029": `\u2028\u2029`,
		"\x9b2J\xff.": "\ufffd2J\ufffd.", "\ufffd": "\ufffd",
	} {
		out.Reset()
		errs.Reset()
		n, err := fmt.Fprint(s.Out, char)
		require.NoError(t, err)
		assert.Equal(t, len(char), n)
		fmt.Fprint(s.Err, char)
		assert.Equal(t, want, out.String())
		assert.Equal(t, want, errs.String())
	}
}

// TestCharactersThatAreWrittenInParts has writers that do not know where a character ends.
func TestCharactersThatAreWrittenInParts(t *testing.T) {
	for text, want := range map[string]string{
		"é🚀\u202e\u009b.\n": "é🚀" + `\u202e\u009b.` + "\n", "\x9b\xe2\x80.\n": "\ufffd\ufffd.\n", "\xf0\x9f.": "\ufffd.",
	} {
		for size := 1; size <= len(text); size++ {
			var out bytes.Buffer
			s := Streams{Out: &out}.Escaped()
			for part := range slices.Chunk([]byte(text), size) {
				n, err := s.Out.Write(part)
				require.NoError(t, err)
				require.Equal(t, len(part), n)
			}
			if size == 1 {
				assert.NotContains(t, out.String(), "\x9b")
			}
			assert.Equal(t, strings.ReplaceAll(want, "\ufffd\ufffd", "\ufffd"), strings.ReplaceAll(out.String(), "\ufffd\ufffd", "\ufffd"), size)
		}
	}
}

func TestErrorsOfTheTerminal(t *testing.T) {
	n, err := Streams{Out: full{}}.Escaped().Out.Write([]byte("x"))
	assert.Zero(t, n)
	assert.Error(t, err)
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestValuesStayWithinTheirLine(t *testing.T) {
	const value = "a\nbulk sweep\t--live\x1b"
	assert.Equal(t, `a\nbulk sweep\t--live\u001b`, Line(value))
	var b bytes.Buffer
	require.NoError(t, Columns(&b, "ll", []string{value, "x"}, []string{"b", "y"}))
	assert.Equal(t, 2, strings.Count(b.String(), "\n"))
	assert.Equal(t, 1, strings.Count(Wrap(value, "", ""), "\n"))
}
