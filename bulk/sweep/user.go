package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// step is what one user needs next. A step returns a Reason if the user must be skipped.
type step struct {
	take func(*migration, context.Context) error
}

var (
	done           = &step{}
	createUser     = &step{(*migration).createUser}     // or find the user that a killed sweep left
	adoptUser      = &step{(*migration).adoptUser}      // who was in production before the migration
	readProduction = &step{(*migration).readProduction} // what comes next depends on the production user
	setPassword    = &step{(*migration).setPassword}    // FORCE_CHANGE_PASSWORD blocks "forgot password"
	recordPassword = &step{(*migration).recordPassword} // also if a sweep was killed before it could
	moveData       = &step{(*migration).moveData}       // not all rows are in production
	sendReset      = &step{(*migration).sendReset}      // all data is there; the reset email is the last step
)

const signInTime = time.Minute // for an import by the trigger, on which Cognito waits three times 5 s at most

// facts is what is known of one user.
type facts struct {
	staging    userpool.User
	record     ledger.Record  // the ledger's latest answer
	production *userpool.User // bound, or with the same email; nil until it was read, zero if there is none
	tried      bool           // this run has moved the data
}

// created reports whether a sweep created the user, who has not signed in yet. Others get no password and no reset.
func (f facts) created() bool { return f.record.CreatedBySweep() && f.record.SeenAt.IsZero() }

// inProduction reports whether production has the user, as far as that was read.
func (f facts) inProduction() bool { return f.production != nil && f.production.Email() != "" }

// nextStep is the only place that knows the order of a migration: the first rule that applies counts. A sweep that was
// killed anywhere resumes here, since every step is recorded before the next one begins.
func nextStep(f facts, o Options, now time.Time) (*step, Reason) {
	r, moved, ineligible := f.record, f.record.State == ledger.Moved, f.staging.Ineligible(o.Cutoff)
	for _, rule := range []struct {
		applies bool
		step    *step
		reason  Reason // to skip the user
	}{
		{ineligible != "", done, Reason(ineligible)},
		{f.tried && !moved, done, ""}, // an operator has deleted the record meanwhile
		{!r.Exists() && !f.inProduction(), createUser, ""},
		{!r.Bound() && r.Via == ledger.Sweep, createUser, ""},
		{!r.Exists() && o.Adopt, adoptUser, ""},
		{!r.Exists(), done, ProductionUserExists},
		{!r.Bound() && now.Sub(r.ImportedAt) < signInTime, done, SigningIn},
		{!r.Bound() && f.inProduction(), done, AwaitingUser},
		{!r.Bound() && f.production != nil, createUser, ""}, // the trigger's answer was too late for Cognito
		{moved && !r.CreatedBySweep(), done, AlreadyMoved},
		{moved && (!f.created() || r.PasswordSetAt.IsZero()), done, SignedInSince}, // no password: moved by a sign-in
		{moved && !r.ResetAt.IsZero(), done, ResetAlreadySent},
		{moved && !o.SendResets, done, ResetNotRequested},
		{moved, sendReset, ""},
		{f.production == nil, readProduction, ""},
		{!f.inProduction(), done, ProductionUserDeleted},
		{f.created() && f.inProduction() && f.production.NeedsPassword(), setPassword, ""},
		{f.created() && r.PasswordSetAt.IsZero(), recordPassword, ""},
	} {
		if rule.applies {
			return rule.step, rule.reason
		}
	}
	return moveData, ""
}

// migration is one user under way.
type migration struct {
	*Sweeper
	facts
	logged bool
}

// keep keeps the ledger's latest answer.
func (m *migration) keep(record ledger.Record, err error) error {
	if err == nil {
		m.record = record
	}
	return err
}

// run takes one user to the end. It returns a Reason if the user is skipped.
func (m *migration) run(ctx context.Context) error {
	err := m.keep(m.Ledger.Get(ctx, m.staging.Sub))
	for previous := done; err == nil; {
		next, reason := nextStep(m.facts, m.options, m.Now())
		switch {
		case next == done && m.logged:
			return nil // completed by this run, so not skipped
		case next == done:
			return reason
		case next == previous:
			return fmt.Errorf("no progress: the record is %s", m.record.State)
		}
		err, previous = next.take(m, ctx), next
	}
	return err
}

// createUser writes the record before it creates the user, so that a sweep that is killed finds its own user again.
func (m *migration) createUser(ctx context.Context) error {
	if m.options.Limit > 0 { // which a user who exists in production already does not use up
		m.creating.Lock()
		defer m.creating.Unlock()
		if m.newUsers.Load() == int64(m.options.Limit) {
			return LimitReached
		}
	}
	before, user := m.record, userpool.User{Status: userpool.ForceChangePassword}
	user.Attributes, _ = userpool.ProductionAttributes(m.staging, m.options.CustomAttributes)
	err := m.begin(ctx)
	if err == nil {
		user.Sub, err = m.Production.Create(ctx, m.staging.Email(), user.Attributes)
	}
	switch {
	case errors.Is(err, userpool.ErrUserExists):
		return m.identify(ctx, before)
	case err != nil:
		return err
	}
	m.newUsers.Add(1)
	m.production = &user
	return m.bindCreated(ctx, "user created")
}

// begin writes the record, unless an earlier sweep has.
func (m *migration) begin(ctx context.Context) error {
	if m.record.Via == ledger.Sweep {
		return nil
	}
	return m.keep(m.Ledger.BeginSweep(ctx, m.staging.Sub, m.staging.Email(), m.Now(), m.record))
}

// identify decides whether an earlier sweep created the user: only a sweep leaves a user with this staging sub who is
// not older than the record and still needs a password. For any other user the record is reverted to before.
func (m *migration) identify(ctx context.Context, before ledger.Record) error {
	begun := m.record.ImportedAt
	if err := errors.Join(m.readProduction(ctx), m.keep(m.Ledger.Get(ctx, m.staging.Sub))); err != nil {
		return err
	}
	switch {
	case m.record.Via != ledger.Sweep || m.record.Bound():
		return SigningIn // the trigger, or another sweep, was faster
	case m.production.NeedsPassword() && m.production.StagingSub() == m.staging.Sub &&
		!m.production.Created.Before(begun.Truncate(time.Second)):
		return m.bindCreated(ctx, "found the user of an earlier sweep")
	case before.Via == ledger.Sweep:
		before = ledger.Record{}
	}
	return m.keep(before, m.Ledger.Revert(ctx, m.staging.Sub, begun, before))
}

func (m *migration) bindCreated(ctx context.Context, details string) error {
	if err := m.keep(m.Ledger.BindCreated(ctx, m.staging.Sub, m.production.Sub)); err != nil {
		return err
	}
	return m.note(Created, details)
}

// adoptUser binds a user who existed before the migration, if both emails are the same and verified.
func (m *migration) adoptUser(ctx context.Context) error {
	user := m.production
	if user.Status != userpool.Confirmed || !user.Enabled || !user.EmailVerified() || !user.HasEmail(m.staging.Email()) {
		return ProductionUserExists
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	return m.keep(m.Ledger.BindExisting(ctx, m.staging.Sub, user.Sub))
}

// readProduction reads the user that the record is bound to, or that has the email.
func (m *migration) readProduction(ctx context.Context) error {
	user, err := m.Production.Get(ctx, cmp.Or(m.record.ProductionSub, m.staging.Email()))
	if errors.Is(err, userpool.ErrUserNotFound) {
		user, err = userpool.User{}, nil
	}
	m.production = &user
	return err
}

func (m *migration) setPassword(ctx context.Context) error {
	m.production.Status = userpool.Confirmed
	return m.Production.SetRandomPassword(ctx, m.record.ProductionSub)
}

func (m *migration) recordPassword(ctx context.Context) error {
	return m.keep(m.Ledger.PasswordSet(ctx, m.staging.Sub, m.record.ProductionSub, m.Now()))
}

// moveData reads the record again afterwards: a user who has signed in meanwhile is sent no reset email.
func (m *migration) moveData(ctx context.Context) error {
	m.moving <- struct{}{}
	progress, err := m.Move(ctx, m.record)
	<-m.moving
	details := fmt.Sprintf("rows copied: %v, rows that production had: %v", progress.Copied, progress.Kept)
	if errors.Is(err, ledger.ErrNotMoving) {
		details = "moved by another mover: the user has signed in meanwhile"
	} else if err != nil {
		return fmt.Errorf("move data: %w", err)
	}
	m.tried = true
	return cmp.Or(m.note(DataMoved, details), m.keep(m.Ledger.Get(ctx, m.staging.Sub)))
}

func (m *migration) sendReset(ctx context.Context) error {
	if err := m.Production.SendReset(ctx, m.record.ProductionSub); err != nil {
		return err
	}
	if err := m.keep(m.Ledger.ResetSent(ctx, m.staging.Sub, m.record.ProductionSub, m.Now())); err != nil {
		return err
	}
	return m.note(ResetSent, "reset email sent")
}
