package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"slices"
	"strconv"
	"strings"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/sweep"
	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// sweepFlags are what the operator decides.
type sweepFlags struct {
	live, yes, adopt bool
	limit            int
	users            stringList
	notify           string
	share            float64
	raised           quotaList
	logDir           string
}

func sweepCommand() *command {
	var f sweepFlags
	return &command{
		name:    "sweep",
		summary: "bring over whoever has not come by themselves",
		usage:   "[--live] [--limit N] [--user EMAIL]... [--notify code|none]",
		help: `
Without --live nothing is written: it says what would happen to each user, why, and how
long it would take. With --live it asks for the production pool's name, and then, for
each eligible staging user who is not over yet: writes the ledger line, creates the
account, gives it a password that nobody knows, moves the data, and last sends a letter
with a code. Whoever came by themselves is left alone; so is any production account
that this migration did not make, unless --adopt binds it.

It can be stopped anywhere and run again: it goes on where it stopped, and nobody is
created twice. Every step is a line in migration_log_….jsonl, which holds e-mails.

It keeps to a share of Cognito's quotas, since live users need them too, and slows down
by itself when Cognito throttles.`,
		examples: []string{
			"bulk sweep",
			"bulk sweep --live --limit 2",
			"bulk sweep --live --user ada@example.com --user ben@example.com",
			"bulk sweep --live --notify none",
		},
		requires: []string{"STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID"},
		flags:    f.declare,
		goOn:     "Whoever was under way was finished. Run the same command again: it goes on where this stopped.",
		run:      func(ctx context.Context, s *session) error { return runSweep(ctx, s, f) },
	}
}

func (f *sweepFlags) declare(set *flag.FlagSet) {
	set.BoolVar(&f.live, "live", false, "really do it; without, nothing is written")
	set.BoolVar(&f.yes, "yes", false, "do not ask for the pool's name")
	set.IntVar(&f.limit, "limit", 0, "create at most `N` accounts, for a small batch first")
	set.Var(&f.users, "user", "only the staging user with this `EMAIL`; may be repeated")
	set.StringVar(&f.notify, "notify", "code", "`code` sends the letter with a code; none creates accounts without it, to be written to by a later sweep")
	set.BoolVar(&f.adopt, "adopt", false, "bind production accounts with the same e-mail, verified on both sides, and give them their data")
	set.Float64Var(&f.share, "quota-share", 0.8, "`SHARE` of each Cognito quota to use, above 0 and up to 1")
	set.Var(&f.raised, "quota", "a quota that AWS has raised for you, as `CATEGORY=N` requests a second; may be repeated")
	set.StringVar(&f.logDir, "log-dir", ".", "`DIR` for the sweep log")
}

func (f *sweepFlags) check() error {
	switch {
	case f.notify != "code" && f.notify != "none":
		return usagef("--notify is %q: it can be code or none", f.notify)
	case f.share <= 0 || f.share > 1:
		return usagef("--quota-share is %g: it must be above 0 and up to 1", f.share)
	case f.limit < 0:
		return usagef("--limit is %d: it cannot be below 0", f.limit)
	}
	return nil
}

// quotaList is a flag for raised quotas.
type quotaList map[quota.Category]float64

func (l *quotaList) String() string { return "" }

// Set takes one CATEGORY=N.
func (l *quotaList) Set(value string) error {
	name, number, _ := strings.Cut(value, "=")
	perSecond, err := strconv.ParseFloat(number, 64)
	_, known := quota.Documented[quota.Category(name)]
	if !known || err != nil || perSecond <= 0 {
		return errors.New("not one of UserAccountRecovery=N, UserCreation=N, UserList=N or UserRead=N, in requests a second")
	}
	if *l == nil {
		*l = quotaList{}
	}
	(*l)[quota.Category(name)] = perSecond
	return nil
}

// sweepRun is one sweep, ready to begin.
type sweepRun struct {
	*session
	flags     sweepFlags
	pool      destination
	parts     sweep.Parts
	options   sweep.Options
	staging   *userpool.Pool
	limits    quota.Limits
	logPath   string
	closeFile func() error
}

func runSweep(ctx context.Context, s *session, f sweepFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if s.settings.StagingUserPoolID == s.settings.ProductionUserPoolID {
		return usagef("STAGING_USER_POOL_ID and PRODUCTION_USER_POOL_ID are one pool, %s: nobody has anywhere to go", s.settings.StagingUserPoolID)
	}
	if f.live && !f.yes && !s.InTerminal {
		return usagef("--live asks for the pool's name, and nobody is there to answer: add --yes")
	}
	r, err := s.prepareSweep(ctx, f)
	if err != nil {
		return err
	}
	if !f.live {
		return r.dry(ctx)
	}
	return r.live(ctx)
}

func (s *session) prepareSweep(ctx context.Context, f sweepFlags) (*sweepRun, error) {
	a, err := s.accounts(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := a.destination(ctx, s)
	if err != nil {
		return nil, err
	}
	stagingLimits, limits := quota.New(f.share, nil), quota.New(f.share, f.raised)
	production := cognito.NewFromConfig(a.production, limits.Option)
	r := &sweepRun{session: s, flags: f, pool: pool, limits: limits}
	r.staging = userpool.New(cognito.NewFromConfig(a.staging, stagingLimits.Option), s.settings.StagingUserPoolID)
	r.parts = sweep.Parts{
		Staging: r.staging, Production: userpool.New(production, s.settings.ProductionUserPoolID),
		Accounts: userpool.New(production, s.settings.ProductionUserPoolID), Ledger: a.ledger,
		Mover: datamover.NewMover(s.settings.Tables, rows.NewStore(a.stagingTables), rows.NewStore(a.productionTables), a.ledger),
		Now:   pool.clock, Fatal: fatal, Journal: sweep.Nowhere{},
	}
	r.options = sweep.Options{
		Limit: f.limit, Users: slices.Clone(f.users), Letters: f.notify == "code", Adopt: f.adopt,
		Cutoff: s.settings.StagingCutoff, CustomAttributes: s.settings.CustomAttributes,
	}
	return r, nil
}

// openLog makes the log once it is sure that there is something to write.
func (r *sweepRun) openLog() error {
	file, err := sweep.Create(r.flags.logDir, r.now())
	if err != nil {
		return err
	}
	r.parts.Journal, r.logPath, r.closeFile = file, file.Path(), file.Close
	return nil
}

func (r *sweepRun) plan(ctx context.Context, what string) (*sweep.Plan, error) {
	task := r.meter.Start(what, "users", r.total(ctx))
	defer task.End()
	parts := r.parts
	parts.Done = func() { task.Add(1) }
	return sweep.New(parts, r.options).Plan(ctx)
}

func (r *sweepRun) total(ctx context.Context) int {
	if len(r.options.Users) > 0 {
		return len(r.options.Users)
	}
	return r.staging.EstimatedSize(ctx)
}

func (r *sweepRun) dry(ctx context.Context) error {
	if err := r.openLog(); err != nil {
		return err
	}
	plan, err := r.plan(ctx, "Looking at staging")
	if err = errors.Join(err, r.closeFile()); err != nil {
		return err
	}
	report := newSweepReport(r, plan)
	if err := r.pool.refuse(plan.Letters); err != nil {
		report.Refused = err.Error()
	}
	return r.print(report, report.writeDry)
}

func (r *sweepRun) live(ctx context.Context) error {
	plan, err := r.plan(ctx, "Looking at staging")
	if err != nil {
		return err
	}
	if err := r.pool.refuse(plan.Letters); err != nil {
		return err
	}
	if err := r.confirm(ctx, plan); err != nil {
		return err
	}
	if err := r.openLog(); err != nil {
		return err
	}
	task := r.meter.Start("Sweeping", "users", plan.Users)
	r.parts.Done = func() { task.Add(1) }
	defer context.AfterFunc(ctx, func() { r.meter.Println("Interrupted: finishing whoever is under way. Ctrl-C again stops at once.") })()
	began := r.now()
	tally, err := sweep.New(r.parts, r.options).Run(ctx)
	task.End()
	report := newSweepReport(r, plan)
	report.ended(tally, r.now().Sub(began))
	if err = errors.Join(err, r.closeFile(), r.print(report, report.writeLive)); err != nil {
		return err
	}
	if report.Failed > 0 {
		return errFindings
	}
	return nil
}

// confirm has the operator type the pool's name, which no habit of pressing y can do.
func (r *sweepRun) confirm(ctx context.Context, p *sweep.Plan) error {
	if r.flags.yes {
		return nil
	}
	r.meter.Println(fmt.Sprintf("This creates %s accounts in %s (%s), moves their data and sends %s letters; it takes about %s.",
		progress.Count(p.Create), r.pool.name, r.settings.ProductionUserPoolID, progress.Count(p.Letters), progress.Duration(p.Takes(r.limits))))
	return r.confirmPool(ctx, r.pool.name)
}
