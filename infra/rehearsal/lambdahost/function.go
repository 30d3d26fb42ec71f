package lambdahost

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// reserved variables cannot be configured. The credentials, which Lambda
// reserves too, are allowed: there is no role here to provide them.
// Guide: Working with Lambda environment variables, Defined runtime environment variables.
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// Create adds a function or replaces the one of that name: its idle
// environments are stopped, running ones after their current invocation.
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
	if h.logs[f.Name] == nil {
		if h.logs[f.Name], err = newFunctionLog(); err != nil {
			return fmt.Errorf("create log of %q: %w", f.Name, err)
		}
	}
	fn.log = h.logs[f.Name]
	if before := h.functions[f.Name]; before != nil {
		idle := before.idle
		before.idle = nil
		h.wg.Go(func() { stop(idle) })
	}
	h.functions[f.Name] = fn
	return nil
}

func newFunction(f Function) (*function, error) {
	if f.Name == "" || strings.ContainsAny(f.Name, ":/") {
		return nil, errors.New("not a function name")
	}
	for key := range f.Env {
		if slices.Contains(reserved, key) {
			return nil, fmt.Errorf("environment variable %s is reserved by Lambda", key)
		}
	}
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
	return &function{Function: f}, nil
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
