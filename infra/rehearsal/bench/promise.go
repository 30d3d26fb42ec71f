package bench

import (
	"fmt"
	"strings"
)

// promise is what the README says, held against what was measured.
type promise struct {
	what            string
	measured, bound string
	holds           bool
}

// timesAtMost promises that a ratio is at most bound.
func timesAtMost(what string, ratio, bound float64) promise {
	return promise{
		what: what, measured: fmt.Sprintf("%.2f ×", ratio), bound: fmt.Sprintf("at most %g ×", bound),
		holds: ratio > 0 && ratio <= bound, // not where nothing was measured: 0, or 0/0
	}
}

// shareAtLeast promises that a share is at least bound.
func shareAtLeast(what string, share, bound float64) promise {
	return promise{what: what, measured: fmt.Sprintf("%.3f", share), bound: fmt.Sprintf("at least %g", bound), holds: share >= bound}
}

func megabytesBelow(what string, bytes, bound int64) promise {
	return promise{
		what: what, measured: megabytes(bytes) + " MB", bound: fmt.Sprintf("below %d MB", bound),
		holds: bytes > 0 && bytes < bound<<20,
	}
}

func (p promise) status() string {
	if p.holds {
		return "ok"
	}
	return "FAILED"
}

func verdict(all []promise) string {
	held := 0
	for _, p := range all {
		if p.holds {
			held++
		}
	}
	return fmt.Sprintf("%d of %d promises hold", held, len(all))
}

func broken(all []promise) error {
	var names []string
	for _, p := range all {
		if !p.holds {
			names = append(names, fmt.Sprintf("%s: %s (%s)", p.what, p.measured, p.bound))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("promises that do not hold: %s", strings.Join(names, "; "))
}
