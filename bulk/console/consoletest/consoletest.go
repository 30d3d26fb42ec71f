// Package consoletest reads what bulk prints as an operator does, who pastes its commands into a shell.
package consoletest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Hostile are values that a user may have set, each against another weakness. Run in a shell, they leave a file.
var Hostile = []string{
	"`touch${IFS}ran`@evil.example", "$(touch ran)@evil.example", "x;touch ran;@evil.example", "a'b\"c\\@evil.example",
	"'; touch ran; '@evil.example", "a\nbulk sweep --live --adopt@evil.example", "a\n      aws s3 rm x@evil.example",
	"\x1b[2J\x1b[HAll is well@evil.example", "a\r\x7f\u009b2J\u0085@evil.example",
	"\u202egro.live@evil\u2066\u2028.example",
	"a\tb%s%n\\033@evil.example", strings.Repeat("wide ", 18) + "bulk sweep --live --adopt --user a@evil.example",
}

// unsafe is what must not reach a terminal.
var unsafe = regexp.MustCompile(`[^\P{Cc}\n\t]|[\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]`)

// Commands runs every line of an output that begins with bulk or aws, each as the only one that is pasted, and returns
// their words. It fails if one does not parse or does anything else, and if the output could command a terminal.
func Commands(t *testing.T, output string) (commands [][]string) {
	t.Helper()
	assert.Empty(t, unsafe.FindAllString(output, -1), output)
	dir := t.TempDir()
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "bulk" && words[0] != "aws" || strings.HasSuffix(words[1], ":") { // an error
			continue
		}
		require.NoError(t, exec.Command("sh", "-n", "-c", line).Run(), line)
		stubs := "bulk() { printf '%s\\000' bulk \"$@\"; }; aws() { printf '%s\\000' aws \"$@\"; }\n"
		sh := exec.Command("sh", "-c", stubs+line)
		sh.Dir = dir
		out, err := sh.Output()
		require.NoError(t, err, line)
		words = strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		require.NotEmpty(t, words[0], line)
		commands = append(commands, words)
	}
	require.NoFileExists(t, filepath.Join(dir, "ran"))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "a command did something else")
	return commands
}

// After returns the words that follow one of these words, such as the values of a flag.
func After(commands [][]string, flags ...string) (values []string) {
	for _, words := range commands {
		for i := range len(words) - 1 {
			for _, flag := range flags {
				if words[i] == flag {
					values = append(values, words[i+1])
				}
			}
		}
	}
	return values
}
