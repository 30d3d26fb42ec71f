package version

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDescribe(t *testing.T) {
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	clean := debug.BuildSetting{Key: "vcs.modified", Value: "false"}
	for _, tt := range []struct {
		name, version string
		recorded      []debug.BuildSetting
		want          string
	}{
		{"a tag", "v1.2.3", []debug.BuildSetting{commit, clean}, "v1.2.3 (commit 0123456789ab)"},
		{"local changes", "v1.2.3+dirty", []debug.BuildSetting{commit, modified},
			"v1.2.3 (commit 0123456789ab, with local changes)"},
		{"go install", "v1.2.3", nil, "v1.2.3"},
		{"an archive of the source", "(devel)", nil, "unknown (not built from a git checkout)"},
		{"a test", "", nil, "unknown (not built from a git checkout)"},
	} {
		assert.Equal(t, tt.want, describe(&debug.BuildInfo{
			Main: debug.Module{Version: tt.version}, Settings: tt.recorded,
		}), tt.name)
	}
}
