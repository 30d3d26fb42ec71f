package page

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// openBrowser starts Chromium and ends it with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path := findChromium()
	if path == "" {
		spaceporttest.Need(t, errors.New("Chromium is not installed: run make browser, or set CHROMIUM"))
	}
	t.Setenv("TMPDIR", t.TempDir()) // for its profile and its other files
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage",
		"disable-extensions",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	options = append(options, chromedp.Flag("hide-scrollbars", false)) // chromedp.Headless hides them
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(browser) // waits until it has ended
		stop()
	})
	require.NoError(t, chromedp.Do(browser), "start %s", path)
	return browser
}

func findChromium() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
