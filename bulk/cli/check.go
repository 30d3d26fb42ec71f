package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/check"
)

func checkCommand(a *app) *cobra.Command {
	var canaries canaryFlags
	cmd := describe("check", noArguments)
	cmd.Flags().BoolVar(&canaries.unknownUser, "canary", false, "also check how production answers about unknown users")
	cmd.Flags().StringVar(&canaries.user, "canary-user", "", "also migrate the disposable staging user with this `EMAIL`")
	cmd.Flags().StringVar(&canaries.client, "app-client", "", "`ID` of the app client for canaries (default: any)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report, err := a.check(cmd.Context(), canaries)
		if err == nil {
			err = a.print(report, report.Print)
		}
		return findings(err, report.Failed())
	}
	return cmd
}

type canaryFlags struct {
	unknownUser  bool
	user, client string
}

func (a *app) check(ctx context.Context, canaries canaryFlags) (report check.Report, err error) {
	c, err := a.open(ctx, "STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID")
	if err != nil {
		return report, err
	}
	reader := check.NewReader(c.production, c.staging, c.settings)
	facts, err := reader.Read(ctx, a.progress)
	if err != nil {
		return report, err
	}
	report = check.Run(facts)
	if !canaries.unknownUser && canaries.user == "" {
		return report, nil
	}
	client, found := report.ChooseClient(facts, canaries.client)
	if found && canaries.unknownUser {
		report.AddUnknownUser(reader.ProbeUnknownUser(ctx, client))
	}
	if found && canaries.user != "" {
		user, err := reader.MigrateCanaryUser(ctx, canaries.user, client, func() (string, error) {
			a.progress.Println("This writes one user: " + canaries.user + " is migrated to production with all rows.")
			return a.AskSecret(ctx, "Password of "+canaries.user+" in staging:")
		})
		if err != nil {
			return report, err
		}
		report.AddCanaryUser(facts, client, user)
	}
	return report, ctx.Err()
}
