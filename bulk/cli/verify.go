package cli

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/bulk/verify"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func verifyCommand(a *app) *cobra.Command {
	cmd := describe("verify", noArguments)
	user := cmd.Flags().String("user", "", "only the user with this `EMAIL` (or staging sub)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context(), *user) }
	return cmd
}

func (a *app) verify(ctx context.Context, user string) error {
	c, err := a.open(ctx, "STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID")
	if err != nil {
		return err
	}
	named := slices.DeleteFunc([]string{user}, func(name string) bool { return name == "" })
	records, estimate := c.recordsOf(ctx, named)
	v := verify.Verifier{
		Tables: c.settings.Tables, Staging: c.stagingRows, Production: c.productionRows, Progress: a.progress,
	}
	if user == "" {
		v.Users = c.stagingPool.List
	}
	out := verify.NewWriter(a.page, a.json, user != "")
	summary, err := v.All(ctx, records, estimate, out.Write)
	if err == nil {
		err = out.End(summary)
	}
	return findings(err, summary.Failed() || user != "" && summary.NotYet > 0)
}

// recordsOf reads the records of the staging users with these emails or subs, or all if none is named. estimate is how
// many there are, about, or 0. That a user has none is an error.
func (c *clients) recordsOf(
	ctx context.Context, names []string,
) (records iter.Seq2[ledger.Record, error], estimate int) {
	if len(names) == 0 {
		return c.ledger.All(ctx), c.ledgerSize(ctx)
	}
	return func(yield func(ledger.Record, error) bool) {
		for _, name := range names {
			for record, err := range c.recordsOfUser(ctx, name) {
				if !yield(record, err) {
					return
				}
			}
		}
	}, 0
}

func (c *clients) recordsOfUser(ctx context.Context, user string) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		found, err := []userpool.User{{Sub: user}}, error(nil)
		if strings.Contains(user, "@") {
			found, _, err = users.Find(ctx, c.stagingPool, true, user)
		}
		none := fmt.Errorf("%s has no ledger record, so nothing of theirs was moved; bulk status --user says why", user)
		err = cmp.Or(err, none)
		for _, u := range found {
			record, failed := c.ledger.Get(ctx, u.Sub)
			if failed == nil && !record.Exists() {
				continue
			}
			if err = nil; !yield(record, failed) {
				return
			}
		}
		if err != nil {
			yield(ledger.Record{}, err)
		}
	}
}
