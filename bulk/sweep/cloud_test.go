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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
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
	if pause, err := time.ParseDuration(os.Getenv("MAX_BACKOFF")); err == nil {
		cli.Limits.MaxBackoff = pause
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Run(ctx, os.Args[1:], console.Standard(), os.Getenv))
}

// operator runs bulk in a folder of its own.
type operator struct {
	*spaceport.Spaceport
	dir string
	env []string
}

// newOperator's bulk does not sleep for a second before it ends, which the race detector does by default.
func newOperator(t *testing.T, s *spaceport.Spaceport) *operator {
	o := &operator{Spaceport: s, dir: t.TempDir(), env: []string{
		"RUN_BULK=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
	}}
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

// sweep runs a live sweep that must succeed. Reset emails are sent at a rate at which the trigger can write them.
func (o *operator) sweep(t *testing.T, args ...string) (doc map[string]any) {
	t.Helper()
	code, out, errs := o.bulk(t, append([]string{
		"sweep", "--live", "--yes", "--json", "--quota-share", "1", "--quota", "UserAccountRecovery=60",
		"--quota", "UserCreation=1000",
	}, args...)...)
	for _, e := range o.log(t) {
		assert.NotEqual(t, sweep.Failed, e.Status, "%s: %s", e.UserEmail, e.Details)
	}
	require.Zero(t, code, out+errs)
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	return doc
}

func (o *operator) log(t *testing.T) (all []sweep.Entry) {
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
			require.NoError(t, json.Unmarshal([]byte(line), &e), "a partial line: %q", line)
			require.NotEmpty(t, e.Details)
			all = append(all, e)
		}
	}
	return all
}

// subject is one staging user and the state that is expected.
type subject struct {
	spaceport.User
	sub  string
	kind string
	want string // "swept", "moved" by sign-in, or "" for not migrated
}

// addUsers adds so many staging users of every kind.
func addUsers(t *testing.T, s *spaceport.Spaceport, users int) []*subject {
	ctx := t.Context()
	kinds := []string{
		"plain", "plain", "plain", "rows", "upper", "plain", "disabled", "unconfirmed", "temporary", "unverified",
		"federated", "reset", "signed-in", "asked", "by-code", "native", "plain", "rows", "plain", "upper",
	}
	var all []*subject
	for i := range users {
		kind := kinds[i%len(kinds)]
		p := &subject{kind: kind, want: "", User: spaceport.User{
			Name: fmt.Sprintf("%s %d", kind, i), Email: fmt.Sprintf("%s-%d@example.com", kind, i),
			Password: "Staging-Passw0rd", Projects: i % 3,
			Disabled: kind == "disabled", Unconfirmed: kind == "unconfirmed", Temporary: kind == "temporary",
			Unverified: kind == "unverified",
		}}
		switch kind {
		case "plain", "rows", "upper":
			p.want = "swept"
		case "signed-in", "by-code":
			p.want = "moved"
		}
		if kind == "upper" {
			p.Email = fmt.Sprintf("Upper-%d@Example.com", i)
		}
		if i == 3 {
			p.Projects = 210 // more than a page of the mover
		}
		var err error
		p.sub, err = s.Add(ctx, p.User)
		require.NoError(t, err)
		settle(t, s, p)
		all = append(all, p)
	}
	return all
}

// settle puts a user into the state of their kind.
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
	case "by-code":
		confirmByCode(t, s, p.Email)
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

func confirmByCode(t *testing.T, s *spaceport.Spaceport, email string) {
	t.Helper()
	_, err := s.ForgotPassword(t.Context(), email)
	require.NoError(t, err)
	message, ok := s.Cloud.LastMessage(email)
	require.True(t, ok)
	require.NoError(t, s.ConfirmForgotPassword(t.Context(), email, message.Code, "By-Code-Passw0rd-1"))
}

// assertSwept compares every user with the expected state. extra is how many reset emails more than one a user may have
// been sent: those in flight at a kill.
func assertSwept(t *testing.T, s *spaceport.Spaceport, all []*subject, sent bool, extra int) {
	t.Helper()
	ctx := t.Context()
	resets := map[string]int{}
	for _, l := range s.Cloud.Messages() {
		resets[strings.ToLower(l.To)]++
	}
	for _, p := range all {
		user, err := s.ProductionUser(ctx, p.Email)
		require.NoError(t, err)
		record, err := s.Ledger(ctx, p.sub)
		require.NoError(t, err)
		got := resets[strings.ToLower(p.Email)]
		switch {
		case p.want == "":
			want := map[string]int{"asked": 1}[p.kind]
			assert.Equal(t, want, got, p.Email)
			assert.Equal(t, p.kind == "native" || p.kind == "asked", user != nil, p.Email)
			assert.False(t, record.Bound(), p.Email)
			if p.kind == "native" {
				assert.False(t, record.Exists(), "the record is reverted")
				assert.Equal(t, types.UserStatusTypeConfirmed, user.UserStatus)
			}
			continue
		case p.want == "swept":
			require.NotNil(t, user, p.Email)
			assert.Equal(t, ledger.Sweep, record.Via, p.Email)
			assert.False(t, record.PasswordSetAt.IsZero(), p.Email)
			assert.Equal(t, sent, !record.ResetAt.IsZero(), p.Email)
			if sent {
				assert.Equal(t, types.UserStatusTypeResetRequired, user.UserStatus, p.Email)
				assert.GreaterOrEqual(t, got, 1, p.Email)
				extra -= got - 1
			} else {
				assert.Equal(t, types.UserStatusTypeConfirmed, user.UserStatus, p.Email)
				assert.Zero(t, got, p.Email)
			}
		default:
			require.NotNil(t, user, p.Email)
			assert.Equal(t, types.UserStatusTypeConfirmed, user.UserStatus, "%s has signed in, and is not reset", p.Email)
		}
		assert.Equal(t, ledger.Moved, record.State, p.Email)
		assert.Equal(t, spaceport.Attribute(user, "sub"), record.ProductionSub)
		assert.Equal(t, p.sub, spaceport.Attribute(user, "custom:staging_sub"))
		assertRows(t, s, p, record.ProductionSub)
	}
	assert.GreaterOrEqual(t, extra, 0, "emails more than one a user")
	assertNoOtherUser(t, s, all)
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

// assertNoOtherUser makes sure that no email has two users, and that no other user was created.
func assertNoOtherUser(t *testing.T, s *spaceport.Spaceport, all []*subject) {
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

// TestSweepTwice has pages of users on both sides, and more to sweep than are under way at once.
func TestSweepTwice(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := addUsers(t, s, 140)
	o := newOperator(t, s)

	before := len(s.Cloud.Messages())
	code, out, errs := o.bulk(t, "sweep", "--json")
	require.Zero(t, code, errs)
	var plan struct {
		Users   int
		Planned struct{ Create, Resets int }
		Skipped map[string]int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &plan))
	assert.Equal(t, 140, plan.Users)
	assert.Equal(t, 70, plan.Planned.Create)
	assert.Equal(t, 70, plan.Planned.Resets)
	assert.Equal(t, map[string]int{
		"not-confirmed": 21, "disabled": 7, "email-unverified": 7, "federated": 7, "already-moved": 14, "signing-in": 7,
		"production-user-exists": 7,
	}, plan.Skipped)
	assert.Len(t, s.Cloud.Messages(), before, "a dry run writes nothing")
	for _, r := range s.Cloud.Requests() {
		if r.Caller == spaceport.Operator {
			assert.Contains(t, []string{
				"DescribeStacks", "AssumeRole", "ListUsers", "DescribeUserPool", "DescribeTable", "BatchGetItem",
			}, r.Operation)
		}
	}
	for _, e := range o.log(t) {
		assert.Contains(t, []sweep.Status{sweep.DryRun, sweep.Skipped}, e.Status)
	}
	assert.Len(t, o.log(t), 140, "one line a user")

	doc := o.sweep(t)
	assert.EqualValues(t, 70, doc["created"])
	assert.EqualValues(t, 70, doc["resets"])
	assertSwept(t, s, all, true, 0)
	assertNoPasswordOnDisk(t, o)

	s.Cloud.ResetRequests()
	doc = o.sweep(t)
	assert.EqualValues(t, 0, doc["created"])
	assert.EqualValues(t, 0, doc["resets"])
	assertSwept(t, s, all, true, 0)
	// Only users who are not bound, but exist in production, are tried again, and reverted.
	for _, r := range s.Cloud.Requests() {
		assert.NotContains(t, []string{"AdminSetUserPassword", "AdminResetUserPassword"}, r.Operation)
	}

	t.Run("a swept user signs in with the code", func(t *testing.T) { sweptUserSignsIn(t, s, all) })
}

// sweptUserSignsIn: until the reset every sign-in is rejected, in either way that Cognito may answer; then it succeeds.
func sweptUserSignsIn(t *testing.T, s *spaceport.Spaceport, all []*subject) {
	first, second := all[0], all[1]
	s.Cloud.SetResetAnswer(cloud.AnswerPasswordResetRequired)
	_, err := s.SignIn(t.Context(), first.Email, first.Password)
	require.Equal(t, "PasswordResetRequiredException", spaceport.Code(err))
	s.Cloud.SetResetAnswer(cloud.AnswerNotAuthorized)
	_, err = s.SignIn(t.Context(), first.Email, first.Password)
	require.Equal(t, "NotAuthorizedException", spaceport.Code(err))

	message, ok := s.Cloud.LastMessage(first.Email)
	require.True(t, ok)
	require.NoError(t, s.ConfirmForgotPassword(t.Context(), first.Email, message.Code, "New-Passw0rd"))
	_, err = s.SignIn(t.Context(), first.Email, "New-Passw0rd")
	require.NoError(t, err)
	confirmByCode(t, s, second.Email) // with a code that the user asked for
	_, err = s.SignIn(t.Context(), second.Email, "By-Code-Passw0rd-1")
	require.NoError(t, err)
	for _, p := range []*subject{first, second} {
		record, err := s.Ledger(t.Context(), p.sub)
		require.NoError(t, err)
		assert.False(t, record.SeenAt.IsZero(), "the hook has recorded the sign-in")
		assertRows(t, s, p, record.ProductionSub)
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
		for _, message := range o.Cloud.Messages() {
			assert.NotContains(t, string(raw), `"`+message.Code+`"`)
		}
	}
}

func TestWithoutResetsAndThenWith(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := addUsers(t, s, 20)
	o := newOperator(t, s)
	o.sweep(t, "--notify", "none")
	assertSwept(t, s, all, false, 0)
	confirmed := all[0]
	confirmByCode(t, s, confirmed.Email)
	confirmed.want = "moved"
	doc := o.sweep(t, "--notify", "code")
	assert.EqualValues(t, 9, doc["resets"], "to all but the one who has signed in since")
	assertSwept(t, s, all, true, 0)
}

func TestLimitUserAndAdopt(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := addUsers(t, s, 20)
	o := newOperator(t, s)
	assert.EqualValues(t, 2, o.sweep(t, "--limit", "2")["created"])
	remaining := all[0]
	for _, p := range all {
		record, err := s.Ledger(t.Context(), p.sub)
		require.NoError(t, err)
		if p.want == "swept" && !record.Exists() {
			remaining = p
		}
	}
	doc := o.sweep(t, "--user", remaining.Email, "--user", all[6].Email)
	assert.EqualValues(t, 1, doc["created"], "one of them is disabled")
	assert.EqualValues(t, 7, o.sweep(t)["created"], "the rest")
	assertSwept(t, s, all, true, 0)

	native := all[15]
	require.Equal(t, "native", native.kind)
	o.sweep(t, "--adopt")
	record, err := s.Ledger(t.Context(), native.sub)
	require.NoError(t, err)
	assert.Equal(t, ledger.Moved, record.State)
	assertRows(t, s, native, record.ProductionSub)
	_, err = s.SignIn(t.Context(), native.Email, "Native-Passw0rd")
	require.NoError(t, err, "the password is as it was")
	o.sweep(t, "--adopt")
	_, err = s.SignIn(t.Context(), native.Email, "Native-Passw0rd")
	require.NoError(t, err, "and is never reset")

	code, _, errs := o.bulk(t, "sweep", "--live", "--yes", "--user", "unknown@example.com")
	assert.Equal(t, 1, code)
	assert.Contains(t, errs, "staging has no user unknown@example.com")
}

// runAndSignal runs a command and signals it once, around the request that the fault selects.
func (o *operator) runAndSignal(t *testing.T, cmd *exec.Cmd, signal syscall.Signal, at cloud.Fault) (signaled bool) {
	t.Helper()
	var sent atomic.Bool
	pid, ended := make(chan int, 1), make(chan struct{})
	at.Caller, at.Times = spaceport.Operator, 1
	at.Hook = func(cloud.Request) {
		sent.Store(true)
		_ = syscall.Kill(<-pid, signal)
		if signal == syscall.SIGKILL {
			<-ended // the answer is lost
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
			p := spaceport.User{
				Name: "Zoe", Email: fmt.Sprintf("zoe-%d-%d@example.com", kind, after), Password: "Staging-Passw0rd", Projects: 2,
			}
			sub, err := s.Add(t.Context(), p)
			require.NoError(t, err)
			cmd, _, _ := o.command("sweep", "--live", "--yes", "--user", p.Email, "--quota", "UserAccountRecovery=1000")
			killed := o.runAndSignal(t, cmd, syscall.SIGKILL, cloud.Fault{After: after, Kind: kind})
			spaceporttest.ExpireLease(t, s, sub)
			o.sweep(t, "--user", p.Email)
			user, err := s.ProductionUser(t.Context(), p.Email)
			require.NoError(t, err)
			require.NotNil(t, user, "killed %d %d", kind, after)
			require.Equal(t, types.UserStatusTypeResetRequired, user.UserStatus, "killed %d %d", kind, after)
			record, err := s.Ledger(t.Context(), sub)
			require.NoError(t, err)
			require.Equal(t, ledger.Moved, record.State)
			require.False(t, record.ResetAt.IsZero())
			assertRows(t, s, &subject{User: p, sub: sub}, record.ProductionSub)
			if !killed {
				require.Greater(t, after, 20, "requests of a sweep")
				break
			}
		}
	}
}

// TestKilledAtRandomUntilDone kills a sweep again and again, each time at a random request and with dozens of users in
// progress, while one user signs in. The plan before it would be killed without end.
func TestKilledAtRandomUntilDone(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := addUsers(t, s, 100)
	o := newOperator(t, s)
	dice := rand.New(rand.NewPCG(7, 7))
	kills, signedIn := 0, false
	for {
		cmd, out, errs := o.command("sweep", "--live", "--yes", "--quota-share", "1", "--quota", "UserAccountRecovery=60")
		kinds := []cloud.FaultKind{cloud.HookBefore, cloud.HookAfter}
		calls := []string{"PutItem", "UpdateItem", "Query", "AdminCreateUser", "AdminSetUserPassword",
			"AdminResetUserPassword"}
		at := cloud.Fault{Operation: calls[dice.IntN(len(calls))], After: dice.IntN(12), Kind: kinds[dice.IntN(2)]}
		if !o.runAndSignal(t, cmd, syscall.SIGKILL, at) {
			require.True(t, cmd.ProcessState.Success(), out.String()+errs.String())
			break
		}
		require.Equal(t, -1, cmd.ProcessState.ExitCode(), out.String()+errs.String())
		kills++
		for _, p := range all {
			if kills != 2 { // once, the next sweep waits
				spaceporttest.ExpireLease(t, s, p.sub)
			}
			record, _ := s.Ledger(t.Context(), p.sub)
			if p.want == "swept" && !record.ResetAt.IsZero() && !signedIn { // else an email may still be in flight
				confirmByCode(t, s, p.Email)
				p.want, signedIn = "moved", true
			}
		}
	}
	t.Logf("%d kills", kills)
	require.Greater(t, kills, 3)
	require.True(t, signedIn)
	assertSwept(t, s, all, true, kills*48)
}

func TestFaultsLoseNoUser(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{Cloud: cloud.Options{Seed: 1}})
	all := addUsers(t, s, 40)
	o := newOperator(t, s)
	o.env = append(o.env, "MAX_BACKOFF=50ms")
	for _, f := range []cloud.Fault{
		{Kind: cloud.Throttle, Rate: .3}, {Kind: cloud.ServerError, Rate: .05},
		{Kind: cloud.Reset, Rate: .02}, {Kind: cloud.ResetAfter, Rate: .02},
	} {
		f.Caller = spaceport.Operator
		defer s.Cloud.Inject(f)()
	}
	doc := o.sweep(t, "--quota", "UserAccountRecovery=1000")
	assert.EqualValues(t, 0, doc["failed"])
	assertSwept(t, s, all, true, 60)
}

// TestDailyEmailQuota runs out at the 4th of 8 reset emails. The next day's sweep sends the rest, once each.
func TestDailyEmailQuota(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	o := newOperator(t, s)
	var emails []string
	for i := range 8 {
		u := spaceport.User{Name: "Uma", Email: fmt.Sprintf("uma-%d@example.com", i),
			Password: "Staging-Passw0rd", Projects: 1}
		_, err := s.Add(t.Context(), u)
		require.NoError(t, err)
		emails = append(emails, u.Email)
	}
	remove := s.Cloud.Inject(cloud.Fault{
		Operation: "AdminResetUserPassword", After: 3, Kind: cloud.Rejected,
		Code: "LimitExceededException", Text: "Exceeded daily email limit for the operation or the account.",
	})
	run := func() (code int, doc struct {
		Created, Moved, Resets, Failed int
		Sender                         string
	}) {
		code, out, errs := o.bulk(t, "sweep", "--live", "--yes", "--json")
		require.NoError(t, json.Unmarshal([]byte(out), &doc), errs)
		return code, doc
	}
	code, doc := run()
	assert.Equal(t, 3, code)
	assert.Equal(t, 3, doc.Resets)
	assert.Zero(t, doc.Failed, "a sender's failure is not a user's")
	assert.Contains(t, doc.Sender, "LimitExceededException")
	assert.Equal(t, doc.Created, doc.Moved, "who was in flight is finished")
	_, out, _ := o.bulk(t, "status", "--json")
	var status struct {
		SafeToDetach            bool
		WithoutEmail, Remaining int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &status))
	assert.False(t, status.SafeToDetach)
	assert.Equal(t, doc.Created-3, status.WithoutEmail)
	assert.Equal(t, 8-doc.Created, status.Remaining)

	remove()
	code, doc = run()
	assert.Zero(t, code)
	assert.Equal(t, 5, doc.Resets)
	for _, email := range emails {
		sent := 0
		for _, message := range s.Cloud.Messages() {
			if message.To == email {
				sent++
			}
		}
		assert.Equal(t, 1, sent, email)
	}
}

func TestCtrlCCompletesUsersInProgress(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	all := addUsers(t, s, 120) // more than can be in progress
	o := newOperator(t, s)
	cmd, _, errs := o.command("sweep", "--live", "--yes", "--quota-share", "0.5")
	o.runAndSignal(t, cmd, syscall.SIGINT, cloud.Fault{Operation: "AdminCreateUser", Kind: cloud.HookAfter})
	assert.Equal(t, 130, cmd.ProcessState.ExitCode(), errs.String())
	assert.Contains(t, errs.String(), "Run the same command again to continue")
	completed := 0
	for _, p := range all {
		record, err := s.Ledger(t.Context(), p.sub)
		if err == nil && record.Via == ledger.Sweep {
			assert.False(t, record.ResetAt.IsZero(), "%s was in progress, and is completed", p.Email)
			completed++
		}
	}
	assert.Positive(t, completed)
	assert.Less(t, completed, 60, "no other user was begun")
	o.sweep(t)
	assertSwept(t, s, all, true, 0)
}

// TestCommandLine has what is refused, and what is printed.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	s := spaceporttest.Start(t, spaceport.Options{})
	addUsers(t, s, 20)
	o := newOperator(t, s)
	t.Run("refusals", func(t *testing.T) { refusals(t, s, o) })
	t.Run("output", func(t *testing.T) { output(t, o) })
}

// output compares what is printed, dry and live, text and JSON.
func output(t *testing.T, o *operator) {
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
		out = regexp.MustCompile(`(in |time: |"seconds": )[0-9.]+`).ReplaceAllString(out, "${1}0.5")
		golden.Equal(t, step.name, out)
	}
}

func refusals(t *testing.T, s *spaceport.Spaceport, o *operator) {
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
		{[]string{"sweep", "--quota", "UserUpdate=1"}, 2, "one of [UserAccountRecovery UserCreation"},
		{[]string{"sweep", "--limit", "-1"}, 2, "must be at least 1"},
		{[]string{"sweep", "--ledger-table", "Gone"}, 1, "describe Gone: table cannot be used"},
		{[]string{"sweep", "--production-user-pool-id", "us-east-1_gone"}, 1, "read user pool us-east-1_gone"},
		{[]string{"sweep", "--production-user-pool-id", *bare.UserPool.Id}, 1, "has no attribute custom:staging_sub"},
		{[]string{"sweep", "--production-user-pool-id", s.StagingPool}, 2, "are the same pool"},
		{[]string{"sweep", "--user", ""}, 2, "--user is empty"},
		{[]string{"sweep", "--staging-external-id", "wrong"}, 1, "assume staging role"},
		{[]string{"sweep", "--log-dir", "/gone"}, 1, "create sweep log"},
	} {
		code, out, errs := o.bulk(t, tt.args...)
		assert.Equal(t, tt.code, code, "%v %s", tt.args, errs)
		assert.Contains(t, errs, tt.want)
		assert.Empty(t, out)
	}
}
