package lambdahost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"
)

// TestMain makes the test's own binary the bootstrap of the functions under
// test, with the real runtime library.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("INIT") == "crash" {
		fmt.Println("init crashed")
		os.Exit(3)
	}
	lambda.Start(handle)
}

type request struct {
	Echo  string        `json:",omitempty"`
	Do    string        `json:",omitempty"`
	Sleep time.Duration `json:",omitempty"`
}

type reply struct {
	Echo      string
	PID       int
	RequestID string
	ARN       string
	Left      time.Duration // until the deadline
	Env       []string
	Dir       string
}

type namedError struct{}

func (namedError) Error() string { return "named" }

func handle(ctx context.Context, r request) (reply, error) {
	fmt.Println("out", r.Echo)
	fmt.Fprintln(os.Stderr, "err", r.Echo)
	time.Sleep(r.Sleep)
	switch r.Do {
	case "fail":
		return reply{}, namedError{}
	case "panic":
		panic(errors.New("at the disco"))
	case "exit":
		os.Exit(0)
	}
	deadline, _ := ctx.Deadline()
	lc, _ := lambdacontext.FromContext(ctx)
	dir, _ := os.Getwd()
	return reply{
		Echo: r.Echo, PID: os.Getpid(), RequestID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn,
		Left: time.Until(deadline), Env: os.Environ(), Dir: dir,
	}, nil
}

func newHost(t *testing.T, o Options) *Host {
	t.Helper()
	return hostOf(t, o, Function{})
}

// hostOf has the function "fn" with this configuration.
func hostOf(t *testing.T, o Options, f Function) *Host {
	t.Helper()
	h := New(o)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	binary, err := os.Executable()
	require.NoError(t, err)
	f.Name, f.Binary = "fn", binary
	if f.Timeout == 0 {
		f.Timeout = time.Minute
	}
	require.NoError(t, h.Create(f))
	return h
}

func invoke(t *testing.T, h *Host, r request) Invocation {
	t.Helper()
	payload, err := json.Marshal(r)
	require.NoError(t, err)
	inv, err := h.Invoke(t.Context(), "fn", payload)
	require.NoError(t, err)
	return inv
}

func decode(t *testing.T, inv Invocation) (r reply) {
	t.Helper()
	require.Nil(t, inv.Error)
	require.NoError(t, json.Unmarshal(inv.Response, &r))
	return r
}

// running waits until the function has begun the work of that name.
func running(t *testing.T, h *Host, echo string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return bytes.Contains(h.Log("fn"), []byte("err "+echo+"\n"))
	}, 30*time.Second, time.Millisecond)
}
