package table

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestColumnsLineUp(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Write(&b, "lrl", []string{"who", "n", "why"}, []string{"Zoë", "1,000", ""}, []string{"a", "7", "ü"}))
	assert.Equal(t, "who      n  why\nZoë  1,000\na        7  ü\n", b.String())
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe is closed") }

func TestErrorOfTheWriterIsReturned(t *testing.T) {
	assert.Error(t, Write(broken{}, "l", []string{"x"}))
}

func TestWrap(t *testing.T) {
	long := strings.Repeat("word ", 20)
	assert.Equal(t, "- "+strings.TrimSpace(strings.Repeat("word ", 17))+"\n  word word word\n", Wrap(long, "- ", "  "))
	assert.Equal(t, "> "+strings.Repeat("x", 100)+"\n", Wrap(strings.Repeat("x", 100), "> ", ""), "a word is not broken")
	assert.Equal(t, "\n", Wrap("", "", ""))
}
