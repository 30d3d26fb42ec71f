package journeys

import (
	"fmt"
	"io"
)

// Table prints how every journey ended and returns how many failed.
func Table(out io.Writer, outcomes []Outcome) (failed int) {
	fmt.Fprintf(out, "\n   #  %-58s %-7s %7s\n", "journey", "result", "time")
	for i, o := range outcomes {
		result := "ok"
		if o.Err != nil {
			result = "FAILED"
			failed++
		}
		fmt.Fprintf(out, "  %2d  %-58s %-7s %5.1f s\n", i+1, o.Title, result, o.Took.Seconds())
	}
	fmt.Fprintf(out, "\n%d of %d journeys passed\n", len(outcomes)-failed, len(outcomes))
	return failed
}
