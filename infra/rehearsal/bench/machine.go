package bench

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes the machine that the figures were measured on.
func machine() string {
	return fmt.Sprintf("%s, %d cores, %s %s/%s", cmp.Or(field("/proc/cpuinfo", "model name\t:"), "unknown processor"),
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// field returns what follows a name at the beginning of a line, or "".
func field(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if after, ok := strings.CutPrefix(lines.Text(), name); ok {
			return strings.TrimSpace(after)
		}
	}
	return ""
}
