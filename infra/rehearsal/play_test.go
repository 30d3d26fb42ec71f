package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestPlay starts the page as make rehearsal does, runs the printed lines in a clean shell, and stops it as Ctrl-C
// would.
func TestPlay(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- play(ctx, out)
		_ = out.Close()
	}()
	terminal := bufio.NewReader(said)
	printed := readUntil(t, terminal, "bulk attach")

	page := regexp.MustCompile(`https?://\S+`).FindString(printed)
	response, err := http.Get(page)
	require.NoError(t, err, "the first URL is the page's")
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, response.Header.Get("Content-Type"), "text/html")

	signsInElsewhere(t, printed)

	logs := t.TempDir()
	for _, c := range []struct{ command, want string }{
		{"check", "This migration can work"}, {"sweep --log-dir " + logs, "accounts to create"}, {"status", "not migrated"},
		{"detach --live --yes", "UserMigration: arn:"}, {"attach", "UserMigration: none -> arn:"},
		{"attach --live --yes", "Changed in "}, {"attach", "Nothing to change"},
	} {
		assert.Contains(t, paste(t, printed, ".build/bulk "+c.command), c.want, c.command)
	}

	go stop()
	rest, err := io.ReadAll(terminal)
	require.NoError(t, err)
	assert.Contains(t, string(rest), "The page is closed; nothing is left running.")
	assert.NoError(t, <-ended, "being stopped is not an error")
	_, err = http.Get(page)
	assert.Error(t, err, "the page is closed")
}

// signsInElsewhere signs Ada in with an SDK that has only what is printed.
func signsInElsewhere(t *testing.T, printed string) {
	t.Helper()
	value := func(name string) string {
		found := regexp.MustCompile(`(?m)^  ` + name + ` +(\S+)$`).FindStringSubmatch(printed)
		require.Len(t, found, 2, name)
		return found[1]
	}
	app := cognito.New(cognito.Options{BaseEndpoint: aws.String(value("endpoint")), Region: value("region")})
	out, err := app.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: aws.String(value("app client id")), AuthFlow: "USER_PASSWORD_AUTH",
		AuthParameters: map[string]string{"USERNAME": journeys.Ada.Email, "PASSWORD": journeys.Ada.Password},
	})
	require.NoError(t, err)
	require.NotNil(t, out.AuthenticationResult)
	keys, err := http.Get(value("endpoint") + "/" + value("user pool id") + "/.well-known/jwks.json")
	require.NoError(t, err)
	require.NoError(t, keys.Body.Close())
	assert.Equal(t, http.StatusOK, keys.StatusCode)
}

func readUntil(t *testing.T, from *bufio.Reader, last string) string {
	t.Helper()
	var printed strings.Builder
	for {
		line, err := from.ReadString('\n')
		printed.WriteString(line)
		require.NoError(t, err, printed.String())
		if strings.TrimSpace(line) == last {
			return printed.String()
		}
	}
}

var elsewhere = []string{
	"AWS_PROFILE=elsewhere", "AWS_SESSION_TOKEN=elsewhere", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
	"AWS_ENDPOINT_URL_STS=http://127.0.0.1:1",
	"AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=http://127.0.0.1:1",
	"MIGRATION_STACK=elsewhere", "LEDGER_TABLE=elsewhere", "MIGRATION_TABLES=[]", "STAGING_CUTOFF=2000-01-01T00:00:00Z",
	"CUSTOM_ATTRIBUTES=elsewhere", "MFA_USERS=never", "HOOK_BUDGET=1h", "STAGING_USER_POOL_ID=elsewhere",
}

// paste runs the printed lines and then a command, in a shell whose environment points elsewhere.
func paste(t *testing.T, printed, command string) string {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^(cd|unset|export) .*$`).FindAllString(printed, -1)
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-ec", strings.Join(append(lines, command), "\n"))
	shell.Env, shell.Dir = elsewhere, filepath.Dir(t.TempDir())
	answer, err := shell.CombinedOutput()
	require.NoError(t, err, string(answer))
	return string(answer)
}

func TestStoppedBeforeItIsReady(t *testing.T) {
	spaceporttest.Need(t, spaceport.Installed())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out strings.Builder
	assert.NoError(t, play(ctx, &out))
	assert.NotContains(t, out.String(), "http", "no page was ready")
}

func TestWasStopped(t *testing.T) {
	stopped, left := fmt.Errorf("start moto: %w", context.Canceled), errors.New("moto did not end")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, true}, {stopped, true}, {errors.Join(stopped, context.Canceled), true},
		{left, false}, {errors.Join(stopped, left), false}, {fmt.Errorf("make tables: %w",
			errors.Join(stopped, left)), false},
	} {
		assert.Equal(t, c.want, wasStopped(c.err), "%v", c.err)
	}
}
