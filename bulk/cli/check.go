package cli

import (
	"context"
	"flag"
	"fmt"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/bulk/check/survey"
	"github.com/spaceport/user-migration/bulk/progress"
)

func checkCommand() *command {
	var send canaries
	return &command{
		name:    "check",
		summary: "can this migration work? ok, warning or failure, and what to do about each",
		usage:   "[--canary] [--canary-user EMAIL] [--app-client ID]",
		help: `
Looks at both pools, the app clients, every staging user, the tables and what you are
allowed, and says of each what it found and what to do. It only reads; where only a write
tells whether it is allowed, it sends one that cannot succeed: about a user or an app client
that nobody is, of an attribute that is there already, or on a condition that never holds.
What bulk attach needs is tried while it has something to do. Users are listed, once, and
never signed in.

--canary also comes to production as an app would, under an address that nobody has: sign-in
and "forgot password" must be refused just as Cognito refuses any unknown user.

--canary-user EMAIL writes one user: it signs a disposable staging user in at production, who
comes over by that as everybody will, and shows that tokens, attribute, ledger line and rows
arrived. The password is asked for, and kept nowhere.

A warning is something to know; only a failure gives exit code 3.`,
		examples: []string{
			"bulk check",
			"bulk check --canary --canary-user disposable@example.com",
			"bulk check --json | jq '.findings[] | select(.level != \"ok\")'",
		},
		requires: []string{"STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID"},
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&send.stranger, "canary", false, "also prove live how a stranger is refused")
			f.StringVar(&send.user, "canary-user", "", "also bring over the disposable staging user with this `EMAIL`: writes one user")
			f.StringVar(&send.clientID, "app-client", "", "`ID` of the app client that canaries use (default: the first that can)")
		},
		goOn: "Nothing was changed, unless a canary user had signed in: bulk status --user EMAIL tells.",
		run: func(ctx context.Context, s *session) error {
			a, err := s.accounts(ctx)
			if err != nil {
				return err
			}
			look := survey.New(a.production, a.staging, s.settings)
			facts, err := look.Look(ctx, &listing{meter: s.meter})
			if err != nil {
				return err
			}
			facts.OperatorRole = s.stack["OperatorRoleArn"]
			report := check.Judge(facts)
			if err := send.all(ctx, s, look, facts, &report); err != nil {
				return err
			}
			if err := s.print(report, report.Print); err != nil {
				return err
			}
			if report.Failed() {
				return errFindings
			}
			return nil
		},
	}
}

// listing shows how far the reading of all users is.
type listing struct {
	meter *progress.Meter
	task  *progress.Task
}

func (l *listing) Begin(estimate int) { l.task = l.meter.Start("Reading staging", "users", estimate) }
func (l *listing) Add()               { l.task.Add(1) }
func (l *listing) End()               { l.task.End() }

// canaries is what the flags ask to prove live.
type canaries struct {
	stranger       bool
	user, clientID string
}

// all comes to production as an app would, as often as was asked for.
func (c canaries) all(ctx context.Context, s *session, look *survey.Survey, f check.Facts, r *check.Report) error {
	if !c.stranger && c.user == "" {
		return nil
	}
	client, err := check.ChooseClient(f.ProductionClients.Value, c.clientID)
	if f.ProductionClients.Err != nil {
		err = f.ProductionClients.Err
	}
	if err != nil {
		r.NoClient(err)
		return nil
	}
	if c.stranger {
		r.JudgeStranger(look.Stranger(ctx, client))
	}
	if c.user == "" {
		return ctx.Err()
	}
	n, err := look.Meet(ctx, c.user, client)
	if err != nil {
		return err
	}
	if n.Unfit(f.Settings.StagingCutoff) == "" {
		if n, err = welcome(ctx, s, look, n); err != nil {
			return err
		}
	}
	r.JudgeNewcomer(n, f.Settings.StagingCutoff)
	return nil
}

// welcome says plainly what is about to be written, and asks for the password, which goes to Cognito and nowhere else.
func welcome(ctx context.Context, s *session, look *survey.Survey, n check.Newcomer) (check.Newcomer, error) {
	s.meter.Println(fmt.Sprintf("This writes one user: %s signs in at production through %s, and comes over with their rows.\n"+
		"Staging is not changed.", n.Email, n.Client.Name))
	password, err := s.askSecret(ctx, "Password of "+n.Email+" in staging:")
	if err != nil {
		return n, fmt.Errorf("ask for the password: %w", err)
	}
	return look.Welcome(ctx, n, password)
}
