// Package version names the build of the functions and of bulk.
package version

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// unknown is what a build of an archive of the source says.
const unknown = "unknown (not built from a git checkout)"

// String returns the version and the commit of this binary, as the go command recorded them.
func String() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	return describe(info)
}

func describe(info *debug.BuildInfo) string {
	recorded := map[string]string{}
	for _, s := range info.Settings {
		recorded[s.Key] = s.Value
	}
	version, commit := strings.TrimSuffix(info.Main.Version, "+dirty"), recorded["vcs.revision"]
	switch {
	case commit == "" && (version == "" || version == "(devel)"):
		return unknown
	case commit == "":
		return version // of go install
	case recorded["vcs.modified"] == "true":
		return fmt.Sprintf("%s (commit %.12s, with local changes)", version, commit)
	}
	return fmt.Sprintf("%s (commit %.12s)", version, commit)
}
