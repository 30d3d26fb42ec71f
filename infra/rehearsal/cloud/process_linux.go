package cloud

import "syscall"

// ownGroup keeps signals of the terminal from moto, and ends it with an aborted rehearsal.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
