package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/sweep"
	columns "github.com/spaceport/user-migration/bulk/table"
)

// sweepReport is the result of a sweep, dry or live; its JSON is what --json prints.
type sweepReport struct {
	Live    bool                 `json:"live"`
	Pool    string               `json:"pool"`
	Users   int                  `json:"users"`
	Planned sweepPlanned         `json:"planned"`
	Created int                  `json:"created"`
	Moved   int                  `json:"moved"`
	Letters int                  `json:"letters"`
	Failed  int                  `json:"failed"`
	Skipped map[sweep.Reason]int `json:"skipped"`
	Seconds float64              `json:"seconds"`
	Log     string               `json:"log"`
	Refused string               `json:"refused,omitempty"` // why a live sweep would not begin

	limits     quota.Limits
	fewCreated []string // whom to look at, in a small batch
}

type sweepPlanned struct {
	Create   int     `json:"create"`
	Complete int     `json:"complete"`
	Adopt    int     `json:"adopt"`
	Letters  int     `json:"letters"`
	Seconds  float64 `json:"seconds"`
}

func newSweepReport(r *sweepRun, p *sweep.Plan) *sweepReport {
	return &sweepReport{
		Live: r.flags.live, Pool: r.pool.name, Users: p.Users, Log: r.logPath, Skipped: p.Skipped, limits: r.limits,
		Planned: sweepPlanned{
			Create: p.Create, Complete: p.Complete, Adopt: p.Adopt, Letters: p.Letters, Seconds: p.Takes(r.limits).Seconds(),
		},
	}
}

func (r *sweepReport) ended(t *sweep.Tally, took time.Duration) {
	r.Created, r.Moved, r.Letters, r.Failed = t.Of(sweep.Created), t.Of(sweep.DataMoved), t.Of(sweep.ResetSent), t.Of(sweep.Failed)
	r.Skipped, r.Seconds, r.fewCreated = t.Reasons(), took.Seconds(), t.FewCreated()
}

func (r *sweepReport) writeDry(w io.Writer) error {
	fmt.Fprintf(w, "Dry run: nothing was written. A live sweep into %s would do this:\n\n", r.Pool)
	err := r.writeRows(w, [][]string{
		{"accounts to create", progress.Count(r.Planned.Create)},
		{"moves to complete", progress.Count(r.Planned.Complete)},
		{"accounts to adopt", progress.Count(r.Planned.Adopt)},
		{"letters to send", progress.Count(r.Planned.Letters)},
	})
	fmt.Fprintf(w, "\nAt %g accounts and %g password steps a second that takes about %s; large data may add to it.\n",
		r.limits.PerSecond(quota.UserCreation), r.limits.PerSecond(quota.UserAccountRecovery),
		progress.Duration(time.Duration(r.Planned.Seconds*float64(time.Second))))
	fmt.Fprintf(w, "What would happen to each user, and why: %s\n", r.Log)
	if r.Refused != "" {
		fmt.Fprintf(w, "\nA live sweep would not begin: %s.\n", r.Refused)
	} else if r.Planned.Create > 0 {
		fmt.Fprintln(w, "\nBegin with a small batch: bulk sweep --live --limit 2")
	}
	return err
}

func (r *sweepReport) writeLive(w io.Writer) error {
	fmt.Fprintf(w, "Swept into %s in %s:\n\n", r.Pool, progress.Duration(time.Duration(r.Seconds*float64(time.Second))))
	err := r.writeRows(w, [][]string{
		{"accounts created", progress.Count(r.Created)},
		{"users' data moved", progress.Count(r.Moved)},
		{"letters sent", progress.Count(r.Letters)},
		{"failed", progress.Count(r.Failed)},
	})
	if len(r.fewCreated) > 0 {
		fmt.Fprintln(w, "\nLook at those who were created:")
		for _, email := range r.fewCreated {
			fmt.Fprintf(w, "  bulk verify --user %s\n", email)
		}
	}
	fmt.Fprintf(w, "\nEach step of each user: %s\n", r.Log)
	if r.Failed > 0 {
		fmt.Fprintf(w, "Run the same command again: it tries the %s failed users again. Why they failed: grep FAILED %s\n", progress.Count(r.Failed), r.Log)
	}
	return err
}

func (r *sweepReport) writeRows(w io.Writer, counts [][]string) error {
	passed := 0
	var reasons [][]string
	byCount := func(a, b sweep.Reason) int {
		return cmp.Or(cmp.Compare(r.Skipped[b], r.Skipped[a]), cmp.Compare(a, b))
	}
	for _, reason := range slices.SortedFunc(maps.Keys(r.Skipped), byCount) {
		passed += r.Skipped[reason]
		reasons = append(reasons, []string{"    " + string(reason), progress.Count(r.Skipped[reason]), sweep.Explain(reason)})
	}
	for i := range counts {
		counts[i] = []string{"  " + counts[i][0], counts[i][1], ""}
	}
	counts = append(counts, []string{"  passed over", progress.Count(passed), ""})
	return columns.Write(w, "lrl", append(counts, reasons...)...)
}
