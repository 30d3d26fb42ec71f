package stacks

import (
	"cmp"
	"io/fs"
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

// TestRolesAllowWhatTheCodeCalls compares the AWS calls of each program with what its roles in both accounts allow. It
// fails for a call without a permission, and for a permission without a call.
func TestRolesAllowWhatTheCodeCalls(t *testing.T) {
	inBinary := func(pkg string) func(*testing.T) []string {
		return func(t *testing.T) []string { return callsInBinary(t, pkg) }
	}
	for _, tt := range []struct {
		role      string
		calls     func(*testing.T) []string
		notCalled []string // allowed, but not called by our code
	}{
		// Lambda writes logs and dead letters with the function's role.
		{"TriggerRole", inBinary("./trigger/cmd/trigger"), []string{"logs:CreateLogStream", "logs:PutLogEvents"}},
		{"DatamoverRole", inBinary("./datamover/cmd/datamover"),
			[]string{"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}},
		{"OperatorRole", callsOfBulk, []string{"logs:FilterLogEvents"}}, // in commands that bulk prints
	} {
		t.Run(tt.role, func(t *testing.T) {
			called := tt.calls(t)
			// With groups, and with an existing pool, since bulk attach needs the most rights there.
			groups := map[string]string{"MigrateGroups": "beta"}
			inProduction := production(t, groups, map[string]string{"ExistingUserPoolId": "us-east-1_Existing"})
			allowed := slices.Concat(
				properties[Role](t, staging(t, groups), tt.role).Actions(),
				properties[Role](t, inProduction, tt.role).Actions())
			if tt.role == "DatamoverRole" {
				for _, statement := range statements(t, inProduction)["UseProductionPool"] {
					allowed = append(allowed, statement.Action...)
				}
			}
			allowed = slices.DeleteFunc(allowed, func(action string) bool {
				return slices.Contains(tt.notCalled, action)
			})
			slices.Sort(allowed)
			assert.Equal(t, called, slices.Compact(allowed))
		})
	}
}

// noPermission lists calls that the SDK links into every binary to find credentials and endpoints, and calls that need
// no permission or no credentials.
var noPermission = map[string]bool{
	"sso:GetRoleCredentials": true, "sso-oauth:CreateToken": true, "signin:CreateOAuth2Token": true,
	"signin:CreateOAuth": true, "sts:AssumeRoleWithWebIdentity": true, "sts:GetCallerIdentity": true,
	"dynamodb:DescribeEndpoints": true, "cognito-idp:InitiateAuth": true, "cognito-idp:ForgotPassword": true,
}

// actionOf is the IAM action of an SDK method, if its name is not that of service and method.
var (
	prefixOf = map[string]string{"cognitoidentityprovider": "cognito-idp", "ssooidc": "sso-oauth", "sesv2": "ses"}
	actionOf = map[string]string{"lambda:Invoke": "lambda:InvokeFunction"}
)

// callsInBinary returns the AWS actions that a function can call, built as for deployment. The linker drops every
// method that is not reachable, even through interfaces, so the SDK's client methods that remain are those that the
// code calls.
func callsInBinary(t *testing.T, pkg string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "binary")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w", "-o", path, pkg)
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)

	methods := regexp.MustCompile(`aws-sdk-go-v2/service/([a-z0-9]+)\.\(\*Client\)\.([A-Z]\w+)`)
	found := map[string]bool{}
	for _, m := range methods.FindAllSubmatch(raw, -1) {
		addCall(found, string(m[1]), string(m[2]))
	}
	require.NotEmpty(t, found, "no call of the SDK found in %s: its names may have changed", pkg)
	require.True(t, found["sts:AssumeRole"], strings.Join(slices.Sorted(maps.Keys(found)), " "))
	return slices.Sorted(maps.Keys(found))
}

// addCall adds the action of an SDK method, if it needs a permission.
func addCall(found map[string]bool, service, method string) {
	if prefix := prefixOf[service]; prefix != "" {
		service = prefix
	}
	action := service + ":" + method
	if other := actionOf[action]; other != "" {
		action = other
	}
	if !noPermission[action] && method != "Options" {
		found[action] = true
	}
}

// What callsOfBulk looks for in code. A method may be passed on to be called, as in m.Production.SendReset.
var (
	sdkImport    = regexp.MustCompile(`(\w+)? ?"github.com/aws/aws-sdk-go-v2/service/(\w+)"`)
	sdkInput     = regexp.MustCompile(`\b(\w+)\.(\w+)Input\b`)
	functionName = regexp.MustCompile(`^(?:\([^)]*\) )?(\w+)`)
	calledName   = regexp.MustCompile(`(\w+)\(|\w\.\w+\.(\w+)`)
)

// callsOfBulk returns the AWS actions that bulk can call. Its templates call methods by name, so that the linker keeps
// every method of the SDK; this reads the source instead. Every function of bulk counts, and every function of
// datamover that one of those calls, by its name. Each call has the operation's Input.
func callsOfBulk(t *testing.T) []string {
	t.Helper()
	bodies, actions, todo := map[string]string{}, map[string]map[string]bool{}, []string{} // by function
	read := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "/cmd/") {
			return err
		}
		code := document(t, path)
		services := map[string]string{}
		for _, found := range sdkImport.FindAllStringSubmatch(code, -1) {
			services[cmp.Or(found[1], found[2])] = found[2]
		}
		for _, f := range strings.Split(code, "\nfunc ")[1:] {
			body, _, _ := strings.Cut(f, "\n}\n")
			name := functionName.FindStringSubmatch(f)[1]
			bodies[name] += body
			if actions[name] == nil {
				actions[name] = map[string]bool{}
			}
			for _, found := range sdkInput.FindAllStringSubmatch(body, -1) {
				if service := services[found[1]]; service != "" {
					addCall(actions[name], service, found[2])
				}
			}
			if strings.HasPrefix(path, "bulk") {
				todo = append(todo, name)
			}
		}
		return nil
	}
	require.NoError(t, fs.WalkDir(os.DirFS("../.."), "datamover", read))
	require.NoError(t, fs.WalkDir(os.DirFS("../.."), "bulk", read))
	found, seen := map[string]bool{"sts:AssumeRole": true}, map[string]bool{}
	for ; len(todo) > 0; todo = todo[1:] {
		name := todo[0]
		if seen[name] {
			continue
		}
		seen[name] = true
		maps.Copy(found, actions[name])
		for _, used := range calledName.FindAllStringSubmatch(bodies[name], -1) {
			todo = append(todo, used[1]+used[2])
		}
	}
	return slices.Sorted(maps.Keys(found))
}
