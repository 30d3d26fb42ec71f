package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/spaceport/user-migration/bulk/attach"
	"github.com/spaceport/user-migration/datamover/account"
)

// attachFlags are what attach and detach have in common.
type attachFlags struct {
	live, yes bool
	functions attach.Functions
	options   attach.Options
}

func attachCommand() *command {
	var f attachFlags
	return &command{
		name:    "attach",
		summary: "put the triggers on a production pool that exists already",
		usage:   "--stack NAME | --trigger ARN --datamover ARN [--displace] [--no-letter] [--live]",
		help: `
For a pool that the stack did not make. In this order: gives every app client an explicit
write list without custom:staging_sub, adds that attribute, and sets the triggers
UserMigration, PostConfirmation and PostAuthentication, and CustomMessage where the pool
sends by SES.
Every other setting of the pool and of its clients is sent along as it is, since Cognito
resets what an update leaves out; afterwards the pool is read again to be sure.

Without --live nothing is written: it prints what would change. A trigger that is
somebody else's is left in its place unless --displace says otherwise; it is then kept in
a tag of the pool, from where bulk detach brings it back.

Cognito cannot remove an attribute once it is added.`,
		examples: []string{
			"bulk attach --stack Spaceport-Migration",
			"bulk attach --trigger arn:aws:lambda:… --datamover arn:aws:lambda:… --live",
		},
		requires: []string{"PRODUCTION_USER_POOL_ID"},
		flags: func(set *flag.FlagSet) {
			f.declare(set)
			set.BoolVar(&f.options.Displace, "displace", false, "put somebody else's trigger aside; bulk detach brings it back")
			set.BoolVar(&f.options.NoLetter, "no-letter", false, "leave CustomMessage alone: a sweep's letters are then Cognito's own")
		},
		goOn: "Run the same command again: it goes on where this stopped.",
		run: func(ctx context.Context, s *session) error {
			return s.changePool(ctx, f, func(o *attach.Operator) (*attach.Plan, error) { return o.Attach(ctx, f.functions, f.options) })
		},
	}
}

func detachCommand() *command {
	var f attachFlags
	return &command{
		name:    "detach",
		summary: "take the triggers off again: the way back, and the end",
		usage:   "--stack NAME | --trigger ARN --datamover ARN [--live]",
		help: `
Takes our triggers off the production pool and puts back what bulk attach had displaced.
Nobody comes over any more; whoever is over stays. The attribute custom:staging_sub stays,
since Cognito cannot remove one, and so do the write lists that keep app clients from it.

Without --live nothing is written: it prints what would change.`,
		examples: []string{
			"bulk detach --stack Spaceport-Migration",
			"bulk detach --trigger arn:aws:lambda:… --datamover arn:aws:lambda:… --live",
		},
		requires: []string{"PRODUCTION_USER_POOL_ID"},
		flags:    f.declare,
		goOn:     "Run the same command again: it goes on where this stopped.",
		run: func(ctx context.Context, s *session) error {
			return s.changePool(ctx, f, func(o *attach.Operator) (*attach.Plan, error) { return o.Detach(ctx, f.functions) })
		},
	}
}

func (f *attachFlags) declare(set *flag.FlagSet) {
	set.BoolVar(&f.live, "live", false, "really do it; without, nothing is written")
	set.BoolVar(&f.yes, "yes", false, "do not ask for the pool's name")
	set.StringVar(&f.functions.Trigger, "trigger", "", "`ARN` of the trigger function")
	set.StringVar(&f.functions.Datamover, "datamover", "", "`ARN` of the datamover function")
}

// fromStack fills in what no flag gave.
func (f *attachFlags) fromStack(outputs map[string]string) error {
	f.functions.Trigger = cmp.Or(f.functions.Trigger, outputs["TriggerArn"])
	f.functions.Datamover = cmp.Or(f.functions.Datamover, outputs["DatamoverArn"])
	if f.functions.Trigger == "" || f.functions.Datamover == "" {
		return usagef("which functions? Give --trigger and --datamover, or --stack with the production stack's name")
	}
	return nil
}

// attachReport is what --json prints.
type attachReport struct {
	Live    bool            `json:"live"`
	Pool    string          `json:"pool"`
	Changes []attach.Change `json:"changes"`
}

// changePool plans, shows, asks and applies.
func (s *session) changePool(ctx context.Context, f attachFlags, plan func(*attach.Operator) (*attach.Plan, error)) error {
	if err := f.fromStack(s.stack); err != nil {
		return err
	}
	if f.live && !f.yes && !s.InTerminal {
		return usagef("--live asks for the pool's name, and nobody is there to answer: add --yes")
	}
	production, err := account.Production(ctx, limits)
	if err != nil {
		return err
	}
	production.Region = region(production.Region, s.settings)
	p, err := plan(attach.New(cognito.NewFromConfig(production), s.settings.ProductionUserPoolID))
	if errors.Is(err, attach.ErrDisplaces) {
		return fmt.Errorf("%w; --displace puts it aside, and bulk detach brings it back", err)
	}
	if err != nil {
		return err
	}
	report := attachReport{Live: f.live, Pool: p.Pool, Changes: p.Changes}
	if f.live && len(p.Changes) > 0 {
		if err := s.confirmChange(ctx, f, p); err != nil {
			return err
		}
		if err := p.Apply(ctx); err != nil {
			return err
		}
	}
	return s.print(report, report.write)
}

func (s *session) confirmChange(ctx context.Context, f attachFlags, p *attach.Plan) error {
	if f.yes {
		return nil
	}
	for _, c := range p.Changes {
		s.meter.Println("  " + c.Where + ": " + c.What)
	}
	return s.confirmPool(ctx, p.Pool)
}

func (r attachReport) write(w io.Writer) error {
	switch {
	case len(r.Changes) == 0:
		_, err := fmt.Fprintf(w, "Nothing to change: %s is as it should be.\n", r.Pool)
		return err
	case r.Live:
		fmt.Fprintf(w, "Changed in %s, and read back to be sure that nothing else is different:\n\n", r.Pool)
	default:
		fmt.Fprintf(w, "Dry run: nothing was written. With --live this changes in %s, and nothing else:\n\n", r.Pool)
	}
	for _, c := range r.Changes {
		fmt.Fprintf(w, "  %s: %s\n", c.Where, c.What)
	}
	return nil
}
