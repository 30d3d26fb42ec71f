package lambdahost

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInvoke(t *testing.T) {
	h := newHost(t, Options{Region: "eu-central-1", Account: "111111111111"})

	cold := invoke(t, h, request{Echo: "one"})
	r := decode(t, cold)
	assert.Equal(t, "one", r.Echo)
	assert.Equal(t, cold.RequestID, r.RequestID)
	assert.Equal(t, "arn:aws:lambda:eu-central-1:111111111111:function:fn", r.ARN)
	assert.InDelta(t, time.Minute, r.Left, float64(5*time.Second))
	assert.Equal(t, []int{r.PID}, h.Processes("fn"))
	assert.True(t, cold.Cold)
	assert.Positive(t, cold.InitDuration)
	assert.Positive(t, cold.Duration)
	assert.Greater(t, cold.MaxRSS, int64(1<<20))

	warm := invoke(t, h, request{Echo: "two"})
	assert.Equal(t, r.PID, decode(t, warm).PID)
	assert.False(t, warm.Cold)
	assert.Zero(t, warm.InitDuration)
	assert.Equal(t, []Invocation{cold, warm}, h.Invocations())
	assert.Equal(t, "out one\nerr one\nout two\nerr two\n", string(h.Log("fn")))
}

func TestInvokeErrors(t *testing.T) {
	h := newHost(t, Options{})

	failed := invoke(t, h, request{Do: "fail"})
	assert.Equal(t, &FunctionError{Type: "namedError", Message: "named"}, failed.Error)
	assert.JSONEq(t, `{"errorMessage":"named","errorType":"namedError"}`, string(failed.Response))
	assert.False(t, invoke(t, h, request{}).Cold, "an error does not end the environment")

	panicked := invoke(t, h, request{Do: "panic"})
	assert.Equal(t, &FunctionError{Type: "errorString", Message: "at the disco"}, panicked.Error)
	assert.Contains(t, string(panicked.Response), "stackTrace")
	assert.Empty(t, h.Processes("fn"), "a panic ends it")

}

// TestEnds: how an invocation ends whose process ends.
func TestEnds(t *testing.T) {
	for name, test := range map[string]struct {
		function      Function
		request       request
		kind, message string
	}{
		"exit": {Function{}, request{Do: "exit"}, "Runtime.ExitError", "Runtime exited without providing a reason"},
		"timeout": {Function{Timeout: 250 * time.Millisecond}, request{Sleep: time.Hour}, "Sandbox.Timedout",
			"Task timed out after 0.25 seconds"},
		"init": {Function{Env: map[string]string{"INIT": "crash"}}, request{}, "Runtime.ExitError",
			"Runtime exited with error: exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			h := hostOf(t, Options{}, test.function)
			inv := invoke(t, h, test.request)
			assert.Equal(t, test.kind, inv.Error.Type)
			assert.Equal(t, "RequestId: "+inv.RequestID+" Error: "+test.message, inv.Error.Message)
			assert.Empty(t, h.Processes("fn"))
			assert.Equal(t, name == "init", strings.Contains(string(h.Log("fn")), "init crashed\n"))
		})
	}
}

func TestNotExecutable(t *testing.T) {
	h := New(Options{})
	defer h.Close()
	file := filepath.Join(t.TempDir(), "bootstrap")
	assert.ErrorIs(t, h.Create(Function{Name: "fn", Binary: file}), os.ErrNotExist)
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, h.Create(Function{Name: "fn", Binary: file}))
	assert.Equal(t, "Runtime.InvalidEntrypoint", invoke(t, h, request{}).Error.Type)
}

func TestConcurrency(t *testing.T) {
	h := newHost(t, Options{Concurrency: 3})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, err := h.Invoke(t.Context(), "fn", []byte(`{"Echo":"busy","Sleep":1500000000}`))
			assert.NoError(t, err)
		})
	}
	require.Eventually(t, func() bool {
		return strings.Count(string(h.Log("fn")), "err busy\n") == 3
	}, 30*time.Second, time.Millisecond)
	assert.Len(t, h.Processes("fn"), 3)
	_, err := h.Invoke(t.Context(), "fn", nil)
	assert.ErrorIs(t, err, ErrThrottled)
	require.NoError(t, h.InvokeEvent("fn", []byte(`{"Echo":"later"}`)), "an event waits")
	wg.Wait()
	require.NoError(t, h.Idle(t.Context()))

	all := h.Invocations()
	require.Len(t, all, 4)
	assert.False(t, all[3].Cold)
	assert.Equal(t, "later", decode(t, all[3]).Echo)
	assert.Len(t, h.Processes("fn"), 3)
}

func TestCallerGone(t *testing.T) {
	h := newHost(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := h.Invoke(ctx, "fn", []byte(`{"Echo":"alone","Sleep":500000000}`))
		result <- err
	}()
	running(t, h, "alone")
	cancel()
	assert.ErrorIs(t, <-result, context.Canceled)
	assert.True(t, h.Invocations()[0].Running)

	require.NoError(t, h.Idle(t.Context()))
	inv := h.Invocations()[0]
	assert.False(t, inv.Running)
	assert.Equal(t, "alone", decode(t, inv).Echo)

	_, err := h.Invoke(ctx, "fn", nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Len(t, h.Invocations(), 1, "not begun")
}

func TestEnvironmentVariables(t *testing.T) {
	t.Setenv("SECRET_OF_THIS_MACHINE", "hunter2")
	t.Setenv("AWS_PROFILE", "admin")
	h := hostOf(t, Options{Region: "eu-central-1"}, Function{Memory: 512, Env: map[string]string{
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "key", "TZ": "Europe/Berlin",
	}})
	r := decode(t, invoke(t, h, request{}))

	env := map[string]string{}
	for _, v := range r.Env {
		key, value, _ := strings.Cut(v, "=")
		env[key] = value
	}
	assert.Regexp(t, `^127\.0\.0\.1:\d+$`, env["AWS_LAMBDA_RUNTIME_API"])
	assert.Regexp(t, `^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`, env["AWS_LAMBDA_LOG_STREAM_NAME"])
	for _, key := range []string{
		"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME",
		"_X_AMZN_TRACE_ID", // set by the runtime library
	} {
		assert.NotEmpty(t, env[key], key)
		delete(env, key)
	}
	assert.Equal(t, map[string]string{
		"AWS_ACCESS_KEY_ID":               "key",
		"AWS_DEFAULT_REGION":              "eu-central-1",
		"AWS_ENDPOINT_URL":                "http://127.0.0.1:1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
		"AWS_LAMBDA_FUNCTION_NAME":        "fn",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/fn",
		"AWS_REGION":                      "eu-central-1",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                r.Dir,
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":                              "Europe/Berlin",
		"_HANDLER":                        "bootstrap",
	}, env)
}
