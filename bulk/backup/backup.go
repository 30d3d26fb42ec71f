// Package backup keeps a copy of staging in a folder: its users and the tables that move, as compressed JSON lines, with a
// manifest that is written last. It is personal data.
package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const (
	manifestFile = "manifest.json"
	format       = 1

	tablesAtOnce = 4 // each holds one page of rows and one buffer
)

// ErrNotEmpty means that the folder holds something already, which is never overwritten.
var ErrNotEmpty = errors.New("folder is not empty")

// stagingPool streams the staging users. Estimate may be 0, for unknown.
type stagingPool interface {
	ID() string
	List(context.Context) iter.Seq2[userpool.User, error]
	EstimatedSize(context.Context) int
}

// stagingTables streams whole tables. Estimate may be 0, for unknown.
type stagingTables interface {
	Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error]
	EstimatedSize(ctx context.Context, table string) int
}

// Manifest says what a backup holds. A folder without one is not a backup, or not a whole one.
type Manifest struct {
	Format   int       `json:"format"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Files    []File    `json:"files"`
}

// File is one file of a backup.
type File struct {
	Name     string    `json:"name"`
	Kind     Kind      `json:"kind"`
	Source   string    `json:"source"` // user pool or table
	Count    int       `json:"count"`  // users or rows, one a line
	Bytes    int64     `json:"bytes"`  // of the file, compressed
	SHA256   string    `json:"sha256"` // of the file
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
}

// Kind is what the lines of a file are.
type Kind string

const (
	Users Kind = "users"
	Rows  Kind = "rows"
)

// Maker makes backups.
type Maker struct {
	pool   stagingPool
	tables stagingTables
	names  []string
	meter  *progress.Meter
	now    func() time.Time
}

// NewMaker returns a maker of backups of a pool and of tables by name. meter may be nil.
func NewMaker(pool stagingPool, tables stagingTables, names []string, meter *progress.Meter, now func() time.Time) *Maker {
	return &Maker{pool: pool, tables: tables, names: names, meter: meter, now: now}
}

// Make writes a backup to dir, which must be empty or not there: else it returns ErrNotEmpty. Whatever ends it early leaves
// a folder without a manifest.
func (m *Maker) Make(ctx context.Context, dir string) (Manifest, error) {
	if err := makeFolder(dir); err != nil {
		return Manifest{}, err
	}
	made := Manifest{Format: format, Started: m.now().UTC()}
	task := m.meter.Start("Saving "+m.pool.ID(), string(Users), m.pool.EstimatedSize(ctx))
	users, err := m.file(dir, "users.jsonl.gz", Users, m.pool.ID(), m.users(ctx), task)
	if err != nil {
		return Manifest{}, err
	}
	task.End()
	tables, err := m.saveTables(ctx, dir)
	if err != nil {
		return Manifest{}, err
	}
	made.Files = append([]File{users}, tables...)
	made.Finished = m.now().UTC()
	return made, writeManifest(dir, made)
}

// saveTables saves several tables at once, each to a file of its own. The first error ends all.
func (m *Maker) saveTables(ctx context.Context, dir string) ([]File, error) {
	task := m.meter.Start("Saving tables", string(Rows), m.estimate(ctx))
	files := make([]File, len(m.names))
	saving, ctx := errgroup.WithContext(ctx)
	saving.SetLimit(tablesAtOnce)
	for i, name := range m.names {
		saving.Go(func() (err error) {
			if filepath.Base(name) != name {
				return fmt.Errorf("table %q cannot be a file's name", name)
			}
			files[i], err = m.file(dir, "table-"+name+".jsonl.gz", Rows, name, m.rows(ctx, name), task)
			return err
		})
	}
	if err := saving.Wait(); err != nil {
		return nil, err
	}
	task.End()
	return files, nil
}

// estimate is of the rows of all tables, 0 where that of one is unknown.
func (m *Maker) estimate(ctx context.Context) (rows int) {
	for _, name := range m.names {
		of := m.tables.EstimatedSize(ctx, name)
		if of == 0 {
			return 0
		}
		rows += of
	}
	return rows
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: %w", dir, ErrNotEmpty)
	}
	return os.Chmod(dir, 0o700) // it may have been there
}

func (m *Maker) users(ctx context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for record, err := range m.pool.List(ctx) {
			if !yield(userOf(record), err) {
				return
			}
		}
	}
}

func (m *Maker) rows(ctx context.Context, table string) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for row, err := range m.tables.Scan(ctx, table) {
			var line item
			if err == nil {
				line, err = itemOf(row)
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// file writes one file, one line for each of lines, down to the disk.
func (m *Maker) file(dir, name string, kind Kind, source string, lines iter.Seq2[any, error], task *progress.Task) (f File, err error) {
	f = File{Name: name, Kind: kind, Source: source, Started: m.now().UTC()}
	out, err := create(filepath.Join(dir, name))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	enc := json.NewEncoder(out.gzip)
	enc.SetEscapeHTML(false)
	for line, err := range lines {
		if err != nil {
			return f, err
		}
		if err := enc.Encode(line); err != nil {
			return f, fmt.Errorf("write %s: %w", name, err)
		}
		f.Count++
		task.Add(1)
	}
	if err := out.finish(); err != nil {
		return f, fmt.Errorf("write %s: %w", name, err)
	}
	f.Bytes, f.SHA256, f.Finished = out.bytes, hex.EncodeToString(out.sum.Sum(nil)), m.now().UTC()
	return f, nil
}

// output is a new file that is compressed, counted and summed on its way to the disk.
type output struct {
	gzip   *gzip.Writer
	buffer *bufio.Writer
	file   *os.File
	sum    hash.Hash
	bytes  int64
	closed bool
}

func create(path string) (*output, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make file: %w", err)
	}
	o := &output{file: file, buffer: bufio.NewWriterSize(file, 1<<20), sum: sha256.New()}
	o.gzip = gzip.NewWriter(o)
	return o, nil
}

// Write takes what gzip made.
func (o *output) Write(p []byte) (int, error) {
	o.sum.Write(p)
	o.bytes += int64(len(p))
	return o.buffer.Write(p)
}

func (o *output) finish() error {
	if err := o.gzip.Close(); err != nil {
		return err
	}
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	if err := o.file.Sync(); err != nil {
		return err
	}
	return o.close()
}

func (o *output) close() error {
	if o.closed {
		return nil
	}
	o.closed = true
	return o.file.Close()
}

// writeManifest is the last step: by rename, so that a manifest is there whole or not at all.
func writeManifest(dir string, m Manifest) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	unfinished := filepath.Join(dir, manifestFile+".unfinished")
	file, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	_, err = file.Write(append(raw, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := os.Rename(unfinished, filepath.Join(dir, manifestFile)); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

var _ io.Writer = (*output)(nil)
