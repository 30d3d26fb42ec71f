package spaceport

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRoot also proves that no command is run, which a Ctrl-C would end first.
func TestRoot(t *testing.T) {
	t.Setenv("PATH", "")
	found, err := root()
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(found, "infra", "rehearsal", "spaceport", "root_test.go"))

	t.Chdir(t.TempDir())
	_, err = root()
	assert.ErrorContains(t, err, "find go.mod")
}
