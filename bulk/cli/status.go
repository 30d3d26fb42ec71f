package cli

import (
	"context"
	"flag"

	"github.com/spaceport/user-migration/bulk/status"
)

func statusCommand() *command {
	var (
		user         string
		withoutAPath bool
	)
	return &command{
		name:    "status",
		summary: "how far the migration is, and why somebody cannot get in",
		usage:   "[--user EMAIL | --without-a-path]",
		help: `
Counts staging's users by status and eligibility and the ledger's lines by path,
says what is missing before staging can be switched off, and what going back to it
would lose. It only reads, and exits 0 whatever it finds.

With --user it answers the support ticket "why can't they get in?": what staging,
the ledger and production have of one person, and what to do. It takes an e-mail,
or a staging sub, which is what the functions log.

With --without-a-path it lists everybody whom no path can bring over, and what can
be done for them.`,
		examples: []string{
			"bulk status",
			"bulk status --user ada@example.com",
			"bulk status --without-a-path > without-a-path.txt",
			"bulk status --json | jq .stragglers",
		},
		requires: []string{"STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID"},
		flags: func(f *flag.FlagSet) {
			f.StringVar(&user, "user", "", "say why the person with this `EMAIL` (or staging sub) cannot get in")
			f.BoolVar(&withoutAPath, "without-a-path", false, "list everybody who cannot come over by any path")
		},
		goOn: "Nothing was changed: run the same command again.",
		run: func(ctx context.Context, s *session) error {
			if user != "" && withoutAPath {
				return usagef("--user and --without-a-path do not go together: use one of them")
			}
			a, err := s.accounts(ctx)
			if err != nil {
				return err
			}
			if user != "" {
				return answer(ctx, s, a, user)
			}
			survey := status.NewSurvey(a.stagingPool, a.productionPool, a.ledger, s.settings.StagingCutoff, s.meter, s.now)
			if withoutAPath {
				return listStranded(ctx, s, survey)
			}
			overview, err := survey.Overview(ctx)
			if err != nil {
				return err
			}
			return s.print(overview, overview.WriteText)
		},
	}
}

func answer(ctx context.Context, s *session, a *accounts, user string) error {
	desk := status.NewDesk(a.stagingPool, a.productionPool, a.ledger, s.settings.StagingCutoff, status.Places{
		StagingPool: s.settings.StagingUserPoolID, ProductionPool: s.settings.ProductionUserPoolID, LedgerTable: s.settings.LedgerTable,
	}, s.meter)
	found, err := desk.Answer(ctx, user)
	if err != nil {
		return err
	}
	return s.print(found, found.WriteText)
}

func listStranded(ctx context.Context, s *session, survey *status.Survey) error {
	list := status.NewStrandedWriter(s.Out, s.json)
	err := survey.WithoutAPath(ctx, func(who status.Stranded) error {
		s.meter.Clear() // the list grows while staging is still being read
		return list.Write(who)
	})
	if err != nil {
		return err
	}
	return list.End()
}
