package cli

import (
	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/status"
)

func statusCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [--user EMAIL | --ineligible]",
		Short: "Show how far the migration is, or why a user cannot sign in",
		Long: `Counts staging's users by status and eligibility and the ledger's records by path,
says what is missing before staging can be shut down, and what a roll back loses.
Nothing is written. The exit code is 0 whatever it finds.

With --user it says what staging, the ledger and production have of one user, why they
cannot sign in, and what to do. It takes an email, or a staging sub, which is what the
functions log.

With --ineligible it lists the staging users who cannot be migrated, and what can be
done for them.`,
		Example: "  bulk status\n  bulk status --user ada@example.com\n" +
			"  bulk status --ineligible > ineligible.txt\n  bulk status --json | jq .remaining",
		Args:        noArguments,
		Annotations: map[string]string{"resume": "Nothing was changed: run the same command again."},
	}
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
		if *ineligible {
			return s.ListIneligible(ctx, a.Out, a.json)
		}
		if *user != "" {
			answer, err := s.User(ctx, *user)
			if err != nil {
				return err
			}
			return a.print(answer, answer.WriteText)
		}
		overview, err := s.Overview(ctx)
		if err != nil {
			return err
		}
		return a.print(overview, overview.WriteText)
	}
	return cmd
}
