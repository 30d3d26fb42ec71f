package sweep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/bulk/sweep"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestMain lets this binary be bulk itself, so that it can be killed as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_BULK") == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Run(ctx, os.Args[1:], cli.Standard(), os.Getenv))
}

// operator is somebody who runs bulk in a folder of their own.
type operator struct {
	*spaceport.Spaceport
	dir string
	env []string
}

// newOperator's bulk does not sleep for a second before it ends, as a program with the race detector in it does by itself.
func newOperator(t *testing.T, s *spaceport.Spaceport) *operator {
	o := &operator{Spaceport: s, dir: t.TempDir(), env: []string{"RUN_BULK=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}}
	for name, value := range s.OperatorEnv() {
		o.env = append(o.env, name+"="+value)
	}
	return o
}

func (o *operator) command(args ...string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	cmd = exec.Command(os.Args[0], args...)
	cmd.Dir, cmd.Env = o.dir, o.env
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

func (o *operator) bulk(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd, out, errs := o.command(args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// sweep runs a live sweep that must end well. Letters leave at a pace at which the trigger that writes them has room to run.
func (o *operator) sweep(t *testing.T, args ...string) (doc map[string]any) {
	t.Helper()
	code, out, errs := o.bulk(t, append([]string{"sweep", "--live", "--yes", "--json", "--quota-share", "1", "--quota", "UserAccountRecovery=60", "--quota", "UserList=1000", "--quota", "UserCreation=1000"}, args...)...)
	for _, e := range o.journal(t) {
		assert.NotEqual(t, sweep.Failed, e.Status, "%s: %s", e.UserEmail, e.Details)
	}
	require.Zero(t, code, out+errs)
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	return doc
}

func (o *operator) journal(t *testing.T) (all []sweep.Entry) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.dir, "migration_log_*.jsonl"))
	require.NoError(t, err)
	for _, file := range files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(raw)) {
			var e sweep.Entry
			require.NoError(t, json.Unmarshal([]byte(line), &e), "a torn line: %q", line)
			require.NotEmpty(t, e.Details)
			all = append(all, e)
		}
	}
	return all
}

// subject is one staging user and what must become of them.
type subject struct {
	spaceport.Person
	sub  string
	kind string
	want string // "swept", "moved" by themselves, or "" for not over
}

// town makes staging users of every kind, so many.
func town(t *testing.T, s *spaceport.Spaceport, users int) []*subject {
	ctx := t.Context()
	kinds := []string{"plain", "plain", "plain", "rows", "upper", "plain", "disabled", "unconfirmed", "temporary", "unverified",
		"federated", "reset", "signed-in", "asked", "came-by-mail", "native", "plain", "rows", "plain", "upper"}
	var all []*subject
	for i := range users {
		kind := kinds[i%len(kinds)]
		p := &subject{kind: kind, want: "", Person: spaceport.Person{
			Name: fmt.Sprintf("%s %d", kind, i), Email: fmt.Sprintf("%s-%d@example.com", kind, i), Password: "Staging-Passw0rd", Projects: i % 3,
			Disabled: kind == "disabled", Unconfirmed: kind == "unconfirmed", Temporary: kind == "temporary", Unverified: kind == "unverified",
		}}
		switch kind {
		case "plain", "rows", "upper":
			p.want = "swept"
		case "signed-in", "came-by-mail":
			p.want = "moved"
		}
		if kind == "upper" {
			p.Email = fmt.Sprintf("Upper-%d@Example.com", i)
		}
		if i == 3 {
			p.Projects = 210 // more than a page of the mover
		}
		var err error
		p.sub, err = s.Add(ctx, p.Person)
		require.NoError(t, err)
		settle(t, s, p)
		all = append(all, p)
	}
	return all
}

// settle brings a user into the state of their kind.
func settle(t *testing.T, s *spaceport.Spaceport, p *subject) {
	ctx := t.Context()
	switch p.kind {
	case "federated":
		require.NoError(t, s.Cloud.SetStatus(s.StagingPool, p.Email, "EXTERNAL_PROVIDER"))
	case "reset":
		require.NoError(t, s.Cloud.SetStatus(s.StagingPool, p.Email, "RESET_REQUIRED"))
	case "signed-in":
		_, err := s.SignIn(ctx, p.Email, p.Password)
		require.NoError(t, err)
	case "asked":
		_, err := s.ForgotPassword(ctx, p.Email)
		require.NoError(t, err)
	case "came-by-mail":
		comeByMail(t, s, p.Email)
	case "native":
		_, err := s.Production.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
			UserPoolId: &s.ProductionPool, Username: &p.Email, MessageAction: types.MessageActionTypeSuppress,
			UserAttributes: []types.AttributeType{
				{Name: aws.String("email"), Value: &p.Email}, {Name: aws.String("email_verified"), Value: aws.String("true")},
				{Name: aws.String("preferred_username"), Value: &p.Email},
			},
		})
		require.NoError(t, err)
		_, err = s.Production.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
			UserPoolId: &s.ProductionPool, Username: &p.Email, Password: aws.String("Native-Passw0rd"), Permanent: true,
		})
		require.NoError(t, err)
	}
}

func comeByMail(t *testing.T, s *spaceport.Spaceport, email string) {
	t.Helper()
	_, err := s.ForgotPassword(t.Context(), email)
	require.NoError(t, err)
	letter, ok := s.Cloud.LastLetter(email)
	require.True(t, ok)
	require.NoError(t, s.ConfirmForgotPassword(t.Context(), email, letter.Code, "Came-By-Mail-1"))
}

// assertSwept holds every user against what must have become of them. extra is how many letters more than one a user may
// have got: those in flight at a kill.
func assertSwept(t *testing.T, s *spaceport.Spaceport, all []*subject, letters bool, extra int) {
	t.Helper()
	ctx := t.Context()
	resets := map[string]int{}
	for _, l := range s.Cloud.Letters() {
		resets[strings.ToLower(l.To)]++
	}
	for _, p := range all {
		user, err := s.ProductionUser(ctx, p.Email)
		require.NoError(t, err)
		line, errLine := s.Ledger(ctx, p.sub)
		got := resets[strings.ToLower(p.Email)]
		switch {
		case p.want == "":
			want := map[string]int{"asked": 1}[p.kind]
			assert.Equal(t, want, got, p.Email)
			assert.Equal(t, p.kind == "native" || p.kind == "asked", user != nil, p.Email)
			assert.False(t, line.Bound(), p.Email)
			if p.kind == "native" {
				assert.NoError(t, errLine)
				assert.Zero(t, line, "the line is taken back")
				assert.Equal(t, types.UserStatusTypeConfirmed, user.UserStatus)
			}
			continue
		case p.want == "swept":
			require.NotNil(t, user, p.Email)
			assert.Equal(t, ledger.Sweep, line.Via, p.Email)
			assert.False(t, line.PasswordSetAt.IsZero(), p.Email)
			assert.Equal(t, letters, !line.ResetAt.IsZero(), p.Email)
			if letters {
				assert.Equal(t, types.UserStatusTypeResetRequired, user.UserStatus, p.Email)
				assert.GreaterOrEqual(t, got, 1, p.Email)
				extra -= got - 1
			} else {
				assert.Equal(t, types.UserStatusTypeConfirmed, user.UserStatus, p.Email)
				assert.Zero(t, got, p.Email)
			}
		default:
			require.NotNil(t, user, p.Email)
			assert.Equal(t, types.UserStatusTypeConfirmed, user.UserStatus, "%s is live, and not reset", p.Email)
		}
		assert.Equal(t, ledger.Moved, line.State, p.Email)
		assert.Equal(t, spaceport.Attribute(user, "sub"), line.ProductionSub)
		assert.Equal(t, p.sub, spaceport.Attribute(user, "custom:staging_sub"))
		assertRows(t, s, p, line.ProductionSub)
	}
	assert.GreaterOrEqual(t, extra, 0, "letters more than one a user")
	assertNobodyElse(t, s, all)
}

func assertRows(t *testing.T, s *spaceport.Spaceport, p *subject, sub string) {
	t.Helper()
	for _, table := range s.Settings.Tables {
		want, err := spaceport.Rows(t.Context(), s.StagingTables, table.Source, table.OwnerKey, p.sub)
		require.NoError(t, err)
		got, err := spaceport.Rows(t.Context(), s.ProductionTables, table.Target, table.OwnerKey, sub)
		require.NoError(t, err)
		require.Len(t, got, len(want), p.Email)
		for i := range want {
			want[i][table.OwnerKey] = got[i][table.OwnerKey]
			assert.True(t, rows.Equal(want[i], got[i]), p.Email)
		}
	}
}

// assertNobodyElse makes sure that no e-mail has two accounts and nobody came who was not meant to.
func assertNobodyElse(t *testing.T, s *spaceport.Spaceport, all []*subject) {
	t.Helper()
	want := 0
	for _, p := range all {
		if p.want != "" || p.kind == "native" || p.kind == "asked" {
			want++
		}
	}
	got := 0
	pages := cognito.NewListUsersPaginator(s.Production, &cognito.ListUsersInput{UserPoolId: &s.ProductionPool})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		got += len(page.Users)
	}
	assert.Equal(t, want, got, "production users")
}

// TestTownIsSweptAndStaysSo has pages of users on both sides, and more to sweep than are under way at once.
func TestTownIsSweptAndStaysSo(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := town(t, s, 140)
	o := newOperator(t, s)

	before := len(s.Cloud.Letters())
	code, out, errs := o.bulk(t, "sweep", "--json")
	require.Zero(t, code, errs)
	var plan struct {
		Users   int
		Planned struct{ Create, Letters int }
		Skipped map[string]int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &plan))
	assert.Equal(t, 140, plan.Users)
	assert.Equal(t, 70, plan.Planned.Create)
	assert.Equal(t, 70, plan.Planned.Letters)
	assert.Equal(t, map[string]int{"not-confirmed": 21, "disabled": 7, "email-unverified": 7, "federated": 7, "already-moved": 14,
		"coming-in": 7, "in-production": 7}, plan.Skipped)
	assert.Len(t, s.Cloud.Letters(), before, "a dry run writes nothing")
	for _, r := range s.Cloud.Requests() {
		if r.Caller == spaceport.Operator {
			assert.Contains(t, []string{"AssumeRole", "ListUsers", "DescribeUserPool", "DescribeTable", "GetItem"}, r.Operation)
		}
	}
	for _, e := range o.journal(t) {
		assert.Contains(t, []sweep.Status{sweep.DryRun, sweep.Skipped}, e.Status)
	}
	assert.Len(t, o.journal(t), 140, "one line a user")

	doc := o.sweep(t)
	assert.EqualValues(t, 70, doc["created"])
	assert.EqualValues(t, 70, doc["letters"])
	assertSwept(t, s, all, true, 0)
	assertNoPasswordOnDisk(t, o)

	s.Cloud.ResetRequests()
	doc = o.sweep(t)
	assert.EqualValues(t, 0, doc["created"])
	assert.EqualValues(t, 0, doc["letters"])
	assertSwept(t, s, all, true, 0)
	// Only users who are neither bound nor known not to be in production are tried again, and taken back.
	for _, r := range s.Cloud.Requests() {
		assert.NotContains(t, []string{"AdminSetUserPassword", "AdminResetUserPassword"}, r.Operation)
	}

	t.Run("a swept user comes in with the letter", func(t *testing.T) { sweptUserComesIn(t, s, all) })
}

// sweptUserComesIn: before the reset nothing lets them in, in either way that Cognito may say so; the letter does.
func sweptUserComesIn(t *testing.T, s *spaceport.Spaceport, all []*subject) {
	first, second := all[0], all[1]
	s.Cloud.SetResetAnswer(cloud.AnswerPasswordResetRequired)
	_, err := s.SignIn(t.Context(), first.Email, first.Password)
	require.Equal(t, "PasswordResetRequiredException", spaceport.Code(err))
	s.Cloud.SetResetAnswer(cloud.AnswerNotAuthorized)
	_, err = s.SignIn(t.Context(), first.Email, first.Password)
	require.Equal(t, "NotAuthorizedException", spaceport.Code(err))

	letter, ok := s.Cloud.LastLetter(first.Email)
	require.True(t, ok)
	require.NoError(t, s.ConfirmForgotPassword(t.Context(), first.Email, letter.Code, "New-Passw0rd"))
	_, err = s.SignIn(t.Context(), first.Email, "New-Passw0rd")
	require.NoError(t, err)
	comeByMail(t, s, second.Email) // with a code of their own asking
	_, err = s.SignIn(t.Context(), second.Email, "Came-By-Mail-1")
	require.NoError(t, err)
	for _, p := range []*subject{first, second} {
		line, err := s.Ledger(t.Context(), p.sub)
		require.NoError(t, err)
		assert.False(t, line.SeenAt.IsZero(), "the hook has seen them")
		assertRows(t, s, p, line.ProductionSub)
	}
}

func assertNoPasswordOnDisk(t *testing.T, o *operator) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.dir, "*"))
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(raw), "aA1!", "every password of a sweep ends like this")
		for _, letter := range o.Cloud.Letters() {
			assert.NotContains(t, string(raw), `"`+letter.Code+`"`)
		}
	}
}

func TestWithoutLettersAndThenWith(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := town(t, s, 20)
	o := newOperator(t, s)
	o.sweep(t, "--notify", "none")
	assertSwept(t, s, all, false, 0)
	came := all[0]
	comeByMail(t, s, came.Email)
	came.want = "moved"
	doc := o.sweep(t, "--notify", "code")
	assert.EqualValues(t, 9, doc["letters"], "to all but the one who came in since")
	assertSwept(t, s, all, true, 0)
}

func TestLimitUserAndAdopt(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := town(t, s, 20)
	o := newOperator(t, s)
	assert.EqualValues(t, 2, o.sweep(t, "--limit", "2")["created"])
	left := all[0]
	for _, p := range all {
		if line, err := s.Ledger(t.Context(), p.sub); p.want == "swept" && err == nil && !line.Exists() {
			left = p
		}
	}
	assert.EqualValues(t, 1, o.sweep(t, "--user", left.Email, "--user", all[6].Email)["created"], "one of them is disabled")
	assert.EqualValues(t, 7, o.sweep(t)["created"], "the rest")
	assertSwept(t, s, all, true, 0)

	native := all[15]
	require.Equal(t, "native", native.kind)
	o.sweep(t, "--adopt")
	line, err := s.Ledger(t.Context(), native.sub)
	require.NoError(t, err)
	assert.Equal(t, ledger.Moved, line.State)
	assertRows(t, s, native, line.ProductionSub)
	_, err = s.SignIn(t.Context(), native.Email, "Native-Passw0rd")
	require.NoError(t, err, "their password is theirs")
	o.sweep(t, "--adopt")
	_, err = s.SignIn(t.Context(), native.Email, "Native-Passw0rd")
	require.NoError(t, err, "and is never reset")

	code, _, errs := o.bulk(t, "sweep", "--live", "--yes", "--user", "nobody@example.com")
	assert.Equal(t, 1, code)
	assert.Contains(t, errs, "staging has no user nobody@example.com")
}

// runAndSignal runs a command and signals it once, around the request that the fault selects.
func (o *operator) runAndSignal(t *testing.T, cmd *exec.Cmd, signal syscall.Signal, at cloud.Fault) (signalled bool) {
	t.Helper()
	var sent atomic.Bool
	pid, ended := make(chan int, 1), make(chan struct{})
	at.Caller, at.Times = spaceport.Operator, 1
	at.Hook = func(cloud.Request) {
		sent.Store(true)
		_ = syscall.Kill(<-pid, signal)
		if signal == syscall.SIGKILL {
			<-ended // the request is answered to nobody
		}
	}
	defer o.Cloud.Inject(at)()
	require.NoError(t, cmd.Start())
	pid <- cmd.Process.Pid
	_ = cmd.Wait()
	close(ended)
	return sent.Load()
}

// TestKilledAtEveryRequest kills a sweep of one user with SIGKILL around each request that it makes, and runs it again.
func TestKilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	o := newOperator(t, s)
	for _, kind := range []cloud.FaultKind{cloud.HookBefore, cloud.HookAfter} {
		for after := 0; ; after++ {
			p := spaceport.Person{Name: "Zoe", Email: fmt.Sprintf("zoe-%d-%d@example.com", kind, after), Password: "Staging-Passw0rd", Projects: 2}
			sub, err := s.Add(t.Context(), p)
			require.NoError(t, err)
			cmd, _, _ := o.command("sweep", "--live", "--yes", "--user", p.Email, "--quota", "UserAccountRecovery=1000")
			killed := o.runAndSignal(t, cmd, syscall.SIGKILL, cloud.Fault{After: after, Kind: kind})
			o.sweep(t, "--user", p.Email)
			user, err := s.ProductionUser(t.Context(), p.Email)
			require.NoError(t, err)
			require.NotNil(t, user, "killed %d %d", kind, after)
			require.Equal(t, types.UserStatusTypeResetRequired, user.UserStatus, "killed %d %d", kind, after)
			line, err := s.Ledger(t.Context(), sub)
			require.NoError(t, err)
			require.Equal(t, ledger.Moved, line.State)
			require.False(t, line.ResetAt.IsZero())
			assertRows(t, s, &subject{Person: p, sub: sub}, line.ProductionSub)
			if !killed {
				require.Greater(t, after, 20, "requests of a sweep")
				break
			}
		}
	}
}

// TestKilledAtRandomUntilDone has a town, a sweep that is killed again and again, each time at a request drawn by lot and
// with dozens of users under way, and somebody who comes in meanwhile.
func TestKilledAtRandomUntilDone(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := town(t, s, 100)
	o := newOperator(t, s)
	dice := rand.New(rand.NewPCG(7, 7))
	kills, cameIn := 0, false
	for {
		cmd, out, errs := o.command("sweep", "--live", "--yes", "--quota-share", "1", "--quota", "UserAccountRecovery=60")
		at := cloud.Fault{After: 100 + dice.IntN(400), Kind: []cloud.FaultKind{cloud.HookBefore, cloud.HookAfter}[dice.IntN(2)]}
		if !o.runAndSignal(t, cmd, syscall.SIGKILL, at) {
			require.True(t, cmd.ProcessState.Success(), out.String()+errs.String())
			break
		}
		require.Equal(t, -1, cmd.ProcessState.ExitCode(), out.String()+errs.String())
		kills++
		for _, p := range all {
			line, _ := s.Ledger(t.Context(), p.sub)
			if p.want == "swept" && !line.ResetAt.IsZero() && !cameIn { // else a letter may still be under way
				comeByMail(t, s, p.Email)
				p.want, cameIn = "moved", true
			}
		}
	}
	t.Logf("%d kills", kills)
	require.Greater(t, kills, 3)
	require.True(t, cameIn)
	assertSwept(t, s, all, true, kills*48)
}

func TestStormLosesNobody(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{Cloud: cloud.Options{Seed: 1}})
	all := town(t, s, 40)
	o := newOperator(t, s)
	for _, f := range []cloud.Fault{
		{Kind: cloud.Throttle, Rate: .3, Caller: spaceport.Operator}, {Kind: cloud.ServerError, Rate: .05, Caller: spaceport.Operator},
		{Kind: cloud.Reset, Rate: .02, Caller: spaceport.Operator}, {Kind: cloud.ResetAfter, Rate: .02, Caller: spaceport.Operator},
	} {
		defer s.Cloud.Inject(f)()
	}
	doc := o.sweep(t, "--quota", "UserAccountRecovery=1000")
	assert.EqualValues(t, 0, doc["failed"])
	assertSwept(t, s, all, true, 60)
}

func TestCtrlCFinishesWhoeverIsUnderWay(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := town(t, s, 120) // more than can be under way
	o := newOperator(t, s)
	cmd, _, errs := o.command("sweep", "--live", "--yes", "--quota-share", "0.5")
	o.runAndSignal(t, cmd, syscall.SIGINT, cloud.Fault{Operation: "AdminCreateUser", Kind: cloud.HookAfter})
	assert.Equal(t, 130, cmd.ProcessState.ExitCode(), errs.String())
	assert.Contains(t, errs.String(), "Run the same command again")
	finished := 0
	for _, p := range all {
		line, err := s.Ledger(t.Context(), p.sub)
		if err == nil && line.Via == ledger.Sweep {
			assert.False(t, line.ResetAt.IsZero(), "%s was under way, and is finished", p.Email)
			finished++
		}
	}
	assert.Positive(t, finished)
	assert.Less(t, finished, 60, "nobody new was begun")
	o.sweep(t)
	assertSwept(t, s, all, true, 0)
}

// TestWhatASweepPrints holds the printed form, dry and live, text and JSON.
func TestWhatASweepPrints(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	town(t, s, 20)
	o := newOperator(t, s)
	for _, step := range []struct {
		name string
		args []string
	}{
		{"dry", []string{"sweep"}},
		{"dry_json", []string{"sweep", "--json"}},
		{"live_few", []string{"sweep", "--live", "--yes", "--user", "plain-0@example.com", "--user", "rows-3@example.com"}},
		{"live", []string{"sweep", "--live", "--yes"}},
		{"live_again", []string{"sweep", "--live", "--yes", "--notify", "none"}},
	} {
		code, out, errs := o.bulk(t, step.args...)
		require.Zero(t, code, errs)
		out = regexp.MustCompile(`_\d{8}_\d{6}\.jsonl`).ReplaceAllString(out, "_20260131_120000.jsonl")
		out = regexp.MustCompile(`(in |"seconds": )[0-9.]+`).ReplaceAllString(out, "${1}0.5")
		golden.Equal(t, step.name, out)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	town(t, s, 1)
	o := newOperator(t, s)
	bare, err := s.Production.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{PoolName: aws.String("Bare")})
	require.NoError(t, err)
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"sweep", "--live"}, 2, "add --yes"},
		{[]string{"sweep", "--notify", "sms"}, 2, "it can be code or none"},
		{[]string{"sweep", "--quota-share", "2"}, 2, "above 0 and up to 1"},
		{[]string{"sweep", "--quota", "UserUpdate=1"}, 2, "not one of UserAccountRecovery=N"},
		{[]string{"sweep", "--limit", "-1"}, 2, "cannot be below 0"},
		{[]string{"sweep", "--ledger-table", "Gone"}, 1, "table Gone"},
		{[]string{"sweep", "--production-user-pool-id", "us-east-1_gone"}, 1, "read production pool us-east-1_gone"},
		{[]string{"sweep", "--production-user-pool-id", *bare.UserPool.Id}, 1, "the production pool has no attribute custom:staging_sub"},
		{[]string{"sweep", "--production-user-pool-id", s.StagingPool}, 2, "are one pool"},
		{[]string{"sweep", "--user", ""}, 2, "for --user: it is empty"},
		{[]string{"sweep", "--staging-external-id", "wrong"}, 1, "assume staging role"},
		{[]string{"sweep", "--log-dir", "/gone"}, 1, "create sweep log"},
	} {
		code, out, errs := o.bulk(t, tt.args...)
		assert.Equal(t, tt.code, code, "%v %s", tt.args, errs)
		assert.Contains(t, errs, tt.want)
		assert.Empty(t, out)
	}
}
