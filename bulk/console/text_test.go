package console

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	for _, value := range []string{
		"ada@example.com", "o'hara@example.com", "`touch${IFS}x`@evil.example", "$(id)", "a b", `a"b`, "", "*", "!x", "-n", "a\\b",
	} {
		out, err := exec.Command("sh", "-c", Quote("printf", "%s", value)).Output()
		require.NoError(t, err)
		assert.Equal(t, value, string(out))
	}
	assert.Equal(t, "bulk verify --user ada@example.com", Quote("bulk", "verify", "--user", "ada@example.com"))
}

func TestControlCharactersAreEscaped(t *testing.T) {
	var out, errs bytes.Buffer
	s := Streams{Out: &out, Err: &errs}.Escaped()
	for char, want := range map[string]string{
		"\x1b[2J": `\u001b[2J`, "\r": `\u000d`, "\b": `\u0008`, "\x00": `\u0000`, "\x7f": `\u007f`, "\u009b2J": `\u009b2J`,
		"\u202e": `\u202e`, "\u2066": `\u2066`, "\u200f": `\u200f`, "a\tb\n": "a\tb\n", "é🚀": "é🚀",
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
