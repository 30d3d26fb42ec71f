package lambdahost

import (
	"bytes"
	"io"
	"math"
	"os"
)

// functionLog is what all environments of a function wrote. They write to a
// file, not to a pipe: when an invocation returns, all that it wrote is there.
// They share one open file and so its position, so each write appends.
type functionLog struct {
	file   *os.File
	tapped int64 // bytes that the tap has seen; under Host.tapping
}

// newFunctionLog uses a file without a name, so that none is left behind. It
// stays readable after Close, and is closed with the last reference to it.
func newFunctionLog() (*functionLog, error) {
	file, err := os.CreateTemp("", "lambda-log-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name())
	return &functionLog{file: file}, nil
}

func (l *functionLog) from(offset int64) []byte {
	// Reading does not fail: the file is open and has no name.
	b, _ := io.ReadAll(io.NewSectionReader(l.file, offset, math.MaxInt64-offset))
	return b
}

// Log returns stdout and stderr of all environments of the function, as written.
func (h *Host) Log(name string) []byte {
	h.mu.Lock()
	fn := h.functions[name]
	h.mu.Unlock()
	if fn == nil {
		return nil
	}
	return fn.log.from(0)
}

// OnLog calls tap with each complete line that functions write, without its
// newline, before the invocation returns. The tap is not called concurrently; it
// must not invoke functions.
func (h *Host) OnLog(tap func(name string, line []byte)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tap = tap
}

// flush gives the tap the lines that it has not seen.
func (h *Host) flush(fn *function) {
	h.mu.Lock()
	tap := h.tap
	h.mu.Unlock()
	if tap == nil {
		return
	}
	h.tapping.Lock()
	defer h.tapping.Unlock()
	for line := range bytes.Lines(fn.log.from(fn.log.tapped)) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			return // not complete
		}
		fn.log.tapped += int64(len(line))
		tap(fn.Name, bytes.TrimSuffix(line, []byte("\n")))
	}
}
