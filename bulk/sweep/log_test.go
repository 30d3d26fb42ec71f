package sweep

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	var made []string
	log := func(dir string) *Log {
		return &Log{Dir: dir, Now: func() time.Time { return noon }, Made: func(path string) { made = append(made, path) }}
	}
	file, another, missing := log(dir), log(dir), log(filepath.Join(dir, "missing"))
	require.NoError(t, log(dir).Close())
	require.Empty(t, made, "no file without an entry")
	_, err := file.Write(nil)
	require.NoError(t, err)
	_, err = another.Write([]byte("an entry\n"))
	require.NoError(t, err)
	require.NoError(t, another.Close())
	_, err = missing.Write(nil)
	require.ErrorContains(t, err, "create sweep log")
	first := filepath.Join(dir, "migration_log_20260301_120000.jsonl")
	assert.Equal(t, []string{first, filepath.Join(dir, "migration_log_20260301_120001.jsonl")}, made,
		"within the same second")

	info, err := os.Stat(first)
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
	raw, err := os.ReadFile(first)
	require.NoError(t, err)
	line := `{"timestamp":"2026-03-01T12:00:00Z","user_email":"ada@example.com","status":"CREATED",` +
		`"details":"user created","staging_sub":"staging-ada","production_sub":""}` + "\n"
	assert.Equal(t, strings.Repeat(line, 100), string(raw))
}
