package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
)

const (
	starts   = 25
	warmEach = 4   // warm invocations after each cold one
	steady   = 200 // and in a row at the end, since memory grows until the garbage collector runs

	someProjects = 2 // of most users here

	emptyBinary = ".build/empty/bootstrap" // made by make bench, from the folder that it runs in
)

// coldStarts measures both functions and an empty one.
func coldStarts(ctx context.Context) (section, error) {
	aws, empty := newStandIn(1000, 5), subject{name: "empty"}
	var l *lab
	err := inLab(ctx, aws, 0, func(started *lab) error {
		l = started
		if err := l.Lambdas.Create(lambdahost.Function{Name: empty.name, Binary: emptyBinary}); err != nil {
			return fmt.Errorf("%w (make bench builds it)", err)
		}
		for range starts {
			l.Lambdas.Recycle(empty.name)
			for range 1 + warmEach {
				if err := empty.invoke(ctx, l.Spaceport, []byte("{}")); err != nil {
					return err
				}
			}
		}
		if err := l.rounds(ctx, starts, warmEach); err != nil {
			return err
		}
		for range steady {
			if err := l.signIn(ctx); err != nil {
				return err
			}
		}
		return aws.moved(l.next)
	})
	if err != nil {
		return section{}, err
	}
	trigger, hook := &l.trigger, &l.hook
	row := func(what string, of func(*subject) string) []string {
		return []string{what, of(&empty), of(trigger), of(hook)}
	}
	last := func(f *subject) int64 { return f.peak[len(f.peak)-1] }
	return section{
		title: "Cold starts of the functions as built for deployment",
		how: fmt.Sprintf("%d cold starts of each, with %d warm invocations after; then %d warm. AWS is in this process.\n"+
			"empty: a Go function that does nothing. trigger: an import. datamover: the hook, with %d rows to move.",
			starts, warmEach, steady, 1+aws.projects),
		table: [][]string{
			{"", "empty", "trigger", "datamover"},
			row("init, ms", func(f *subject) string { return milliseconds(median(f.init)) }),
			row("first invocation, ms", func(f *subject) string { return milliseconds(median(f.first)) }),
			row("warm invocation, ms", func(f *subject) string { return milliseconds(median(f.warm)) }),
			row("peak resident memory, MB", func(f *subject) string { return megabytes(last(f)) }),
		},
		thresholds: []threshold{
			timesAtMost("init of the trigger over that of an empty function", ratio(trigger.init, empty.init), 4),
			timesAtMost("init of the datamover over that of an empty function", ratio(hook.init, empty.init), 4),
			timesAtMost("first invocation of the trigger over a warm one", ratio(trigger.first, trigger.warm), 3),
			timesAtMost("first invocation of the hook over a warm one", ratio(hook.first, hook.warm), 3),
			atMost("peak memory of the trigger", float64(last(trigger))/(1<<20), 24, "%.1f", " MB"),
		},
	}, nil
}

const roundTrip = 10 * time.Millisecond

// distance measures both functions a round trip away from everything that they call.
func distance(ctx context.Context) (section, error) {
	const starts, warm = 15, 5
	aws := newStandIn(1000, 9)
	var l *lab
	err := inLab(ctx, aws, roundTrip, func(started *lab) error {
		l = started
		return l.rounds(ctx, starts, warm)
	})
	if err != nil {
		return section{}, err
	}
	trips := func(took []time.Duration) float64 { return float64(median(took)) / float64(roundTrip) }
	s := section{
		title: "At AWS's distance",
		how: fmt.Sprintf("STS, Cognito and DynamoDB are three TLS hosts, each a round trip of %v away. %d cold starts,\n"+
			"each with %d warm invocations after. The hook moves a profile and %d projects. The trigger needs three round\n"+
			"trips for the role, one for staging's pool and one for the ledger; the hook connects, reads the ledger, binds,\n"+
			"takes the lease, reads the profile, writes it and reads the projects, writes them, and completes the record.",
			roundTrip, starts, warm, aws.projects),
		table: [][]string{{"in round trips", "measured", "needed"}},
	}
	for _, m := range []struct {
		what          string
		took          []time.Duration
		needed, bound float64
	}{
		{"first invocation of the trigger", l.trigger.first, 5, 6.5},
		{"warm invocation of the trigger", l.trigger.warm, 2, 2.5},
		{"first invocation of the hook", l.hook.first, 9, 11.7},
		{"warm invocation of the hook", l.hook.warm, 7, 8.75},
	} {
		s.table = append(s.table, []string{m.what, fmt.Sprintf("%.1f", trips(m.took)), fmt.Sprint(m.needed)})
		s.thresholds = append(s.thresholds,
			atMost(fmt.Sprintf("%s, of %g", m.what, m.needed), trips(m.took), m.bound, "%.1f", " round trips"))
	}
	return s, nil
}
