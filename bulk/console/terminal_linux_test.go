package console

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// terminal returns a new pseudo-terminal of that width; 0: it does not tell one.
func terminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ptmx.Close() })
	control := func(request uintptr, value unsafe.Pointer) {
		_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, ptmx.Fd(), request, uintptr(value))
		require.Zero(t, failed)
	}
	var unlock, number int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&[4]uint16{24, columns}))
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tty.Close() })
	return tty
}

func TestStandard(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer file.Close()
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	for name, tt := range map[string]struct {
		out           *os.File
		noColor, term string
		columns       int
		color, bars   bool
	}{
		"a terminal":                   {terminal(t, 60), "", "xterm", 60, true, true},
		"a terminal that does not say": {terminal(t, 0), "", "xterm", 80, true, true},
		"NO_COLOR":                     {terminal(t, 60), "1", "xterm", 60, false, true},
		"a terminal that cannot draw":  {terminal(t, 60), "", "dumb", 60, false, false},
		"a file":                       {file, "", "xterm", 0, false, false},
	} {
		os.Stdout, os.Stderr = tt.out, tt.out
		t.Setenv("NO_COLOR", tt.noColor)
		t.Setenv("TERM", tt.term)
		s := Standard()
		assert.Equal(t, []any{tt.columns, tt.columns, tt.color, tt.bars},
			[]any{s.OutColumns, s.ErrColumns, s.Color, s.ErrTerminal}, name)
	}
}
