package cli

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"strings"

	"github.com/spaceport/user-migration/bulk/verify"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
)

func verifyCommand() *command {
	var user string
	return &command{
		name:    "verify",
		summary: "compare the rows of everybody who is moved, staging against production",
		usage:   "[--user EMAIL]",
		help: `
For every user whom the ledger calls moved, reads their rows in staging and asks
production for the same ones. A row that is missing is a failure (exit code 3), though
its owner may have deleted it since: this cannot tell. A row that differs was changed
in production since; that is told, and is no failure. It only reads.`,
		examples: []string{
			"bulk verify",
			"bulk verify --user ada@example.com",
			"bulk verify --json > verify.json",
		},
		requires: []string{"STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID"},
		flags: func(f *flag.FlagSet) {
			f.StringVar(&user, "user", "", "only the user with this `EMAIL` (or staging sub)")
		},
		goOn: "Nothing was changed: run the same command again, or check one user with --user EMAIL.",
		run: func(ctx context.Context, s *session) error {
			a, err := s.accounts(ctx)
			if err != nil {
				return err
			}
			production := rows.NewStore(a.productionTables)
			lines, estimate := a.ledger.All(ctx), 0
			if user == "" {
				estimate = production.EstimatedSize(ctx, s.settings.LedgerTable)
			} else if lines, err = linesOf(ctx, a, user); err != nil {
				return err
			}
			v := verify.New(s.settings.Tables, rows.NewStore(a.stagingTables), production, s.meter)
			out := verify.NewWriter(s.Out, s.json, user != "", s.settings.LedgerTable)
			sum, err := v.Everybody(ctx, lines, estimate, out.Write)
			if err != nil {
				return err
			}
			if err := out.End(sum); err != nil {
				return err
			}
			if sum.Failed() || user != "" && sum.NotYet > 0 {
				return errFindings
			}
			return nil
		},
	}
}

// linesOf finds the ledger's lines of a staging user, by e-mail or by sub.
func linesOf(ctx context.Context, a *accounts, user string) (iter.Seq2[ledger.Record, error], error) {
	subs := []string{user}
	if strings.Contains(user, "@") {
		found, err := a.stagingPool.FindByEmail(ctx, user)
		if err != nil {
			return nil, err
		}
		subs = nil
		for _, u := range found {
			subs = append(subs, u.Sub)
		}
	}
	var lines []ledger.Record
	for _, sub := range subs {
		line, err := a.ledger.Get(ctx, sub)
		if err != nil {
			return nil, err
		}
		if line.Exists() {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("the ledger has no line for %s, so there is nothing to compare; bulk status --user says why", user)
	}
	return func(yield func(ledger.Record, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}, nil
}
