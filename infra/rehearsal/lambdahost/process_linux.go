package lambdahost

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// processAttributes keeps signals of the terminal from functions, and ends them
// with an aborted rehearsal.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func signalGroup(p *os.Process, s syscall.Signal) {
	_ = syscall.Kill(-p.Pid, s)
}

// peakMemory is the process's largest resident set in bytes, 0 if unknown.
func peakMemory(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	_, _ = fmt.Sscan(after, &kB)
	return kB * 1024
}
