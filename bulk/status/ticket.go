package status

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// pool finds single users. The contract is that of userpool.Pool.
type pool interface {
	FindByEmail(ctx context.Context, email string) ([]userpool.User, error)
	FindIgnoringCase(ctx context.Context, email string, seen func()) ([]userpool.User, error)
	FindBySub(ctx context.Context, sub string) (userpool.User, error)
	EstimatedSize(context.Context) int
}

// oneLine reads a line, or ledger.ErrNoRecord.
type oneLine interface {
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
}

// Desk answers support tickets.
type Desk struct {
	staging, production pool
	ledger              oneLine
	cutoff              time.Time
	places              Places
	meter               *progress.Meter
}

// Places names what the advice's commands work on.
type Places struct {
	StagingPool, ProductionPool, LedgerTable string
}

// NewDesk returns a desk. meter may be nil.
func NewDesk(staging, production pool, lines oneLine, cutoff time.Time, places Places, meter *progress.Meter) *Desk {
	return &Desk{staging: staging, production: production, ledger: lines, cutoff: cutoff, places: places, meter: meter}
}

// Ticket is what is known of one person: of one staging user, or of nobody in staging.
type Ticket struct {
	Asked   string
	Staging *userpool.User
	Line    *ledger.Record
	Theirs  *userpool.User  // the production user whom the ledger has bound
	Others  []userpool.User // production users with that e-mail whom the ledger has not bound to them
	Twins   []string        // e-mails of other staging users that differ from this one by upper and lower case only

	Cutoff time.Time
}

// Look finds everybody who may be meant by an e-mail, or by a staging sub, which is what the functions log. There is always
// at least one ticket.
func (d *Desk) Look(ctx context.Context, asked string) ([]Ticket, error) {
	accounts, err := d.inProduction(ctx, asked)
	if err != nil {
		return nil, err
	}
	users, err := d.inStaging(ctx, asked, accounts)
	if err != nil {
		return nil, err
	}
	if len(users) == 0 {
		ticket, err := d.gone(ctx, asked, accounts)
		return []Ticket{ticket}, err
	}
	tickets := make([]Ticket, len(users))
	for i, user := range users {
		if tickets[i], err = d.ticket(ctx, asked, user, accounts); err != nil {
			return nil, err
		}
		for _, other := range users {
			if other.Sub != user.Sub {
				tickets[i].Twins = append(tickets[i].Twins, other.Email())
			}
		}
	}
	return tickets, nil
}

func (d *Desk) inProduction(ctx context.Context, asked string) ([]userpool.User, error) {
	if !strings.Contains(asked, "@") {
		return nil, nil
	}
	return d.production.FindByEmail(ctx, asked)
}

// inStaging asks for the e-mail, then for whom production says it was, and then reads through the whole pool for another
// spelling.
func (d *Desk) inStaging(ctx context.Context, asked string, accounts []userpool.User) ([]userpool.User, error) {
	if !strings.Contains(asked, "@") {
		return d.bySubs(ctx, asked)
	}
	users, err := d.staging.FindByEmail(ctx, asked)
	if err != nil || len(users) > 0 {
		return users, err
	}
	var subs []string
	for _, account := range accounts {
		if sub := account.StagingSub(); sub != "" {
			subs = append(subs, sub)
		}
	}
	if users, err = d.bySubs(ctx, subs...); err != nil || len(users) > 0 {
		return users, err
	}
	d.meter.Println("Staging does not know that spelling; looking for another one.")
	task := d.meter.Start("Reading staging", "users", d.staging.EstimatedSize(ctx))
	users, err = d.staging.FindIgnoringCase(ctx, asked, func() { task.Add(1) })
	if err == nil {
		task.End()
	}
	return users, err
}

func (d *Desk) bySubs(ctx context.Context, subs ...string) ([]userpool.User, error) {
	var users []userpool.User
	for _, sub := range subs {
		user, err := d.staging.FindBySub(ctx, sub)
		if errors.Is(err, userpool.ErrUserNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, nil
}

// gone is the ticket of somebody who is not in staging, though they may have been.
func (d *Desk) gone(ctx context.Context, asked string, accounts []userpool.User) (Ticket, error) {
	t := Ticket{Asked: asked, Others: accounts, Cutoff: d.cutoff}
	subs := []string{asked}
	if strings.Contains(asked, "@") {
		subs = nil
		for _, account := range accounts {
			subs = append(subs, account.StagingSub())
		}
	}
	for _, sub := range subs {
		if sub == "" {
			continue
		}
		if err := d.addLine(ctx, &t, sub); err != nil {
			return t, err
		}
		if t.Line != nil && t.Line.Bound() {
			return t, d.addTheirs(ctx, &t)
		}
	}
	return t, nil
}

func (d *Desk) ticket(ctx context.Context, asked string, user userpool.User, accounts []userpool.User) (Ticket, error) {
	t := Ticket{Asked: asked, Staging: &user, Others: slices.Clone(accounts), Cutoff: d.cutoff}
	if err := d.addLine(ctx, &t, user.Sub); err != nil {
		return t, err
	}
	if email := user.Email(); email != "" && email != asked {
		more, err := d.production.FindByEmail(ctx, email)
		if err != nil {
			return t, err
		}
		for _, account := range more {
			if !slices.ContainsFunc(t.Others, sameSub(account.Sub)) {
				t.Others = append(t.Others, account)
			}
		}
	}
	return t, d.addTheirs(ctx, &t)
}

func (d *Desk) addLine(ctx context.Context, t *Ticket, sub string) error {
	line, err := d.ledger.Get(ctx, sub)
	if err == nil && line.Exists() {
		t.Line = &line
	}
	return err
}

// addTheirs reads the production user whom the ledger has bound, and takes them out of the others.
func (d *Desk) addTheirs(ctx context.Context, t *Ticket) error {
	if t.Line == nil || !t.Line.Bound() {
		return nil
	}
	user, err := d.production.FindBySub(ctx, t.Line.ProductionSub)
	if errors.Is(err, userpool.ErrUserNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Theirs = &user
	t.Others = slices.DeleteFunc(t.Others, sameSub(user.Sub))
	return nil
}

func sameSub(sub string) func(userpool.User) bool {
	return func(u userpool.User) bool { return u.Sub == sub }
}
