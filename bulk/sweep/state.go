package sweep

import (
	"context"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// step is what one user needs next. A step returns a Reason if the user must be skipped.
type step struct {
	take  func(*migration, context.Context) error
	would string // what the step would do, with all that follows
}

var (
	done           = &step{}
	createUser     = &step{(*migration).createUser, "would create the user and move the data"} // or find a killed sweep's
	adoptUser      = &step{(*migration).adoptUser, "would bind the existing production user and move the data"}
	completeImport = &step{(*migration).completeImport, "would complete the import and move the data"}
	takeLease      = &step{(*migration).takeLease, "would resume the copy"} // what follows is for one owner at a time
	readProduction = &step{(*migration).readProduction, "would resume the copy"}
	setPassword    = &step{(*migration).setPassword, "would set a random password"} // "forgot password" needs one
	recordPassword = &step{(*migration).recordPassword, "would resume the copy"}    // a sweep was killed before it could
	moveData       = &step{(*migration).moveData, "would move the data"}
	carryGroups    = &step{(*migration).moveData, "would carry the groups over"}
	sendReset      = &step{(*migration).sendReset, "would send a reset email"} // the last step
)

const (
	signInTime   = time.Minute // for an import by the trigger, on which Cognito waits three times 5 s at most
	codeLifetime = time.Hour   // of a code, with which an imported user may still be on the way
)

// facts is what is known of one user.
type facts struct {
	staging    userpool.User
	record     ledger.Record  // the ledger's latest answer
	production *userpool.User // bound, or with the same email; nil until it was read, zero if there is none

	second bool         // of two users with one email, the one who is not migrated
	lease  ledger.Lease // zero unless this sweep has it
	tried  bool         // this run has moved the data, but for rows that cannot be written
}

// created reports whether a sweep created the user, who has not signed in yet. Others get no password and no reset.
func (f facts) created() bool { return f.record.CreatedBySweep() && f.record.SeenAt.IsZero() }

// rowsLeft reports whether rows are not moved yet. A user whose rows are can still lack groups.
func (f facts) rowsLeft() bool { return f.record.State != ledger.Moved }

// inProduction reports whether production has the user, as far as that was read.
func (f facts) inProduction() bool { return f.production != nil && f.production.Email() != "" }

// imported reports whether the trigger has imported the user, whom no hook has bound yet.
func (f facts) imported() bool {
	return f.record.Exists() && !f.record.Bound() && f.record.Via != ledger.Sweep
}

func (f facts) leased() bool { return f.lease != ledger.Lease{} }

// toCreate reports whether the user is to be created, or was when a sweep was killed.
func (f facts) toCreate() bool {
	if f.record.Exists() && f.record.Via != ledger.Sweep { // the trigger's answer may have been too late for Cognito
		return !f.record.Bound() && f.production != nil && !f.inProduction()
	}
	return !f.record.Bound() && (f.record.Exists() || !f.inProduction())
}

// createdHere reports whether the migration created the production user, by all but the verification of the email.
func (f facts) createdHere() bool {
	p, r := f.production, f.record
	return f.inProduction() && r.Exists() && p.StagingSub() == r.StagingSub && p.HasEmail(r.Email) &&
		!p.Created.Before(r.ImportedAt.Add(-time.Minute))
}

// ours reports whether the migration created the production user: the record was written first, and both have the same
// verified email.
func (f facts) ours() bool { return f.createdHere() && f.production.EmailVerified() }

// another reports whether the production user is that of another staging user.
func (f facts) another() bool {
	return f.inProduction() && f.production.StagingSub() != "" && f.production.StagingSub() != f.staging.Sub
}

func (f facts) blocked() bool { return f.inProduction() && f.production.Blocked() }

// ends are the reasons of users for whom a sweep has done all that it can.
var ends = []Reason{
	AlreadyMoved, SignedInSince, ResetAlreadySent, ResetNotRequested, RowsFailed, SenderFailed,
}

// Next tells status what a sweep would do with a user now, or why it would skip them. second is who shares their email
// with another, who is migrated.
func Next(
	staging userpool.User, second bool, r ledger.Record, production *userpool.User, o Options, now time.Time,
) (would string, reason Reason) {
	next, reason := ahead(facts{staging: staging, second: second, record: r, production: production}, o, now)
	return next.would, reason
}

// ahead returns what a user needs next, of whom the production user is known, once the sweep has the lease.
func ahead(f facts, o Options, now time.Time) (*step, Reason) {
	next, reason := nextStep(f, o, now)
	if next == takeLease {
		f.lease.StagingSub = f.staging.Sub
		next, reason = nextStep(f, o, now)
	}
	return next, reason
}

// nextStep is the table of a user's states, for the sweep and for status: the first rule that applies counts. It
// returns what the user needs next, or why a sweep skips them. A sweep that was killed anywhere resumes here, since
// every step is recorded before the next one begins.
func nextStep(f facts, o Options, now time.Time) (*step, Reason) {
	r, moved, ineligible := f.record, f.record.Finished(o.Groups), f.staging.Ineligible(o.Cutoff)
	imported := f.imported()
	for _, rule := range []struct {
		applies bool
		step    *step
		reason  Reason // to skip the user
	}{
		{ineligible != "", done, Reason(ineligible)},
		{r.Leased(now) && !f.leased(), done, MoveInProgress},
		{imported && now.Sub(r.ImportedAt) < signInTime, done, SigningIn},
		{!r.Bound() && f.second, done, SameEmail},
		{f.toCreate() && o.senderFailed, done, SenderFailed},
		{f.toCreate(), createUser, ""},
		{!r.Bound() && f.another(), done, SameEmail},
		{imported && f.production == nil, readProduction, ""},
		{imported && f.ours() && now.Sub(r.ImportedAt) < codeLifetime, done, AwaitingUser},
		{imported && f.ours(), completeImport, ""},
		{!r.Bound() && f.createdHere() && !f.ours(), done, EmailUnverified},
		{!r.Bound() && o.Adopt, adoptUser, ""},
		{!r.Bound(), done, ProductionUserExists},
		{moved && !r.CreatedBySweep(), done, AlreadyMoved},
		{moved && (!f.created() || r.PasswordSetAt.IsZero()), done, SignedInSince}, // no password: moved by a sign-in
		{moved && !r.ResetAt.IsZero(), done, ResetAlreadySent},
		{moved && o.senderFailed, done, SenderFailed},
		{moved && !o.SendResets, done, ResetNotRequested},
		{f.tried && (!f.created() || !r.ResetAt.IsZero() || !o.SendResets), done, RowsFailed},
		{!f.leased(), takeLease, ""},
		{f.production == nil, readProduction, ""},
		{!f.inProduction(), done, ProductionUserDeleted},
		{f.blocked(), done, ProductionUserBlocked},
		{moved || f.tried, sendReset, ""},
		{f.rowsLeft() && f.created() && f.production != nil && f.production.NeedsPassword(), setPassword, ""},
		{f.rowsLeft() && f.created() && r.PasswordSetAt.IsZero(), recordPassword, ""},
	} {
		if rule.applies {
			return rule.step, rule.reason
		}
	}
	if !f.rowsLeft() {
		return carryGroups, ""
	}
	return moveData, ""
}
