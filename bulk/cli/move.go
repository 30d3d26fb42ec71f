package cli

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/verify"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
)

func moveCommand(a *app) *cobra.Command {
	m := &moveRun{app: a}
	cmd := describe("move", noArguments)
	cmd.Flags().BoolVar(&m.live, "live", false, "write to production")
	cmd.Flags().BoolVar(&m.yes, "yes", false, "do not ask for the pool's name")
	cmd.Flags().StringArrayVar(&m.users, "user", nil, "only the user with this `EMAIL` (or staging sub); may be repeated")
	cmd.Flags().
		StringArrayVar(&m.tables, "table", nil, "only this table, by its `NAME` in staging or production; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return m.run(cmd.Context()) }
	return cmd
}

type moveRun struct {
	app           *app
	live, yes     bool
	users, tables []string
	mover         verify.Mover
	records       iter.Seq2[ledger.Record, error]
	estimate      int    // of them
	pool          string // its name
}

func (m *moveRun) run(ctx context.Context) error {
	if err := m.app.canConfirm(m.yes || !m.live); err != nil {
		return err
	}
	c, err := m.app.open(ctx, "STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID")
	if err == nil {
		err = m.prepare(ctx, c)
	}
	if err != nil {
		return err
	}
	out := verify.NewMoveWriter(m.app.page, m.app.json, m.live, m.again())
	each := out.Write
	if m.live {
		each = func(c verify.Comparison) error {
			if c.Skipped+c.Unread == "" {
				return nil // printed when it is moved
			}
			return out.Write(c)
		}
	}
	summary, err := m.mover.Plan(ctx, m.records, m.estimate, each)
	if err == nil && m.live && summary.Missing > 0 {
		summary, err = m.copy(ctx, c, summary, out.Write)
	}
	if err == nil {
		err = out.End(summary)
	}
	return findings(err, summary.Unread > 0 || summary.Rows().Rejected > 0)
}

func (m *moveRun) prepare(ctx context.Context, c *clients) error {
	tables, err := chosenTables(c.settings.Tables, m.tables)
	if err != nil {
		return err
	}
	out, err := describePool(ctx, c.production, c.settings.ProductionUserPoolID)
	if err != nil {
		return err
	}
	m.pool = aws.ToString(out.UserPool.Name)
	m.records, m.estimate = c.recordsOf(ctx, m.users)
	ahead := aheadOf(out, m.app.now())
	m.mover = verify.Mover{
		Verifier: verify.Verifier{
			Tables: tables, Staging: c.stagingRows, Production: c.productionRows, Progress: m.app.progress,
		},
		Target: c.productionRows, Pool: c.productionPool, Ledger: c.ledger,
		Now: func() time.Time { return m.app.now().Add(ahead) },
	}
	return nil
}

// chosenTables returns the tables of these names, or all. A name is that of the source or of the target.
func chosenTables(all []settings.Table, names []string) (chosen []settings.Table, err error) {
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, t := range all {
		known = append(known, t.Source, t.Target)
		if slices.Contains(names, t.Source) || slices.Contains(names, t.Target) {
			chosen = append(chosen, t)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usagef("--table %s: MIGRATION_TABLES has %s", name, console.List(known))
		}
	}
	return chosen, nil
}

// again returns the flags that choose users and tables, for the same command with --live.
func (m *moveRun) again() string {
	var flags strings.Builder
	for _, user := range m.users {
		flags.WriteString(" --user " + console.Quote(user))
	}
	for _, table := range m.tables {
		flags.WriteString(" --table " + console.Quote(table))
	}
	return flags.String()
}

// copy asks whether to do what is planned, and does it.
func (m *moveRun) copy(
	ctx context.Context, c *clients, planned verify.Summary, each func(verify.Comparison) error,
) (verify.Summary, error) {
	m.app.progress.Println(fmt.Sprintf("This copies %s of %s into the tables of %s (%s), and overwrites nothing. A row "+
		"that its owner has deleted in production comes back: bulk move%s lists each row.",
		console.Quantity(planned.Rows().Missing, "row", "rows"), console.Quantity(planned.Missing, "user", "users"),
		m.pool, c.settings.ProductionUserPoolID, m.again()))
	if err := m.app.confirm(ctx, m.pool, m.yes); err != nil {
		return planned, err
	}
	moved, err := m.mover.Move(ctx, m.records, each)
	moved.Skipped, moved.Unread, moved.NotYet = moved.Skipped+planned.Skipped, moved.Unread+planned.Unread, planned.NotYet
	return moved, err
}
