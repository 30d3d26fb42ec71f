package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

var errJourneys = errors.New("not every journey passed")

func demo(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	fmt.Fprintln(out, "Starting a local cloud: a staging and a production account, and the Lambda functions as deployed.")
	s, err := spaceport.Start(ctx, spaceport.Options{Groups: journeys.Groups})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Fprintf(out, "Ready after %.1f s. No staging user is in production yet.\n", time.Since(began).Seconds())

	var outcomes []journeys.Outcome
	for i, j := range journeys.All {
		fmt.Fprintf(out, "\n  %2d  %s\n", i+1, j.Title)
		outcomes = append(outcomes, journeys.Play(ctx, s, j, out))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failed := journeys.Table(out, outcomes); failed > 0 {
		err = errJourneys
	}
	return err
}
