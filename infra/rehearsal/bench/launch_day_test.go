package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/account"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
	"github.com/spaceport/user-migration/datamover/metrics"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/trigger"
)

const (
	largeUserEvery = 20 // 5 % of the users have many rows
	largeUserRows  = 2000
	smallUserRows  = 10
	maxSignIns     = 5               // then a user gives up
	patience       = 5 * time.Second // before the second attempt; it doubles
)

// The retries of both functions.
var (
	triggerLimits   = account.Limits{Attempts: 3, MaxBackoff: 300 * time.Millisecond}
	datamoverLimits = account.Limits{Attempts: 8, MaxBackoff: 2 * time.Second}
)

// launch is how many users sign in within which time, and what limits them.
type launch struct {
	name                string
	users               int
	within              time.Duration
	production, staging float64 // UserAuthentication and UserRead of each account
	oneAccount          bool    // has both pools
	writes              float64 // units a second of each table
	concurrency         int     // of the account, for Lambda
	ofBackground        int     // reserved for background moves; 0: none
}

// launchOf is a launch at the documented quotas, with the parameters as they are by default.
func launchOf(name string, users int, within time.Duration) launch {
	quota := cloud.DefaultQuotas()["UserAuthentication"] // UserRead has the same
	return launch{
		name: name, users: users, within: within, production: quota, staging: quota, writes: newTable, concurrency: 1000,
	}
}

// day is a launch in progress.
type day struct {
	launch
	inProduction, inStaging   *quota
	ledger                    launchLedger
	tables                    *tables
	trigger, hook, background *function
	visits                    []visit

	work        sync.WaitGroup // users and background moves
	mu          sync.Mutex
	deadLetters int
}

// visit is what a user met with.
type visit struct {
	arrived, signedIn time.Time // zero: gave up
	imported          bool
	errors            int
}

func rowsOf(user int) int {
	if user%largeUserEvery == 0 {
		return largeUserRows
	}
	return smallUserRows
}

func newDay(t *testing.T, l launch) *day {
	d := &day{launch: l, inProduction: newQuota(l.production), visits: make([]visit, l.users)}
	if d.inStaging = d.inProduction; !l.oneAccount {
		d.inStaging = newQuota(l.staging)
	}
	parts := func(each float64) partitions { return newPartitions(int(l.writes/partitionWrites), each) }
	d.ledger = launchLedger{
		ledgertest.New(), datamoverLimits.Retryer(), parts(partitionReads), parts(partitionWrites),
	}
	d.tables = &tables{
		retryer: datamoverLimits.Retryer(), written: map[int]map[int]bool{},
		capacity: map[string]partitions{
			stagingProfiles: parts(partitionReads), productionProfiles: parts(partitionWrites),
			stagingProjects: parts(partitionReads), productionProjects: parts(partitionWrites),
		},
	}
	s, err := settings.Read(func(string) string { return "" })
	require.NoError(t, err)
	email, err := trigger.NewResetEmail("", "", "")
	require.NoError(t, err)
	log := metrics.NewLog(io.Discard, "")

	records := d.ledger
	records.retryer = triggerLimits.Retryer()
	imports := trigger.NewHandler(d.staging(triggerLimits), records, s, email, log)
	staging := d.staging(datamoverLimits)
	production := userpool.New(pool{
		retryer: datamoverLimits.Retryer(), quota: d.inProduction, sub: func(u user) string { return u.productionSub },
	}, "")
	store := rows.NewStore(d.tables)
	mover := datamover.NewMover(s.Tables, store, store, datamover.Groups{Staging: staging}, d.ledger, time.Now)
	moves := datamover.NewHandler(mover, d.ledger, staging,
		func(string) datamover.ProductionPool { return production }, d.continueInBackground, s, log)

	lambda := &concurrency{limit: l.concurrency}
	d.trigger = newFunction(lambda, 0, cognitoPatience, imports.Invoke)
	d.hook = newFunction(lambda, 0, cognitoPatience, moves.Invoke)
	d.background = newFunction(lambda, l.ofBackground, 900*time.Second, moves.Invoke)
	return d
}

// cognitoPatience is how long Cognito waits for a function.
const cognitoPatience = 5 * time.Second

func (d *day) staging(l account.Limits) *userpool.Pool {
	return userpool.New(pool{
		retryer: l.Retryer(), quota: d.inStaging, sub: func(u user) string { return u.stagingSub },
	}, "")
}

func (d *day) continueInBackground(ctx context.Context, c datamover.Continuation) error {
	payload, err := json.Marshal(c)
	if time.Sleep(tableLatency); err != nil || ctx.Err() != nil {
		return cmp.Or(err, ctx.Err())
	}
	d.work.Go(func() {
		if d.background.deliver(payload) != nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.deadLetters++
		}
	})
	return nil
}

// run lets every user arrive at a random moment, and waits for the last background move.
func (d *day) run() {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range d.users {
		arrival := time.Duration(random.Int64N(int64(d.within)))
		d.work.Go(func() {
			time.Sleep(arrival)
			d.visits[i].come(func() error { return d.signIn(testUser(i), &d.visits[i].imported) })
		})
	}
	d.work.Wait()
}

func (v *visit) come(signIn func() error) {
	v.arrived = time.Now()
	for pause := patience; ; pause *= 2 {
		if signIn() == nil {
			v.signedIn = time.Now()
			return
		}
		if v.errors++; v.errors == maxSignIns {
			return
		}
		time.Sleep(pause)
	}
}

// signIn is InitiateAuth of production: the trigger for a user that it does not have, and the hook.
func (d *day) signIn(u user, imported *bool) error {
	time.Sleep(cognitoLatency)
	if err := d.inProduction.authentication.request(); err != nil {
		return err
	}
	if !*imported {
		event, err := migrateUser(u)
		if err != nil {
			return err
		}
		answer, err := d.trigger.invoke(event)
		if *imported = bytes.Contains(answer, []byte(`"finalUserStatus":"CONFIRMED"`)); !*imported {
			return cmp.Or(err, errors.New("not imported"))
		}
	}
	event, err := signedIn(u)
	if err == nil {
		_, err = d.hook.invoke(event)
	}
	return err
}

// result is what a launch ended with.
type result struct {
	*day
	metErrors, gaveUp          int
	slowestSignIn, slowestData time.Duration
	unfinished, leased         int // users
	missing                    int // rows of users who signed in
}

func (d *day) result() result {
	r := result{day: d}
	for i, v := range d.visits {
		if v.errors > 0 {
			r.metErrors++
		}
		if v.signedIn.IsZero() {
			r.gaveUp++
			continue
		}
		r.slowestSignIn = max(r.slowestSignIn, v.signedIn.Sub(v.arrived))
		record := d.ledger.Record(testUser(i).stagingSub)
		if !record.MovingUntil.IsZero() {
			r.leased++
		}
		once := record.Copied[productionProfiles] == 1 && record.Copied[productionProjects] == rowsOf(i)
		if record.State != ledger.Moved || !once {
			r.unfinished++
			continue
		}
		r.slowestData = max(r.slowestData, record.MovedAt.Sub(v.arrived))
		r.missing += 1 + rowsOf(i) - len(d.tables.written[i])
	}
	return r
}

// rejections lists what rejected requests, the most frequent first.
func (r result) rejections() string {
	counts := map[string]int{
		"production UserAuthentication": r.inProduction.authentication.throttled,
		"production UserRead":           r.inProduction.read.throttled,
		"Lambda, sign-ins":              r.trigger.throttled + r.hook.throttled,
		"Lambda, background":            r.background.throttled,
		"ledger":                        r.ledger.reads.throttled() + r.ledger.writes.throttled(),
	}
	if !r.oneAccount {
		counts["staging UserAuthentication"] = r.inStaging.authentication.throttled
		counts["staging UserRead"] = r.inStaging.read.throttled
	}
	for table, p := range r.tables.capacity {
		counts[table] = p.throttled()
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	var all []string
	for _, name := range names {
		if counts[name] > 0 {
			all = append(all, name+" "+humanize.Comma(int64(counts[name])))
		}
	}
	return strings.Join(all, "; ")
}

// row is a row of the document's table.
func (r result) row() string {
	return fmt.Sprintf("| %s | %.0f | %s | %s | %.0f | %.0f | %s | %d / %d | %d | %s |", r.name,
		float64(r.users)/r.within.Seconds(), humanize.Comma(int64(r.metErrors)), humanize.Comma(int64(r.gaveUp)),
		r.slowestSignIn.Seconds(), r.slowestData.Seconds(), humanize.Comma(int64(r.unfinished)),
		r.trigger.most, r.hook.most, r.background.most, r.rejections())
}

// launches are those of the document's table. Each of the lettered ones raises something.
func launches() []launch {
	with := func(l launch, name string, change func(*launch)) launch {
		change(&l)
		l.name = name
		return l
	}
	calm := launchOf("10 min", 10_000, 10*time.Minute)
	rush := launchOf("1 min", 10_000, time.Minute)
	limited := with(rush, "A: 1 min, `BackgroundConcurrency=50`", func(l *launch) { l.ofBackground = 50 })
	raised := with(limited, "C: A, quotas of 240/s in both accounts", func(l *launch) {
		l.production, l.staging = 240, 240
	})
	return []launch{
		calm,
		with(calm, "10 min, 10 concurrent executions in the account", func(l *launch) { l.concurrency = 10 }),
		rush,
		limited,
		with(limited, "B: A, quotas of 240/s in production", func(l *launch) { l.production = 240 }),
		raised,
		with(raised, "D: C, tables of 16,000 writes/s", func(l *launch) { l.writes = 16_000 }),
		with(limited, "E: A, both pools in one account", func(l *launch) { l.oneAccount = true }),
	}
}

func simulate(t *testing.T, l launch) (r result) {
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t, l)
		d.run()
		r = d.result()
	})
	fmt.Fprintln(t.Output(), r.row())
	return r
}

const header = "| 10,000 users sign in within | arrivals/s | saw an error | gave up | slowest sign-in, s |" +
	" all data after, s | without all data | trigger / hook at once | background at once | requests rejected by |"

// TestLaunchDay lets 10,000 users sign in within ten minutes: each of them is let in at the first attempt, with all
// rows, each written once. The race detector and -short get as many a second for a fifth of the time.
func TestLaunchDay(t *testing.T) {
	l := launches()[0]
	if raceDetector() || testing.Short() {
		l.users, l.within = l.users/5, l.within/5
		t.Logf("%d users in %s; the whole launch needs go test without -race and -short", l.users, l.within)
	}
	fmt.Fprintln(t.Output(), header)
	r := simulate(t, l)
	assert.Zero(t, r.metErrors, "users who saw an error")
	assert.Zero(t, r.gaveUp, "users who gave up")
	r.assertComplete(t)
	assert.Less(t, r.slowestSignIn, 5*time.Second)
	assert.Less(t, r.slowestData, time.Minute)
	assert.LessOrEqual(t, r.trigger.most, 30, "of the trigger at once")
	assert.LessOrEqual(t, r.hook.most, 50, "of the hook at once")
	assert.Positive(t, r.background.most, "some rows do not fit into the hook's budget")
	assert.LessOrEqual(t, r.background.most, 30, "background moves at once")
}

func (r result) assertComplete(t *testing.T) {
	assert.Zero(t, r.unfinished, "users without all data")
	assert.Zero(t, r.missing, "rows that the ledger counts and production lacks")
	assert.Zero(t, r.tables.wrong, "rows of no user")
	assert.Zero(t, r.leased, "users with a lease")
	assert.Zero(t, r.deadLetters, "events in the dead-letter queue")
	assert.Less(t, r.trigger.slowest, cognitoPatience)
	assert.Less(t, r.hook.slowest, cognitoPatience)
}

func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

var allLaunches = flag.Bool("launches", false, "simulate every launch of the document's table, which takes minutes")

// TestLaunches compares the names in the table of infra/README.md, and with -launches prints the table.
func TestLaunches(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	document := string(raw)
	assert.True(t, strings.Contains(document, "\n"+header+"\n"), "the document has the table's header: %s", header)
	for i, l := range launches() {
		assert.True(t, strings.Contains(document, "\n| "+l.name+" |"), "the document's table has a row %q", l.name)
		if !*allLaunches {
			continue
		}
		if i == 0 {
			fmt.Fprintln(t.Output(), header)
		}
		if r := simulate(t, l); l.ofBackground > 0 {
			r.assertComplete(t)
			assert.True(t, l.oneAccount || r.gaveUp == 0, l.name)
		}
	}
}

// TestLaunchDayIsAsDeployed compares what the simulation repeats with where it is from.
func TestLaunchDayIsAsDeployed(t *testing.T) {
	for file, texts := range map[string][]string{
		"trigger/cmd/trigger/main.go":     {"Attempts: 3, MaxBackoff: 300 * time.Millisecond"},
		"datamover/cmd/datamover/main.go": {"Attempts: 8, MaxBackoff: 2 * time.Second"},
		"infra/production.yaml": {
			"Timeout: 5\n", "Timeout: 900\n", "MaximumRetryAttempts: 2\n", "MaximumEventAgeInSeconds: 21600\n",
			"BillingMode: PAY_PER_REQUEST\n",
		},
	} {
		source, err := os.ReadFile("../../../" + file)
		require.NoError(t, err)
		for _, text := range texts {
			assert.Contains(t, string(source), text, file)
		}
	}
}
