// Package spaceporttest starts Spaceport's accounts for a test, or skips it where the local cloud is not installed.
package spaceporttest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Need skips a test if something that it needs is missing. make test installs everything and sets REHEARSAL=required:
// then nothing is skipped.
func Need(t testing.TB, missing error) {
	t.Helper()
	if missing != nil && os.Getenv("REHEARSAL") != "required" {
		t.Skip(missing)
	}
	require.NoError(t, missing)
}

// Start starts both accounts and stops them with the test. moto runs behind its index, since tests mostly wait for
// moto.
func Start(t testing.TB, o spaceport.Options) *spaceport.Spaceport {
	t.Helper()
	Need(t, spaceport.Installed())
	o.Cloud.Indexed = true
	s, err := spaceport.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
