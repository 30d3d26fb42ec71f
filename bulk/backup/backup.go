// Package backup saves staging's users, groups and tables to a folder: compressed JSON lines and a manifest. It is
// personal data.
package backup

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const manifestName = "manifest.json"

// ErrNotEmpty is returned if the folder has files already. Nothing is overwritten.
var ErrNotEmpty = errors.New("folder is not empty")

// stagingTables streams whole tables. EstimatedSize may return 0 for unknown.
type stagingTables interface {
	Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error]
	EstimatedSize(ctx context.Context, table string) int
}

// Manifest describes a backup. A folder without one is not a complete backup.
type Manifest struct {
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished"`
	Files       []File    `json:"files"`
	NotIncluded []string  `json:"notIncluded"`
}

// File is one file of a backup.
type File struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`   // of a line: users, memberships or rows
	Source string `json:"source"` // user pool or table
	Count  int    `json:"count"`  // of lines
	Bytes  int64  `json:"bytes"`  // compressed
	SHA256 string `json:"sha256"` // of the compressed file
}

// WriteText prints what was saved.
func (m Manifest) WriteText(w io.Writer, dir string) error {
	return texts.ExecuteTemplate(w, "saved", map[string]any{"Manifest": m, "Dir": dir})
}

//go:embed backup.tmpl
var templates string

//go:embed not_included.txt
var notIncluded string

var texts = template.Must(template.New("").Funcs(template.FuncMap{
	"line":     console.Line,
	"duration": console.Duration, "files": fileTable, "quote": console.Quote, "time": console.Time,
}).Parse(templates))

func fileTable(files []File) (string, error) {
	var b strings.Builder
	lines := [][]string{{"File", "lines", "bytes"}}
	for _, f := range files {
		count := console.Quantity(f.Count, strings.TrimSuffix(f.Kind, "s"), f.Kind)
		lines = append(lines, []string{f.Name, count, console.Count(int(f.Bytes))})
	}
	err := console.Columns(&b, "lrr", lines...)
	return b.String(), err
}

// Writer writes backups. Pool is usually a userpool.Pool, and Tables a rows.Store.
type Writer struct {
	Pool interface {
		ID() string
		List(context.Context) iter.Seq2[userpool.User, error]
		Memberships(context.Context) iter.Seq2[userpool.Membership, error]
		EstimatedSize(context.Context) int
	}
	Tables   stagingTables
	Names    []string // the tables to save
	Progress *console.Progress
	Now      func() time.Time
}

// Write writes a backup to dir, which must be empty or missing (else: ErrNotEmpty). If it fails, there is no manifest.
func (w *Writer) Write(ctx context.Context, dir string) (Manifest, error) {
	root, err := openFolder(dir)
	if err != nil {
		return Manifest{}, err
	}
	defer root.Close()
	m := Manifest{Started: w.Now().UTC(), NotIncluded: strings.Split(strings.TrimSpace(notIncluded), "\n"), Files: []File{
		{Name: "users.jsonl.gz", Kind: "users", Source: w.Pool.ID()},
		{Name: "groups.jsonl.gz", Kind: "memberships", Source: w.Pool.ID()},
	}}
	total := 0
	for _, name := range w.Names {
		m.Files = append(m.Files, File{Name: "table-" + name + ".jsonl.gz", Kind: "rows", Source: name})
		total += w.Tables.EstimatedSize(ctx, name)
	}
	w.Progress.Start("Saving "+w.Pool.ID(), "users", w.Pool.EstimatedSize(ctx))
	if err := write(root, &m.Files[0], w.Pool.List(ctx), userLine, w.Progress); err != nil {
		return m, err
	}
	w.Progress.End()
	w.Progress.Start("Saving tables and groups", "rows", total)
	g, running := errgroup.WithContext(ctx) // the first error ends all
	g.SetLimit(4)                           // each holds one page of rows
	g.Go(func() error { return write(root, &m.Files[1], w.Pool.Memberships(running), memberLine, nil) })
	for i, name := range w.Names {
		g.Go(func() error { return write(root, &m.Files[i+2], w.Tables.Scan(running, name), rowLine, w.Progress) })
	}
	if err := g.Wait(); err != nil {
		return m, err
	}
	w.Progress.End()
	m.Finished = w.Now().UTC()
	return m, create(root, manifestName, func(file *os.File) error { return console.WriteJSON(file, m) })
}

// openFolder makes the folder. If it exists already, it becomes private too.
func openFolder(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return nil, cmp.Or(err, fmt.Errorf("%s: %w", dir, ErrNotEmpty))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// userLine returns a user in Cognito's own words ("Amazon Cognito API reference, UserType").
func userLine(u userpool.User) (any, error) {
	attributes := []map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		attributes = append(attributes, map[string]string{"Name": string(name), "Value": u.Attributes[name]})
	}
	return map[string]any{"Username": u.Username, "UserStatus": u.Status, "Enabled": u.Enabled, "Attributes": attributes,
		"UserCreateDate": u.Created.UTC(), "UserLastModifiedDate": u.Modified.UTC()}, nil
}

func memberLine(m userpool.Membership) (any, error) {
	return map[string]string{"group": m.Group, "username": m.User.Username, "sub": m.User.Sub}, nil
}

// rowLine returns a row as DynamoDB exports and imports it ("DynamoDB developer guide, DynamoDB data import formats").
func rowLine(row rows.Row) (any, error) {
	item, err := attributevalue.MarshalMapJSON(row)
	return map[string]json.RawMessage{"Item": item}, err // an encoder rejects an item that is not JSON
}

func write[T any](dir *os.Root, f *File, in iter.Seq2[T, error], line func(T) (any, error), p *console.Progress) error {
	sum := sha256.New()
	err := create(dir, f.Name, func(file *os.File) (err error) {
		compressed := gzip.NewWriter(io.MultiWriter(file, sum))
		lines := json.NewEncoder(compressed)
		for item, err := range in {
			if err != nil {
				return err
			}
			doc, err := line(item)
			if err := errors.Join(err, lines.Encode(doc)); err != nil {
				return err
			}
			f.Count++
			p.Add(1)
		}
		closed := compressed.Close()
		f.Bytes, err = file.Seek(0, io.SeekCurrent)
		return errors.Join(closed, err)
	})
	f.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	return err
}

// create writes a file that only its owner can read, and syncs it to the disk. It is either complete or missing.
func create(root *os.Root, name string, write func(*os.File) error) error {
	file, err := root.OpenFile(name+".unfinished", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return root.Rename(name+".unfinished", name)
}

// Report is the result of a check.
type Report struct {
	Manifest Manifest `json:"manifest"`
	Damage   []Damage `json:"damage"`
}

// Damage says what is wrong with one file.
type Damage struct {
	File string `json:"file"`
	What string `json:"what"`
}

// WriteText prints what a check found.
func (r Report) WriteText(w io.Writer, dir string) error {
	return texts.ExecuteTemplate(w, "checked", map[string]any{"Report": r, "Dir": dir})
}

const missingManifest = "is missing: the backup was not finished, or this is not a backup"

// Check compares a backup's files with its manifest. An error means that the folder is missing, or that ctx has ended.
func Check(ctx context.Context, dir string, progress *console.Progress) (Report, error) {
	r := Report{Damage: []Damage{}}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return r, err
	}
	defer root.Close()
	raw, err := root.ReadFile(manifestName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Damage = []Damage{{manifestName, missingManifest}}
	case err != nil, json.Unmarshal(raw, &r.Manifest) != nil, len(r.Manifest.Files) == 0:
		r.Damage = []Damage{{manifestName, "is not a backup's manifest"}}
	}
	for _, f := range r.Manifest.Files {
		if err := f.check(ctx, root, progress); err != nil {
			r.Damage = append(r.Damage, Damage{f.Name, err.Error()})
		}
	}
	return r, ctx.Err()
}

func (f File) check(ctx context.Context, root *os.Root, progress *console.Progress) error {
	file, err := root.Open(f.Name) // not outside the folder
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("is missing")
	case err != nil:
		return err
	}
	defer file.Close()
	progress.Start("Checking "+f.Name, f.Kind, f.Count)
	defer progress.End()
	count, sum := 0, sha256.New()
	compressed := io.TeeReader(file, sum)
	text, damaged := gzip.NewReader(compressed)
	for lines := bufio.NewReader(text); damaged == nil && ctx.Err() == nil; {
		if _, damaged = lines.ReadBytes('\n'); damaged == nil {
			count++
			progress.Add(1)
		}
	}
	if err = ctx.Err(); err == nil {
		_, err = io.Copy(io.Discard, compressed) // what follows the damage
	}
	size, _ := file.Seek(0, io.SeekCurrent)
	switch {
	case err != nil:
		return err
	case size != f.Bytes:
		return fmt.Errorf("has %s bytes, not %s", console.Count(int(size)), console.Count(int(f.Bytes)))
	case fmt.Sprintf("%x", sum.Sum(nil)) != f.SHA256:
		return errors.New("has changed: its checksum differs")
	case !errors.Is(damaged, io.EOF):
		return fmt.Errorf("cannot be decompressed: %w", damaged)
	case count != f.Count:
		return fmt.Errorf("has %s %s, not %s", console.Count(count), f.Kind, console.Count(f.Count))
	}
	return nil
}
