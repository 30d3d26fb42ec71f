package status

import (
	"embed"
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
	"quantity": console.Quantity, "time": console.Time, "wrap": console.Wrap,
}).ParseFS(files, "*.tmpl"))

// WriteText writes the overview as text.
func (o Overview) WriteText(w io.Writer) error { return texts.ExecuteTemplate(w, "overview.tmpl", o) }

// WriteText writes the reports as text.
func (a Answer) WriteText(w io.Writer) error { return texts.ExecuteTemplate(w, "user.tmpl", a) }

// percent rounds down, so that 100 % means all.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", math.Floor(1000*share)/10) }

// State returns what the user pool's console shows of an account, such as "CONFIRMED, enabled".
func (a Account) State() string {
	if a.Enabled {
		return a.Status + ", enabled"
	}
	return a.Status + ", disabled"
}
