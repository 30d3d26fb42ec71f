package bench

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

const bulkBinary = ".build/bulk"

// poolRun is one run of bulk over a whole pool.
type poolRun struct {
	command
	users int

	child
	calls float64 // for a user
}

// command is what is run, and what it must print of a pool.
type command struct {
	name     string
	args     []string
	finished bool   // everyone is migrated; else nobody
	want     string // with the number of users
}

var commands = []command{
	{"dry sweep", []string{"sweep", "--json", "--quota-share", "1"}, false, `"create": %d,`},
	{"sweep", []string{"sweep", "--live", "--yes", "--json", "--quota-share", "1"}, true, `"already-moved": %d`},
	{"status", []string{"status", "--json"}, true, `"done": %d,`},
	{"verify", []string{"verify", "--json"}, true, `"whole":%d,`},
	{"backup", []string{"backup", "--json", "backup"}, true, `"count": %d,`},
}

// pools runs every command over a small pool and then over a large one, and all commands at the same time: most of them
// wait for Cognito's quota.
func pools(ctx context.Context) (section, error) {
	sizes := []int{10_000, 200_000}
	runs := make([][2]*poolRun, len(commands))
	g, ctx := errgroup.WithContext(ctx)
	for i, c := range commands {
		g.Go(func() error {
			for j, users := range sizes {
				runs[i][j] = &poolRun{command: c, users: users}
				if err := runs[i][j].run(ctx); err != nil {
					return fmt.Errorf("%s, %d users: %w", c.name, users, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return section{}, err
	}
	return poolsSection(runs), nil
}

func (r *poolRun) run(ctx context.Context) error {
	pool := newStandIn(r.users, someProjects)
	pool.migrated, pool.empty = r.finished, !r.finished
	server := httptest.NewServer(pool)
	defer server.Close()
	bulk, err := filepath.Abs(bulkBinary)
	if err != nil {
		return err
	}
	r.child, err = runBulk(ctx, bulk, map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"STAGING_USER_POOL_ID": stagingPool, "PRODUCTION_USER_POOL_ID": productionPool,
		"STAGING_ROLE_ARN": "arn:aws:iam::111111111111:role/Spaceport-Migration-operator",
	}, r.args...)
	if err != nil {
		return err
	}
	r.calls = float64(total(pool.takeCalls())) / float64(r.users)
	if want := fmt.Sprintf(r.want, r.users); !bytes.Contains(r.out, []byte(want)) {
		return fmt.Errorf("%s is not in the output:\n%s", want, r.out)
	}
	return nil
}

func poolsSection(runs [][2]*poolRun) section {
	s := section{
		title: "On the way to a million users",
		how: fmt.Sprintf("The built bulk over pools of users with a profile and %d projects each; one in %d is in a group.\n"+
			"AWS is in this process. bulk keeps to its share of Cognito's 30 pages of 60 users a second. All commands run at\n"+
			"the same time, each over the small pool first, which makes them slower.", someProjects, groupOf),
		table: [][]string{{"", "users", "calls for a user", "peak memory, MB", "time, s"}},
	}
	for _, pair := range runs {
		for _, r := range pair {
			s.table = append(s.table, []string{
				r.name, fmt.Sprint(r.users), fmt.Sprintf("%.3f", r.calls), megabytes(r.peak), fmt.Sprintf("%.1f", r.took.Seconds()),
			})
		}
		small, large := pair[0], pair[1]
		times := fmt.Sprintf("of bulk %s, %d users over %d", small.name, large.users, small.users)
		s.thresholds = append(s.thresholds,
			timesAtMost("memory "+times, float64(large.peak)/float64(small.peak), 1.5),
			timesAtMost("calls for a user "+times, large.calls/small.calls, 1.05))
	}
	return s
}
