package sweep

import (
	"cmp"
	"context"
	"errors"

	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Plan counts what Run would do. Nothing is written but the log.
func (s *Sweeper) Plan(ctx context.Context) error {
	s.Progress.Start("Reading staging", "users", cmp.Or(len(s.options.Users), s.Staging.EstimatedSize(ctx)))
	defer s.Progress.End()
	s.Skipped = map[Reason]int{}
	p := planner{s, users.NewEmailSet(), users.NewEmailSet()}
	err := p.readProduction(ctx)
	if err == nil {
		err = s.each(ctx, s.once(ctx, s.users(ctx)), func(u userpool.User) error { return p.plan(ctx, u) })
	}
	for i := 0; err == nil && i < len(s.late) && s.options.Limit == 0; i++ {
		err = p.planAgain(ctx, s.late[i])
	}
	s.Planned.Seconds = max( // data is moved meanwhile, which can only add to it
		float64(s.Planned.Create)/s.Limits.PerSecond(quota.UserCreation),
		float64(s.Planned.Create+s.Planned.Resets)/s.Limits.PerSecond(quota.UserAccountRecovery),
		float64(s.Users)/60/s.Limits.PerSecond(quota.UserList)) // 60 users a page
	return err
}

// planner counts what a sweep would do.
type planner struct {
	*Sweeper
	emails, native *users.EmailSet // of production's users, and of those who were never in staging
}

func (p planner) readProduction(ctx context.Context) error {
	if len(p.options.Users) > 0 { // they are read one by one
		return nil
	}
	claimed := users.NewEmailSet()
	for u, err := range p.Production.List(ctx) {
		if err != nil {
			return err
		}
		p.emails.Add(u.Email())
		if claimed.Add(u.StagingSub()); u.StagingSub() == "" {
			p.native.Add(u.Email())
		}
	}
	p.claimed = claimed
	return nil
}

// plan counts one user's next step.
func (p planner) plan(ctx context.Context, u userpool.User) error {
	m, status, details, err := p.count(ctx, u, 1)
	if err != nil {
		return err
	}
	return m.note(status, details)
}

// planAgain corrects what was counted for a user who turned out to be the second with an email.
func (p planner) planAgain(ctx context.Context, u userpool.User) error {
	_, status, reason, err := p.count(ctx, u, -1)
	if err != nil {
		return err
	}
	if status == Skipped {
		p.Skipped[Reason(reason)]--
	}
	p.seconds.Store(u.Sub, true)
	return p.plan(ctx, u)
}

// count counts the user's next step n times and returns what the log says about it.
func (p planner) count(
	ctx context.Context, u userpool.User, n int,
) (m *migration, status Status, details string, err error) {
	m = p.migration(u)
	err = m.keep(p.Ledger.Get(ctx, u.Sub))
	whatever, _ := nextStep(m.facts, p.options, p.Now()) // without the production user
	switch exists := p.emails.Has(u.Email()); {
	case err != nil || m.record.Bound() || whatever == done:
	case len(p.options.Users) > 0, m.record.Exists(), exists && !p.native.Has(u.Email()):
		err = m.readProduction(ctx)
	case exists:
		m.production = &u // all that counts is that there is one
	default:
		m.production = &userpool.User{}
	}
	if reason, ok := errors.AsType[Reason](err); ok {
		status, details = m.count(done, reason, n)
		return m, status, details, nil
	} else if err != nil {
		return m, "", "", err
	}
	if p.options.Limit > 0 { // no more users are read than may be created
		p.creating.Lock()
		defer p.creating.Unlock()
	}
	next, reason := nextStep(m.facts, p.options, p.Now())
	if next == createUser && p.options.Limit > 0 && p.Planned.Create == p.options.Limit {
		next, reason = done, LimitReached
	}
	if next == createUser || next == adoptUser {
		err = m.checkMFA(ctx)
	}
	if rejected, ok := errors.AsType[Reason](err); ok {
		next, reason, err = done, rejected, nil
	}
	if err == nil {
		status, details = m.count(next, reason, n)
	}
	return m, status, details, err
}

func (m *migration) count(next *step, reason Reason, n int) (Status, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Users += n
	then := ""
	if m.options.SendResets && next != done && (next == createUser || m.created()) {
		m.Planned.Resets += n
		then = ", then send a reset email"
	}
	switch {
	case next == createUser:
		m.Planned.Create += n
	case next == adoptUser:
		m.Planned.Adopt += n
	case next == done:
		return Skipped, string(reason)
	case m.record.State == ledger.Moved:
		return DryRun, sendReset.would + ": user and data are there"
	default:
		m.Planned.Complete += n
	}
	return DryRun, next.would + then
}
