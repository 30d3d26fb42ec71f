package bench

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

func TestMedian(t *testing.T) {
	require.Zero(t, median[int64](nil))
	values := []int64{9, 1, 5}
	require.EqualValues(t, 5, median(values))
	require.Equal(t, []int64{9, 1, 5}, values, "their order is kept")
	require.Equal(t, 3*time.Second, median([]time.Duration{4 * time.Second, 2 * time.Second}))
}

func TestThresholds(t *testing.T) {
	requests := map[string]int{"PutItem T": 2}
	for name, test := range map[string]struct {
		threshold
		want bool
	}{
		"at its bound":         {timesAtMost("", 4, 4), true},
		"above its bound":      {timesAtMost("", 4.01, 4), false},
		"nothing measured":     {timesAtMost("", ratio[int64](nil, nil), 4), false},
		"same requests":        {same("", map[string]int{"PutItem T": 2}, requests), true},
		"as many, but others":  {same("", map[string]int{"Scan T": 2}, requests), false},
		"no request":           {same("", map[string]int{}, map[string]int{}), true},
		"requests not counted": {same("", nil, map[string]int{}), false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, test.met) })
	}
}

func TestReport(t *testing.T) {
	all := []threshold{timesAtMost("two over one", 20.1667, 30), atMost("memory", 25, 24, "%.1f", " MB")}
	var out strings.Builder
	w := &printer{out: &out}
	w.section(7, section{
		title: "Things", how: "Weighed.", table: [][]string{{"", "one", "two"}, {"weight, kg", "1.5", "30.25"}},
	})
	w.promises(all)
	require.NoError(t, w.err)
	require.Equal(t, `
7. Things
Weighed.

              one    two
  weight, kg  1.5  30.25
| promise | measured | threshold |
|---|---|---|
| two over one | 20.17 × | at most 30 × |
| memory | 25.0 MB | at most 24 MB |
`, out.String())
	require.EqualError(t, missed(all), "1 of 2 thresholds not met: memory: 25.0 MB (at most 24 MB)")
	require.NoError(t, missed(all[:1]))
}

// TestRequests needs no make bench: what is counted does not depend on the machine.
func TestRequests(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	s, err := requests(t.Context())
	require.NoError(t, err)
	require.NoError(t, missed(s.thresholds))
}

// TestSmallLab has users sign in as make bench does, also a round trip away.
func TestSmallLab(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	for _, trip := range []time.Duration{0, time.Millisecond} {
		aws := newStandIn(4, 3)
		require.NoError(t, inLab(t.Context(), aws, trip, func(l *lab) error {
			require.NoError(t, l.rounds(t.Context(), 1, 1))
			for _, f := range []subject{l.trigger, l.hook} {
				require.Len(t, f.first, 1, "the first round is not counted")
				require.Len(t, f.warm, 1)
			}
			require.NoError(t, aws.moved(4))
			return nil
		}))
	}
}

// TestSmallSweep runs a sweep as make bench does, for a pool of more than one page.
func TestSmallSweep(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	r := &sweepRun{users: 70, projects: 3}
	require.NoError(t, r.run(t.Context()))
	require.Zero(t, r.throttled)
	require.Less(t, r.perSecond(), ceiling*1.2, "quotas are enforced")
}

// TestSmallPool runs every command as make bench does, over pools and tables of more than one page.
func TestSmallPool(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	t.Chdir("../../..")
	for _, c := range commands {
		r := &poolRun{command: c, users: 1100}
		require.NoError(t, r.run(t.Context()), c.name)
		require.Positive(t, r.calls, c.name)
	}
}

func TestPoolThresholds(t *testing.T) {
	pair := [2]*poolRun{{calls: 1, users: 1, child: child{peak: 20}}, {calls: 1.06, users: 1, child: child{peak: 30}}}
	s := poolsSection([][2]*poolRun{pair})
	require.True(t, s.thresholds[0].met, "memory at its bound")
	require.False(t, s.thresholds[1].met, "calls above theirs")
	require.Len(t, s.table, 3)
}

func TestWatchMemory(t *testing.T) {
	peak := watchMemory(os.Getpid())
	time.Sleep(20 * time.Millisecond)
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc here")
	}
	require.Greater(t, peak(), int64(1<<20))
}
