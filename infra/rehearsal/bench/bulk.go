package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// child is one run of the built bulk.
type child struct {
	took time.Duration
	peak int64 // memory, 0 if it is unknown
	out  []byte
}

// runBulk runs bulk in a folder of its own.
func runBulk(ctx context.Context, bulk string, env map[string]string, args ...string) (c child, err error) {
	dir, err := os.MkdirTemp("", "spaceport-bulk-")
	if err != nil {
		return c, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var out, errs bytes.Buffer
	cmd := spaceport.Command(ctx, bulk, dir, env, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return c, err
	}
	peak := watchMemory(cmd.Process.Pid)
	err = cmd.Wait()
	c = child{took: time.Since(began), peak: peak(), out: out.Bytes()}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, errs.String())
	}
	return c, err
}

// watchMemory follows a process's largest resident set until peak is called, in bytes; 0 if it is unknown. The
// ru_maxrss of a child is of no use: in Linux it starts at what its parent had when the child was forked.
func watchMemory(pid int) (peak func() int64) {
	stop, known := make(chan struct{}), make(chan int64)
	go func() {
		var kB int64
		for every := time.NewTicker(10 * time.Millisecond); ; {
			_, _ = fmt.Sscan(field(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:"), &kB) // fails once the process has ended
			select {
			case <-every.C:
			case <-stop:
				every.Stop()
				known <- kB << 10
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-known }
}
