package check

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
)

func TestPrint(t *testing.T) {
	f := wellDone()
	f.Production.Value.SelfSignUp, f.ProductionClients.Value[0].Writes = true, nil
	f.People.Err = ErrAccessDenied
	var b strings.Builder
	r := Judge(f)
	require.NoError(t, r.Print(&b))
	golden.Equal(t, "report", b.String())

	doc, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	golden.Equal(t, "report.json", string(doc)+"\n")
}

func TestClosing(t *testing.T) {
	assert.Equal(t, "This migration can work: all 41 checks are ok.", Report{OK: 41}.closing())
	assert.Equal(t, "This migration can work: no failure, 2 warnings to know about, 39 ok.", Report{OK: 39, Warnings: 2}.closing())
	assert.Equal(t, "This migration cannot work yet: 1 failure, 0 warnings, 40 ok.", Report{OK: 40, Failures: 1}.closing())
}
