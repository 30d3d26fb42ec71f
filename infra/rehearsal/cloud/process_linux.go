package cloud

import "syscall"

// ownGroup: no signal of the terminal reaches moto, and it does not outlive an aborted rehearsal.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
