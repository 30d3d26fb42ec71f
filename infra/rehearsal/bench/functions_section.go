package bench

import (
	"fmt"
	"os"
)

func functionsSection(empty, trigger, hook *subject, zips []string) section {
	row := func(what string, of func(*subject) string) []string {
		return []string{what, of(empty), of(trigger), of(hook)}
	}
	return section{
		title: "The functions as built for deployment, through the Lambda Runtime API",
		how: fmt.Sprintf(
			"Each %d times cold, in turn, with %d warm invocations after, then %d times warm; after an uncounted round.\n"+
				"empty: a Go function that does nothing, built with the same flags. trigger: a migrating sign-in. datamover: the\n"+
				"hook at a first sign-in, with %d rows of 1 KB to move. The wait is for requests to the cloud. Memory is the maximum.",
			coldStarts,
			warmEach,
			steady,
			hookProjects+1,
		),
		table: [][]string{
			{"", "empty", "trigger", "datamover"},
			row("init, ms", func(f *subject) string { return milliseconds(median(f.init)) }),
			row("first invocation, ms", func(f *subject) string { return milliseconds(median(f.first)) }),
			row("  without the wait for the cloud, ms", func(f *subject) string { return milliseconds(median(f.firstOwn)) }),
			row("warm invocation, ms", func(f *subject) string { return milliseconds(median(f.warm)) }),
			row("  without the wait for the cloud, ms", func(f *subject) string { return milliseconds(median(f.warmOwn)) }),
			row("peak resident memory, MB", func(f *subject) string { return megabytes(f.peak) }),
			zips,
		},
		thresholds: []threshold{
			timesAtMost("init of the trigger over that of an empty function", ratio(trigger.init, empty.init), 4),
			timesAtMost("init of the datamover over that of an empty function", ratio(hook.init, empty.init), 4),
			timesAtMost("first invocation of the trigger over a warm one", ratio(trigger.first, trigger.warm), 3),
			timesAtMost("the same without the wait for the cloud, trigger", ratio(trigger.firstOwn, trigger.warmOwn), 3),
			timesAtMost("first invocation of the hook over a warm one", ratio(hook.first, hook.warm), 3),
			timesAtMost("the same without the wait for the cloud, hook", ratio(hook.firstOwn, hook.warmOwn), 3),
			megabytesBelow("resident memory of the trigger", trigger.peak, 24),
		},
	}
}

func zipSize(path string) (string, error) {
	file, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%w (make build makes it)", err)
	}
	return megabytes(file.Size()), nil
}
