package spaceport

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRoot: no command is run for it, which a Ctrl-C would end before us.
func TestRoot(t *testing.T) {
	t.Setenv("PATH", "")
	found, err := root()
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(found, "infra", "rehearsal", "spaceport", "root_test.go"))

	t.Chdir(t.TempDir())
	_, err = root()
	assert.ErrorContains(t, err, "find go.mod")
}
