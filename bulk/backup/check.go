package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spaceport/user-migration/bulk/progress"
)

// ErrNotThere means that there is no such folder.
var ErrNotThere = errors.New("there is no such folder")

var errCutOff = errors.New("it is cut off")

// Report is what a check found.
type Report struct {
	Manifest Manifest `json:"manifest"`
	Damage   []Damage `json:"damage"`
}

// Damage is something wrong with one file.
type Damage struct {
	File string `json:"file"`
	What string `json:"what"`
}

// Check reads a whole backup and proves it: every file's checksum and count, and every line. Its error means that it could
// not look; damage is in the report.
func Check(ctx context.Context, dir string, meter *progress.Meter) (Report, error) {
	r := Report{Damage: []Damage{}}
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return r, fmt.Errorf("%s: %w", dir, ErrNotThere)
	}
	raw, err := os.ReadFile(filepath.Join(dir, manifestFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.add(manifestFile, "missing: the backup did not finish, or this is none")
		return r, nil
	case err != nil:
		return r, err
	}
	if err := strictly(raw, &r.Manifest); err != nil || r.Manifest.Format != format || len(r.Manifest.Files) == 0 {
		r.add(manifestFile, "is not a manifest of this version")
		return r, nil
	}
	for _, f := range r.Manifest.Files {
		what, err := f.check(ctx, dir, meter)
		if err != nil {
			return r, err
		}
		if what != "" {
			r.add(f.Name, what)
		}
	}
	return r, nil
}

func (r *Report) add(file, what string) { r.Damage = append(r.Damage, Damage{file, what}) }

// check returns what is wrong with a file. An error is that of the context, or of a file that cannot be opened.
func (f File) check(ctx context.Context, dir string, meter *progress.Meter) (damage string, err error) {
	if filepath.Base(f.Name) != f.Name {
		return "is named outside the folder", nil
	}
	file, err := os.Open(filepath.Join(dir, f.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return "missing", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() != f.Bytes {
		return fmt.Sprintf("has %s bytes, not %s as written", progress.Count(int(info.Size())), progress.Count(int(f.Bytes))), err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, &reader{ctx, file}); err != nil {
		return "cannot be read: " + err.Error(), ctx.Err()
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return "is not what was written (its checksum differs)", nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	task := meter.Start("Checking "+f.Name, string(f.Kind), f.Count)
	count, err := f.lines(&reader{ctx, file}, task)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return fmt.Sprintf("line %s: %v", progress.Count(count+1), err), nil
	case count != f.Count:
		return fmt.Sprintf("has %s %s, not %s as written", progress.Count(count), f.Kind, progress.Count(f.Count)), nil
	}
	task.End()
	return "", nil
}

// lines decodes every line, and returns how many were good.
func (f File) lines(r io.Reader, task *progress.Task) (count int, err error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewReaderSize(unzipped, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) == 0 && errors.Is(err, io.EOF) {
			return count, nil
		}
		if errors.Is(err, io.EOF) {
			return count, errCutOff
		}
		if err != nil {
			return count, err
		}
		if err := f.decode(line); err != nil {
			return count, err
		}
		count++
		task.Add(1)
	}
}

func (f File) decode(line []byte) (err error) {
	switch f.Kind {
	case Users:
		_, err = decodeUser(line)
	case Rows:
		_, err = decodeRow(line)
	default:
		err = fmt.Errorf("unknown kind %q", f.Kind)
	}
	return err
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
