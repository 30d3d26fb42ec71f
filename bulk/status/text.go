package status

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"text/template"

	"github.com/spaceport/user-migration/bulk/console"
)

//go:embed *.tmpl
var files embed.FS

var texts = template.Must(template.New("").Funcs(template.FuncMap{
	"count": func(n int) string { return fmt.Sprintf("%10s", console.Count(n)) },
	"minus": func(a, b int) int { return a - b }, "isCommand": isCommand, "percent": percent,
	"quantity": console.Quantity, "time": console.Time, "line": console.Line,
	"quote": console.Quote, "text": console.Line, "json": json.Marshal, "fold": fold, "region": region, "options": options,
}).ParseFS(files, "*.tmpl"))

// WriteText writes the overview as text.
func (o Overview) WriteText(w io.Writer) error { return texts.ExecuteTemplate(w, "overview.tmpl", o) }

// WriteConclusion writes whether the triggers can be detached, and what is missing.
func (o Overview) WriteConclusion(w io.Writer) error {
	return texts.ExecuteTemplate(w, "conclusion", o)
}

// WriteText writes the reports as text.
func (a Answer) WriteText(w io.Writer) error { return texts.ExecuteTemplate(w, "user.tmpl", a) }

// percent rounds down, so that 100 % means all.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", math.Floor(1000*share)/10) }
