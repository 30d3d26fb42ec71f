package lambdahost

import (
	"context"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKill(t *testing.T) {
	h := newHost(t, Options{})
	assert.Zero(t, h.Kill("fn"))
	result := make(chan Invocation)
	go func() {
		inv, err := h.Invoke(context.Background(), "fn", []byte(`{"Echo":"victim","Sleep":3600000000000}`))
		assert.NoError(t, err)
		result <- inv
	}()
	running(t, h, "victim")
	assert.Equal(t, 1, h.Kill("fn"))
	assert.Empty(t, h.Processes("fn"))
	inv := <-result
	assert.Equal(t, "Runtime.ExitError", inv.Error.Type)
	assert.Equal(t, "RequestId: "+inv.RequestID+" Error: Runtime exited with error: signal: killed", inv.Error.Message)

	assert.True(t, invoke(t, h, request{}).Cold)
	assert.Equal(t, 1, h.Kill("fn"), "idle ones as well")
	assert.True(t, invoke(t, h, request{}).Cold)
	h.Recycle("fn")
	assert.Empty(t, h.Processes("fn"))
	assert.True(t, invoke(t, h, request{}).Cold)
	h.Recycle("other")
}

func TestClose(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	h := newHost(t, Options{RetryDelays: [2]time.Duration{time.Hour, time.Hour}})
	idle := decode(t, invoke(t, h, request{})).PID
	require.NoError(t, h.InvokeEvent("fn", []byte(`{"Do":"fail"}`)), "waits for its second attempt")
	require.NoError(t, h.InvokeEvent("fn", []byte(`{"Echo":"busy","Sleep":3600000000000}`)))
	running(t, h, "busy")
	pids := h.Processes("fn")
	assert.Contains(t, pids, idle)

	require.NoError(t, h.Close())
	for _, pid := range pids {
		assert.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	}
	assert.Empty(t, h.Processes("fn"))
	for _, inv := range h.Invocations() {
		assert.False(t, inv.Running)
	}
	assert.Contains(t, string(h.Log("fn")), "out busy\n", "the log can still be read")
	_, err := h.Invoke(t.Context(), "fn", nil)
	assert.ErrorIs(t, err, ErrClosed)
	assert.ErrorIs(t, h.InvokeEvent("fn", nil), ErrClosed)
	binary, _ := os.Executable()
	assert.ErrorIs(t, h.Create(Function{Name: "fn", Binary: binary}), ErrClosed)
	require.NoError(t, h.Close(), "a second call does nothing")
	assert.Eventually(t, func() bool {
		return runtime.NumGoroutine() <= goroutines+1 // Eventually's own
	}, 10*time.Second, 10*time.Millisecond)
}

func TestCloseWhileBusy(t *testing.T) {
	h := newHost(t, Options{Concurrency: 4})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				if _, err := h.Invoke(context.Background(), "fn", nil); err != nil {
					assert.ErrorIs(t, err, ErrClosed)
					return
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	go h.Kill("fn")
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, h.Close())
	wg.Wait()
	assert.Empty(t, h.Processes("fn"))
}

func TestOnLog(t *testing.T) {
	h := newHost(t, Options{})
	var lines []string // not guarded: the tap is not called concurrently
	h.OnLog(func(name string, line []byte) { lines = append(lines, name+": "+string(line)) })
	invoke(t, h, request{Echo: "a"})
	invoke(t, h, request{Echo: "b"})
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"fn: out a", "fn: err a", "fn: out b", "fn: err b"}, lines)
}
