package stacks

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLint(t *testing.T) {
	lint := filepath.Join(tools, "cfn-lint")
	needs(t, lint)
	cmd := exec.Command(lint, "--non-zero-exit-code", "warning", "../staging.yaml", "../production.yaml")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
}
