package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/check"
)

func checkCommand(a *app) *cobra.Command {
	var unknownUser, all bool
	var user, client string
	cmd := describe("check", noArguments)
	cmd.Flags().BoolVar(&all, "all", false, "also list the checks that are ok; --json always does")
	cmd.Flags().BoolVar(&unknownUser, "canary", false, "also check how production answers about unknown users")
	cmd.Flags().StringVar(&user, "canary-user", "", "also migrate the disposable staging user with this `EMAIL`")
	cmd.Flags().StringVar(&client, "app-client", "", "`ID` of the app client for canaries (default: any)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report, err := a.check(cmd.Context(), unknownUser, user, client)
		if err == nil {
			err = a.print(report, func(w io.Writer) error { return report.Print(w, all) })
		}
		return findings(err, report.Failed())
	}
	return cmd
}

func (a *app) check(ctx context.Context, unknownUser bool, email, clientID string) (report check.Report, err error) {
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
	if !unknownUser && email == "" {
		return report, nil
	}
	client, found := report.ChooseClient(facts, clientID)
	if found && unknownUser {
		report.AddUnknownUser(reader.ProbeUnknownUser(ctx, client))
	}
	if found && email != "" {
		user, err := reader.MigrateCanaryUser(ctx, email, client, func() (string, error) {
			a.progress.Println("This writes one user: " + email + " is migrated to production with all rows.")
			return a.AskSecret(ctx, "Password of "+email+" in staging:")
		})
		if err != nil {
			return report, err
		}
		report.AddCanaryUser(facts, client, user)
	}
	return report, ctx.Err()
}
