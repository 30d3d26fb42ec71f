package cli

import (
	"cmp"
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/bulk/status"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func statusCommand(a *app) *cobra.Command {
	cmd := describe("status", noArguments)
	user := cmd.Flags().String("user", "", "why the user with this `EMAIL` (or staging sub) cannot sign in")
	ineligible := cmd.Flags().Bool("ineligible", false, "list the users who cannot be migrated")
	stale := cmd.Flags().Bool("stale", false, "list the imports of more than 30 days ago that were not completed")
	ids := cmd.Flags().Bool("ids", false, "write who became whom, as CSV: the old and the new id of each migrated user")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		chosen := 0
		for _, is := range []bool{*user != "", *ineligible, *stale, *ids} {
			if is {
				chosen++
			}
		}
		if chosen > 1 {
			return usagef("--user, --ineligible, --stale and --ids exclude each other")
		}
		ctx := cmd.Context()
		c, err := a.open(ctx, "STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID")
		if err != nil {
			return err
		}
		s, err := a.collector(ctx, c)
		if err != nil {
			return err
		}
		var result interface{ WriteText(io.Writer) error }
		switch {
		case *ineligible:
			return s.ListIneligible(ctx, a.page, a.json)
		case *ids:
			return s.WriteIDs(ctx, a.Out, a.json)
		case *stale:
			return s.ListStale(ctx, a.page, a.json)
		case *user != "":
			result, err = s.User(ctx, *user)
		default:
			result, err = s.Overview(ctx)
		}
		if err != nil {
			return err
		}
		return a.print(result, result.WriteText)
	}
	return cmd
}

func (a *app) collector(ctx context.Context, c *clients) (status.Collector, error) {
	out, err := describePool(ctx, c.staging, c.settings.StagingUserPoolID)
	if err != nil {
		return status.Collector{}, err
	}
	pool, function := out.UserPool, func(arn, deployed string) string { // the stack's outputs have ARNs
		return cmp.Or(arn[strings.LastIndex(arn, ":")+1:], "Spaceport-Migration-"+deployed)
	}
	return status.Collector{
		Staging: c.stagingPool, Production: c.productionPool, Ledger: c.ledger, LedgerTable: c.settings.LedgerTable,
		LedgerSize: c.ledgerSize,
		Tables:     c.settings.Tables, Rows: c.stagingRows,
		Cutoff: c.settings.StagingCutoff, MFAUsers: c.settings.MFAUsers, CustomAttributes: c.settings.CustomAttributes,
		Groups: c.settings.Groups, Progress: a.progress, Now: a.now,
		Trigger: function(c.stack["triggerarn"], "trigger"), Datamover: function(c.stack["datamoverarn"], "datamover"),
		Background:           function(c.settings.BackgroundFunction, "datamover-background"),
		StagingByEmail:       check.SignInWith(*pool, userpool.AttrEmail),
		StagingCaseSensitive: check.CaseSensitive(*pool), UniqueEmails: uniqueEmails(pool),
	}, nil
}
