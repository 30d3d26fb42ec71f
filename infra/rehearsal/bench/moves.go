package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// move imports the next user, and has a new environment of the background function move them.
func (l *lab) move(ctx context.Context, background *subject) error {
	u, err := l.importNext(ctx)
	if err != nil {
		return err
	}
	event, err := json.Marshal(datamover.Continuation{StagingSub: u.stagingSub, ProductionSub: u.productionSub})
	if err != nil {
		return err
	}
	l.Lambdas.Recycle(background.name)
	l.aws.takeCalls()
	return errors.Join(background.invoke(ctx, l.Spaceport, event), l.aws.moved(1))
}

// largeMove compares moves of a user with few and with many projects.
func largeMove(ctx context.Context) (section, error) {
	const rounds, few, many = 3, 500, 50_000
	small, large := &subject{name: spaceport.Background}, &subject{name: spaceport.Background}
	aws := newStandIn(2*rounds, few)
	err := inLab(ctx, aws, 0, func(l *lab) error {
		for range rounds {
			for i, f := range []*subject{small, large} {
				aws.resize(2*rounds, []int{few, many}[i])
				if err := l.move(ctx, f); err != nil {
					return err
				}
			}
		}
		return nil
	})
	column := func(projects int, f *subject) []string {
		took := median(f.first).Seconds()
		return []string{fmt.Sprint(projects), fmt.Sprintf("%.2f", took), fmt.Sprintf("%.0f", float64(projects)/took),
			megabytes(median(f.peak))}
	}
	return section{
		title: "A large move",
		how: fmt.Sprintf("Background moves of one user's projects of 1 KB, %d of each size, cold each time. DynamoDB is in\n"+
			"this process, so the rate is the mover's own.", rounds),
		table: [][]string{{"rows", "time, s", "rows/s", "peak resident memory, MB"}, column(few, small), column(many, large)},
		thresholds: []threshold{timesAtMost(
			fmt.Sprintf("memory of a move of %d rows over one of %d", many, few), ratio(large.peak, small.peak), 1.3)},
	}, err
}

// requests counts those of a move in a small table and in a large one, and of sign-ins when there is nothing to move.
func requests(ctx context.Context) (section, error) {
	const factor, signIns = 100, 20
	const users, projects = 2, 250 // more than one page
	aws := newStandIn(users, projects)
	var small, large, moved, native map[string]int
	err := inLab(ctx, aws, 0, func(l *lab) error {
		background := &subject{name: spaceport.Background}
		if err := l.move(ctx, background); err != nil {
			return err
		}
		small = aws.takeCalls()
		aws.resize(users*factor, projects)
		if err := l.move(ctx, background); err != nil {
			return err
		}
		large = aws.takeCalls()
		err := l.signInsOf(ctx, testUser(l.next-1), signIns)
		moved = aws.takeCalls()
		err = errors.Join(err, l.signInsOf(ctx, user{productionSub: testUser(users * factor).productionSub}, signIns))
		native = aws.takeCalls()
		return err
	})
	const inInit = "AssumeRole" // once an environment, while it starts
	delete(moved, inInit)
	delete(native, inInit)
	s := section{
		title: "Requests",
		how: fmt.Sprintf("Of a background move of %d projects, in a table of %d rows and in one of %d; of %d sign-ins of a\n"+
			"moved user, and of one who was never in staging.", projects, users*projects, users*factor*projects, signIns),
		table: [][]string{{"", "small table", "large table", "moved", "native"}},
		thresholds: []threshold{
			same(fmt.Sprintf("requests of a move in a table %d times as large", factor), large, small),
			same(fmt.Sprintf("requests of %d sign-ins of a moved user: each reads the ledger once", signIns), moved,
				map[string]int{"GetItem " + ledgerTable: signIns}),
			same(fmt.Sprintf("requests of %d sign-ins of a user who was never in staging", signIns), native, map[string]int{}),
		},
	}
	all := maps.Clone(small)
	maps.Copy(all, large)
	maps.Copy(all, moved)
	maps.Copy(all, native)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		line := []string{name}
		for _, counted := range []map[string]int{small, large, moved, native} {
			line = append(line, fmt.Sprint(counted[name]))
		}
		s.table = append(s.table, line)
	}
	return s, err
}

func (l *lab) signInsOf(ctx context.Context, u user, n int) error {
	event, err := signedIn(u)
	for range n {
		err = errors.Join(err, l.hook.invoke(ctx, l.Spaceport, event))
	}
	return err
}

// same is met if the requests are the wanted ones, each as often.
func same(what string, measured, want map[string]int) threshold {
	return threshold{
		what: what, measured: fmt.Sprint(total(measured)), bound: fmt.Sprint("the same ", total(want)),
		met: measured != nil && maps.Equal(measured, want),
	}
}

func total(counted map[string]int) (n int) {
	for _, count := range counted {
		n += count
	}
	return n
}
