package stacks

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const region = "us-east-1"

// tools is the folder into which make installs requirements.txt.
var tools, _ = filepath.Abs("../../.venv/stacks/bin")

// needs skips a test if a program is not installed, except under make test, which installs it.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("REHEARSAL") == "required" {
				require.NoError(t, err)
			}
			t.Skipf("%v: make test installs and builds it", err)
		}
	}
}

// cloud is an AWS emulator in one process, with IAM enforced and separate accounts. An account's id is its access key.
type cloud struct {
	url  string
	home string // a copy of the deployed files, with the functions built for this machine
	stop func()
}

var (
	shared     *cloud
	sharedOnce sync.Once
)

func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		shared.stop()
	}
	os.Exit(code)
}

// start starts the cloud when the first test needs it.
func start(t *testing.T) *cloud {
	t.Helper()
	needs(t, filepath.Join(tools, "ministack"), filepath.Join(tools, "aws"),
		"../../.build/trigger/bootstrap", "../../.build/datamover/bootstrap", "../../.build/bulk")
	sharedOnce.Do(func() { shared = newCloud(t) })
	require.NotNil(t, shared, "another test could not start it")
	return shared
}

func newCloud(t *testing.T) *cloud {
	home, err := os.MkdirTemp("", "stacks")
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	c := &cloud{url: "http://" + address, home: home}
	c.copyDeployedFiles(t)
	launcher, err := filepath.Abs("localaws.py")
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(home, "cloud.log"))
	require.NoError(t, err)
	process := exec.Command(filepath.Join(tools, "python"), launcher)
	process.Dir, process.Stdout, process.Stderr = home, log, log
	process.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "BIND_HOST=127.0.0.1",
		"GATEWAY_PORT=" + strings.TrimPrefix(address, "127.0.0.1:"),
		"AWS_ENDPOINT_URL=" + c.url, "PYTHONDONTWRITEBYTECODE=1", "LAMBDA_EXECUTOR=local",
	}
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that the functions that it runs end with it
	_, err = process.StdinPipe()                              // it ends with this process, even if a test panics
	require.NoError(t, err)
	require.NoError(t, process.Start())
	c.stop = func() {
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		_ = process.Wait()
		_ = log.Close()
		_ = os.RemoveAll(home)
	}
	if !assert.Eventually(t, func() bool {
		response, err := http.Get(c.url + "/_ministack/health")
		return err == nil && response.Body.Close() == nil
	}, time.Minute, 100*time.Millisecond) {
		output, _ := os.ReadFile(log.Name())
		c.stop()
		require.Fail(t, "ministack did not start", "%s", output)
	}
	return c
}

func (c *cloud) copyDeployedFiles(t *testing.T) {
	copyInfra(t, c.home)
	for _, function := range []string{"trigger", "datamover"} {
		binary, err := os.ReadFile(filepath.Join("../../.build", function, "bootstrap"))
		require.NoError(t, err)
		var packed bytes.Buffer
		w := zip.NewWriter(&packed)
		header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
		header.SetMode(0o755)
		file, err := w.CreateHeader(header)
		require.NoError(t, err)
		_, err = file.Write(binary)
		require.NoError(t, errors.Join(err, w.Close()))
		write(t, filepath.Join(c.home, "dist", function+".zip"), packed.Bytes())
	}
}

// copyInfra copies what deploy.sh needs of this folder's parent.
func copyInfra(t *testing.T, home string) {
	t.Helper()
	for _, name := range []string{"deploy.sh", "staging.yaml", "production.yaml"} {
		raw, err := os.ReadFile("../" + name)
		require.NoError(t, err)
		write(t, filepath.Join(home, "infra", name), raw)
	}
}

func write(t *testing.T, path string, raw []byte) {
	t.Helper()
	require.NoError(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, raw, 0o755)))
}

// config is an SDK configuration with the rights of an account's root user.
func (c *cloud) config(account string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &c.url,
		Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
	}
}

// env is the environment of a terminal with two profiles.
func (c *cloud) env(t *testing.T, stagingAccount, productionAccount string) []string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	var text strings.Builder
	for profile, account := range map[string]string{"staging": stagingAccount, "production": productionAccount} {
		fmt.Fprintf(&text, "[profile %s]\naws_access_key_id = %s\naws_secret_access_key = test\nregion = %s\n",
			profile, account, region)
	}
	require.NoError(t, os.WriteFile(config, []byte(text.String()), 0o600))
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.home, "AWS=" + filepath.Join(tools, "aws"), "AWS_ENDPOINT_URL=" + c.url,
		"AWS_CONFIG_FILE=" + config, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_PAGER=", "DEPLOY_OUT=" + t.TempDir(),
		"STAGING_PROFILE=staging", "PRODUCTION_PROFILE=production", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1",
	}
}

// deployer deploys the stacks from a terminal.
type deployer struct {
	*cloud
	environment                       []string
	stagingAccount, productionAccount string
}

func (c *cloud) deployer(t *testing.T, stagingAccount, productionAccount string) deployer {
	return deployer{c, c.env(t, stagingAccount, productionAccount), stagingAccount, productionAccount}
}

// deploy runs the script of the make targets and returns its output.
func (d deployer) deploy(command string, settings ...string) (output string, err error) {
	script := exec.Command(filepath.Join(d.home, "infra", "deploy.sh"), command)
	script.Env = append(d.environment, settings...)
	out, err := script.CombinedOutput()
	return string(out), err
}

// mustDeploy is deploy with every question answered yes. It fails the test if deploy does.
func (d deployer) mustDeploy(t *testing.T, command string, settings ...string) (output string) {
	t.Helper()
	output, err := d.deploy(command, append(settings, "CONFIRM=yes")...)
	require.NoError(t, err, output)
	return output
}

// aws runs the AWS CLI and decodes its output into into.
func (d deployer) aws(t *testing.T, profile string, into any, arguments ...string) {
	t.Helper()
	out, err := d.tryAWS(profile, arguments...)
	require.NoError(t, err, "%s", out)
	if into != nil {
		require.NoError(t, json.Unmarshal(out, into), "%s", out)
	}
}

func (d deployer) tryAWS(profile string, arguments ...string) ([]byte, error) {
	cli := exec.Command(filepath.Join(tools, "aws"), append(arguments, "--profile", profile, "--output", "json")...)
	cli.Env = d.environment
	return cli.CombinedOutput()
}

// outputs returns the outputs of a deployed stack.
func (d deployer) outputs(t *testing.T, profile, stack string) map[string]string {
	t.Helper()
	var described struct {
		Stacks []struct {
			Outputs []struct{ OutputKey, OutputValue string }
		}
	}
	d.aws(t, profile, &described, "cloudformation", "describe-stacks", "--stack-name", stack)
	outputs := map[string]string{}
	for _, o := range described.Stacks[0].Outputs {
		outputs[o.OutputKey] = o.OutputValue
	}
	return outputs
}

// resources returns the types of a deployed stack's resources, by logical id.
func (d deployer) resources(t *testing.T, profile, stack string) map[string]string {
	t.Helper()
	var listed struct {
		StackResourceSummaries []struct{ LogicalResourceId, ResourceType, ResourceStatus string }
	}
	d.aws(t, profile, &listed, "cloudformation", "list-stack-resources", "--stack-name", stack)
	types := map[string]string{}
	for _, r := range listed.StackResourceSummaries {
		require.Contains(t, r.ResourceStatus, "COMPLETE", r.LogicalResourceId)
		types[r.LogicalResourceId] = r.ResourceType
	}
	return types
}
