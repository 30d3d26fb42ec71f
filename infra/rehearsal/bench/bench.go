// Package bench measures what the README promises, as ratios within one run: what the two functions cost over an empty
// Lambda function, what a large move costs over a small one, which requests they make; how near a sweep comes to Cognito's
// quotas, and what a large one costs over a small one.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// Run measures everything, prints it, and returns an error that names every promise that does not hold.
func Run(ctx context.Context, out io.Writer) error {
	began := time.Now()
	w := &printer{out: out}
	w.printf("%s, %s\n", began.Format(time.DateOnly), machine())
	w.printf("Medians of one run, interleaved; 1 MB is 2^20 bytes. Look at the ratios: the times are those of this machine, of a local\n" +
		"cloud in Python and of a wire without TLS, and the functions have whole cores, of which Lambda would give them a part.\n")
	var all []promise
	for i, measure := range []func(context.Context) (section, error){functions, largeMove, growth, hook, paced, unpaced} {
		s, err := measure(ctx)
		if err != nil {
			return fmt.Errorf("section %d: %w", i+1, err)
		}
		w.section(i+1, s)
		all = append(all, s.promises...)
	}
	w.printf("\n%s in %s\n", verdict(all), time.Since(began).Round(time.Second))
	return errors.Join(w.err, broken(all))
}

// within starts a Spaceport of its own for a section, so that none meets the rows of another.
func within(ctx context.Context, o spaceport.Options, measure func(*spaceport.Spaceport) error) (err error) {
	s, err := spaceport.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return measure(s)
}
