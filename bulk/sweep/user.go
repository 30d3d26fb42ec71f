package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// migration is one user under way.
type migration struct {
	*Sweeper
	facts
	logged      bool
	undelivered string // why an earlier sweep could not send them the reset email
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
	var leave func()
	var err error
	for previous := done; err == nil; {
		o := m.options
		o.senderFailed, o.SendResets = m.sender.failed(), o.SendResets && !m.sender.failed()
		next, reason := nextStep(m.facts, o, m.Now())
		if leave == nil && o.SendResets && next != done {
			leave = m.sender.wait(ctx)
			defer leave()
			continue
		}
		switch {
		case next == done && m.logged && slices.Contains(ends, reason):
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
	before, user := m.record, userpool.User{Status: userpool.ForceChangePassword, Enabled: true}
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

// leftBehind says what of the user does not move, but for rows. An adopted user has production's attributes.
func (m *migration) leftBehind(progress ledger.Progress) (details string) {
	if users.Linked(m.staging) {
		details = "; left behind: a linked identity provider"
	}
	if _, n := userpool.ProductionAttributes(m.staging, m.options.CustomAttributes); n > 0 && !m.record.Adopted {
		details += fmt.Sprintf("; attributes left out: %d", n)
		m.leftOut.Add(int64(n))
	}
	if len(progress.MissingGroups) > 0 {
		details += "; groups that production does not have: " + strings.Join(progress.MissingGroups, ", ")
	}
	return details
}

// begin writes the record, unless an earlier sweep has.
func (m *migration) begin(ctx context.Context) error {
	if m.record.Via == ledger.Sweep {
		return nil
	}
	r := ledger.NewRecord(m.staging.Sub, m.staging.Username, m.staging.Email(), ledger.Sweep, m.Now())
	return m.keep(r, m.Ledger.BeginSweep(ctx, r, m.record))
}

// identify decides whether an earlier sweep created the user. For any other user the record is reverted to before.
func (m *migration) identify(ctx context.Context, before ledger.Record) error {
	begun := m.record.ImportedAt
	if err := errors.Join(m.readProduction(ctx), m.keep(m.Ledger.Get(ctx, m.staging.Sub))); err != nil {
		return err
	}
	switch {
	case m.record.Via != ledger.Sweep || m.record.Bound():
		return SigningIn // the trigger, or another sweep, was faster
	case m.ours() && (before.Via == ledger.Sweep || m.production.NeedsPassword()): // or the first answer was lost
		return m.bindCreated(ctx, "found the user of an earlier sweep")
	case before.Via == ledger.Sweep:
		before = ledger.Record{}
	}
	err := m.keep(before, m.Ledger.Revert(ctx, m.staging.Sub, begun, before))
	if err == nil && m.production.Sub == "" {
		return AliasInUse
	}
	return err
}

// completeImport binds a user whom the trigger imported and who never came back, if staging still vouches for them as
// the hook would ask. Their way in is the one that they began: they get no password and no email.
func (m *migration) completeImport(ctx context.Context) error {
	user, err := m.Staging.Get(ctx, m.record.Username())
	switch {
	case errors.Is(err, userpool.ErrUserNotFound), err == nil && user.Sub != m.staging.Sub:
		return Reason(userpool.Deleted)
	case err != nil:
		return err
	case user.Ineligible(m.options.Cutoff) != "":
		return Reason(user.Ineligible(m.options.Cutoff))
	case m.options.RefuseMFA && user.MFA:
		return Reason(userpool.MFARejected)
	case !user.HasEmail(m.record.Email):
		return Reason(userpool.EmailChanged)
	}
	return m.keep(m.Ledger.Bind(ctx, m.staging.Sub, m.production.Sub, m.record.Email))
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
		user.StagingSub() != "" && user.StagingSub() != m.staging.Sub || m.bound.Has(user.Sub) {
		return ProductionUserExists
	}
	if err := m.Production.SetStagingSub(ctx, user.Sub, m.staging.Sub); err != nil {
		return err
	}
	r := ledger.NewRecord(m.staging.Sub, m.staging.Username, m.staging.Email(), ledger.Sweep, m.Now())
	r.Adopted, r.State, r.ProductionSub = true, ledger.Moving, user.Sub
	m.bound.Add(user.Sub)
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
	if err != nil || user.Sub != "" || !m.imported() {
		return err
	}
	claimed, err := m.isClaimed(ctx, m.staging.Sub)
	switch {
	case err == nil && claimed && !m.staging.HasEmail(m.record.Email):
		return Reason(userpool.EmailChanged)
	case err == nil && claimed:
		return EmailChanged
	}
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
	m.lease, m.record.MovingUntil, m.tried = lease, time.Time{}, true
	partial := new(datamover.PartialError)
	switch {
	case errors.As(err, &partial) && !partial.Outage: // the others have arrived, and the user can get in
		details := fmt.Sprintf("move data: %v", err)
		if len(partial.Rows) > 0 {
			details += "; rows that cannot be written: " + strings.Join(partial.Rows, ", ")
		}
		return m.note(Failed, details)
	case err != nil:
		return fmt.Errorf("move data: %w", err)
	}
	m.record.State, m.record.LastError = ledger.Moved, ""
	if !progress.GroupsAt.IsZero() {
		m.record.GroupsAt = progress.GroupsAt
	}
	return m.note(DataMoved, fmt.Sprintf("rows copied: %v, rows that production had: %v, expired rows left behind: %v%s",
		progress.Copied, progress.Kept, progress.Expired, m.leftBehind(progress)))
}

// sendReset has a record that was read under the lease: a user who has signed in meanwhile is sent no email.
func (m *migration) sendReset(ctx context.Context) error {
	err := m.whileLeased(ctx, m.Production.SendReset)
	switch {
	case errors.Is(err, userpool.ErrUserBlocked):
		return ProductionUserBlocked
	case err != nil:
		return m.sender.judge(err, m.undelivered != "", func(sender bool) error {
			return m.notDelivered(ctx, err, sender)
		})
	}
	settled := m.sender.accept()
	if err := m.keep(m.Ledger.ResetSent(ctx, m.staging.Sub, m.record.ProductionSub, m.Now())); err != nil {
		return errors.Join(err, settled)
	}
	return errors.Join(settled, m.note(ResetSent, "reset email sent"))
}

// notDelivered tells of an email that was not delivered, and why: the sender failed, or it is about this user.
func (m *migration) notDelivered(ctx context.Context, cause error, sender bool) error {
	switch {
	case sender && m.logged:
		return nil
	case sender:
		return m.note(Skipped, string(SenderFailed))
	}
	err := m.note(Failed, cause.Error())
	if m.record.State == ledger.Moved {
		err = errors.Join(err,
			m.keep(m.Ledger.ResetFailed(ctx, m.staging.Sub, m.record.ProductionSub, cause.Error())))
	}
	return err
}
