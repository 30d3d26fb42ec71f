package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spaceport/user-migration/datamover"
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
	takeLease      = &step{(*migration).takeLease}      // what follows is for one owner of the user at a time
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
	lease      ledger.Lease   // zero unless this sweep has it
	production *userpool.User // bound, or with the same email; nil until it was read, zero if there is none
}

// created reports whether a sweep created the user, who has not signed in yet. Others get no password and no reset.
func (f facts) created() bool { return f.record.CreatedBySweep() && f.record.SeenAt.IsZero() }

// inProduction reports whether production has the user, as far as that was read.
func (f facts) inProduction() bool { return f.production != nil && f.production.Email() != "" }

// toCreate reports whether the user is to be created, or was when a sweep was killed.
func (f facts) toCreate() bool {
	r := f.record
	if r.Exists() && r.Via != ledger.Sweep { // the trigger's answer may have been too late for Cognito
		return !r.Bound() && f.production != nil && !f.inProduction()
	}
	return !r.Bound() && (r.Exists() || !f.inProduction())
}

func (f facts) leased() bool { return f.lease != ledger.Lease{} }

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
		{r.Leased(now) && !f.leased(), done, MoveInProgress},
		{!r.Bound() && r.Exists() && r.Via != ledger.Sweep && now.Sub(r.ImportedAt) < signInTime, done, SigningIn},
		{f.toCreate(), createUser, ""},
		{!r.Exists() && o.Adopt, adoptUser, ""},
		{!r.Exists(), done, ProductionUserExists},
		{!r.Bound() && f.inProduction(), done, AwaitingUser},
		{moved && !r.CreatedBySweep(), done, AlreadyMoved},
		{moved && (!f.created() || r.PasswordSetAt.IsZero()), done, SignedInSince}, // no password: moved by a sign-in
		{moved && !r.ResetAt.IsZero(), done, ResetAlreadySent},
		{moved && !o.SendResets, done, ResetNotRequested},
		{r.Bound() && !f.leased(), takeLease, ""},
		{f.production == nil, readProduction, ""},
		{!f.inProduction(), done, ProductionUserDeleted},
		{moved, sendReset, ""},
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
	defer func() {
		if m.leased() {
			_ = m.Ledger.Free(ctx, m.lease) // else it expires
		}
	}()
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

// checkMFA reads what a list does not tell, if it matters. It makes the user a monthly active user of staging.
func (m *migration) checkMFA(ctx context.Context) error {
	if !m.options.RefuseMFA {
		return nil
	}
	user, err := m.Staging.Get(ctx, m.staging.Username)
	switch {
	case errors.Is(err, userpool.ErrUserNotFound):
		return Reason(userpool.Deleted)
	case err == nil && user.MFA:
		return Reason(userpool.MFARejected)
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
	err := m.checkMFA(ctx)
	if err == nil {
		err = m.begin(ctx)
	}
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
	r := ledger.NewRecord(m.staging.Sub, m.staging.Username, m.staging.Email(), ledger.Sweep, m.Now())
	return m.keep(r, m.Ledger.BeginSweep(ctx, r, m.record))
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
	record, lease, err := m.Ledger.BindCreated(ctx, m.staging.Sub, m.production.Sub, m.Now(), datamover.LeaseFor)
	if err := m.keep(record, err); err != nil {
		return err
	}
	if m.lease = lease; !m.leased() { // another sweep goes on with the user, or has done so
		m.production = nil
	}
	return m.note(Created, details)
}

// adoptUser binds a user who existed before the migration, if both emails are the same and verified. A user who was
// another staging user, or is another's by now, stays theirs: custom:staging_sub says so, and is written first.
func (m *migration) adoptUser(ctx context.Context) error {
	m.adopting.Lock() // two staging users can have one email, apart from case
	defer m.adopting.Unlock()
	if err := errors.Join(m.checkMFA(ctx), m.readProduction(ctx)); err != nil {
		return err
	}
	user := m.production
	if user.Status != userpool.Confirmed || !user.Enabled || !user.EmailVerified() || !user.HasEmail(m.staging.Email()) ||
		user.StagingSub() != "" && user.StagingSub() != m.staging.Sub {
		return ProductionUserExists
	}
	if err := m.Production.SetStagingSub(ctx, user.Sub, m.staging.Sub); err != nil {
		return err
	}
	r := ledger.NewRecord(m.staging.Sub, m.staging.Username, m.staging.Email(), ledger.Sweep, m.Now())
	r.Adopted, r.State, r.ProductionSub = true, ledger.Moving, user.Sub
	return m.keep(r, m.Ledger.BeginSweep(ctx, r, m.record))
}

// takeLease returns what is true now: until then another sweep, or the user, may have gone on.
func (m *migration) takeLease(ctx context.Context) (err error) {
	m.record, m.lease, err = m.Ledger.TakeLease(ctx, m.staging.Sub, m.record.ProductionSub, m.Now(), datamover.LeaseFor)
	return err
}

// whileLeased makes a call to Cognito, which has no condition for it, only as long as this sweep has the lease.
func (m *migration) whileLeased(ctx context.Context, call func(context.Context, string) error) error {
	keeper := datamover.NewKeeper(m.lease, m.Ledger.Renew, m.Now)
	err := keeper.While(ctx, func(ctx context.Context) error { return call(ctx, m.record.ProductionSub) })
	m.lease = keeper.Lease()
	return err
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
	return m.whileLeased(ctx, m.Production.SetRandomPassword)
}

func (m *migration) recordPassword(ctx context.Context) error {
	return m.keep(m.Ledger.PasswordSet(ctx, m.staging.Sub, m.record.ProductionSub, m.Now()))
}

func (m *migration) moveData(ctx context.Context) (err error) {
	m.moving <- struct{}{}
	progress, lease, err := m.Move(ctx, m.record, m.lease)
	<-m.moving
	if m.lease = lease; err != nil {
		return fmt.Errorf("move data: %w", err)
	}
	m.record.State, m.record.MovingUntil = ledger.Moved, time.Time{}
	return m.note(DataMoved,
		fmt.Sprintf("rows copied: %v, rows that production had: %v", progress.Copied, progress.Kept))
}

// sendReset has a record that was read under the lease: a user who has signed in meanwhile is sent no email.
func (m *migration) sendReset(ctx context.Context) error {
	if err := m.whileLeased(ctx, m.Production.SendReset); err != nil {
		return err
	}
	if err := m.keep(m.Ledger.ResetSent(ctx, m.staging.Sub, m.record.ProductionSub, m.Now())); err != nil {
		return err
	}
	return m.note(ResetSent, "reset email sent")
}
