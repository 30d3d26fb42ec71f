package bench

import (
	"fmt"
	"os"
	"time"
)

func functionsSection(empty, trigger, hook *subject, triggerZip, hookZip int64) section {
	row := func(what string, of func(*subject) string) []string {
		return []string{what, of(empty), of(trigger), of(hook)}
	}
	return section{
		title: "The functions as built for deployment, over the Lambda Runtime API",
		how: fmt.Sprintf("Each %d times cold, in turn, with %d warm invocations after, then %d times warm; after an uncounted round.\n"+
			"empty: a Go function that does nothing, built with the same flags. trigger: a migrating sign-in. datamover: the hook at\n"+
			"a first sign-in, with %d rows of 1 KB to move. The cloud's share is what a function waits for its requests.",
			coldStarts, warmEach, steady, hookProjects+1),
		table: [][]string{
			{"", "empty", "trigger", "datamover"},
			row("init, ms", func(f *subject) string { return milliseconds(median(f.init)) }),
			row("first invocation, ms", func(f *subject) string { return milliseconds(median(f.first)) }),
			row("  without the cloud's share", func(f *subject) string { return milliseconds(median(f.firstOwn)) }),
			row("warm invocation, ms", func(f *subject) string { return milliseconds(median(f.warm)) }),
			row("  without the cloud's share", func(f *subject) string { return milliseconds(median(f.warmOwn)) }),
			row("peak resident memory, MB", func(f *subject) string { return megabytes(f.peak) }),
			{"zip that make build made, MB", "", megabytes(triggerZip), megabytes(hookZip)},
		},
		promises: []promise{
			timesAtMost("init of the trigger over that of an empty function", ratio(trigger.init, empty.init), 4),
			timesAtMost("init of the datamover over that of an empty function", ratio(hook.init, empty.init), 4),
			timesAtMost("first invocation of the trigger over a warm one", ratio(trigger.first, trigger.warm), 3),
			timesAtMost("first invocation of the hook over a warm one", ratio(hook.first, hook.warm), 3),
			megabytesBelow("resident memory of the trigger", trigger.peak, 24),
		},
	}
}

func ratio[T int64 | float64 | time.Duration](a, b []T) float64 { return float64(median(a)) / float64(median(b)) }

func zipSize(path string) (int64, error) {
	file, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("%w (make build makes it)", err)
	}
	return file.Size(), nil
}
