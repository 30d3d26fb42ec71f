package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/settings"
)

// result is what a run of bulk leaves.
type result struct {
	code     int
	out, err string
}

func start(ctx context.Context, env map[string]string, args ...string) result {
	var out, errs bytes.Buffer
	streams := console.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}
	code := Run(ctx, args, streams, func(name string) string { return env[name] })
	return result{code: code, out: out.String(), err: errs.String()}
}

func bulk(env map[string]string, args ...string) result {
	return start(context.Background(), env, args...)
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"--help"}, {"-h"}} {
		r := bulk(nil, args...)
		assert.Zero(t, r.code, args)
		assert.Empty(t, r.err)
		golden.Equal(t, "overview", r.out)
	}
	r := bulk(nil, "help", "settings")
	assert.Zero(t, r.code)
	golden.Equal(t, "help_settings", r.out)
	for _, c := range commands(&app{}) {
		name := c.Name()
		r := bulk(nil, "help", name)
		assert.Zero(t, r.code)
		assert.Equal(t, r, bulk(nil, name, "--help"))
		assert.Contains(t, r.out, "Examples:\n  bulk "+name)
		assert.NotEmpty(t, c.Annotations["resume"])
		golden.Equal(t, "help_"+name, r.out)
		for line := range strings.Lines(r.out) {
			if !strings.HasPrefix(line, "  bulk ") { // to paste
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 81, line)
			}
		}
	}
}

func TestVersionAndCompletionNeedNoSettings(t *testing.T) {
	r := bulk(nil, "--version")
	assert.Zero(t, r.code)
	assert.Contains(t, r.out, "bulk version ")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := bulk(nil, "completion", shell)
		assert.Zero(t, r.code, r.err)
		assert.Contains(t, r.out, "bulk")
	}
	assert.Contains(t, bulk(nil, "__complete", "sta").out, "status\t")

	assert.Contains(t, bulk(nil, "help").out, "\n  source <(bulk completion bash)\n")
	bash := exec.Command("bash", "-c", "source /dev/stdin && complete -p bulk")
	bash.Stdin = strings.NewReader(bulk(nil, "completion", "bash").out)
	said, err := bash.CombinedOutput()
	require.NoError(t, err, string(said))
	assert.Contains(t, string(said), " bulk\n")
}

// TestMistakes has usage errors of every kind: all exit with 2 and write nothing to stdout.
func TestMistakes(t *testing.T) {
	set := map[string]string{"STAGING_USER_POOL_ID": "us-west-2_s", "PRODUCTION_USER_POOL_ID": "us-west-2_p"}
	var all strings.Builder
	for _, args := range [][]string{
		{"stauts"}, {"frobnicate"}, {"--jsno", "status"}, {"--verbose"},
		{"status", "--usr", "x"}, {"status", "--user"}, {"status", "ada@example.com"}, {"status", "--ineligible=maybe"},
		{"sweep", "live"}, {"sweep", "-u", "x"}, {"sweep", "-user=x"}, {"sweep", "--limit", "many"}, {"sweep", "--limit"},
		{"sweep", "--quota-share", "all"}, {"sweep", "--quota", "UserRead"}, {"sweep", "--quota", "UserRead=many"},
		{"status", "--stack"}, {"status", "--staging-cutoff"}, {"status", "--hook-budget", "soon"},
		{"sweep", "--live", "--yes", "--limit", "0"}, {"sweep", "--limit", "-1"},
		{"status", "--user", "ada@example.com", "--ineligible"},
		{"status", "--user", ""}, {"verify", "--user="}, {"move", "--table", "a", "--table", ""}, {"check",
			"--canary-user", ""},
		{"help", "stauts"},
		{"backup"}, {"backup", "a", "b"}, {"backup", "--chekc", "a"},
	} {
		r := bulk(set, args...)
		assert.Equal(t, 2, r.code, args)
		assert.Empty(t, r.out, args)
		fmt.Fprintf(&all, "$ bulk %s\n%s\n", strings.Join(args, " "), r.err)
	}
	golden.Equal(t, "mistakes", all.String())
}

func TestSettingsThatAreMissingAreNamedTogether(t *testing.T) {
	r := bulk(map[string]string{"STAGING_CUTOFF": "soon", "MFA_USERS": "maybe"}, "status")
	assert.Equal(t, 2, r.code)
	golden.Equal(t, "settings", r.err)
}

// probe replaces all commands by one that shows what it was given.
func probe(t *testing.T, see func(ctx context.Context, a *app, args []string) error) {
	t.Helper()
	before := commands
	t.Cleanup(func() { commands = before })
	commands = func(a *app) []*cobra.Command {
		cmd := &cobra.Command{
			Use: "probe [--user EMAIL] DIR", Args: oneArgument("DIR"), Annotations: map[string]string{"resume": "Run it again."},
		}
		users := cmd.Flags().StringArray("user", nil, "one `EMAIL`")
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return see(cmd.Context(), a, append(args, *users...)) }
		return []*cobra.Command{cmd}
	}
}

var staging = map[string]string{"STAGING_USER_POOL_ID": "us-west-2_environment", "LEDGER_TABLE": "from-environment"}

func TestFlagHasPrecedenceOverEnvironmentOverDefault(t *testing.T) {
	var (
		got  settings.Settings
		seen []string
		json bool
	)
	probe(t, func(ctx context.Context, a *app, args []string) (err error) {
		seen, json = args, a.json
		got, _, err = a.settings(ctx, []string{"STAGING_USER_POOL_ID"})
		return err
	})
	r := bulk(staging, "probe", "--staging-user-pool-id", "us-west-2_flag", "--json", "dir", "--ledger-table=",
		"--user", "a", "--user", "b")
	require.Zero(t, r.code, r.err)
	assert.Equal(t, "us-west-2_flag", got.StagingUserPoolID)
	assert.Equal(t, "Spaceport-Migration-prod", got.LedgerTable, "an empty flag means the default")
	assert.Equal(t, []string{"dir", "a", "b"}, seen)
	assert.True(t, json)

	r = bulk(staging, "probe", "--", "--json")
	require.Zero(t, r.code, r.err)
	assert.Equal(t, []string{"--json"}, seen)
	assert.False(t, json)
	assert.Equal(t, "from-environment", got.LedgerTable)
}

func TestEveryVariableIsAFlag(t *testing.T) {
	assert.Equal(t, "staging-cutoff", flagOf("STAGING_CUTOFF"))
	probe(t, func(_ context.Context, a *app, _ []string) error {
		for _, v := range settings.Variables {
			require.NotNil(t, a.flags.Lookup(flagOf(v.Name)), v.Name)
		}
		return nil
	})
	require.Zero(t, bulk(nil, "probe", "dir").code)
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{0: nil, 1: errors.New("x"), 2: usagef("x"),
		3: fmt.Errorf("so: %w", errFindings)} {
		probe(t, func(context.Context, *app, []string) error { return err })
		assert.Equal(t, want, bulk(staging, "probe", "dir").code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	probe(t, func(ctx context.Context, a *app, _ []string) error {
		a.progress.Start("Probing", "things", 0)
		cancel()
		return ctx.Err()
	})
	assert.Equal(t, result{code: 130, err: "Interrupted. Run it again.\n"}, start(ctx, staging, "probe", "dir"))

	probe(t, func(context.Context, *app, []string) error { return nil })
	assert.Zero(t, start(ctx, staging, "probe", "dir").code, "a command that has finished is not interrupted")
}

// TestInterrupts: what is said is true of what has begun. A second Ctrl-C ends a command that does not end by itself.
func TestInterrupts(t *testing.T) {
	signals := make(chan os.Signal, 9) // a Ctrl-C that comes too early must not end the test
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	const nothing = "Nothing was changed: run the same command again.\n"
	counted := func(a *app) { a.left.Store(func() string { return "3 accounts created, log x.jsonl." }) }
	for name, tt := range map[string]struct {
		live   bool // the command has --live
		do     func(*app)
		second bool
		want   string
	}{
		"a command that asks, before it has": {true, func(*app) {}, false, "Interrupted. " + nothing},
		"confirmed": {true, func(a *app) { _ = a.confirm(t.Context(), "Pool", true) }, false,
			"Interrupted. Run it again.\n"},
		"not confirmed": {true, func(a *app) { _ = a.confirm(t.Context(), "Pool", false) }, false,
			"\nInterrupted. " + nothing},
		"a command that does not ask": {false, func(*app) {}, false, "Interrupted. Run it again.\n"},
		"counted":                     {true, counted, false, "Interrupted. 3 accounts created, log x.jsonl.\n"},
		"counted, at once":            {true, counted, true, "Stopped at once. 3 accounts created, log x.jsonl.\n"},
		"nothing has begun, at once":  {true, func(*app) {}, true, "Stopped at once. " + nothing},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			hangs := make(chan struct{})
			probe(t, func(ctx context.Context, a *app, _ []string) error {
				tt.do(a)
				cancel()
				if tt.second {
					<-hangs
				}
				return ctx.Err()
			})
			if tt.live {
				one := commands
				commands = func(a *app) []*cobra.Command {
					all := one(a)
					all[0].Flags().Bool("live", false, "")
					return all
				}
			}
			context.AfterFunc(ctx, func() {
				for tt.second && t.Context().Err() == nil {
					_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
					time.Sleep(20 * time.Millisecond)
				}
			})
			r := start(ctx, staging, "probe", "dir")
			assert.Equal(t, exitInterrupted, r.code)
			assert.Equal(t, tt.want, strings.TrimPrefix(r.err, "To continue, type the pool's name: "))
		})
	}
}

func TestPrint(t *testing.T) {
	text := func(w io.Writer) error { _, err := io.WriteString(w, "one <b>\n"); return err }
	probe(t, func(_ context.Context, a *app, _ []string) error { return a.print(map[string]string{"n": "<1>"}, text) })
	assert.Equal(t, "one <b>\n", bulk(staging, "probe", "dir").out)
	assert.Equal(t, "{\n  \"n\": \"<1>\"\n}\n", bulk(staging, "probe", "--json", "dir").out)
}

// TestResultsReplaceTheBar on the terminal that both are written to.
func TestResultsReplaceTheBar(t *testing.T) {
	probe(t, func(_ context.Context, a *app, _ []string) error {
		a.progress.Start("Probing", "things", 10)
		fmt.Fprintln(a.page, "  failure  a result")
		return errors.New("an error")
	})
	var terminal bytes.Buffer
	s := console.Streams{Out: &terminal, Err: &terminal, ErrTerminal: true, OutColumns: 80, ErrColumns: 80, Color: true}
	assert.Equal(t, 1, Run(t.Context(), []string{"probe", "dir"}, s, func(name string) string { return staging[name] }))
	assert.Contains(t, terminal.String(), "Probing")
	assert.Regexp(t, `\r +\r\x1b\[31m  failure \x1b\[0m a result\n[\r ]*bulk probe: an error\n$`, terminal.String())
}

// TestCommandsRunAsPrinted: they have the flags of the settings that this run was given.
func TestCommandsRunAsPrinted(t *testing.T) {
	probe(t, func(_ context.Context, a *app, _ []string) error {
		return a.print(nil, func(w io.Writer) error {
			_,
				err := io.WriteString(w, "Look again:\n  bulk status\n")
			return err
		})
	})
	for want, flags := range map[string][]string{
		"":                            nil,
		" --mfa-users refuse":         {"--mfa-users", "refuse", "--staging-external-id", "secret"},
		" --stack 'my stack'":         {"--stack", "my stack"},
		" --ledger-table L --stack S": {"--stack=S", "--ledger-table", "L"},
	} {
		assert.Equal(t, "Look again:\n  bulk status"+want+"\n", bulk(staging,
			append([]string{"probe", "dir"}, flags...)...).out)
	}
}

func TestNothingReachesTheTerminalAsItIs(t *testing.T) {
	const evil = "\x1b[2Jall is well\u202e"
	probe(t, func(_ context.Context, a *app, _ []string) error {
		fmt.Fprintln(a.Out, evil)
		return errors.New(evil)
	})
	r := bulk(staging, "probe", "dir")
	for _, text := range []string{r.out, r.err} {
		assert.Contains(t, text, `\u001b[2Jall is well\u202e`)
		assert.NotContains(t, text, "\x1b")
	}
}

// answered is an error of AWS, and the Region in which it was asked.
func answered(code, region string) error {
	request, _ := http.NewRequest(http.MethodPost, "https://aws.example", nil)
	request.Header.Set("Authorization",
		"AWS4-HMAC-SHA256 Credential=AKIA/20260131/"+region+"/dynamodb/aws4_request, SignedHeaders=host")
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400,
			Request: request}}, Err: &smithy.GenericAPIError{Code: code},
	}
}

func TestRemedies(t *testing.T) {
	t.Setenv("AWS_PROFILE", "space port")
	uncached := func(err error) error {
		return fmt.Errorf("get identity: get credentials: failed to refresh cached credentials, %w", err)
	}
	tried := func(attempts int, err error) error { return &retry.MaxAttemptsError{Attempt: attempts, Err: err} }
	imds := func(err error) error { return uncached(fmt.Errorf("no EC2 IMDS role found, %w", err)) }
	var all strings.Builder
	for _, err := range []error{
		&smithy.GenericAPIError{Code: "AccessDeniedException"},
		&smithy.GenericAPIError{Code: "AccessDenied",
			Message: "MultiFactorAuthentication failed with invalid MFA one time pass code."},
		&smithy.GenericAPIError{Code: "ExpiredToken"}, &smithy.GenericAPIError{Code: "ExpiredTokenException"},
		uncached(&ssocreds.InvalidTokenError{}),
		uncached(errors.New("refresh cached SSO token failed, cached SSO token is expired, or not present, and cannot " +
			"be refreshed")),
		uncached(fmt.Errorf("unable to refresh SSO token, %w", &smithy.GenericAPIError{Code: "ExpiredTokenException"})),
		&smithy.GenericAPIError{Code: "InvalidGrantException"},
		uncached(errors.New("create oauth2 token: login session has expired, please reauthenticate")),
		&smithy.GenericAPIError{Code: "UnrecognizedClientException"},
		answered("ResourceNotFoundException", "eu-west-1"), &smithy.GenericAPIError{Code: "ResourceNotFoundException"},
		&smithy.GenericAPIError{Code: "InvalidParameterException"},
		&smithy.GenericAPIError{Code: "TooManyRequestsException"}, tried(12,
			&smithy.GenericAPIError{Code: "TooManyRequestsException"}),
		&smithy.GenericAPIError{Code: "InternalErrorException", Fault: smithy.FaultServer},
		tried(1, &smithy.GenericAPIError{Code: "InternalErrorException", Fault: smithy.FaultServer}),
		&smithy.GenericAPIError{Code: "ConflictException"}, &aws.MissingRegionError{},
		tried(12, &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9},
			Err: syscall.ECONNREFUSED}),
		errors.New("load AWS configuration: failed to get shared config profile, nope"),
		uncached(errors.New("error in credential_process: exit status 1")),
		uncached(errors.New("Invalid Configuration: Missing Region")),
		uncached(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host",
			Name: "sts.aws.example", IsNotFound: true}}),
		imds(&net.OpError{Op: "dial", Err: errors.New("no route")}), imds(tried(12,
			&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded})),
		fmt.Errorf("assume staging role: %w", context.DeadlineExceeded),
		tried(12, fmt.Errorf("operation error STS: AssumeRole: %w", os.ErrDeadlineExceeded)),
	} {
		probe(t, func(context.Context, *app, []string) error { return fmt.Errorf("read: %w", err) })
		r := bulk(staging, "probe", "dir")
		assert.Equal(t, 1, r.code)
		all.WriteString(r.err + "\n")
	}
	golden.Equal(t, "remedies", all.String())
	text, _ := remedy(errors.New("one of ours, which says what to do"))
	assert.Empty(t, text)
}

// TestFatal has the errors after which no other user does better.
func TestFatal(t *testing.T) {
	for _, code := range []string{
		"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId",
		"InvalidSignatureException",
		"SignatureDoesNotMatch", "NotAuthorizedException", "AccessDenied", "AccessDeniedException",
		"ResourceNotFoundException",
	} {
		assert.True(t, fatal(fmt.Errorf("x: %w", &smithy.GenericAPIError{Code: code})), code)
	}
	assert.True(t, fatal(errors.New("failed to refresh cached credentials")))
	assert.True(t, fatal(fmt.Errorf("x: %w", &ssocreds.InvalidTokenError{})))
	assert.True(t, fatal(fmt.Errorf("x: %w", &smithy.GenericAPIError{Code: "InvalidGrantException"})))
	for _, err := range []error{
		errors.New("x"), &smithy.GenericAPIError{Code: "InvalidParameterException"},
		&smithy.GenericAPIError{Code: "TooManyRequestsException"}, &smithy.GenericAPIError{Code: "InternalErrorException"},
	} {
		assert.False(t, fatal(err), err)
	}
}

func TestAsk(t *testing.T) {
	var prompt bytes.Buffer
	ask := func(ctx context.Context, in io.Reader) (string, error) {
		return console.Streams{In: in, Err: &prompt}.AskSecret(ctx, "Name?")
	}
	answer, err := ask(t.Context(), strings.NewReader(" Spaceport \nmore"))
	require.NoError(t, err)
	assert.Equal(t, "Spaceport", answer)
	assert.Equal(t, "Name? ", prompt.String())
	answer, err = ask(t.Context(), strings.NewReader("no line break"))
	require.NoError(t, err)
	assert.Equal(t, "no line break", answer)
	_, err = ask(t.Context(), strings.NewReader(""))
	require.ErrorIs(t, err, console.ErrNoAnswer)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	silent, write := io.Pipe()
	defer write.Close()
	_, err = ask(ctx, silent)
	require.ErrorIs(t, err, context.Canceled)
}

func TestConfirm(t *testing.T) {
	a := &app{Streams: console.Streams{In: strings.NewReader("Spaceport-Users\n"), Err: io.Discard}}
	require.NoError(t, a.confirm(t.Context(), "Spaceport-Users", false))
	a.In = strings.NewReader("yes\n")
	err := a.confirm(t.Context(), "Spaceport-Users", false)
	require.ErrorAs(t, err, new(usageError))
	assert.ErrorContains(t, err, "nothing was written")
	require.NoError(t, a.confirm(t.Context(), "Spaceport-Users", true))
	require.ErrorAs(t, a.canConfirm(false), new(usageError), "no terminal")
	require.NoError(t, a.canConfirm(true))
	a.InTerminal = true
	require.NoError(t, a.canConfirm(false))
}

func TestRegionIsTheProductionPools(t *testing.T) {
	both := settings.Settings{StagingUserPoolID: "eu-west-1_s", ProductionUserPoolID: "us-west-2_p"}
	assert.Equal(t, "us-west-2", region("us-east-1", both))
	assert.Equal(t, "us-east-1", region("us-east-1", settings.Settings{StagingUserPoolID: "eu-west-1_s"}))
	assert.Equal(t, "eu-west-1", region("", settings.Settings{StagingUserPoolID: "eu-west-1_s"}))
	assert.Equal(t, "us-east-1", region("us-east-1", settings.Settings{}))
}

func TestBackupsAreCheckedWithoutSettings(t *testing.T) {
	dir := t.TempDir()
	r := bulk(nil, "backup", "--check", dir)
	assert.Equal(t, 3, r.code)
	assert.Contains(t, r.out, "manifest.json")
	r = bulk(nil, "backup", dir, "--check", "--json")
	assert.Equal(t, 3, r.code)
	assert.Contains(t, r.out, `"file": "manifest.json"`)
	r = bulk(nil, "backup", "--check", filepath.Join(dir, "none"))
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "no such file or directory")
}

func TestFullFolderIsRejectedBeforeAWSIsAsked(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	r := bulk(staging, "backup", dir)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.err, "not empty")
}
