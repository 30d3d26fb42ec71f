package lambdahost

import (
	"io"
	"log"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// grace is the time between SIGTERM and SIGKILL.
// Guide: Understanding the Lambda execution environment lifecycle, Shutdown phase.
const grace = 500 * time.Millisecond

// environment is one process with a runtime API of its own: the variable
// AWS_LAMBDA_RUNTIME_API holds a host and a port only, so the port tells
// environments apart. At any time it serves one invocation or is idle.
type environment struct {
	fn      *function
	cmd     *exec.Cmd
	server  *http.Server
	started time.Time

	ready   chan struct{}        // the runtime has asked for its next invocation
	work    chan *call           // ... and receives it
	current atomic.Pointer[call] // delivered and not answered
	exited  chan struct{}        // closed when the process has ended and was removed
}

func (h *Host) start(fn *function) (*environment, error) {
	h.mu.Lock() // held throughout, so that Kill and Close miss none
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{
		fn:     fn,
		ready:  make(chan struct{}),
		work:   make(chan *call),
		exited: make(chan struct{}),
	}
	e.server = &http.Server{Handler: e.runtimeAPI(), ErrorLog: log.New(io.Discard, "", 0)}
	h.wg.Go(func() { _ = e.server.Serve(listener) })
	if err := h.startProcess(e, listener.Addr().String()); err != nil {
		_ = e.server.Close()
		_ = listener.Close() // Serve may not have taken it yet
		return nil, err
	}
	h.environments[e] = struct{}{}
	h.wg.Go(func() { h.reap(e) })
	return e, nil
}

func (h *Host) startProcess(e *environment, runtimeAPI string) error {
	e.cmd = exec.Command(e.fn.Binary)
	e.cmd.Dir = filepath.Dir(e.fn.Binary)
	e.cmd.Env = h.variables(e.fn, runtimeAPI)
	e.cmd.Stdout, e.cmd.Stderr = e.fn.log.file, e.fn.log.file
	e.started = time.Now()
	return Launch(e.cmd)
}

func (h *Host) reap(e *environment) {
	_ = e.cmd.Wait() // how it ended is in cmd.ProcessState
	_ = e.server.Close()
	h.mu.Lock()
	delete(h.environments, e)
	e.fn.idle = slices.DeleteFunc(e.fn.idle, func(other *environment) bool { return other == e })
	h.mu.Unlock()
	close(e.exited)
}

func (e *environment) kill() {
	e.signal(syscall.SIGKILL)
	<-e.exited
}

// signal reaches a process that may have ended.
func (e *environment) signal(s syscall.Signal) {
	select {
	case <-e.exited:
	default:
		signalGroup(e.cmd.Process, s)
	}
}

// stop ends environments, all at once, and waits for them.
func stop(all []*environment) {
	var wg sync.WaitGroup
	for _, e := range all {
		wg.Go(func() {
			e.signal(syscall.SIGTERM)
			select {
			case <-e.exited:
			case <-time.After(grace):
				e.kill()
			}
		})
	}
	wg.Wait()
}

// exitText is Lambda's message for the end of a runtime.
func (e *environment) exitText() string {
	if e.cmd.ProcessState.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + e.cmd.ProcessState.String()
}

// takeIdle returns the most recently used idle environment, or nil.
func (h *Host) takeIdle(fn *function) *environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(fn.idle) == 0 {
		return nil
	}
	e := fn.idle[len(fn.idle)-1]
	fn.idle = fn.idle[:len(fn.idle)-1]
	return e
}

// release makes an environment idle.
func (h *Host) release(e *environment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, alive := h.environments[e]; alive {
		e.fn.idle = append(e.fn.idle, e)
	}
}

// initLimit is how long a process may take until it requests its first invocation.
// Guide: Understanding the Lambda execution environment lifecycle, Init phase.
const initLimit = 10 * time.Second

// coldStart starts an environment and waits for its first request for work. Unlike Lambda, it does not try again.
func (h *Host) coldStart(fn *function, inv *Invocation) (*environment, *answer) {
	begin := time.Now()
	inv.Cold = true
	defer func() { inv.InitDuration = time.Since(begin) }()

	e, err := h.start(fn)
	if err != nil {
		a := lambdaError(inv.RequestID, "Runtime.InvalidEntrypoint", err.Error())
		return nil, &a
	}
	timer := time.NewTimer(initLimit)
	defer timer.Stop()
	var a answer
	select {
	case <-e.ready:
		return e, nil
	case <-e.exited:
		a = lambdaError(inv.RequestID, "Runtime.ExitError", e.exitText())
	case <-timer.C:
		e.kill()
		a = timedOut(inv.RequestID, fn)
	}
	return nil, &a
}
