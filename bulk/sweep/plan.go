package sweep

import (
	"cmp"
	"context"
	"errors"

	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Plan counts what Run would do. Nothing is written but the log.
func (s *Sweeper) Plan(ctx context.Context) error {
	s.Progress.Start("Reading staging", "users", cmp.Or(len(s.options.Users), s.Staging.EstimatedSize(ctx)))
	defer s.Progress.End()
	s.Skipped = map[Reason]int{}
	p := planner{s, users.NewEmailSet(), users.NewEmailSet()}
	err := s.findPairs(ctx)
	if err == nil {
		err = p.readProduction(ctx)
	}
	if err == nil {
		err = s.each(ctx, users.Once(s.users(ctx)), func(u userpool.User) error { return p.plan(ctx, u) })
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
	m := p.migration(u)
	err := m.keep(p.Ledger.Get(ctx, u.Sub))
	whatever, _ := nextStep(m.facts, p.options, p.Now()) // without the production user
	switch exists := p.emails.Has(u.Email()); {
	case err != nil || whatever == done:
	case len(p.options.Users) > 0, m.record.Exists(), exists && !p.native.Has(u.Email()):
		err = m.readProduction(ctx)
	case exists:
		m.production = &u // all that counts is that there is one
	default:
		m.production = &userpool.User{}
	}
	if p.options.Limit > 0 { // no more users are read than may be created
		p.creating.Lock()
		defer p.creating.Unlock()
	}
	next, reason := ahead(m.facts, p.options, p.Now())
	if next == createUser && p.options.Limit > 0 && p.Planned.Create == p.options.Limit {
		next, reason = done, LimitReached
	}
	if err == nil && (next == createUser || next == adoptUser) {
		err = m.checkMFA(ctx)
	}
	if rejected, ok := errors.AsType[Reason](err); ok {
		next, reason, err = done, rejected, nil
	}
	if err != nil {
		return err
	}
	return m.note(m.count(next, reason))
}

// count counts the user's next step and returns what the log says about it.
func (m *migration) count(next *step, reason Reason) (status Status, details string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Users++
	then := ""
	if m.options.SendResets && next != done && (next == createUser || m.created() && m.record.ResetAt.IsZero()) {
		m.Planned.Resets++
		then = ", then send a reset email"
	}
	switch {
	case next == createUser:
		m.Planned.Create++
	case next == adoptUser:
		m.Planned.Adopt++
	case next == done:
		return Skipped, string(reason)
	case next == sendReset:
		return DryRun, sendReset.would + ": user and data are there"
	default:
		m.Planned.Complete++
	}
	return DryRun, next.would + then
}
