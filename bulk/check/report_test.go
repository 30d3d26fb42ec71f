package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
)

func TestPrint(t *testing.T) {
	f := allOK()
	f.Production.Value.AdminCreateUserConfig, f.ProductionClients.Value[0].WriteAttributes = nil, nil
	f.Users.Err = errAccessDenied
	r := Run(f)
	golden.Equal(t, "report", printed(t, r, false))
	golden.Equal(t, "report_all", printed(t, r, true))
	canary := Report{Findings: []Finding{{"canary", "tokens", OK, "they are right", ""},
		{"users", "case", OK, "x", ""}}, OK: 2}
	assert.Equal(t, "canary\n  ok       tokens  they are right\n\nThis migration can work: no failures, 0 warnings, 2 ok "+
		"(--all lists them).\n", printed(t, canary, false))

	doc, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	golden.Equal(t, "report.json", string(doc)+"\n")
}

func TestSummary(t *testing.T) {
	for want, r := range map[string]Report{
		"This migration can work: no failures, 0 warnings, 41 ok (--all lists them).":      {OK: 41},
		"This migration can work: no failures, 2 warnings, 39 ok (--all lists them).":      {OK: 39, Warnings: 2},
		"This migration cannot work yet: 1 failure, 0 warnings, 40 ok (--all lists them).": {OK: 40, Failures: 1},
		"This migration can work: no failures, 1 warning, 1,040 ok (--all lists them).":    {OK: 1040, Warnings: 1},
	} {
		assert.Equal(t, want+"\n", printed(t, r, false))
	}
}

func printed(t *testing.T, r Report, all bool) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, r.Print(&b, all))
	return b.String()
}

// TestFindings: findings.txt has no section and no case that the code does not name. The reverse panics in every run.
func TestFindings(t *testing.T) {
	var code strings.Builder
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			code.Write(text)
		}
	}
	for name, cases := range texts {
		assert.Contains(t, code.String(), strconv.Quote(name))
		for key := range cases {
			if key != "" {
				assert.Contains(t, code.String(), "{"+strconv.Quote(key)+", ", name)
			}
		}
	}
	lines := strings.Count(findings, "\n") - strings.Count(findings, "\n\n")
	for _, cases := range texts {
		lines -= 1 + len(cases)
	}
	assert.Equal(t, lines, strings.Count(findings, "\n# "), "every line is a finding, a section or a comment")
}
