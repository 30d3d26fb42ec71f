package status

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/bulk/table"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// WriteText prints the overview for people.
func (o Overview) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Migration on %s\n\n", moment(o.At))
	o.Staging.writeText(&b)
	if o.Cutoff != nil {
		fmt.Fprintf(&b, "Cut-off: users created at or after %s stay in staging.\n", moment(*o.Cutoff))
	}
	o.Ledger.writeText(&b)
	fmt.Fprintf(&b, "\nOf %s:\n", people(o.Staging.Eligible, "who is eligible", "who are eligible"))
	_ = table.Write(&b, "rl",
		[]string{"  " + progress.Count(o.Done), fmt.Sprintf("done (%s)", percent(o.Done, o.Staging.Eligible))},
		[]string{progress.Count(o.UnderWay), "came over, data still to arrive"},
		[]string{progress.Count(o.Stragglers), "not come over"})
	o.writeFinish(&b)
	o.Production.writeText(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (o Overview) writeFinish(b *strings.Builder) {
	b.WriteString("\n")
	if o.SafeToDetach {
		b.WriteString("Safe to detach: no stragglers, nothing failed.\n")
	} else {
		b.WriteString("Not yet safe to detach:\n")
		for _, missing := range o.Missing {
			fmt.Fprintf(b, "  - %s\n", missing)
		}
	}
	if n := o.Staging.Users - o.Staging.Eligible; n > 0 {
		fmt.Fprintf(b, "%s no way over as things are: bulk status --without-a-path\n", people(n, "has", "have"))
	}
}

func (p Production) writeText(b *strings.Builder) {
	if p.Users == 0 {
		return
	}
	b.WriteString("\nIf people went back to staging now, this would stay behind in production:\n")
	_ = table.Write(b, "lrl",
		[]string{"  accounts that staging does not know", progress.Count(p.Own), ""},
		[]string{"  passwords set on the way over", progress.Count(p.NewPasswords), "by forgot password, or after a sweep"})
	b.WriteString("and whatever people changed there since: bulk verify lists the rows that moved and differ.\n")
}

func (s Staging) writeText(b *strings.Builder) {
	rows := [][]string{{"Staging users", "eligible", "not eligible", "because"}}
	sum := map[userpool.Reason]int{}
	for _, status := range slices.Sorted(maps.Keys(s.ByStatus)) {
		count := s.ByStatus[status]
		for reason, n := range count.Ineligible {
			sum[reason] += n
		}
		rows = append(rows, []string{
			status, progress.Count(count.Eligible), progress.Count(total(count.Ineligible)), reasons(count.Ineligible),
		})
	}
	rows = append(rows, []string{"all " + progress.Count(s.Users), progress.Count(s.Eligible), progress.Count(total(sum)), ""})
	_ = table.Write(b, "lrrl", rows...)
}

func (l Ledger) writeText(b *strings.Builder) {
	rows := [][]string{{"Came over by", "not come yet", "moving", "failed", "moved", "all"}}
	for _, via := range []ledger.Via{ledger.SignIn, ledger.ForgotPassword, ledger.Sweep} {
		rows = append(rows, stagesRow(string(via), l.ByPath[via]))
	}
	all := l.Total()
	rows = append(rows, stagesRow("all", all))
	b.WriteString("\n")
	_ = table.Write(b, "lrrrrr", rows...)
	if sweep := l.ByPath[ledger.Sweep]; sweep.total() > 0 {
		fmt.Fprintf(b, "Swept: %s sent a letter, %s come in since.\n", people(l.Letters, "was", "were"), people(l.Seen, "has", "have"))
	}
	if l.Adopted > 0 {
		fmt.Fprintf(b, "Adopted: %s an account in production already, and kept it.\n", people(l.Adopted, "had", "had"))
	}
	l.writeRows(b)
	if len(l.Failures) > 0 {
		b.WriteString("\nWhy they failed\n")
		for _, f := range slices.SortedStableFunc(slices.Values(l.Failures), func(x, y Failure) int { return y.Users - x.Users }) {
			more := ""
			if f.Users > len(f.Examples) {
				more = fmt.Sprintf(" and %s more", progress.Count(f.Users-len(f.Examples)))
			}
			fmt.Fprintf(b, "  %s\n    %s: %s%s\n", f.Reason, people(f.Users, "", ""), strings.Join(f.Examples, ", "), more)
		}
	}
}

func (l Ledger) writeRows(b *strings.Builder) {
	names := map[string]bool{}
	for name := range l.Copied {
		names[name] = true
	}
	for name := range l.Kept {
		names[name] = true
	}
	if len(names) == 0 {
		return
	}
	rows := [][]string{{"Rows in", "copied", "kept"}}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		rows = append(rows, []string{name, progress.Count(l.Copied[name]), progress.Count(l.Kept[name])})
	}
	b.WriteString("\n")
	_ = table.Write(b, "lrr", rows...)
}

func stagesRow(name string, s Stages) []string {
	row := []string{name}
	for _, n := range []int{s.NotCome, s.Moving, s.Failed, s.Moved, s.total()} {
		row = append(row, progress.Count(n))
	}
	return row
}

func total(counts map[userpool.Reason]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// reasons lists counts, the largest first.
func reasons(counts map[userpool.Reason]int) string {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b userpool.Reason) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(string(a), string(b)))
	})
	var parts []string
	for _, reason := range keys {
		parts = append(parts, fmt.Sprintf("%s %s", reason, progress.Count(counts[reason])))
	}
	return strings.Join(parts, ", ")
}

func people(n int, one, many string) string {
	if n == 1 {
		return strings.TrimSpace("1 user " + one)
	}
	return strings.TrimSpace(progress.Count(n) + " users " + many)
}

// percent rounds down, so that 100 % means everybody.
func percent(done, of int) string {
	if of == 0 {
		return "100.0 %"
	}
	return fmt.Sprintf("%d.%d %%", 100*done/of, 1000*done/of%10)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
