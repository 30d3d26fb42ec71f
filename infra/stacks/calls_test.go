package stacks

import (
	"go/ast"
	"go/parser"
	"go/token"
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

// callsOfBulk returns the AWS actions that bulk can call. Its templates call methods by name, so that the linker keeps
// every method of the SDK; this reads the source instead. Every function of bulk counts, and every function of
// datamover that one of those calls, by its name. Each call has the operation's Input.
func callsOfBulk(t *testing.T) []string {
	t.Helper()
	type function struct{ calls, actions map[string]bool }
	functions, todo := map[string][]function{}, []string{}
	read := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "/cmd/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		services := map[string]string{}
		for _, spec := range file.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			if _, service, ok := strings.Cut(name, "aws-sdk-go-v2/service/"); ok && spec.Name != nil {
				services[spec.Name.Name] = service
			} else if ok {
				services[service] = service
			}
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			this := function{map[string]bool{}, map[string]bool{}}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					switch called := n.Fun.(type) {
					case *ast.SelectorExpr:
						this.calls[called.Sel.Name] = true
					case *ast.Ident:
						this.calls[called.Name] = true
					}
				case *ast.SelectorExpr:
					pkg, isName := n.X.(*ast.Ident)
					if !isName { // m.Production.SendReset may be passed on to be called
						this.calls[n.Sel.Name] = true
					}
					if method, isInput := strings.CutSuffix(n.Sel.Name, "Input"); isInput && isName && services[pkg.Name] != "" {
						addCall(this.actions, services[pkg.Name], method)
					}
				}
				return true
			})
			functions[f.Name.Name] = append(functions[f.Name.Name], this)
			if strings.HasPrefix(path, "../../bulk") {
				todo = append(todo, f.Name.Name)
			}
		}
		return nil
	}
	require.NoError(t, filepath.WalkDir("../../datamover", read))
	require.NoError(t, filepath.WalkDir("../../bulk", read))
	found, seen := map[string]bool{"sts:AssumeRole": true}, map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, f := range functions[name] {
			maps.Copy(found, f.actions)
			todo = slices.AppendSeq(todo, maps.Keys(f.calls))
		}
	}
	return slices.Sorted(maps.Keys(found))
}
