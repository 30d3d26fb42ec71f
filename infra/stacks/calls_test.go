package stacks

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRolesAllowWhatTheCodeCalls compares the AWS calls in each binary with what its roles, in both accounts, allow: a new
// call without a permission fails, and so does a permission without a call.
func TestRolesAllowWhatTheCodeCalls(t *testing.T) {
	for _, tt := range []struct {
		binary, role string
		byOthers     []string // allowed for what is not a call of ours
	}{
		// Lambda writes the log, and the dead letters, in the function's name.
		{"./trigger/cmd/trigger", "TriggerRole", []string{"logs:CreateLogStream", "logs:PutLogEvents"}},
		{"./datamover/cmd/datamover", "DatamoverRole", []string{"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}},
		{"./bulk", "OperatorRole", nil},
	} {
		t.Run(tt.role, func(t *testing.T) {
			called := callsOf(t, tt.binary)
			may := slices.Concat(
				properties[Role](t, staging(t), tt.role).Actions(),
				// bulk attaches to pools that are there; for one that the stack made it needs less.
				properties[Role](t, production(t, map[string]string{"ExistingUserPoolId": "us-east-1_Existing"}), tt.role).Actions())
			may = slices.DeleteFunc(may, func(action string) bool { return slices.Contains(tt.byOthers, action) })
			slices.Sort(may)
			assert.Equal(t, called, slices.Compact(may))
		})
	}
}

// unasked are linked into every binary by the SDK's own search for credentials and endpoints, or need no permission, or no
// credentials at all.
var unasked = map[string]bool{
	"sso:GetRoleCredentials": true, "sso-oauth:CreateToken": true, "signin:CreateOAuth2Token": true, "signin:CreateOAuth": true,
	"sts:AssumeRoleWithWebIdentity": true, "sts:GetCallerIdentity": true, "dynamodb:DescribeEndpoints": true,
	"cognito-idp:InitiateAuth": true, "cognito-idp:ForgotPassword": true,
}

// actionOf is the IAM action of an SDK method, where it is not named like service and method.
var (
	prefixOf = map[string]string{"cognitoidentityprovider": "cognito-idp", "ssooidc": "sso-oauth"}
	actionOf = map[string]string{"lambda:Invoke": "lambda:InvokeFunction"}
)

// callsOf lists what a binary, built as it is deployed, can ask of AWS. The linker drops every method that nothing reaches,
// behind interfaces too, so the SDK's client methods that are left are those that the code calls.
func callsOf(t *testing.T, pkg string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "binary")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, pkg)
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)

	methods := regexp.MustCompile(`aws-sdk-go-v2/service/([a-z0-9]+)\.\(\*Client\)\.([A-Z]\w+)`)
	found := map[string]bool{}
	for _, m := range methods.FindAllSubmatch(raw, -1) {
		service, method := string(m[1]), string(m[2])
		if prefix := prefixOf[service]; prefix != "" {
			service = prefix
		}
		action := service + ":" + method
		if other := actionOf[action]; other != "" {
			action = other
		}
		if !unasked[action] && method != "Options" {
			found[action] = true
		}
	}
	require.NotEmpty(t, found, "no call of the SDK found in %s: its names may have changed", pkg)
	require.True(t, found["sts:AssumeRole"], strings.Join(slices.Sorted(maps.Keys(found)), " "))
	return slices.Sorted(maps.Keys(found))
}
