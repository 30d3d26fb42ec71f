// Package bench measures what is promised of speed and size, as ratios within one run: what the two functions cost
// compared with an empty one, how many round trips and requests they need, whether a large move or many sign-ins make
// them grow, how close a sweep comes to Cognito's quotas, and what bulk costs with many users compared with few. The
// launch day is a test, since only tests have the clock of synctest.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Run measures everything, prints it, and returns an error that names every threshold that is not met.
func Run(ctx context.Context, out io.Writer) error {
	began := time.Now()
	w := &printer{out: out}
	var all []threshold
	for i, measure := range []func(context.Context) (section, error){
		coldStarts, distance, largeMove, requests, load, sweep, pools,
	} {
		s, err := measure(ctx)
		if err != nil {
			return fmt.Errorf("section %d: %w", i+1, err)
		}
		w.section(i+1, s)
		all = append(all, s.thresholds...)
	}
	took := time.Since(began).Round(time.Second)
	w.printf("\n%s, %s, in %s.\n\n", began.Format(time.DateOnly), machine(), took)
	w.promises(all)
	return errors.Join(w.err, missed(all))
}
