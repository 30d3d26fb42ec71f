package sweep

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	file, err := CreateLog(dir, noon)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "migration_log_20260301_120000.jsonl"), file.Name())
	another, err := CreateLog(dir, noon)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "migration_log_20260301_120001.jsonl"), another.Name(), "within the same second")
	require.NoError(t, another.Close())
	_, err = CreateLog(filepath.Join(dir, "missing"), noon)
	require.ErrorContains(t, err, "create sweep log")

	info, err := os.Stat(file.Name())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			m := newWorld().sweeper(1, Options{})
			m.Log = file
			assert.NoError(t, (&migration{Sweeper: m, facts: facts{staging: ada()}}).note(Created, "user created"))
		})
	}
	wg.Wait()
	require.NoError(t, file.Close())
	raw, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	line := `{"timestamp":"2026-03-01T12:00:00Z","user_email":"ada@example.com","status":"CREATED",` +
		`"details":"user created","staging_sub":"staging-ada","production_sub":""}` + "\n"
	assert.Equal(t, strings.Repeat(line, 100), string(raw))
}
