package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	pacedUsers    = 450 // half a minute at the ceiling
	pacedProjects = 10
	fewUsers      = 500
	manyUsers     = 5000
	someProjects  = 2

	// ceiling is how many users a second the documented quota of UserAccountRecovery allows: 30 calls a second, and a user
	// takes two (Cognito developer guide, Quotas).
	ceiling = 15.0
)

// sweepRun is one live sweep by the built bulk, with a new staging pool.
type sweepRun struct {
	users, projects int
	quotas          map[string]float64 // as the cloud enforces them; nil for the documented ones
	flags           []string

	result sweepResult
	child
	throttled int
	load      string // of the machine, at the end
}

// child is one run of the built bulk.
type child struct {
	wall, cpu time.Duration // of the whole command
	peak      int64
	out       []byte
}

// sweepResult is the output of bulk sweep --json.
type sweepResult struct {
	Users, Created, Moved, Resets, Failed int

	Seconds float64 // of the sweep itself, without the plan that comes first
}

func (r *sweepRun) perSecond() float64 { return float64(r.users) / r.result.Seconds }

// paced sweeps at the documented quotas.
func paced(ctx context.Context) (section, error) {
	r := &sweepRun{users: pacedUsers, projects: pacedProjects}
	if err := r.run(ctx); err != nil {
		return section{}, err
	}
	return pacedSection(r), nil
}

// unpaced sweeps a pool and one ten times as large, without quotas. The large one is measured between two small ones.
func unpaced(ctx context.Context) (section, error) {
	var runs []*sweepRun
	for _, users := range []int{fewUsers, manyUsers, fewUsers} {
		r := &sweepRun{users: users, projects: someProjects, quotas: map[string]float64{}, flags: []string{
			"--quota", "UserCreation=100000", "--quota", "UserAccountRecovery=100000",
		}}
		if err := r.run(ctx); err != nil {
			return section{}, err
		}
		runs = append(runs, r)
	}
	return unpacedSection([]*sweepRun{runs[0], runs[2]}, []*sweepRun{runs[1]}), nil
}

func (r *sweepRun) run(ctx context.Context) error {
	o := spaceport.Options{Cloud: cloud.Options{Indexed: true}}
	return within(ctx, o, func(s *spaceport.Spaceport) error {
		tables, err := newMemoryTables(s.Cloud.URL())
		if err != nil {
			return err
		}
		server := httptest.NewServer(tables)
		defer server.Close()
		subs, err := r.createUsers(ctx, s, tables)
		if err != nil {
			return fmt.Errorf("make %d staging users: %w", r.users, err)
		}
		s.Cloud.ResetRequests()
		s.Cloud.EnforceQuotas(r.quotas)
		err = r.sweep(ctx, s, server.URL)
		s.Cloud.EnforceQuotas(map[string]float64{})
		if err != nil {
			return fmt.Errorf("sweep %d users: %w", r.users, err)
		}
		r.throttled = s.Cloud.CountRequests(cloud.Filter{ErrorCode: "TooManyRequestsException"})
		return r.verify(ctx, s, tables, subs)
	})
}

// createUsers creates confirmed users with a verified email, each with a profile and projects, and returns their subs.
func (r *sweepRun) createUsers(ctx context.Context, s *spaceport.Spaceport, tables *memoryTables) ([]string, error) {
	subs := make([]string, r.users)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range subs {
		g.Go(func() (err error) {
			email := testUser(i).email
			if subs[i], err = createUser(ctx, s, email); err != nil {
				return err
			}
			return tables.addRows(user{stagingSub: subs[i], email: email}, r.projects)
		})
	}
	return subs, g.Wait()
}

func createUser(ctx context.Context, s *spaceport.Spaceport, email string) (sub string, err error) {
	made, err := s.Staging.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: &s.StagingPool, Username: &email, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
		},
	})
	if err != nil {
		return "", err
	}
	// No user signs in, so that none needs a password to be confirmed.
	return *made.User.Username, s.Cloud.SetStatus(s.StagingPool, email, "CONFIRMED")
}

// sweep runs the command and waits for it.
func (r *sweepRun) sweep(ctx context.Context, s *spaceport.Spaceport, tables string) (err error) {
	env := s.OperatorEnv()
	env["AWS_ENDPOINT_URL_DYNAMODB"] = tables
	args := append([]string{"sweep", "--live", "--yes", "--json", "--quota-share", "1"}, r.flags...)
	if r.child, err = runBulk(ctx, s.Bulk(), env, args...); err != nil {
		return err
	}
	r.load = loadAverage()
	return json.Unmarshal(r.out, &r.result)
}

// runBulk runs bulk in a folder of its own.
func runBulk(ctx context.Context, bulk string, env map[string]string, args ...string) (c child, err error) {
	dir, err := os.MkdirTemp("", "spaceport-bulk-")
	if err != nil {
		return c, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, bulk, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return c, err
	}
	peak := watchMemory(cmd.Process.Pid)
	err = cmd.Wait()
	c = child{wall: time.Since(began), peak: peak(), out: out.Bytes()}
	if err != nil {
		return c, fmt.Errorf("%w\n%s", err, errs.String())
	}
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return c, nil
}

// watchMemory follows a process's largest resident set until peak is called, in bytes; 0 if it is unknown. The
// ru_maxrss of a child is of no use: in Linux it starts at what its parent had when the child was forked.
func watchMemory(pid int) (peak func() int64) {
	stop, known := make(chan struct{}), make(chan int64)
	go func() {
		var kB int64
		for every := time.NewTicker(10 * time.Millisecond); ; {
			_, _ = fmt.Sscan(field(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:"), &kB) // fails once the process has ended
			select {
			case <-every.C:
			case <-stop:
				every.Stop()
				known <- kB << 10
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-known }
}

// loadAverage is that of the last minute, "" outside Linux.
func loadAverage() string {
	var one string
	_, _ = fmt.Sscan(field("/proc/loadavg", ""), &one)
	return one
}
