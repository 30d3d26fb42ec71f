package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

const (
	loadSignIns = 10_000
	loadWindow  = 1_000
)

// load has both functions import many users and move their data, in one environment each. A new environment of each is
// measured in turn with the last sign-ins, so that a machine that is busier by then makes no difference.
func load(ctx context.Context) (section, error) {
	aws := newStandIn(loadSignIns+loadWindow, someProjects)
	var old, fresh *lab
	err := inLab(ctx, aws, 0, func(l *lab) error {
		return inLab(ctx, aws, 0, func(another *lab) error {
			old, fresh, another.next = l, another, loadSignIns
			for n := range loadSignIns {
				turns := []*lab{old}
				if n >= loadSignIns-loadWindow {
					turns = append(turns, fresh)
				}
				if n%2 == 1 { // the second finds the processor's caches warm
					slices.Reverse(turns)
				}
				for _, turn := range turns {
					if err := turn.signIn(ctx); err != nil {
						return err
					}
				}
			}
			if len(old.trigger.init) != 1 || len(old.hook.init) != 1 {
				return errors.New("the functions had more than one environment")
			}
			// On a busy machine a hook can run out of time, and the background function moves the data.
			if err := errors.Join(old.Lambdas.Idle(ctx), fresh.Lambdas.Idle(ctx)); err != nil {
				return err
			}
			return aws.moved(loadSignIns + loadWindow)
		})
	})
	if err != nil {
		return section{}, err
	}
	s := section{
		title: fmt.Sprintf("%d sign-ins through one environment", loadSignIns),
		how: fmt.Sprintf("The trigger imports %d users, and the hook moves the profile and %d projects of each. AWS is\n"+
			"in this process. A new environment has its first %d in turn with the last %d.",
			loadSignIns, someProjects, loadWindow, loadWindow),
		table: [][]string{{
			"", fmt.Sprintf("MB after %d", loadWindow), fmt.Sprintf("MB after %d", loadSignIns),
			fmt.Sprintf("ms, last %d", loadWindow), "ms, new environment",
		}},
	}
	for i, pair := range [][2]*subject{{&old.trigger, &fresh.trigger}, {&old.hook, &fresh.hook}} {
		name := []string{"trigger", "datamover"}[i]
		peak, end := pair[0].peak, pair[0].warm[len(pair[0].warm)-loadWindow:]
		again, early, late := pair[1].warm, peak[loadWindow-1:loadWindow], peak[loadSignIns-1:]
		s.table = append(s.table, []string{
			name, megabytes(median(early)), megabytes(median(late)), milliseconds(median(end)), milliseconds(median(again)),
		})
		s.thresholds = append(s.thresholds,
			timesAtMost(fmt.Sprintf("peak memory after %d sign-ins over that after %d, %s", loadSignIns, loadWindow, name),
				ratio(late, early), 1.1),
			timesAtMost(fmt.Sprintf("time of the last %d sign-ins over the first %d, %s", loadWindow, loadWindow, name),
				ratio(end, again), 1.1))
	}
	return s, nil
}
