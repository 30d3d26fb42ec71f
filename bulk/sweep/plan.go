package sweep

import (
	"cmp"
	"context"
	"errors"

	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Plan counts what Run would do, up to the user who uses --limit up. Nothing is written but the log.
func (s *Sweeper) Plan(ctx context.Context) error {
	s.Skipped, s.toDo = map[Reason]int{}, users.NewEmailSet()
	p := planner{s, users.NewEmailSet(), users.NewEmailSet()}
	err := p.readProduction(ctx)
	s.Progress.Start("Reading staging", "users", cmp.Or(len(s.options.Users), s.Staging.EstimatedSize(ctx)))
	defer s.Progress.End()
	if err == nil {
		err = s.findPairs(ctx)
	}
	parallel := inFlight
	if s.options.Limit > 0 && s.options.Limit < inFlight {
		parallel = 1 // so that nobody is looked at after the last one
	}
	if err == nil {
		err = s.each(ctx, users.Once(s.users(ctx)), parallel, func(m *migration) error { return p.plan(ctx, m) })
	}
	s.Partial = s.full.Load()
	s.Planned.Seconds = max( // data is moved meanwhile, which can only add to it
		float64(s.Planned.Create)/s.Limits.PerSecond(quota.UserCreation),
		float64(s.Planned.Create+s.Planned.Resets)/s.Limits.PerSecond(quota.UserAccountRecovery),
		float64(s.Users)/pageSize/s.Limits.PerSecond(quota.UserList))
	return err
}

// planner counts what a sweep would do.
type planner struct {
	*Sweeper
	emails, native *users.EmailSet // of production's users, and of those who were never in staging
}

func (p planner) readProduction(ctx context.Context) error {
	if p.oneByOne() {
		return nil
	}
	p.Progress.Start("Reading production", "users", p.Production.EstimatedSize(ctx))
	defer p.Progress.End()
	for u, err := range p.Production.List(ctx) {
		if err != nil {
			return err
		}
		p.Progress.Add(1)
		p.emails.Add(u.Email())
		if u.StagingSub() == "" {
			p.native.Add(u.Email())
		}
	}
	return nil
}

// oneByOne reports whether so few users are looked at that each is read in production, and not the whole pool.
func (p planner) oneByOne() bool { return len(p.options.Users) > 0 || p.options.Limit > 0 }

// plan counts one user's next step.
func (p planner) plan(ctx context.Context, m *migration) error {
	var err error
	whatever, _ := nextStep(m.facts, p.options, p.Now()) // without the production user
	switch exists := p.emails.Has(m.staging.Email()); {
	case whatever == done:
	case p.oneByOne(), m.record.Exists(), exists && !p.native.Has(m.staging.Email()):
		err = m.readProduction(ctx)
	case exists:
		m.production = &m.staging // all that counts is that there is one
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
	status, details := m.count(next, reason)
	if p.options.Live && status == DryRun {
		return nil // Run says what happens
	}
	return m.note(status, details)
}

const maxToCreate = 20 // are named; all are in the log

// count counts the user's next step and returns what the log says about it.
func (m *migration) count(next *step, reason Reason) (status Status, details string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Users++
	if next != done {
		m.toDo.Add(m.staging.Sub)
	}
	then := ""
	if m.options.SendResets && next != done && (next == createUser || m.created() && m.record.ResetAt.IsZero()) {
		m.Planned.Resets++
		then = ", then send a reset email"
	}
	switch {
	case next == createUser:
		if m.Planned.Create++; m.Planned.Create <= maxToCreate {
			m.ToCreate = append(m.ToCreate, m.staging.Email())
		}
		m.full.Store(m.Planned.Create == m.options.Limit) // which is 0 without a limit
	case next == adoptUser:
		m.Planned.Adopt++
	case next == done:
		return Skipped, string(reason)
	case next == sendReset:
		m.Planned.Send++
		return DryRun, sendReset.would + ": user and data are there"
	default:
		m.Planned.Complete++
	}
	return DryRun, next.would + then
}
