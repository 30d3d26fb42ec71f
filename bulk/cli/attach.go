package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

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
resets what an update leaves out. Before an update the pool or client is read once more, so
that nobody's change of that minute is taken back, and afterwards too, to be sure.

Without --live nothing is written: it prints what would change. A trigger that is
somebody else's is left in its place unless --displace says otherwise; it is then kept in
a tag of the pool, from where bulk detach brings it back.

Cognito cannot remove an attribute once it is added.`,
		examples: []string{
			"bulk attach --stack spaceport-migration",
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
			return s.changePool(ctx, f, func(o *attach.Operator, functions attach.Functions) (*attach.Plan, error) {
				return o.Attach(ctx, functions, f.options)
			})
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
A trigger that is not one of the two functions is left in its place, and named.

Without --live nothing is written: it prints what would change.`,
		examples: []string{
			"bulk detach --stack spaceport-migration",
			"bulk detach --trigger arn:aws:lambda:… --datamover arn:aws:lambda:… --live",
		},
		requires: []string{"PRODUCTION_USER_POOL_ID"},
		flags:    f.declare,
		goOn:     "Run the same command again: it goes on where this stopped.",
		run: func(ctx context.Context, s *session) error {
			return s.changePool(ctx, f, func(o *attach.Operator, functions attach.Functions) (*attach.Plan, error) {
				return o.Detach(ctx, functions)
			})
		},
	}
}

func (f *attachFlags) declare(set *flag.FlagSet) {
	set.BoolVar(&f.live, "live", false, "really do it; without, nothing is written")
	set.BoolVar(&f.yes, "yes", false, "do not ask for the pool's name")
	set.StringVar(&f.functions.Trigger, "trigger", "", "`ARN` of the trigger function")
	set.StringVar(&f.functions.Datamover, "datamover", "", "`ARN` of the datamover function")
}

// with is the functions that the flags name, or else the stack's outputs.
func (f attachFlags) with(outputs map[string]string) (attach.Functions, error) {
	functions := attach.Functions{
		Trigger:   cmp.Or(f.functions.Trigger, outputs["TriggerArn"]),
		Datamover: cmp.Or(f.functions.Datamover, outputs["DatamoverArn"]),
	}
	if functions.Trigger == "" || functions.Datamover == "" {
		return functions, usagef("which functions? Give --trigger and --datamover, or --stack with the production stack's name")
	}
	for _, given := range []struct{ flag, arn string }{{"--trigger", functions.Trigger}, {"--datamover", functions.Datamover}} {
		if !functionARN.MatchString(given.arn) {
			return functions, usagef("%s is %q: it must be the ARN of a Lambda function", given.flag, given.arn)
		}
	}
	return functions, nil
}

var functionARN = regexp.MustCompile(`^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:\S+$`)

// attachReport is what --json prints.
type attachReport struct {
	Live    bool            `json:"live"`
	Pool    string          `json:"pool"`
	Changes []attach.Change `json:"changes"`
	Left    []string        `json:"left,omitempty"` // triggers that are not ours
}

// changePool plans, shows, asks and applies.
func (s *session) changePool(ctx context.Context, f attachFlags, plan func(*attach.Operator, attach.Functions) (*attach.Plan, error)) error {
	functions, err := f.with(s.stack)
	if err != nil {
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
	p, err := plan(attach.New(cognito.NewFromConfig(production), s.settings.ProductionUserPoolID), functions)
	if errors.Is(err, attach.ErrDisplaces) {
		return fmt.Errorf("%w; --displace puts it aside, and bulk detach brings it back", err)
	}
	if err != nil {
		return err
	}
	report := attachReport{Live: f.live, Pool: p.Pool, Changes: append([]attach.Change{}, p.Changes...), Left: p.Left}
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
	case len(r.Changes) == 0 && len(r.Left) > 0:
		fmt.Fprintf(w, "Nothing to change: neither function is a trigger of %s.\n", r.Pool)
	case len(r.Changes) == 0:
		fmt.Fprintf(w, "Nothing to change: %s is as it should be.\n", r.Pool)
	case r.Live:
		fmt.Fprintf(w, "Changed in %s, and read back to be sure that nothing else is different:\n\n", r.Pool)
	default:
		fmt.Fprintf(w, "Dry run: nothing was written. With --live this changes in %s, and nothing else:\n\n", r.Pool)
	}
	for _, c := range r.Changes {
		fmt.Fprintf(w, "  %s: %s\n", c.Where, c.What)
	}
	if len(r.Left) > 0 {
		fmt.Fprintf(w, "\nLeft in place, since neither of the two functions:\n\n  %s\n", strings.Join(r.Left, "\n  "))
	}
	return nil
}
