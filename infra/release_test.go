package infra_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestRelease makes a release for this machine only, since other machines' take minutes: in two folders at the same
// commit, with the same sums, and from an archive of the source, which has no commit.
func TestRelease(t *testing.T) {
	for _, tool := range []string{"git", "make", "python3", "sha256sum", "tar"} {
		_, err := exec.LookPath(tool)
		spaceporttest.Need(t, err)
	}
	first, second, archive := clone(t), clone(t), t.TempDir()
	sums := release(t, first)
	assert.Equal(t, sums, release(t, second), "another folder")
	assert.Equal(t, sums, release(t, first), "again")
	platform := runtime.GOOS + "-" + runtime.GOARCH
	assert.ElementsMatch(t, []string{
		"bulk-" + platform, "trigger-" + runtime.GOARCH + ".zip", "datamover-" + runtime.GOARCH + ".zip",
		"staging.yaml", "production.yaml",
	}, slices.Collect(maps.Keys(sums)))

	commit := output(t, first, "git", "rev-parse", "HEAD")
	bulk := filepath.Join("dist", "release", "bulk-"+platform)
	assert.Contains(t, output(t, first, "./"+bulk, "--version"), "(commit "+commit[:12]+")")
	for _, function := range []string{"trigger", "datamover"} {
		zip := filepath.Join(first, "dist", "release", function+"-"+runtime.GOARCH+".zip")
		output(t, first, "python3", "-m", "zipfile", "-e", zip, ".")
		require.NoError(t, os.Chmod(filepath.Join(first, "bootstrap"), 0o755))
		started, err := exec.Command(filepath.Join(first, "bootstrap")).Output()
		assert.Error(t, err, "it has no settings")
		assert.Contains(t, string(started), `"msg":"start","version":"v`, function)
		assert.Contains(t, string(started), "(commit "+commit[:12]+")", function)
	}
	output(t, first, "sh", "-c", "git archive HEAD | tar -x -C '"+archive+"'")
	assert.NotEqual(t, sums, release(t, archive))
	assert.Equal(t, "bulk version unknown (not built from a git checkout)",
		output(t, archive, "./"+bulk, "--version"))
}

// clone clones this repository as it is committed.
func clone(t *testing.T) string {
	if _, err := os.Stat("../.git"); err != nil {
		t.Skip("an archive of the source has no commit to release: ", err)
	}
	dir := t.TempDir()
	output(t, "..", "git", "clone", "--quiet", ".", dir)
	return dir
}

// release runs make release and returns the sums by file.
func release(t *testing.T, dir string) map[string]string {
	sums := map[string]string{}
	output(t, dir, "make", "release", "PLATFORMS="+runtime.GOOS+"-"+runtime.GOARCH, "ARCHITECTURES="+runtime.GOARCH)
	output(t, filepath.Join(dir, "dist", "release"), "sha256sum", "--check", "SHA256SUMS")
	raw, err := os.ReadFile(filepath.Join(dir, "dist", "release", "SHA256SUMS"))
	require.NoError(t, err)
	for line := range strings.Lines(string(raw)) {
		sum, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[file] = sum
	}
	return sums
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}
