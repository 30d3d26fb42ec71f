package lambdahost

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// Launch starts a process in a group of its own, so that signals of the terminal do not reach it. In Linux it ends with
// an aborted rehearsal.
func Launch(cmd *exec.Cmd) error {
	cmd.SysProcAttr = processAttributes()
	result := make(chan error)
	launches() <- func() { result <- cmd.Start() }
	return <-result
}

// launches are done by one thread that lives as long as this process: a child's death signal is tied to the thread that
// started it, see prctl(2).
var launches = sync.OnceValue(func() chan<- func() {
	queue := make(chan func())
	go func() {
		runtime.LockOSThread()
		for launch := range queue {
			launch()
		}
	}()
	return queue
})

func signalGroup(p *os.Process, s syscall.Signal) { _ = syscall.Kill(-p.Pid, s) }

// peakMemory is the process's largest resident set in bytes, 0 if unknown.
func peakMemory(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	_, _ = fmt.Sscan(after, &kB)
	return kB * 1024
}
