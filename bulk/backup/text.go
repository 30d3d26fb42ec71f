package backup

import (
	"fmt"
	"io"
	"strings"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/bulk/table"
)

// WriteText prints what was saved.
func (m Manifest) WriteText(w io.Writer, dir string) error {
	var b strings.Builder
	m.writeFiles(&b)
	fmt.Fprintf(&b, "\nSaved to %s in %s. Check it with: bulk backup --check %s\n", dir, progress.Duration(m.Finished.Sub(m.Started)), dir)
	b.WriteString("It is personal data: e-mails, names, projects. It holds no password, since Cognito gives\nnone. Keep it where only you can read it, and delete it when the migration is over.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (m Manifest) writeFiles(b *strings.Builder) {
	lines := [][]string{{"File", "from", "lines", "bytes"}}
	for _, f := range m.Files {
		lines = append(lines, []string{f.Name, f.Source, amount(f), progress.Count(int(f.Bytes))})
	}
	_ = table.Write(b, "llrr", lines...)
}

// WriteText prints what a check found.
func (r Report) WriteText(w io.Writer, dir string) error {
	var b strings.Builder
	if len(r.Damage) == 0 {
		r.Manifest.writeFiles(&b)
		fmt.Fprintf(&b, "\nThe backup of %s is whole: every checksum, count and line.\n", r.Manifest.Finished.UTC().Format("2006-01-02 15:04:05 UTC"))
	} else {
		fmt.Fprintf(&b, "The backup in %s is not whole:\n", dir)
		for _, d := range r.Damage {
			fmt.Fprintf(&b, "  %s %s\n", d.File, d.What)
		}
		b.WriteString("Make another one, into another folder: bulk backup DIR\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func amount(f File) string {
	if f.Count == 1 {
		return "1 " + strings.TrimSuffix(string(f.Kind), "s")
	}
	return progress.Count(f.Count) + " " + string(f.Kind)
}
