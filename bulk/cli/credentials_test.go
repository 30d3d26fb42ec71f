package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
)

const profiles = `[profile base]
region = us-west-2
[profile operator]
role_arn = arn:aws:iam::123456789012:role/operator
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/operator
region = us-west-2
`

// withProfile uses a profile whose role demands a code. The endpoint gives the role, and a stack, for that code.
func withProfile(t *testing.T, code string) (assumed *[]url.Values) {
	t.Helper()
	assumed = &[]url.Values{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch {
		case r.Form.Get("Action") == "DescribeStacks":
			fmt.Fprint(w, "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs><member>"+
				"<OutputKey>ProductionUserPoolId</OutputKey><OutputValue>us-west-2_p</OutputValue></member></Outputs>"+
				"</member></Stacks>"+
				"</DescribeStacksResult></DescribeStacksResponse>")
		case r.Form.Get("Action") != "AssumeRole":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ResourceNotFoundException"}`)
		case r.Form.Get("TokenCode") != code:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>MultiFactorAuthentication failed with "+
				"invalid "+
				"MFA one time pass code.</Message></Error></ErrorResponse>")
		default:
			*assumed = append(*assumed, r.Form)
			fmt.Fprintf(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>k</AccessKeyId><SecretAccessKey>s"+
				"</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult>"+
				"</AssumeRoleResponse>", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(server.Close)
	files := t.TempDir()
	config, keys := filepath.Join(files, "config"), filepath.Join(files, "credentials")
	require.NoError(t, os.WriteFile(config, []byte(profiles), 0o600))
	require.NoError(t, os.WriteFile(keys, []byte("[base]\naws_access_key_id = k\naws_secret_access_key = s\n"), 0o600))
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ENDPOINT_URL_STS": server.URL, "AWS_PROFILE": "operator",
		"AWS_CONFIG_FILE":             config,
		"AWS_SHARED_CREDENTIALS_FILE": keys, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(name, value)
	}
	return assumed
}

// TestProfileWithMFA asks for the code once, for all that one run opens, and says how to continue without a terminal.
func TestProfileWithMFA(t *testing.T) {
	run := func(in io.Reader, terminal bool) (code int, out, errs string) {
		var stdout, stderr bytes.Buffer
		streams := console.Streams{In: in, Out: &stdout, Err: &stderr, InTerminal: terminal}
		code = cli.Run(t.Context(), []string{"attach", "--stack", "Migration", "--trigger",
			"arn:aws:lambda:us-west-2:123456789012:function:a",
			"--datamover", "arn:aws:lambda:us-west-2:123456789012:function:b"}, streams, func(string) string { return "" })
		return code, stdout.String(), stderr.String()
	}
	for name, tt := range map[string]struct {
		typed    string
		terminal bool
		assumed  int
		want     []string
	}{
		"the code": {"123456\n", true, 1, []string{
			"The profile needs an MFA code of arn:aws:iam::123456789012:mfa/operator\nCode: ",
			"the Region that was looked in, us-west-2",
		}},
		"a wrong code": {"1\n", true, 0, []string{"The code was not accepted."}},
		"no answer":    {"", true, 0, []string{"no answer was given"}},
		"no terminal": {"123456\n", false, 0, []string{
			"stdin is not a terminal", "\n  eval \"$(aws configure export-credentials --profile operator --format env)\"\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			assumed := withProfile(t, "123456")
			code, out, errs := run(strings.NewReader(tt.typed), tt.terminal)
			assert.Equal(t, 1, code)
			assert.Empty(t, out, "questions are not results")
			for _, want := range tt.want {
				assert.Contains(t, errs, want)
			}
			assert.Len(t, *assumed, tt.assumed)
			for _, form := range *assumed {
				assert.Equal(t, "3600", form.Get("DurationSeconds"))
			}
		})
	}
}

// TestNothingListens: a wrong endpoint is told in seconds, with its address, and not in silence. So is that of STS.
func TestNothingListens(t *testing.T) {
	for _, env := range []map[string]string{{}, {"STAGING_ROLE_ARN": "arn:aws:iam::111111111111:role/r"}} {
		withAWS(t, nil, nil)
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		env["STAGING_USER_POOL_ID"], env["PRODUCTION_USER_POOL_ID"] = "us-west-2_s", "us-west-2_p"
		began := time.Now()
		code, _, errs := runWith(env, "status")
		assert.Equal(t, 1, code)
		assert.Less(t, time.Since(began), 8*time.Second)
		assert.Contains(t, errs, "retrying, 2 of 12: connection refused\n")
		assert.Less(t, strings.Count(errs, "retrying"), 8, "about a line a second")
		assert.Contains(t, errs, "127.0.0.1:1: connect: connection refused")
		assert.Contains(t, errs, "AWS was not reached: check the network, and AWS_ENDPOINT_URL")
	}
}
