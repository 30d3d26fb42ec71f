// Package metrics writes metrics with a log line, in CloudWatch's embedded metric format ("Amazon CloudWatch User
// Guide, Specification: Embedded metric format"). Nothing is sent, so nothing is waited for.
package metrics

import (
	"io"
	"log/slog"
	"slices"
	"time"
)

// Namespace is the metrics' namespace in CloudWatch.
const Namespace = "Spaceport/Migration"

// Function is the dimension that every metric has: the Lambda function's name.
const Function = "Function"

// Metrics of the trigger.
const (
	Decisions      = "Decisions"      // events answered, by Decision and, if the event is unchanged, Reason
	Imports        = "Imports"        // users imported, by Via
	Errors         = "Errors"         // events that could not be answered, by ErrorType
	StagingLatency = "StagingLatency" // time that one event waited for staging
)

// Metrics of the datamover. Each run of a move that takes several counts its own rows only.
const (
	HookDecisions  = "HookDecisions" // sign-ins of users with a staging sub, by Decision
	RowsCopied     = "RowsCopied"
	RowsKept       = "RowsKept"      // production had a row with that key
	RowsFailed     = "RowsFailed"    // rows, or tables that cannot be used at all, which the next run retries
	GroupsMissing  = "GroupsMissing" // groups to carry over that production does not have
	Continuations  = "Continuations"
	RejectedClaims = "RejectedClaims" // claims to a staging user, or to a move, that the ledger does not confirm
)

// Duration is how long a user waited for the answer, of both functions. A background move has none.
const Duration = "Duration"

// Log writes the log lines of one Lambda function.
type Log struct {
	*slog.Logger
	function string
}

// NewLog writes JSON lines to w for the Lambda function of that name.
func NewLog(w io.Writer, function string) Log {
	return Log{slog.New(slog.NewJSONHandler(w, nil)), function}
}

// Counters returns the metrics of a new line.
func (l Log) Counters() *Counters { return &Counters{values: []any{Function, l.function}} }

// Counters is the metrics of one log line. A dimension must have few values, since each is a metric that is paid for;
// it is never anything about a user.
type Counters struct {
	values     []any // as slog takes them: the metrics' and the dimensions'
	directives []directive
}

// directive and document are the parts of the format that say which members of the line are metrics.
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

// Count adds n to a metric: for the function, for the value of the first dimension, for that of the second within it,
// and so on, up to an empty value. Dimensions are pairs of name and value; no two metrics of a line share one.
func (c *Counters) Count(metric string, n int, dimensions ...string) {
	c.add(metric, "Count", int64(n), dimensions)
}

// Milliseconds adds a duration.
func (c *Counters) Milliseconds(metric string, d time.Duration) {
	c.add(metric, "Milliseconds", d.Milliseconds(), nil)
}

func (c *Counters) add(metric, unit string, value int64, dimensions []string) {
	sets := [][]string{{Function}}
	for i := 0; i+1 < len(dimensions) && dimensions[i+1] != ""; i += 2 {
		sets = append(sets, append(slices.Clone(sets[i/2]), dimensions[i]))
		c.values = append(c.values, dimensions[i], dimensions[i+1])
	}
	c.values = append(c.values, metric, value)
	i := slices.IndexFunc(c.directives, func(d directive) bool {
		return slices.EqualFunc(d.Dimensions, sets, slices.Equal[[]string])
	})
	if i < 0 {
		i = len(c.directives)
		c.directives = append(c.directives, directive{Namespace: Namespace, Dimensions: sets})
	}
	c.directives[i].Metrics = append(c.directives[i].Metrics, definition{metric, unit})
}

// Attrs returns what slog writes at the top level of the line, for metrics of that time.
func (c *Counters) Attrs(at time.Time) []any {
	if len(c.directives) == 0 {
		return nil // the format has no _aws without a metric
	}
	return append(c.values, "_aws", document{at.UnixMilli(), c.directives})
}
