package bench

import (
	"fmt"
	"time"
)

func pacedSection(r *sweepRun) section {
	share := r.perSecond() / ceiling
	return section{
		title: "A sweep at the documented quotas",
		how: fmt.Sprintf("The built bulk, sweep --live --quota-share 1, of %d users with a profile, %d projects of 1 KB\n"+
			"and a reset email each; every account, row and email was checked afterwards. The local cloud rejects requests\n"+
			"above Cognito's quotas, which allow %g users/s. A fake within this process replaces DynamoDB; Cognito's state\n"+
			"is in moto, behind an index. The rate is users divided by the time from bulk's list of users to the last email.",
			r.users, r.projects, ceiling),
		table: [][]string{
			{"users swept", fmt.Sprint(r.users)},
			{"time, s", fmt.Sprintf("%.1f", r.result.Seconds)},
			{"users/s", fmt.Sprintf("%.2f", r.perSecond())},
			{"time of the whole command, including the plan before it, s", fmt.Sprintf("%.1f", r.wall.Seconds())},
			{"users/s of the whole command", fmt.Sprintf("%.2f", float64(r.users)/r.wall.Seconds())},
			{"requests rejected as too many", fmt.Sprint(r.throttled)},
			{"load average of this machine after it", r.load},
		},
		thresholds: []threshold{
			shareAtLeast(fmt.Sprintf("rate of the sweep as a share of %g users/s", ceiling), share, 0.95),
		},
	}
}

func unpacedSection(few, many []*sweepRun) section {
	row := func(what string, of func([]*sweepRun) string) []string { return []string{what, of(few), of(many)} }
	return section{
		title: "A sweep of a larger pool",
		how: fmt.Sprintf("As before, without quotas on both sides and with %d projects each; %d users twice, once before\n"+
			"and once after %d. The rate is that of the local cloud, which answers one Cognito request at a time, in Python;\n"+
			"the processor time is bulk's own.",
			someProjects, fewUsers, manyUsers),
		table: [][]string{
			row("users", func(r []*sweepRun) string { return fmt.Sprint(r[0].users) }),
			row("time, s", func(r []*sweepRun) string { return fmt.Sprintf("%.1f", seconds(r).Seconds()) }),
			row("users/s", func(r []*sweepRun) string { return fmt.Sprintf("%.0f", float64(r[0].users)/seconds(r).Seconds()) }),
			row("processor time of bulk for a user, ms", func(r []*sweepRun) string {
				return milliseconds(cpu(r) / time.Duration(r[0].users))
			}),
			row("peak resident memory, MB", func(r []*sweepRun) string { return megabytes(median(peaks(r))) }),
		},
		thresholds: []threshold{
			timesAtMost(fmt.Sprintf("memory of a sweep of %d users over one of %d", manyUsers, fewUsers),
				ratio(peaks(many), peaks(few)), 1.2),
		},
	}
}

func seconds(runs []*sweepRun) time.Duration {
	return median(
		each(runs, func(r *sweepRun) time.Duration { return time.Duration(r.result.Seconds * float64(time.Second)) }),
	)
}

func cpu(runs []*sweepRun) time.Duration {
	return median(each(runs, func(r *sweepRun) time.Duration { return r.cpu }))
}

func peaks(runs []*sweepRun) []int64 {
	return each(runs, func(r *sweepRun) int64 { return r.peak })
}

func each[T number](runs []*sweepRun, of func(*sweepRun) T) []T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	return values
}
