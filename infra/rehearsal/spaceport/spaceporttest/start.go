// Package spaceporttest starts Spaceport's accounts for a test, or skips it where the local cloud is not installed.
package spaceporttest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Start starts both accounts and stops them with the test. make test sets REHEARSAL=required: then nothing is skipped. moto
// runs behind its index, since most of what a test waits for is moto.
func Start(t testing.TB, o spaceport.Options) *spaceport.Spaceport {
	t.Helper()
	if err := spaceport.Installed(); err != nil && os.Getenv("REHEARSAL") != "required" {
		t.Skipf("the local cloud is not installed (%v)", err)
	}
	o.Cloud.Indexed = true
	s, err := spaceport.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
