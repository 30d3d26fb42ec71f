package cli

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/attach"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/status"
)

func attachCommand(a *app) *cobra.Command {
	options := &attach.Options{}
	cmd := poolCommand(a, "attach", options)
	cmd.Flags().BoolVar(&options.Displace, "displace", false,
		"replace triggers of other functions (kept in the pool's tags; bulk detach restores them)")
	cmd.Flags().BoolVar(&options.KeepCustomMessage, "keep-custom-message", false,
		"do not set CustomMessage: a sweep's emails then have Cognito's own text")
	return cmd
}

type poolFlags struct {
	attach.Functions
	options   *attach.Options // nil: detach
	live, yes bool
}

// poolCommand is "bulk attach" or "bulk detach".
func poolCommand(a *app, name string, options *attach.Options) *cobra.Command {
	f := poolFlags{options: options}
	cmd := describe(name, noArguments)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.changePool(cmd.Context(), f) }
	cmd.Flags().BoolVar(&f.live, "live", false, "write to the production pool, instead of printing what would change")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask for the pool's name")
	cmd.Flags().StringVar(&f.Trigger, "trigger", "", "`ARN` of the trigger function")
	cmd.Flags().StringVar(&f.Datamover, "datamover", "", "`ARN` of the datamover function")
	return cmd
}

// changePool plans, confirms, applies, prints.
func (a *app) changePool(ctx context.Context, f poolFlags) error {
	c, err := a.open(ctx, "PRODUCTION_USER_POOL_ID")
	if err != nil {
		return err
	}
	if err := errors.Join(f.complete(c.stack), a.canConfirm(f.yes || !f.live)); err != nil {
		return err
	}
	attacher := attach.New(c.productionCognito, c.settings.ProductionUserPoolID)
	var plan *attach.Plan
	if f.options != nil {
		plan, err = attacher.Attach(ctx, f.Functions, *f.options)
	} else {
		plan, err = attacher.Detach(ctx, f.Functions)
	}
	if errors.Is(err, attach.ErrNotAttached) {
		err = usagef("%w; nothing was changed", err)
	}
	if err == nil && f.live && len(plan.Changes) > 0 {
		if f.options == nil && !f.yes {
			a.writeConclusion(ctx, c)
		}
		err = a.applyPlan(ctx, plan, f.yes)
	}
	if err != nil {
		return err
	}
	plan.Live = f.live
	return a.print(plan, func(w io.Writer) error { return attachText.Execute(w, plan) })
}

var functionARN = regexp.MustCompile(`^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:\S+$`)

// complete takes what the flags leave out from the stack's outputs.
func (f *poolFlags) complete(outputs map[string]string) error {
	f.Trigger = cmp.Or(f.Trigger, outputs["triggerarn"])
	f.Datamover = cmp.Or(f.Datamover, outputs["datamoverarn"])
	switch {
	case f.Trigger == "" || f.Datamover == "":
		return usagef("which functions? Pass --trigger and --datamover, or --stack with the production stack's name")
	case !functionARN.MatchString(f.Trigger):
		return usagef("--trigger is %q: it must be the ARN of a Lambda function", f.Trigger)
	case !functionARN.MatchString(f.Datamover):
		return usagef("--datamover is %q: it must be the ARN of a Lambda function", f.Datamover)
	}
	return nil
}

// writeConclusion says before the question how many users are not finished. A pool can be detached in any case.
func (a *app) writeConclusion(ctx context.Context, c *clients) {
	s, err := a.collector(ctx, c)
	var o status.Overview
	if err == nil {
		o, err = s.Overview(ctx)
	}
	if err != nil {
		a.progress.Println(fmt.Sprintf("Whether users remain is not known: %v.", err))
		return
	}
	var b strings.Builder
	_ = o.WriteConclusion(&b)
	a.progress.Println(b.String())
}

func (a *app) applyPlan(ctx context.Context, p *attach.Plan, yes bool) error {
	if !yes {
		var b strings.Builder
		_ = attachText.ExecuteTemplate(&b, "changes", p.Changes)
		a.progress.Println(b.String())
	}
	if err := a.confirm(ctx, p.Pool, yes); err != nil {
		return err
	}
	return p.Apply(ctx)
}

//go:embed attach.tmpl
var attachTemplate string

var attachText = template.Must(template.New("").Funcs(template.FuncMap{"line": console.Line}).Parse(attachTemplate))
