// Package infra_test holds the architecture: which package may import which.
package infra_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/spaceport/user-migration/"

// list runs go list in the module's root and returns its lines.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// floor is what trigger, datamover and bulk share.
func floor(names ...string) []string {
	for i, name := range names {
		names[i] = "datamover/" + name
	}
	return names
}

// allowed lists what a package, and every package below it, may import of ours. The longest matching entry counts.
var allowed = map[string][]string{
	"trigger":             floor("userpool", "ledger", "settings", "metrics"),
	"trigger/cmd/trigger": append(floor("account", "userpool", "ledger", "settings", "metrics", "version"), "trigger"),
	"datamover":           floor("userpool", "rows", "ledger", "settings", "metrics"),
	"datamover/cmd/datamover": append(
		floor("account", "userpool", "rows", "ledger", "settings", "metrics", "version"), "datamover"),
	"datamover/account":             floor("settings"),
	"datamover/userpool":            floor("ledger"),
	"datamover/rows":                floor("settings"),
	"datamover/ledger":              {},
	"datamover/ledger/ledgertest":   floor("ledger"),
	"datamover/settings":            {},
	"datamover/metrics":             {},
	"datamover/version":             {},
	"datamover/metrics/metricstest": floor("metrics"),
	"bulk": append(floor("userpool", "rows", "ledger", "settings", "account", "version"),
		"datamover", "bulk"),
	"infra": {"infra", "trigger", "datamover", "bulk"},
}

func TestWhoMayImportWhat(t *testing.T) {
	for _, line := range list(t, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...") {
		imports := strings.Fields(line)
		pkg := strings.TrimPrefix(imports[0], module)
		rule := pkg
		for allowed[rule] == nil && strings.Contains(rule, "/") {
			rule = rule[:strings.LastIndex(rule, "/")]
		}
		require.NotNil(t, allowed[rule], "no rule for %s", pkg)
		for _, path := range imports[1:] {
			ours, ok := strings.CutPrefix(path, module)
			if !ok {
				continue
			}
			top, _, _ := strings.Cut(ours, "/")
			wholeTree := slices.Contains(allowed[rule], top) && top != "datamover"
			assert.True(t, wholeTree || slices.Contains(allowed[rule], ours) || strings.HasPrefix(rule, "infra"),
				"%s must not import %s", pkg, ours)
		}
	}
}

// TestNothingReachesTheTrigger also holds that the functions are built without bulk.
func TestNothingReachesTheTrigger(t *testing.T) {
	for _, pkg := range []string{"./bulk/...", "./datamover/..."} {
		for _, dep := range list(t, "-deps", pkg) {
			assert.NotEqual(t, module+"trigger", dep, pkg)
		}
	}
	for _, pkg := range []string{"./trigger/...", "./datamover/..."} {
		for _, dep := range list(t, "-deps", pkg) {
			assert.False(t, strings.HasPrefix(dep, module+"bulk"), "%s reaches %s", pkg, dep)
			assert.False(t, strings.HasPrefix(dep, module+"infra"), "%s reaches %s", pkg, dep)
		}
	}
}

// TestNoCommandLineLibraryInTheFunctions keeps the zips small.
func TestNoCommandLineLibraryInTheFunctions(t *testing.T) {
	libraries := []string{
		"github.com/spf13/", "github.com/dustin/go-humanize", "al.essio.dev/pkg/shellescape",
		"golang.org/x/time", "golang.org/x/term",
	}
	for _, dep := range list(t, "-deps", "./trigger/cmd/trigger", "./datamover/cmd/datamover") {
		for _, library := range libraries {
			assert.False(t, strings.HasPrefix(dep, library), dep)
		}
	}
}

// TestOnlyFourFolders holds the top level.
func TestOnlyFourFolders(t *testing.T) {
	cmd := exec.Command("git", "ls-files")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Skip("not a git checkout")
	}
	for file := range strings.Lines(string(out)) {
		top, _, _ := strings.Cut(strings.TrimSpace(file), "/")
		known := []string{"trigger", "datamover", "bulk", "infra", "go.mod", "go.sum", "Makefile", "README.md"}
		assert.True(t, strings.HasPrefix(top, ".") || slices.Contains(known, top), top)
	}
}
