package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	loadSignIns  = 10_000
	loadWindow   = 1_000
	loadWarm     = 100 // sign-ins after which memory should not grow
	loadProjects = 2
)

// aging is one environment of each function, the trigger first.
type aging struct {
	functions []*subject
	resident  [2][]int64 // after each invocation
}

// newAging prepares imports of users, and their first sign-ins.
func newAging(tables *memoryTables, users func(i int) user) *aging {
	trigger, hook := &subject{name: spaceport.Trigger}, &subject{name: spaceport.Datamover}
	trigger.event = func(context.Context) ([]byte, error) {
		u := users(trigger.runs)
		if err := tables.addRows(u, loadProjects); err != nil {
			return nil, err
		}
		return migrateUser(u.email, "Secret-Passw0rd")
	}
	hook.event = func(context.Context) ([]byte, error) { return signedIn(users(hook.runs)) }
	return &aging{functions: []*subject{trigger, hook}}
}

// signIn imports the next user and moves their data.
func (a *aging) signIn(ctx context.Context, s *spaceport.Spaceport) error {
	for i, f := range a.functions {
		if err := f.invoke(ctx, s, true); err != nil {
			return fmt.Errorf("%w\n%s", err, s.Lambdas.Log(f.name))
		}
		var kB int64
		for _, pid := range s.Lambdas.Processes(f.name) {
			_, _ = fmt.Sscan(field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:"), &kB) // unknown outside Linux
		}
		a.resident[i] = append(a.resident[i], kB<<10)
	}
	return nil
}

// load has both functions import many users and move their data, in one environment each. A new environment of each is
// measured in turn with the last sign-ins, so that a machine that is busier by then makes no difference.
func load(ctx context.Context) (section, error) {
	d, err := newHosts(0)
	if err != nil {
		return section{}, err
	}
	defer d.close()
	old := newAging(d.tables, testUser)
	fresh := newAging(d.tables, func(i int) user { return testUser(loadSignIns + i) })
	o := spaceport.Options{Env: d.env}
	err = within(ctx, o, func(s *spaceport.Spaceport) error {
		return within(ctx, o, func(another *spaceport.Spaceport) error {
			for n := range loadSignIns {
				turns := []func() error{func() error { return old.signIn(ctx, s) }}
				if n >= loadSignIns-loadWindow {
					turns = append(turns, func() error { return fresh.signIn(ctx, another) })
				}
				if n%2 == 1 { // the second finds the processor's caches warm
					slices.Reverse(turns)
				}
				for _, signIn := range turns {
					if err := signIn(); err != nil {
						return err
					}
				}
			}
			for _, f := range old.functions {
				if len(f.init) != 1 {
					return fmt.Errorf("%s: %d environments", f.name, len(f.init))
				}
			}
			// On a busy machine a hook can run out of time, and the background function moves the data.
			if err := errors.Join(s.Lambdas.Idle(ctx), another.Lambdas.Idle(ctx)); err != nil {
				return err
			}
			return d.tables.allMoved(loadSignIns + loadWindow)
		})
	})
	if err != nil {
		return section{}, err
	}
	return loadSection(old, fresh), nil
}

// complete are the attributes of a record when nothing is left to do: no cursor, no lease.
var complete = []string{
	"copied", "email", "importedAt", "kept", "movedAt", "productionSub", "stagingSub", "state", "via",
}

// allMoved returns an error unless the ledger has a complete record of each user and nothing else, and production has
// all of their rows.
func (t *memoryTables) allMoved(users int) error {
	if n := len(t.rows[ledgerTable]); n != users {
		return fmt.Errorf("the ledger has %d records of %d users", n, users)
	}
	for i := range users {
		u := testUser(i)
		records := t.rowsOf(ledgerTable, u.stagingSub)
		if len(records) != 1 || !slices.Equal(slices.Sorted(maps.Keys(records[0])), complete) ||
			!bytes.Equal(records[0]["state"], wireText("moved")) ||
			!bytes.Equal(records[0]["productionSub"], wireText(u.productionSub)) {
			return fmt.Errorf("ledger record of %s: %s", u.email, records)
		}
		if err := t.sameRows(u.stagingSub, u.productionSub); err != nil {
			return fmt.Errorf("%s: %w", u.email, err)
		}
	}
	return nil
}

func loadSection(old, fresh *aging) section {
	s := section{
		title: fmt.Sprintf("%d sign-ins through one environment", loadSignIns),
		how: fmt.Sprintf(
			"The trigger imports %d users, each followed by the first sign-in, at which the hook moves a profile and %d\n"+
				"projects. STS, Cognito and DynamoDB are in this process, without TLS, and answer at once. A new environment has\n"+
				"its first %d in turn with the last %d, so that both are measured at the same time. Memory is the resident set,\n"+
				"the median after each of %d invocations. Every ledger record and every row was checked afterwards: all moved,\n"+
				"without a lease.",
			loadSignIns, loadProjects, loadWindow, loadWindow, loadWarm,
		),
		table: [][]string{
			{""},
			{fmt.Sprintf("resident memory after %d, MB", loadWarm)},
			{fmt.Sprintf("resident memory after %d, MB", loadSignIns)},
			{fmt.Sprintf("first %d invocations, ms", loadWindow)},
			{fmt.Sprintf("last %d, ms", loadWindow)},
			{fmt.Sprintf("first %d of a new environment meanwhile, ms", loadWindow)},
		},
	}
	for i, f := range old.functions {
		warm, last := old.resident[i][loadWarm:2*loadWarm], old.resident[i][loadSignIns-loadWarm:]
		end, again := f.warm[len(f.warm)-loadWindow:], fresh.functions[i].warm
		name := f.name[strings.LastIndexByte(f.name, '-')+1:]
		for row, text := range []string{
			name, megabytes(median(warm)), megabytes(median(last)),
			milliseconds(median(f.warm[:loadWindow])), milliseconds(median(end)), milliseconds(median(again)),
		} {
			s.table[row] = append(s.table[row], text)
		}
		s.thresholds = append(s.thresholds,
			timesAtMost(fmt.Sprintf("memory after %d over that after %d, %s", loadSignIns, loadWarm, name),
				ratio(last, warm), 1.1),
			timesAtMost(fmt.Sprintf("time of the last %d over the first %d, %s", loadWindow, loadWindow, name),
				ratio(end, again), 1.1),
		)
	}
	return s
}
