package stacks

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script runs deploy.sh with the AWS CLI of testdata.
type script struct {
	t           *testing.T
	home, state string
}

// newScript copies what deploy.sh reads. state holds files of the CLI's state, by name: by default, a bucket and the
// staging stack are there.
func newScript(t *testing.T, state map[string]string) script {
	t.Helper()
	needs(t, "bash", "awk", "fold", "python3")
	s := script{t, t.TempDir(), t.TempDir()}
	s.set("bucket", "own")
	s.set("staging", stagingOutputs)
	for name, text := range state {
		s.set(name, text)
	}
	copyInfra(t, s.home)
	write(t, filepath.Join(s.home, "dist/trigger.zip"), []byte("the trigger"))
	write(t, filepath.Join(s.home, "dist/datamover.zip"), []byte("the datamover"))
	return s
}

func (s script) set(name, text string) {
	write(s.t, filepath.Join(s.state, name), []byte(text))
}

func (s script) get(name string) string {
	raw, err := os.ReadFile(filepath.Join(s.state, name))
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(s.t, err)
	}
	return string(raw)
}

// run runs the script, with settings as make passes them, and checks that every S3 call names the expected owner.
func (s script) run(command string, settings ...string) (output string, code int) {
	s.t.Helper()
	path, err := filepath.Abs("testdata")
	require.NoError(s.t, err)
	cmd := exec.Command(filepath.Join(s.home, "infra", "deploy.sh"), command)
	cmd.Env = append([]string{"PATH=" + path + ":" + os.Getenv("PATH"), "FAKE_AWS=" + s.state, "HOME=" +
		s.home}, settings...)
	out, _ := cmd.CombinedOutput()
	for _, call := range s.calls("") {
		assert.NotEqual(s.t, "s3", call[0], "high-level commands name no expected owner: %v", call)
		assert.NotEqual(s.t, []string{"cloudformation", "package"}, call[:2])
		if call[0] == "s3api" && call[1] != "create-bucket" {
			assert.Equal(s.t, "123456789012", optionOf(call, "--expected-bucket-owner"), "%v", call)
		}
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// mustRun runs the script with every question answered yes.
func (s script) mustRun(command string, settings ...string) (output string) {
	s.t.Helper()
	output, code := s.run(command, append(settings, "CONFIRM=yes")...)
	require.Zero(s.t, code, output)
	return output
}

// mustFail runs the script, which must deploy nothing.
func (s script) mustFail(command string, settings ...string) (output string) {
	s.t.Helper()
	before := len(s.calls("cloudformation execute-change-set"))
	output, code := s.run(command, settings...)
	require.Equal(s.t, 1, code, output)
	require.Len(s.t, s.calls("cloudformation execute-change-set"), before)
	return output
}

// calls returns the calls that begin with these words.
func (s script) calls(words string) (calls [][]string) {
	for line := range strings.Lines(s.get("log")) {
		var call []string
		require.NoError(s.t, json.Unmarshal([]byte(line), &call))
		if strings.HasPrefix(strings.Join(call, " "), words) {
			calls = append(calls, call)
		}
	}
	return calls
}

func optionOf(call []string, name string) string {
	if i := slices.Index(call, name); i >= 0 {
		return call[i+1]
	}
	return ""
}

// overrides returns the parameters that the last deployment set.
func (s script) overrides() map[string]string {
	deployed := s.calls("cloudformation deploy")
	require.NotEmpty(s.t, deployed)
	last := deployed[len(deployed)-1]
	set := map[string]string{}
	for _, override := range last[slices.Index(last, "--parameter-overrides")+1:] {
		name, value, _ := strings.Cut(override, "=")
		set[name] = value
	}
	return set
}

const stagingOutputs = "StagingUserPoolId\tus-west-2_Staging\nStagingClientId\tclient\n" +
	"StagingTriggerRoleArn\tarn:aws:iam::111111111111:role/trigger\n" +
	"StagingDatamoverRoleArn\tarn:aws:iam::111111111111:role/datamover\n" +
	"StagingOperatorRoleArn\tarn:aws:iam::111111111111:role/operator\n" +
	"ExternalId\tan-id\nNamePrefix\tPrefix\nUsersSourceTable\tA\nProjectsSourceTable\tB\n"

// TestBucketOwner: nothing is uploaded to a bucket of another account.
func TestBucketOwner(t *testing.T) {
	const uploads = " put-object put-object put-object"
	for name, tt := range map[string]struct {
		owner, given, calls string
		foreign             bool
	}{
		"own":                     {"own", "", "head-bucket" + uploads, false},
		"own, with another name":  {"own", "mine", "head-bucket" + uploads, false},
		"none":                    {"", "", "head-bucket create-bucket put-public-access-block" + uploads, false},
		"foreign":                 {"foreign", "", "head-bucket", true},
		"foreign, with that name": {"foreign", "theirs", "head-bucket", true},
		"name is taken meanwhile": {"taken", "", "head-bucket create-bucket", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, map[string]string{"bucket": tt.owner})
			bucket := cmp.Or(tt.given, "spaceport-migration-123456789012-us-west-2")
			if tt.foreign {
				output := s.mustFail("production", "CONFIRM=yes", "ARTIFACT_BUCKET="+tt.given)
				assert.Contains(t, output, "the bucket "+bucket+" belongs to another account")
				assert.Contains(t, output, "make deploy-production ARTIFACT_BUCKET=NAME")
			} else {
				s.mustRun("production", "ARTIFACT_BUCKET="+tt.given)
			}
			var called []string
			for _, call := range s.calls("s3api") {
				called = append(called, call[1])
				assert.Equal(t, bucket, optionOf(call, "--bucket"))
				if call[1] == "create-bucket" {
					assert.Equal(t, "LocationConstraint=us-west-2", optionOf(call, "--create-bucket-configuration"))
				}
			}
			assert.Equal(t, tt.calls, strings.Join(called, " "))
		})
	}
}

// TestFailedUpload: nothing is deployed if a file could not be uploaded or is missing.
func TestFailedUpload(t *testing.T) {
	t.Parallel()
	output := newScript(t, map[string]string{"fail": "put-object"}).mustFail("production", "CONFIRM=yes")
	assert.Contains(t, output, "InternalError")
	assert.Contains(t, output, "dist/trigger.zip was not uploaded")
	assert.Contains(t, output, "ARTIFACT_BUCKET=NAME")

	s := newScript(t, nil)
	require.NoError(t, os.Remove(filepath.Join(s.home, "dist", "datamover.zip")))
	assert.Contains(t, s.mustFail("production", "CONFIRM=yes"), "dist/datamover.zip is missing")

	output = newScript(t, map[string]string{"bucket": "", "fail": "create-bucket"}).mustFail("production", "CONFIRM=yes")
	assert.Contains(t, output, "InternalError")
	assert.NotContains(t, output, "belongs to another account")
}

// TestUploadedCode: each function's code is uploaded under a key that depends on its content, and the deployed template
// names it.
func TestUploadedCode(t *testing.T) {
	t.Parallel()
	s := newScript(t, nil)
	s.mustRun("production")
	keys := map[string]string{}
	for _, call := range s.calls("s3api put-object") {
		keys[filepath.Base(optionOf(call, "--body"))] = optionOf(call, "--key")
	}
	assert.Equal(t, fmt.Sprintf("trigger-%x.zip", sha256.Sum256([]byte("the trigger"))), keys["trigger.zip"])
	assert.Equal(t, fmt.Sprintf("datamover-%x.zip", sha256.Sum256([]byte("the datamover"))), keys["datamover.zip"])
	assert.Regexp(t, `^[0-9a-f]{32}\.template$`, keys["production.yaml"])

	deployed, err := Read(filepath.Join(s.state, "template"))
	require.NoError(t, err)
	for id, zip := range map[string]string{
		"Trigger": "trigger.zip", "Datamover": "datamover.zip", "Background": "datamover.zip",
	} {
		assert.Equal(t, map[string]any{"S3Bucket": "spaceport-migration-123456789012-us-west-2", "S3Key": keys[zip]},
			deployed.Resources[id].Properties.(map[string]any)["Code"], id)
	}
	assert.NotContains(t, s.get("template"), "../dist")
}

// TestStagingDecidesNothingElse: of the staging stack's outputs, only those that staging.yaml has are used.
func TestStagingDecidesNothingElse(t *testing.T) {
	t.Parallel()
	outputs, want := "", map[string]string{}
	for name := range template(t, "production.yaml").Parameters {
		outputs += name + "\tfrom-staging\n"
		if _, ok := template(t, "staging.yaml").Outputs[name]; ok {
			want[name] = "from-staging"
		}
	}
	require.NotContains(t, want, "MfaUsers")
	s := newScript(t, map[string]string{"staging": outputs})
	output := s.mustRun("production")
	assert.Equal(t, want, s.overrides())
	assert.Equal(t, len(want), strings.Count(output, "=from-staging"))
}

// TestParametersAreShown: the values of all parameters are printed before the question, with their source.
func TestParametersAreShown(t *testing.T) {
	t.Parallel()
	s := newScript(t, map[string]string{"staging": strings.Replace(stagingOutputs, "an-id", "an\x1b[2Kid", 1)})
	output := s.mustRun("production", "AlarmEmail=ops@spaceport.example", "ResetEmailText=a\nb {####}")
	for name := range template(t, "production.yaml").Parameters {
		assert.Regexp(t, `(?m)^  (given   |staging |kept    |default ) `+name+"=", output)
	}
	for _, line := range []string{
		"  given    AlarmEmail=ops@spaceport.example\n", "  given    ResetEmailText=a b {####}\n",
		"  staging  StagingUserPoolId=us-west-2_Staging\n", "  staging  ExternalId=an [2Kid\n",
		"  default  MfaUsers=reset\n", "  default  ClientWriteAttributes=email,name,preferred_username\n",
		"  default  ClientReadAttributes=address,birthdate",
	} {
		assert.Contains(t, output, line)
	}

	output = s.mustFail("production", "HookBudget=1s") // not confirmed
	shown, question, found := strings.Cut(output, "There is no terminal to confirm on")
	require.True(t, found, output)
	assert.Contains(t, shown, "  given    HookBudget=1s\n")
	assert.Contains(t, shown, "  kept     AlarmEmail=ops@spaceport.example\n")
	assert.Contains(t, question, "nothing was changed")

	output = s.mustRun("staging", "StagingUserPoolId=us-west-2_Staging", "ProductionAccountId=222222222222")
	assert.Contains(t, output, "  given    ProductionAccountId=222222222222\n")
	assert.Contains(t, output, "  default  MoreTableArns=\n")
}

// TestTablesOutliveAFailedDeployment: ledger and tables are kept even if the first deployment fails, and the next one,
// with the same parameters, uses them again. So does every later one.
func TestTablesOutliveAFailedDeployment(t *testing.T) {
	const ledger, users, projects = "Spaceport-Migration-prod ", "Spaceport-Users-prod ", "Spaceport-Projects-prod "
	for name, tt := range map[string]struct {
		stack, tables, given string
		createLedger         string // "": not set, which is yes
		createTables         string // "": not set, which is no
	}{
		"nothing is left":                {"", "", "CreateTables=yes", "", "yes"},
		"everything is left":             {"ROLLBACK_COMPLETE", ledger + users + projects, "CreateTables=yes", "no", "no"},
		"the rollback failed":            {"ROLLBACK_FAILED", ledger + users + projects, "CreateTables=yes", "no", "no"},
		"the change set is not executed": {"REVIEW_IN_PROGRESS", ledger + users, "CreateTables=yes", "no", "projects"},
		"the ledger that was asked for":  {"ROLLBACK_COMPLETE", ledger, "CreateLedger=yes", "no", ""},
		"one table":                      {"ROLLBACK_COMPLETE", users, "CreateTables=yes", "", "projects"},
		"the other table":                {"ROLLBACK_COMPLETE", projects, "CreateTables=yes", "", "users"},
		"the only table asked for":       {"ROLLBACK_COMPLETE", users, "CreateTables=users", "", "no"},
		"tables of these names": {"", "L U P", "CreateTables=yes LedgerTable=L UsersTable=U ProjectsTable=P",
			"no", "no"},
		"tables that are not asked for": {"", users + projects, "", "", ""},
		"only tables with another name": {"", ledger + users, "CreateTables=yes LedgerTable=L UsersTable=U", "", "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, map[string]string{"stack": tt.stack, "tables": tt.tables})
			output := s.mustRun("production", strings.Fields(tt.given)...)
			set := s.overrides()
			for name, value := range map[string]string{"CreateLedger": tt.createLedger, "CreateTables": tt.createTables} {
				assert.Equal(t, value, set[name], output)
				changed := value == "no" || name == "CreateTables" && value != "" && value != "yes"
				assert.Equal(t, changed, strings.Contains(output, "So "+name+"="+value+" is set.\n"), output)
			}
			own := s.get("own")
			s.mustRun("production", strings.Fields(tt.given)...)
			assert.JSONEq(t, own, s.get("own"), "the stack keeps the tables that it has")
		})
	}
}

// TestTablesThatCannotBeUsedAgain: one with another key than the template would give it ends the deployment.
func TestTablesThatCannotBeUsedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		table, key, given, want string
	}{
		"another name": {"Spaceport-Migration-prod", "id\tid:S", "CreateLedger=yes", "its key is id:S, not stagingSub:S. "},
		"another type": {"Spaceport-Users-prod", "id\tid:N", "CreateTables=yes", "its key is id:N, not id:S. "},
		"no sort key": {"Spaceport-Projects-prod", "userSub\tuserSub:S", "CreateTables=yes",
			"its key is userSub:S, not userSub:S projectId:S. "},
		"a given name": {"Spaceport-Users-prod", "id\tid:S", "CreateTables=users UsersOwnerKey=sub",
			"its key is id:S, not sub:S. "},
		"an index's too": {"Spaceport-Users-prod", "id\tteam:N id:S", "CreateTables=yes", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, map[string]string{"tables": tt.table, "keys": tt.table + "\t" + tt.key})
			if tt.want == "" {
				s.mustRun("production", tt.given)
				return
			}
			output := s.mustFail("production", append(strings.Fields(tt.given), "CONFIRM=yes")...)
			assert.Contains(t, output, "the table "+tt.table+" exists, and "+tt.want+"Nothing was changed.")
		})
	}
}

// TestItemsAreAskedAbout: a table that is found by its name is used with its items only after a question, once.
func TestItemsAreAskedAbout(t *testing.T) {
	t.Parallel()
	state := map[string]string{
		"tables": "Spaceport-Migration-prod Spaceport-Users-prod", "items": "Spaceport-Migration-prod\t1204",
	}
	s := newScript(t, state)
	output := s.mustFail("production", "CreateTables=yes") // there is no terminal
	assert.Contains(t, output, "Spaceport-Migration-prod exists")
	assert.Contains(t, output, "Number of items in it, at least: 1204.")
	assert.Contains(t, output, "nothing was changed")

	named := []string{"CreateTables=yes", "LedgerTable=Spaceport-Migration-prod", "UsersTable=Spaceport-Users-prod"}
	s.mustRun("production", named...)
	assert.Equal(t, "no", s.overrides()["CreateLedger"])
	before := len(s.calls("dynamodb scan"))
	s.mustRun("production", append(named, "CreateLedger=yes")...)
	assert.Equal(t, "no", s.overrides()["CreateLedger"])
	assert.Len(t, s.calls("dynamodb scan"), before, "the deployed stack uses them already")

	state["fail"] = "scan"
	assert.Contains(t, newScript(t, state).mustFail("production", "CreateTables=yes"), "at least: unknown.")
}

// TestPoolsAreNotAdopted because of their name: their ids are printed.
func TestPoolsAreNotAdopted(t *testing.T) {
	t.Parallel()
	state := map[string]string{"pools": "us-west-2_A\tus-west-2_B"}
	s := newScript(t, state)
	assert.Contains(t, s.mustRun("production"),
		"User pools named Spaceport-Users-prod exist: us-west-2_A us-west-2_B. They are not used.")
	assert.NotContains(t, s.overrides(), "ExistingUserPoolId")
	assert.NotContains(t, s.mustRun("production"), "They are not used", "the stack has a pool of its own")
	output := newScript(t, state).mustRun("production", "ExistingUserPoolId=us-west-2_A")
	assert.NotContains(t, output, "They are not used")

	state["stack"], state["own"] = "ROLLBACK_COMPLETE", `{"UserPool": "us-west-2_A"}`
	output = newScript(t, state).mustRun("production")
	assert.Contains(t, output, "The user pool us-west-2_A, which it created, is kept")
	assert.Contains(t, output, "make deploy-production ExistingUserPoolId=us-west-2_A ")
}

func TestMisspelledParameter(t *testing.T) {
	output, code := newScript(t, nil).run("production", "GIVEN=CreateTables CONFIRM AlarmEmial")
	assert.Equal(t, 2, code)
	assert.Contains(t, output, "infra/production.yaml has no parameter AlarmEmial. Its parameters are:")
	assert.Contains(t, output, " AlarmEmail ")
}
