package backup

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var errAWS = errors.New("AWS is unavailable")

// fakeStaging is a pool and its tables. err comes after all rows of the projects.
type fakeStaging struct {
	users   []userpool.User
	members []userpool.Membership
	rows    map[string][]rows.Row
	err     error
	denied  error // after all members
}

func (f *fakeStaging) ID() string { return "us-west-2_staging" }

func (f *fakeStaging) Memberships(context.Context) iter.Seq2[userpool.Membership, error] {
	return func(yield func(userpool.Membership, error) bool) {
		for _, m := range f.members {
			if !yield(m, nil) {
				return
			}
		}
		if f.denied != nil {
			yield(userpool.Membership{}, f.denied)
		}
	}
}

func (f *fakeStaging) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for _, u := range f.users {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (f *fakeStaging) EstimatedSize(context.Context) int { return len(f.users) }

type fakeTables struct{ *fakeStaging }

func (f fakeTables) EstimatedSize(_ context.Context, table string) int { return len(f.rows[table]) }

func (f fakeTables) Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error] {
	return func(yield func(rows.Row, error) bool) {
		for _, row := range f.rows[table] {
			if !yield(row, ctx.Err()) {
				return
			}
		}
		if f.err != nil {
			yield(nil, f.err)
		}
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// every is a row with every type, and with edge cases of each.
func every() rows.Row {
	deep := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
	return rows.Row{
		"id": text("u1"), "s": text(""), "quoted": text("<a href=\"x\">&\u2028\n"),
		"n":   &types.AttributeValueMemberN{Value: "1.50E-30"},
		"b":   &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"b0":  &types.AttributeValueMemberB{Value: []byte{}},
		"yes": &types.AttributeValueMemberBOOL{Value: true},
		"no":  &types.AttributeValueMemberBOOL{},
		"nul": &types.AttributeValueMemberNULL{Value: true},
		"ss":  &types.AttributeValueMemberSS{Value: []string{"a", ""}},
		"ns":  &types.AttributeValueMemberNS{Value: []string{"1", "2"}},
		"bs":  &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("x"), deep}},
		}},
		"l0": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
	}
}

func newStaging() *fakeStaging {
	f := &fakeStaging{rows: map[string][]rows.Row{"Users-staging": {every()}}}
	for i := range 3 {
		f.users = append(f.users, userpool.User{
			Username: fmt.Sprint("name-of-u", i), Sub: fmt.Sprint("u", i), Status: userpool.Confirmed, Enabled: i != 1,
			Created: time.Date(2024, 5, 1, 8, 0, i, 0, time.UTC), Modified: time.Date(2025, 5, 1, 8, 0, i, 0, time.UTC),
			Attributes: map[userpool.Attribute]string{
				"sub": fmt.Sprint("u", i), "email": fmt.Sprintf("u%d@example.com", i), "custom:plan": "gold",
			},
		})
	}
	for _, u := range f.users {
		f.members = append(f.members, userpool.Membership{Group: "pilots", User: u})
	}
	for i := range 1500 {
		project := rows.Row{"userSub": text("u1"), "projectId": text(fmt.Sprint(i))}
		f.rows["Projects-staging"] = append(f.rows["Projects-staging"], project)
	}
	return f
}

func writer(f *fakeStaging) *Writer { return writerOf(f, fakeTables{f}) }

// writerOf has a clock that is a second later with each call.
func writerOf(f *fakeStaging, tables stagingTables) *Writer {
	var calls atomic.Int64
	return &Writer{Pool: f, Tables: tables, Names: []string{"Users-staging", "Projects-staging"}, Now: func() time.Time {
		return time.Date(2026, 1, 31, 12, 0, int(calls.Add(1)), 0, time.UTC)
	}}
}

func made(t *testing.T) (dir string, m Manifest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "saved")
	m, err := writer(newStaging()).Write(t.Context(), dir)
	require.NoError(t, err)
	return dir, m
}

// plain removes what depends on how well this version of Go compresses.
func plain(m Manifest) Manifest {
	m.Files = slices.Clone(m.Files)
	for i := range m.Files {
		m.Files[i].Bytes, m.Files[i].SHA256 = 1234, "sha256"
	}
	return m
}

func TestBackup(t *testing.T) {
	dir, m := made(t)
	var out bytes.Buffer
	require.NoError(t, plain(m).WriteText(&out, "saved"))
	golden.Equal(t, "saved", out.String())
	written, err := os.ReadFile(filepath.Join(dir, manifestName))
	require.NoError(t, err)
	inMemory, err := json.Marshal(m)
	require.NoError(t, err)
	assert.JSONEq(t, string(inMemory), string(written))
	assert.True(t, m.Started.Before(m.Finished))
	raw, err := json.MarshalIndent(plain(m), "", "  ")
	require.NoError(t, err)
	golden.Equal(t, "manifest", string(raw)+"\n")

	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 5)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), entry.Name())
	}
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	report, err := Check(t.Context(), dir, nil)
	require.NoError(t, err)
	assert.Empty(t, report.Damage)
	out.Reset()
	report.Manifest = plain(report.Manifest)
	require.NoError(t, report.WriteText(&out, "saved"))
	golden.Equal(t, "complete", out.String())
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	raw, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	all := strings.SplitAfter(string(raw), "\n")
	return all[:len(all)-1]
}

func TestWhatIsInIt(t *testing.T) {
	dir, _ := made(t)
	users := lines(t, filepath.Join(dir, "users.jsonl.gz"))
	require.Len(t, users, 3)
	assert.JSONEq(t, `{"Username":"name-of-u1","UserStatus":"CONFIRMED","Enabled":false,`+
		`"UserCreateDate":"2024-05-01T08:00:01Z",
		"UserLastModifiedDate":"2025-05-01T08:00:01Z","Attributes":[{"Name":"custom:plan","Value":"gold"},
		{"Name":"email","Value":"u1@example.com"},{"Name":"sub","Value":"u1"}]}`, users[1])
	groups := lines(t, filepath.Join(dir, "groups.jsonl.gz"))
	require.Len(t, groups, 3, "a line per membership")
	assert.JSONEq(t, `{"group":"pilots","username":"name-of-u1","sub":"u1"}`, groups[1])
	profile := lines(t, filepath.Join(dir, "table-Users-staging.jsonl.gz"))
	require.Len(t, profile, 1)
	var line map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(profile[0]), &line))
	require.Len(t, line, 1)
	back, err := attributevalue.UnmarshalMapJSON(line["Item"])
	require.NoError(t, err)
	assert.Equal(t, every(), rows.Row(back), "every type survives")
	assert.Contains(t, profile[0], `"b":{"B":"AP8="}`, "as DynamoDB exports and imports it")
	assert.Len(t, lines(t, filepath.Join(dir, "table-Projects-staging.jsonl.gz")), 1500)
}

func TestPoolWithoutGroups(t *testing.T) {
	staging := newStaging()
	staging.members = nil
	dir := filepath.Join(t.TempDir(), "saved")
	m, err := writer(staging).Write(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, "groups.jsonl.gz", m.Files[1].Name)
	assert.Zero(t, m.Files[1].Count)
	assert.Empty(t, lines(t, filepath.Join(dir, "groups.jsonl.gz")))
	report, err := Check(t.Context(), dir, nil)
	require.NoError(t, err)
	assert.Empty(t, report.Damage)
}

func TestGroupsThatCannotBeRead(t *testing.T) {
	staging := newStaging()
	staging.denied = errAWS
	dir := filepath.Join(t.TempDir(), "saved")
	_, err := writer(staging).Write(t.Context(), dir)
	require.ErrorIs(t, err, errAWS)
	assert.ErrorContains(t, err, "write groups.jsonl.gz: ")
	assert.NoFileExists(t, filepath.Join(dir, manifestName))
}

func TestNothingIsOverwritten(t *testing.T) {
	dir, _ := made(t)
	before, err := os.ReadFile(filepath.Join(dir, manifestName))
	require.NoError(t, err)
	_, err = writer(newStaging()).Write(t.Context(), dir)
	require.ErrorIs(t, err, ErrNotEmpty)
	after, err := os.ReadFile(filepath.Join(dir, manifestName))
	require.NoError(t, err)
	assert.Equal(t, before, after)

	_, err = writer(newStaging()).Write(t.Context(), filepath.Join(dir, manifestName))
	require.Error(t, err, "a file is no folder")
}

func TestEmptyFolderIsUsedAndMadePrivate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	_, err := writer(newStaging()).Write(t.Context(), dir)
	require.NoError(t, err)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestUnfinishedBackup(t *testing.T) {
	broken := newStaging()
	broken.err = errAWS
	dir := filepath.Join(t.TempDir(), "saved")
	_, err := writer(broken).Write(t.Context(), dir)
	require.ErrorIs(t, err, errAWS)
	report, err := Check(t.Context(), dir, nil)
	require.NoError(t, err)
	assert.Equal(t, []Damage{{manifestName, missingManifest}}, report.Damage)
}

func TestRowOfUnknownTypeIsNotLost(t *testing.T) {
	for _, value := range []types.AttributeValue{nil, &types.UnknownUnionMember{Tag: "X"}} {
		odd := newStaging()
		odd.rows["Users-staging"][0]["odd"] = value
		_, err := writer(odd).Write(t.Context(), filepath.Join(t.TempDir(), "saved"))
		assert.ErrorContains(t, err, "write table-Users-staging.jsonl.gz: ")
	}
}

// together streams no row before all tables are read.
type together struct {
	fakeTables
	asked sync.WaitGroup
}

func (f *together) Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error] {
	f.asked.Done()
	f.asked.Wait()
	return f.fakeTables.Scan(ctx, table)
}

func TestTablesAreSavedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		staging := newStaging()
		tables := &together{fakeTables: fakeTables{staging}}
		tables.asked.Add(2)
		var shown bytes.Buffer
		m := writerOf(staging, tables)
		m.Progress = console.NewProgress(&shown, false, 0, time.Now)
		dir := filepath.Join(t.TempDir(), "saved")
		made, err := m.Write(t.Context(), dir)
		require.NoError(t, err)
		assert.Equal(t, []string{"table-Users-staging.jsonl.gz", "table-Projects-staging.jsonl.gz"},
			[]string{made.Files[2].Name, made.Files[3].Name}, "in the order of the settings")
		assert.Equal(t, "Saving us-west-2_staging: 3 users in 0.0 s\n"+
			"Saving tables and groups: 1,501 rows in 0.0 s\n", shown.String())
		report, err := Check(t.Context(), dir, nil)
		require.NoError(t, err)
		assert.Empty(t, report.Damage)
	})
}

// endless has endless profiles, and projects that cannot be read.
type endless struct{ fakeTables }

func (f endless) Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error] {
	return func(yield func(rows.Row, error) bool) {
		if table == "Projects-staging" {
			yield(nil, errAWS)
			return
		}
		for yield(rows.Row{"id": text("u")}, ctx.Err()) {
		}
	}
}

func TestOneTableThatFailsEndsAll(t *testing.T) {
	staging := newStaging()
	dir := filepath.Join(t.TempDir(), "saved")
	_, err := writerOf(staging, endless{fakeTables{staging}}).Write(t.Context(), dir)
	require.ErrorIs(t, err, errAWS)
	assert.NoFileExists(t, filepath.Join(dir, manifestName))
}

func TestTableOutsideTheFolder(t *testing.T) {
	m := writer(newStaging())
	m.Names = []string{"../elsewhere"}
	_, err := m.Write(t.Context(), filepath.Join(t.TempDir(), "saved"))
	require.ErrorContains(t, err, "table-../elsewhere")
}

// rewrite replaces a file's lines, and makes the manifest match it in all but the count.
func rewrite(t *testing.T, dir, name string, change func([]string) []string) {
	t.Helper()
	path := filepath.Join(dir, name)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := io.WriteString(z, strings.Join(change(lines(t, path)), ""))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(path, zipped.Bytes(), 0o600))
	edit(t, dir, func(m *Manifest) {
		for i := range m.Files {
			if m.Files[i].Name == name {
				sum := sha256.Sum256(zipped.Bytes())
				m.Files[i].Bytes, m.Files[i].SHA256 = int64(zipped.Len()), hex.EncodeToString(sum[:])
			}
		}
	})
}

func edit(t *testing.T, dir string, change func(*Manifest)) {
	t.Helper()
	path := filepath.Join(dir, manifestName)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var m Manifest
	require.NoError(t, json.Unmarshal(raw, &m))
	change(&m)
	raw, err = json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o600))
}

func TestDamageIsNamed(t *testing.T) {
	const projects, noManifest = "table-Projects-staging.jsonl.gz", "is not a backup's manifest"
	flip := func(part int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[(len(b)-1)/part] ^= 1
			return b
		}
	}
	bytesOf := func(name string, change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), change(raw), 0o600))
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, name))) }
	}
	linesOf := func(change func([]string) []string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { rewrite(t, dir, projects, change) }
	}
	for name, tt := range map[string]struct {
		damage     func(t *testing.T, dir string)
		file, what string
	}{
		"cut off":     {bytesOf(projects, func(b []byte) []byte { return b[:len(b)-1] }), projects, "bytes, not"},
		"appended":    {bytesOf(projects, func(b []byte) []byte { return append(b, 0) }), projects, "bytes, not"},
		"one bit":     {bytesOf(projects, flip(2)), projects, "checksum differs"},
		"last bit":    {bytesOf(projects, flip(1)), projects, "checksum differs"},
		"gone":        {remove(projects), projects, "is missing"},
		"groups gone": {remove("groups.jsonl.gz"), "groups.jsonl.gz", "is missing"},
		"a member fewer": {func(t *testing.T, dir string) {
			rewrite(t, dir, "groups.jsonl.gz", func(l []string) []string { return l[1:] })
		}, "groups.jsonl.gz", "has 2 memberships, not 3"},
		"manifest cut off": {bytesOf(manifestName, func(b []byte) []byte { return b[:len(b)/2] }), manifestName, noManifest},
		"manifest empty":   {bytesOf(manifestName, func([]byte) []byte { return []byte("{}") }), manifestName, noManifest},
		"manifest twice": {bytesOf(manifestName, func(b []byte) []byte {
			return append(b, b...)
		}), manifestName, noManifest},
		"manifest missing": {remove(manifestName), manifestName, "is missing"},
		"outside the folder": {func(t *testing.T, dir string) {
			edit(t, dir, func(m *Manifest) { m.Files[0].Name = "../x" })
		}, "../x", "escapes"},
		"a line fewer": {linesOf(func(l []string) []string { return l[:len(l)-1] }), projects, "has 1,499 rows, not 1,500"},
		"a line cut off": {linesOf(func(l []string) []string {
			l[1499] = l[1499][:5]
			return l
		}), projects, "has 1,499 rows, not 1,500"},
		"a line twice": {linesOf(func(l []string) []string { return append(l[:1:1], l...) }), projects, "has 1,501 rows"},
		"not compressed": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, projects), []byte("x"), 0o600))
			edit(t, dir, func(m *Manifest) {
				sum := sha256.Sum256([]byte("x"))
				m.Files[3].Bytes, m.Files[3].SHA256 = 1, hex.EncodeToString(sum[:])
			})
		}, projects, "cannot be decompressed: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := made(t)
			tt.damage(t, dir)
			report, err := Check(t.Context(), dir, nil)
			require.NoError(t, err)
			require.Len(t, report.Damage, 1)
			assert.Equal(t, tt.file, report.Damage[0].File)
			assert.Contains(t, report.Damage[0].What, tt.what)
		})
	}
}

func TestAllDamageIsNamedAtOnce(t *testing.T) {
	dir, _ := made(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "users.jsonl.gz")))
	edit(t, dir, func(m *Manifest) { m.Files[2].Bytes = 222 })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "table-Users-staging.jsonl.gz"), []byte("x"), 0o600))
	report, err := Check(t.Context(), dir, nil)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, report.WriteText(&out, "saved"))
	golden.Equal(t, "damaged", out.String())
}

func TestCheckOfNothing(t *testing.T) {
	_, err := Check(t.Context(), filepath.Join(t.TempDir(), "none"), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestInterrupted(t *testing.T) {
	dir, _ := made(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Check(ctx, dir, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = writer(newStaging()).Write(ctx, filepath.Join(t.TempDir(), "saved"))
	require.ErrorIs(t, err, context.Canceled)
}
