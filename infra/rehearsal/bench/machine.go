package bench

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes the machine that the figures were measured on, outside Linux with less detail.
func machine() string {
	system := strings.Trim(field("/etc/os-release", "PRETTY_NAME="), `"`)
	if system == "" {
		system = runtime.GOOS
	}
	var kB float64
	_, _ = fmt.Sscan(field("/proc/meminfo", "MemTotal:"), &kB)
	parts := []string{
		field("/proc/cpuinfo", "model name\t:"), fmt.Sprintf("%d cores", runtime.NumCPU()),
		fmt.Sprintf("%.0f GB", kB/(1<<20)), system, runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
	var known []string
	for _, part := range parts {
		if part != "" && part != "0 GB" {
			known = append(known, part)
		}
	}
	return strings.Join(known, ", ")
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
