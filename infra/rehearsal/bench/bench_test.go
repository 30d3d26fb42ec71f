package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
)

func TestMedian(t *testing.T) {
	require.Zero(t, median[int64](nil))
	values := []int64{9, 1, 5}
	require.EqualValues(t, 5, median(values))
	require.Equal(t, []int64{9, 1, 5}, values, "their order is kept")
	require.Equal(t, 3*time.Second, median([]time.Duration{4 * time.Second, 2 * time.Second}))
}

func TestWaiting(t *testing.T) {
	began := time.Now()
	request := func(caller string, from, to time.Duration) cloud.Request {
		return cloud.Request{Caller: caller, Time: began.Add(from), Duration: to - from}
	}
	requests := []cloud.Request{ // as they ended
		request("fn", -9, -5), // before
		request("fn", -2, 1),  // began before: 1
		request("fn", 12, 14), // inside the next
		request("fn", 10, 20), // 10
		request("other", 0, 30),
		request("fn", 15, 25), // 5 more
		request("fn", 40, 41), // 1
	}
	require.EqualValues(t, 17, waiting(requests, "fn", began))
	require.Zero(t, waiting(nil, "fn", began))
}

func TestByOperation(t *testing.T) {
	counted := byOperation([]cloud.Request{
		{Caller: "fn", Operation: "GetItem", Resource: "Table"},
		{Caller: "fn", Operation: "GetItem", Resource: "Table"},
		{Caller: "fn", Operation: "AssumeRole", Resource: "arn:aws:iam::111111111111:role/fn"},
		{Caller: "admin", Operation: "GetItem", Resource: "Table"},
	}, "fn")
	require.Equal(t, map[string]int{"GetItem Table": 2, "AssumeRole fn": 1}, counted)
	require.Equal(t, 3, total(counted))
}

func TestThresholds(t *testing.T) {
	same := map[string]int{"PutItem T": 2}
	tests := map[string]struct {
		threshold
		want bool
	}{
		"ratio at its bound":    {timesAtMost("", 4, 4), true},
		"ratio above its bound": {timesAtMost("", 4.01, 4), false},
		"nothing measured":      {timesAtMost("", ratio[int64](nil, nil), 4), false},
		"below":                 {megabytesBelow("", 24<<20-1, 24), true},
		"not below":             {megabytesBelow("", 24<<20, 24), false},
		"memory unknown":        {megabytesBelow("", 0, 24), false},
		"share at its bound":    {shareAtLeast("", .95, .95), true},
		"share below it":        {shareAtLeast("", .9499, .95), false},
		"same requests":         {growthSection(same, map[string]int{"PutItem T": 2}).thresholds[0], true},
		"as many, but others":   {growthSection(same, map[string]int{"Scan T": 2}).thresholds[0], false},
		"moved, one read":       {hookSection(map[string]int{ledgerRead: hookSignIns}, nil).thresholds[0], true},
		"moved, and more": {
			hookSection(map[string]int{ledgerRead: hookSignIns, "Query T": 1}, nil).thresholds[0], false,
		},
		"moved, another request": {hookSection(map[string]int{"Query T": hookSignIns}, nil).thresholds[0], false},
		"native, none":           {hookSection(nil, map[string]int{}).thresholds[1], true},
		"native, one":            {hookSection(nil, map[string]int{ledgerRead: 1}).thresholds[1], false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, test.met) })
	}
}

func TestReport(t *testing.T) {
	s := section{
		title: "Things", how: "Weighed.",
		table:      [][]string{{"", "one", "two"}, {"weight, kg", "1.5", "30.25"}},
		thresholds: []threshold{timesAtMost("two over one", 20.1667, 30), megabytesBelow("memory", 25<<20, 24)},
	}
	var out strings.Builder
	w := &printer{out: &out}
	w.section(7, s)
	require.NoError(t, w.err)
	require.Equal(t, `
7. Things
Weighed.

              one    two
  weight, kg  1.5  30.25

  ok      two over one  20.17 ×  (at most 30 ×)
  FAILED  memory        25.0 MB   (below 24 MB)
`, out.String())
	require.Equal(t, "1 of 2 thresholds met", summary(s.thresholds))
	require.EqualError(t, missed(s.thresholds), "thresholds not met: memory: 25.0 MB (below 24 MB)")
	require.NoError(t, missed(s.thresholds[:1]))
}

func TestMachine(t *testing.T) {
	require.Contains(t, machine(), "cores")
	require.NotContains(t, machine(), ", ,")
}
