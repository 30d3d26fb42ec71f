package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/golden"
	"github.com/spaceport/user-migration/datamover/settings"
)

// result is what a run of bulk leaves.
type result struct {
	code     int
	out, err string
}

func bulk(env map[string]string, args ...string) result {
	var out, errs bytes.Buffer
	code := Run(context.Background(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, func(name string) string { return env[name] })
	return result{code: code, out: out.String(), err: errs.String()}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"--help"}, {"-h"}, {"help", "--help"}} {
		r := bulk(nil, args...)
		assert.Zero(t, r.code, args)
		assert.Empty(t, r.err)
		golden.Equal(t, "overview", r.out)
	}
	r := bulk(nil, "help", "settings")
	assert.Zero(t, r.code)
	golden.Equal(t, "help_settings", r.out)
	for _, c := range commands() {
		r := bulk(nil, "help", c.name)
		assert.Zero(t, r.code)
		assert.Equal(t, r, bulk(nil, c.name, "--help"))
		assert.Contains(t, r.out, "Example:\n  bulk "+c.name)
		assert.NotEmpty(t, c.goOn)
		golden.Equal(t, "help_"+c.name, r.out)
		for _, line := range strings.Split(r.out, "\n") {
			assert.LessOrEqual(t, len(line), 96, line)
		}
	}
}

func TestMistakes(t *testing.T) {
	set := map[string]string{"STAGING_USER_POOL_ID": "us-west-2_s", "PRODUCTION_USER_POOL_ID": "us-west-2_p"}
	var all strings.Builder
	for _, args := range [][]string{
		{"stauts"}, {"frobnicate"}, {"help", "backpu"}, {"--jsno", "status"}, {"--verbose"},
		{"status", "--usr", "x"}, {"status", "--user"}, {"status", "ada@example.com"}, {"status", "--without-a-path=maybe"},
		{"status", "--user", "ada@example.com", "--without-a-path"},
		{"backup"}, {"backup", "a", "b"}, {"backup", "--chekc", "a"},
	} {
		r := bulk(set, args...)
		assert.Equal(t, 2, r.code, args)
		assert.Empty(t, r.out, args)
		fmt.Fprintf(&all, "$ bulk %s\n%s\n", strings.Join(args, " "), r.err)
	}
	golden.Equal(t, "mistakes", all.String())
}

func TestSettingsThatAreMissingAreNamedAllAtOnce(t *testing.T) {
	r := bulk(map[string]string{"STAGING_CUTOFF": "soon", "MFA_USERS": "maybe"}, "status")
	assert.Equal(t, 2, r.code)
	golden.Equal(t, "settings", r.err)
}

// probe is a command that shows its session.
func probe(see func(context.Context, *session) error) *command {
	var users stringList
	return &command{
		name: "probe", usage: "[--user EMAIL] DIR", goOn: "Run it again.", operands: []string{"DIR"},
		requires: []string{"STAGING_USER_POOL_ID"},
		flags:    func(f *flag.FlagSet) { f.Var(&users, "user", "one `EMAIL`") },
		run: func(ctx context.Context, s *session) error {
			s.args = append(s.args, users...)
			return see(ctx, s)
		},
	}
}

func start(ctx context.Context, c *command, env map[string]string, args ...string) result {
	var out, errs bytes.Buffer
	code := c.start(ctx, args, newGlobals(), Streams{Out: &out, Err: &errs}, func(name string) string { return env[name] }, time.Now)
	return result{code: code, out: out.String(), err: errs.String()}
}

var staging = map[string]string{"STAGING_USER_POOL_ID": "us-west-2_environment", "LEDGER_TABLE": "from-environment"}

func TestFlagGoesBeforeEnvironmentBeforeDefault(t *testing.T) {
	var got *session
	see := func() *command { return probe(func(_ context.Context, s *session) error { got = s; return nil }) }
	r := start(t.Context(), see(), staging, "--staging-user-pool-id", "us-west-2_flag", "--json", "dir", "--ledger-table=", "--user", "a", "--user", "b")
	require.Zero(t, r.code, r.err)
	assert.Equal(t, "us-west-2_flag", got.settings.StagingUserPoolID)
	assert.Equal(t, "Spaceport-Migration-prod", got.settings.LedgerTable, "an empty flag stands for the default")
	assert.Equal(t, []string{"dir", "a", "b"}, got.args)
	assert.True(t, got.json)

	r = start(t.Context(), see(), staging, "--", "--json")
	require.Zero(t, r.code, r.err)
	assert.Equal(t, []string{"--json"}, got.args)
	assert.Equal(t, "from-environment", got.settings.LedgerTable)
}

func TestEveryVariableIsAFlag(t *testing.T) {
	f := newFlagSet("x", newGlobals())
	for _, v := range settings.Variables {
		require.NotNil(t, f.Lookup(flagOf(v.Name)), v.Name)
	}
	assert.Equal(t, "staging-cutoff", flagOf("STAGING_CUTOFF"))
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{0: nil, 1: errors.New("x"), 2: usagef("x"), 3: fmt.Errorf("so: %w", errFindings)} {
		r := start(t.Context(), probe(func(context.Context, *session) error { return err }), staging, "dir")
		assert.Equal(t, want, r.code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := start(ctx, probe(func(ctx context.Context, s *session) error {
		s.meter.Start("Probing", "things", 0)
		cancel()
		return ctx.Err()
	}), staging, "dir")
	assert.Equal(t, result{code: 130, err: "Interrupted. Run it again.\n"}, r)

	r = start(ctx, probe(func(context.Context, *session) error { return nil }), staging, "dir")
	assert.Zero(t, r.code, "what finished all the same did finish")
}

func TestPrint(t *testing.T) {
	text := func(w io.Writer) error { _, err := io.WriteString(w, "one <b>\n"); return err }
	show := probe(func(_ context.Context, s *session) error { return s.print(map[string]string{"n": "<1>"}, text) })
	assert.Equal(t, "one <b>\n", start(t.Context(), show, staging, "dir").out)
	assert.Equal(t, "{\n  \"n\": \"<1>\"\n}\n", start(t.Context(), show, staging, "--json", "dir").out)
}

func TestAdvice(t *testing.T) {
	var all strings.Builder
	for _, err := range []error{
		&smithy.GenericAPIError{Code: "AccessDeniedException"}, &smithy.GenericAPIError{Code: "ExpiredTokenException"},
		&smithy.GenericAPIError{Code: "UnrecognizedClientException"}, &smithy.GenericAPIError{Code: "ResourceNotFoundException"},
		&smithy.GenericAPIError{Code: "TooManyRequestsException"}, &smithy.GenericAPIError{Code: "InvalidParameterException"},
		&smithy.GenericAPIError{Code: "InternalErrorException"}, &aws.MissingRegionError{}, &net.OpError{Op: "dial", Err: errors.New("refused")},
		errors.New("load AWS configuration: failed to get shared config profile, nope"),
		errors.New("get identity: get credentials: failed to refresh cached credentials"),
		errors.New("get identity: failed to refresh cached credentials, Invalid Configuration: Missing Region"),
		fmt.Errorf("get identity: failed to refresh cached credentials: %w", &net.OpError{Op: "dial", Err: errors.New("no such host")}),
		fmt.Errorf("failed to refresh cached credentials, no EC2 IMDS role found: %w", &net.OpError{Op: "dial", Err: errors.New("no route")}),
	} {
		r := start(t.Context(), probe(func(context.Context, *session) error { return fmt.Errorf("read: %w", err) }), staging, "dir")
		assert.Equal(t, 1, r.code)
		all.WriteString(r.err + "\n")
	}
	golden.Equal(t, "advice", all.String())
	assert.Empty(t, advice(errors.New("of our own, which says what to do")))
}

func TestDidYouMean(t *testing.T) {
	names := []string{"status", "verify", "backup", "user", "json"}
	for typed, want := range map[string]string{
		"stauts": "; did you mean --status?", "varify": "; did you mean --verify?", "backups": "; did you mean --backup?",
		"usr": "; did you mean --user?", "frobnicate": "", "": "", "xyzq": "",
	} {
		assert.Equal(t, want, didYouMean(typed, names, "--"), typed)
	}
}

func TestAsk(t *testing.T) {
	var prompt bytes.Buffer
	ask := func(ctx context.Context, in io.Reader) (string, error) {
		return Streams{In: in, Err: &prompt}.askSecret(ctx, "Name?")
	}
	answer, err := ask(t.Context(), strings.NewReader(" Spaceport \nmore"))
	require.NoError(t, err)
	assert.Equal(t, "Spaceport", answer)
	assert.Equal(t, "Name? ", prompt.String())
	answer, err = ask(t.Context(), strings.NewReader("no line break"))
	require.NoError(t, err)
	assert.Equal(t, "no line break", answer)
	_, err = ask(t.Context(), strings.NewReader(""))
	require.ErrorIs(t, err, errNoAnswer)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	silent, write := io.Pipe()
	defer write.Close()
	_, err = ask(ctx, silent)
	require.ErrorIs(t, err, context.Canceled)
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
	assert.Contains(t, r.out, "manifest.json missing")
	r = bulk(nil, "backup", dir, "--check", "--json")
	assert.Equal(t, 3, r.code)
	assert.Contains(t, r.out, `"file": "manifest.json"`)
	r = bulk(nil, "backup", "--check", filepath.Join(dir, "none"))
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.err, "there is no such folder")
}

func TestFullFolderIsRefusedBeforeAWSIsAsked(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	r := bulk(staging, "backup", dir)
	assert.Equal(t, 2, r.code)
	assert.Contains(t, r.err, "folder is not empty, and nothing is overwritten: name another one")
}
