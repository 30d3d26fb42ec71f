package cli

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/check"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/sweep"
	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
	"github.com/spaceport/user-migration/datamover/version"
)

// sweepRun is one run of the command: what --json prints of it, and the flags.
type sweepRun struct {
	Version string `json:"version"` // of bulk
	Live    bool   `json:"live"`
	Pool    string `json:"pool"`
	*sweep.Counters
	Seconds float64 `json:"seconds"`
	Log     string  `json:"log"`
	Refused string  `json:"refused,omitempty"` // why a live sweep cannot begin

	Limits         quota.Limits `json:"-"` // of production
	options        sweep.Options
	yes            bool
	notify, logDir string
	log            *sweep.Log

	app           *app
	clients       *clients
	sweeper       *sweep.Sweeper
	defaultSender bool          // Cognito's own
	ahead         time.Duration // of AWS's clock
}

func sweepCommand(a *app) *cobra.Command {
	r := &sweepRun{app: a, Version: version.String()}
	cmd := describe("sweep", noArguments)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context()) }
	set := cmd.Flags()
	set.BoolVar(&r.Live, "live", false, "write to production")
	set.BoolVar(&r.yes, "yes", false, "do not ask for the pool's name")
	set.IntVar(&r.options.Limit, "limit", 0, "create at most `N` users, for a small batch first")
	set.StringArrayVar(&r.options.Users, "user", nil, "only the staging user with this `EMAIL`; may be repeated")
	set.StringVar(&r.notify, "notify", "code", "`code` sends reset emails; with none a later sweep can send them")
	set.BoolVar(&r.options.Adopt, "adopt", false, "also move data to existing accounts with the same verified email")
	set.Float64Var(&a.share, "quota-share", quota.Share, "`SHARE` of each Cognito quota to use, above 0 and up to 1")
	set.StringToIntVar(&a.raised, "quota", nil, "a quota raised by AWS: `CATEGORY=N` requests a second; may be repeated")
	set.Lookup("quota").DefValue = ""
	set.StringVar(&r.logDir, "log-dir", ".", "`DIR` for the log")
	return cmd
}

func (r *sweepRun) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{r.checkFlags, r.open, r.readTarget, r.readStaging, r.prepare} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.log = &sweep.Log{Dir: r.logDir, Now: r.app.now, Made: func(path string) {
		r.Log = path
		r.app.personal.Store(path)
	}}
	r.sweeper.Log = r.log
	err := r.sweeper.Plan(ctx)
	if err == nil && r.Live && r.Planned.Users() > 0 {
		err = r.migrate(ctx)
	} else if err == nil {
		err = r.dryRun(ctx)
	}
	return errors.Join(err, r.log.Close())
}

func (r *sweepRun) checkFlags(context.Context) error {
	for name, perSecond := range r.app.raised {
		if slices.Contains(quota.CannotBeRaised, quota.Category(name)) {
			return usagef("--quota %s: AWS does not raise this quota, which is %g requests a second", name,
				quota.Documented[quota.Category(name)])
		}
		if quota.Documented[quota.Category(name)] == 0 || perSecond <= 0 {
			return usagef("--quota %s=%d: must be requests a second of one of %v", name, perSecond,
				slices.Sorted(maps.Keys(quota.Documented)))
		}
	}
	switch {
	case r.notify != "code" && r.notify != "none":
		return usagef("--notify is %q: it can be code or none", r.notify)
	case !(r.app.share > 0 && r.app.share <= 1): // NaN included
		return usagef("--quota-share is %g: it must be above 0 and up to 1", r.app.share)
	case r.options.Limit < 1 && r.app.flags.Changed("limit"):
		return usagef("--limit must be at least 1, not %d", r.options.Limit)
	}
	return r.app.canConfirm(r.yes || !r.Live)
}

func (r *sweepRun) open(ctx context.Context) error {
	c, err := r.app.open(ctx, "STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID")
	if err != nil {
		return err
	}
	s := c.settings
	if s.StagingUserPoolID == s.ProductionUserPoolID {
		return usagef("STAGING_USER_POOL_ID and PRODUCTION_USER_POOL_ID are the same pool, %s", s.StagingUserPoolID)
	}
	r.clients, r.Limits, r.options.SendResets, r.options.Live = c, c.limits, r.notify == "code", r.Live
	r.options.Cutoff, r.options.CustomAttributes, r.options.Groups = s.StagingCutoff, s.CustomAttributes, s.Groups
	return nil
}

// prepare makes the sweep, once everything that its options depend on is read.
func (r *sweepRun) prepare(context.Context) error {
	c, s := r.clients, r.clients.settings
	records := notes{c.ledger, r.app.progress}
	groups := datamover.Groups{Names: s.Groups, Staging: c.stagingPool, Production: c.productionPool}
	r.sweeper = sweep.New(sweep.Dependencies{
		Staging: c.stagingPool, Production: c.productionPool,
		Move:   datamover.NewMover(s.Tables, c.stagingRows, c.productionRows, groups, records, r.now).Move,
		Ledger: c.ledger, Records: c.records, Limits: r.Limits, Log: io.Discard, Progress: r.app.progress,
		Now: r.now, Fatal: fatal,
	}, r.options)
	r.Counters = &r.sweeper.Counters
	return nil
}

// notes tell of moves of many rows, during which no user is counted.
type notes struct {
	*ledger.Store
	progress *console.Progress
}

// Checkpoint records a page. What it notes is shown until the next user is counted.
func (n notes) Checkpoint(
	ctx context.Context, l ledger.Lease, p ledger.Progress, now time.Time, d time.Duration,
) (ledger.Lease, error) {
	rows := 0
	for _, counts := range []map[string]int{p.Copied, p.Kept} {
		for _, count := range counts {
			rows += count
		}
	}
	n.progress.Note("moving " + console.Quantity(rows, "row", "rows"))
	return n.Store.Checkpoint(ctx, l, p, now, d)
}

// now is AWS's clock: leases and the age of users are compared with what AWS's clocks wrote.
func (r *sweepRun) now() time.Time { return r.app.now().Add(r.ahead) }

// readStaging reads whether two users can share an email, apart from case, and decides whether each user must be read
// before they are created: a list does not show second factors. Where the pool has none, nobody is read.
func (r *sweepRun) readStaging(ctx context.Context) error {
	out, err := describePool(ctx, r.clients.staging, r.clients.settings.StagingUserPoolID)
	if err != nil {
		return err
	}
	r.options.UniqueEmails = uniqueEmails(out.UserPool)
	r.options.RefuseMFA = r.clients.settings.MFAUsers == settings.MFARefuse &&
		out.UserPool.MfaConfiguration != types.UserPoolMfaTypeOff
	if r.options.RefuseMFA {
		r.app.progress.Println(
			"MFA_USERS is refuse: each user who would be created is read in staging first, which makes them " +
				"a monthly active user there.",
		)
	}
	return nil
}

// readTarget reads the production pool, and fails if it, its custom:staging_sub, a table or the ledger is missing.
func (r *sweepRun) readTarget(ctx context.Context) error {
	out, err := describePool(ctx, r.clients.production, r.clients.settings.ProductionUserPoolID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(out.UserPool.SchemaAttributes, func(a types.SchemaAttributeType) bool {
		return aws.ToString(a.Name) == string(userpool.AttrStagingSub)
	}) {
		return fmt.Errorf("the production pool has no attribute %s: run bulk check", userpool.AttrStagingSub)
	}
	email, functions := out.UserPool.EmailConfiguration, out.UserPool.LambdaConfig
	r.defaultSender = (email == nil || email.EmailSendingAccount != "DEVELOPER") &&
		(functions == nil || functions.CustomEmailSender == nil) // which sends instead of Cognito
	r.Pool = aws.ToString(out.UserPool.Name)
	r.options.CaseSensitive = check.CaseSensitive(*out.UserPool)
	r.ahead = aheadOf(out, r.app.now())
	_, err = r.clients.productionRows.KeySchema(ctx, r.clients.settings.LedgerTable)
	for _, t := range r.clients.settings.Tables {
		_, source := r.clients.stagingRows.KeySchema(ctx, t.Source)
		_, target := r.clients.productionRows.KeySchema(ctx, t.Target)
		err = cmp.Or(err, source, target)
	}
	return err
}

const defaultSenderADay = 50 // emails of Cognito's own sender ("Amazon Cognito developer guide, Email settings")

// refuse advises --limit only where it helps: it limits creations, not the resets of users who were created before.
func (r *sweepRun) refuse() {
	resets := r.Planned.Resets
	if !r.defaultSender || resets <= defaultSenderADay {
		return
	}
	r.Refused = fmt.Sprintf("the pool's default email sender sends at most %d emails a day, not %s: configure SES, "+
		"or use --notify none", defaultSenderADay, console.Count(resets))
	if limit := defaultSenderADay - (resets - r.Planned.Create); limit > 0 {
		r.Refused += fmt.Sprintf(", or --limit %d, once a day", limit)
	}
}

func (r *sweepRun) dryRun(context.Context) error {
	r.refuse()
	slices.Sort(r.ToCreate)
	return r.app.print(r, r.write)
}

// ask asks whether to do what is planned.
func (r *sweepRun) ask(ctx context.Context) error {
	if r.refuse(); r.Refused != "" {
		return errors.New(r.Refused)
	}
	groups := ""
	if len(r.options.Groups) > 0 {
		groups = ", carries over the groups " + console.List(r.options.Groups)
	}
	r.app.progress.Println(fmt.Sprintf("This creates %s in %s (%s), moves their data%s and sends %s. It takes about %s.",
		console.Quantity(r.Planned.Create, "account", "accounts"), r.Pool, r.clients.settings.ProductionUserPoolID, groups,
		console.Quantity(r.Planned.Resets, "reset email", "reset emails"), seconds(r.Planned.Seconds)))
	return r.app.confirm(ctx, r.Pool, r.yes)
}

func (r *sweepRun) migrate(ctx context.Context) error {
	err := r.ask(ctx)
	if err == nil {
		_, err = r.log.Write(nil) // before anything is written to production
	}
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() {
		r.app.progress.Println("Interrupted: the users in progress are being completed. Ctrl-C again stops at once.")
	})()
	r.app.left.Store(func() string {
		return r.Outcome() + ". Each step of each user: " + r.Log + "\nRun the same command again to continue."
	})
	began := r.app.now()
	err = r.sweeper.Run(ctx)
	r.Seconds = r.app.now().Sub(began).Seconds()
	slices.Sort(r.CreatedEmails)
	return findings(errors.Join(err, r.app.print(r, r.write)), r.Failed > 0 || r.Sender != "")
}

//go:embed sweep.tmpl
var sweepTemplate string

var sweepText = template.Must(template.New("").Funcs(template.FuncMap{
	"counts": sweepCounts, "duration": seconds, "line": console.Line, "quantity": console.Quantity, "quote": console.Quote,
}).Parse(sweepTemplate))

func (r *sweepRun) write(w io.Writer) error { return sweepText.Execute(w, r) }

// Named reports whether the sweep is of some users only, whom --limit cannot choose from.
func (r *sweepRun) Named() bool { return len(r.options.Users) > 0 }

// StagingPool is for the commands that the text prints.
func (r *sweepRun) StagingPool() string { return r.clients.settings.StagingUserPoolID }

func seconds(s float64) string { return console.Duration(time.Duration(s * float64(time.Second))) }

// sweepCounts returns pairs of text and number as a table, and the skipped users by reason.
func sweepCounts(by map[sweep.Reason]int, counts ...any) (string, error) {
	var rows, reasons [][]string
	skipped := 0
	for _, reason := range slices.SortedFunc(maps.Keys(by), func(a, b sweep.Reason) int {
		return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b))
	}) {
		skipped += by[reason]
		reasons = append(reasons, []string{"    " + string(reason), console.Count(by[reason]), reason.Explain()})
	}
	for pair := range slices.Chunk(append(counts, "skipped", skipped), 2) {
		rows = append(rows, []string{"  " + pair[0].(string), console.Count(pair[1].(int)), ""})
	}
	var b strings.Builder
	err := console.Columns(&b, "lrl", append(rows, reasons...)...)
	return b.String(), err
}
