//go:build !linux

package lambdahost

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return nil }

func signalGroup(p *os.Process, s syscall.Signal) { _ = p.Signal(s) }

func peakMemory(int) int64 { return 0 }
