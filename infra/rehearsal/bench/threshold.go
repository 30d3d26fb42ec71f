package bench

import (
	"fmt"
	"strings"
)

// threshold is a limit that the README states, and what was measured.
type threshold struct {
	what            string
	measured, bound string
	met             bool
}

// timesAtMost is met if a ratio is at most bound.
func timesAtMost(what string, ratio, bound float64) threshold {
	return threshold{
		what: what, measured: fmt.Sprintf("%.2f ×", ratio), bound: fmt.Sprintf("at most %g ×", bound),
		met: ratio > 0 && ratio <= bound, // not if nothing was measured: 0, or 0/0
	}
}

// shareAtLeast is met if a share is at least bound.
func shareAtLeast(what string, share, bound float64) threshold {
	return threshold{
		what: what, measured: fmt.Sprintf("%.3f", share), bound: fmt.Sprintf("at least %g", bound), met: share >= bound,
	}
}

func megabytesBelow(what string, bytes, bound int64) threshold {
	return threshold{
		what: what, measured: megabytes(bytes) + " MB", bound: fmt.Sprintf("below %d MB", bound),
		met: bytes > 0 && bytes < bound<<20,
	}
}

func (t threshold) status() string {
	if t.met {
		return "ok"
	}
	return "FAILED"
}

func summary(all []threshold) string {
	met := 0
	for _, t := range all {
		if t.met {
			met++
		}
	}
	return fmt.Sprintf("%d of %d thresholds met", met, len(all))
}

func missed(all []threshold) error {
	var names []string
	for _, t := range all {
		if !t.met {
			names = append(names, fmt.Sprintf("%s: %s (%s)", t.what, t.measured, t.bound))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("thresholds not met: %s", strings.Join(names, "; "))
}
