// Package metrics lets a log line carry metrics: CloudWatch takes them out of every line in its embedded metric format
// ("Amazon CloudWatch User Guide, Specification: Embedded metric format"). Nothing is sent, so that nothing is waited for.
package metrics

import (
	"io"
	"log/slog"
	"slices"
	"time"
)

// Namespace is where CloudWatch keeps them.
const Namespace = "Spaceport/Migration"

// Function is the dimension that every metric has: the Lambda function's name.
const Function = "Function"

// Metrics of the trigger.
const (
	Decisions      = "Decisions"      // events answered, by Decision and, where nobody is imported, Reason
	Imports        = "Imports"        // users let in, by Via
	Errors         = "Errors"         // events that could not be answered, by ErrorType
	StagingLatency = "StagingLatency" // time that one event waited for staging
)

// Metrics of the datamover. Of a move that takes several runs each counts its own rows only.
const (
	HookDecisions = "HookDecisions" // arrivals of users who say that they were in staging, by Decision
	RowsCopied    = "RowsCopied"
	RowsKept      = "RowsKept"   // production held a row of that key already
	RowsFailed    = "RowsFailed" // rows, or tables that cannot be used at all, which the next run tries again
	HandOvers     = "HandOvers"
	ForgedClaims  = "ForgedClaims" // claims to a staging user, or to a move, that the ledger does not bear out
)

// Duration is how long a user waited for the answer. Both functions have it; a hand-over, for which nobody waits, has not.
const Duration = "Duration"

// Log is where one Lambda function writes its lines.
type Log struct {
	*slog.Logger
	function string
}

// NewLog writes lines of JSON to w for the Lambda function of that name.
func NewLog(w io.Writer, function string) Log {
	return Log{slog.New(slog.NewJSONHandler(w, nil)), function}
}

// Tally begins the metrics of one line.
func (l Log) Tally() *Tally { return &Tally{values: []any{Function, l.function}} }

// Tally is the metrics of one log line. What is a dimension must have few values: each makes a metric of its own, which
// is paid for. Never is it anything of a user.
type Tally struct {
	values     []any // as slog takes them: the metrics' and the dimensions'
	directives []directive
}

// directive and document are the parts of the format that say what else in the line is a metric.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

type document struct {
	Timestamp         int64 // ms
	CloudWatchMetrics []directive
}

// Count adds n things. They are counted for the function; for each value of the first dimension; for each of the second
// within that; and so on, up to an empty value. Dimensions are pairs of name and value; no two metrics of a line share one.
func (t *Tally) Count(metric string, n int, dimensions ...string) {
	t.add(metric, "Count", int64(n), dimensions)
}

// Milliseconds adds a span of time.
func (t *Tally) Milliseconds(metric string, d time.Duration) {
	t.add(metric, "Milliseconds", d.Milliseconds(), nil)
}

func (t *Tally) add(metric, unit string, value int64, dimensions []string) {
	sets := [][]string{{Function}}
	for i := 0; i+1 < len(dimensions) && dimensions[i+1] != ""; i += 2 {
		sets = append(sets, append(slices.Clone(sets[i/2]), dimensions[i]))
		t.values = append(t.values, dimensions[i], dimensions[i+1])
	}
	t.values = append(t.values, metric, value)
	i := slices.IndexFunc(t.directives, func(d directive) bool {
		return slices.EqualFunc(d.Dimensions, sets, slices.Equal[[]string])
	})
	if i < 0 {
		i = len(t.directives)
		t.directives = append(t.directives, directive{Namespace: Namespace, Dimensions: sets})
	}
	t.directives[i].Metrics = append(t.directives[i].Metrics, definition{metric, unit})
}

// Attrs returns what slog is to write at the top of the line, for metrics of that moment.
func (t *Tally) Attrs(at time.Time) []any {
	if len(t.directives) == 0 {
		return nil // an _aws that names no metric is not in the format
	}
	return append(t.values, "_aws", document{at.UnixMilli(), t.directives})
}
