package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/status"
)

func statusCommand(a *app) *cobra.Command {
	cmd := describe("status", noArguments)
	user := cmd.Flags().String("user", "", "why the user with this `EMAIL` (or staging sub) cannot sign in")
	ineligible := cmd.Flags().Bool("ineligible", false, "list the users who cannot be migrated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *user != "" && *ineligible {
			return usagef("--user and --ineligible exclude each other")
		}
		ctx := cmd.Context()
		c, err := a.open(ctx, "STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID")
		if err != nil {
			return err
		}
		s := status.Collector{
			Staging: c.stagingPool, Production: c.productionPool, Ledger: c.ledger, LedgerTable: c.settings.LedgerTable,
			Cutoff: c.settings.StagingCutoff, Progress: a.progress, Now: a.now,
		}
		var result interface{ WriteText(io.Writer) error }
		switch {
		case *ineligible:
			return s.ListIneligible(ctx, a.Out, a.json)
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
