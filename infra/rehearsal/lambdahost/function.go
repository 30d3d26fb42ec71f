package lambdahost

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Function is a function's configuration.
type Function struct {
	Name    string
	Binary  string            // path of the executable
	Env     map[string]string // besides what Lambda sets; credentials and AWS_ENDPOINT_URL go here
	Timeout time.Duration     // 3 s if zero, as in Lambda
	Memory  int               // MB, 128 if zero; passed to the function, not enforced
	Policy  string            // resource policy, JSON; shown, not enforced
}

type function struct {
	Function
	log  *functionLog
	idle []*environment // the most recently used last; each waits at its /next
}

// Create adds a function.
func (h *Host) Create(f Function) error {
	fn, err := newFunction(f)
	if err != nil {
		return fmt.Errorf("create function %q: %w", f.Name, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.functions[f.Name] = fn
	return nil
}

func newFunction(f Function) (*function, error) {
	var err error
	if f.Binary, err = filepath.Abs(f.Binary); err != nil {
		return nil, err
	}
	if _, err := os.Stat(f.Binary); err != nil {
		return nil, err
	}
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second // Guide: Configure Lambda function timeout
	}
	if f.Memory == 0 {
		f.Memory = 128 // Guide: Configure Lambda function memory
	}
	log, err := newFunctionLog()
	return &function{Function: f, log: log}, err
}

// variables is the whole environment of the function's processes, without
// AWS_EXECUTION_ENV: OS-only runtimes do not have it.
// Guide: Working with Lambda environment variables, Defined runtime environment variables.
func (h *Host) variables(fn *function, runtimeAPI string) []string {
	stream := fmt.Sprintf("%s/[$LATEST]%s", time.Now().UTC().Format("2006/01/02"), randomHex(16))
	env := []string{
		"LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ=:UTC",
	}
	for key, value := range fn.Env {
		env = append(env, key+"="+value)
	}
	return append(env,
		"_HANDLER=bootstrap",
		"AWS_DEFAULT_REGION="+h.options.Region,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(fn.Memory),
		"AWS_LAMBDA_FUNCTION_NAME="+fn.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/"+fn.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME="+stream,
		"AWS_LAMBDA_RUNTIME_API="+runtimeAPI,
		"AWS_REGION="+h.options.Region,
		"LAMBDA_RUNTIME_DIR=/var/runtime",
		"LAMBDA_TASK_ROOT="+filepath.Dir(fn.Binary),
	)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: see crypto/rand
	return fmt.Sprintf("%x", b)
}
