// Package bench measures what the README states, as ratios within one run: what the two functions cost compared with an
// empty Lambda function, what a large move costs compared with a small one, which requests they make, and whether they
// age; how close a sweep comes to Cognito's quotas, and what bulk costs with many users compared with few. The launch day
// is a test, since only tests have the clock of synctest.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Run measures everything, prints it, and returns an error that names every threshold that is not met.
func Run(ctx context.Context, out io.Writer) error {
	began := time.Now()
	w := &printer{out: out}
	w.printf("%s, %s\n", began.Format(time.DateOnly), machine())
	w.printf("Medians of one run, interleaved; 1 MB is 2^20 bytes. The ratios count: the times depend on this machine,\n" +
		"a local cloud in Python and connections without TLS, and the functions have more CPU than Lambda gives them.\n")
	var all []threshold
	for i, measure := range []func(context.Context) (section, error){
		functions, distance, largeMove, ids, growth, hook, signIns, load, paced, unpaced, pools,
	} {
		s, err := measure(ctx)
		if err != nil {
			return fmt.Errorf("section %d: %w", i+1, err)
		}
		w.section(i+1, s)
		all = append(all, s.thresholds...)
	}
	w.printf("\n%s in %s\n", summary(all), time.Since(began).Round(time.Second))
	return errors.Join(w.err, missed(all))
}

// within starts a new Spaceport for each section, so that none sees the rows of another.
func within(ctx context.Context, o spaceport.Options, measure func(*spaceport.Spaceport) error) (err error) {
	s, err := spaceport.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return measure(s)
}
