package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// person is one user under way. Every step is recorded in the ledger before the next one, so that a run that was killed
// anywhere can be run again.
type person struct {
	*Sweeper
	user          userpool.User
	productionSub string
}

// skipped says that a user is passed over, and why.
type skipped struct{ reason Reason }

func (s *skipped) Error() string { return string(s.reason) }

func skip(r Reason) error { return &skipped{r} }

// justNow is how fresh a trigger's line is while its user may still be signing in: Cognito creates the account after the
// trigger has answered, and waits for it three times 5 s at most.
const justNow = time.Minute

// next is what a user needs.
type next int

const (
	wholeWay  next = iota // line, account, data, letter
	resume                // an earlier sweep has begun, and may have created the account
	triggered             // the trigger has imported them, and nobody has come back
	complete              // bound, data not all there
	write                 // all there, but no letter yet
)

// look reads what is known of a user and says what they need. An error may be a *skipped.
func (s *Sweeper) look(ctx context.Context, u userpool.User) (ledger.Record, next, error) {
	if reason := u.Ineligible(s.options.Cutoff); reason != "" {
		return ledger.Record{}, 0, skip(Reason(reason))
	}
	line, err := s.Ledger.Get(ctx, u.Sub)
	switch {
	case err != nil:
		return line, 0, err
	case !line.Exists():
		return line, wholeWay, nil
	case !line.Bound() && line.Via == ledger.Sweep:
		return line, resume, nil
	case !line.Bound() && s.Now().Sub(line.ImportedAt) < justNow:
		return line, 0, skip(ComingIn)
	case !line.Bound():
		return line, triggered, nil
	case line.State != ledger.Moved:
		return line, complete, nil
	}
	return line, write, s.unlessWritten(line)
}

// unlessWritten is nil for whom a sweep has moved and nobody has written to.
func (s *Sweeper) unlessWritten(line ledger.Record) error {
	switch {
	case !line.CreatedBySweep():
		return skip(AlreadyMoved)
	case !line.SeenAt.IsZero() || line.PasswordSetAt.IsZero():
		return skip(CameIn)
	case !line.ResetAt.IsZero():
		return skip(LetterSent)
	case !s.options.Letters:
		return skip(LetterHeldBack)
	}
	return nil
}

func (p *person) bringOver(ctx context.Context) error {
	line, next, err := p.look(ctx, p.user)
	if err != nil {
		return err
	}
	p.productionSub = line.ProductionSub
	switch next {
	case wholeWay:
		return p.begin(ctx, ledger.Record{})
	case resume:
		if !p.room.take() {
			return skip(LimitReached)
		}
		return p.account(ctx, line.ImportedAt, ledger.Record{})
	case triggered:
		return p.afterTrigger(ctx, line)
	case complete:
		return p.goOn(ctx, line)
	}
	return p.letter(ctx)
}

// afterTrigger looks at a user whom the trigger has imported and whom the hook has not seen yet.
func (p *person) afterTrigger(ctx context.Context, line ledger.Record) error {
	_, err := p.Accounts.Get(ctx, p.user.Email())
	switch {
	case errors.Is(err, userpool.ErrUserNotFound):
		return p.begin(ctx, line)
	case err != nil:
		return err
	}
	return skip(NotYetBack)
}

// begin writes the ledger line, and then creates the account. before is the unbound line that stands there, if any.
func (p *person) begin(ctx context.Context, before ledger.Record) error {
	if !p.room.take() {
		return skip(LimitReached)
	}
	at := p.Now()
	if _, err := p.Ledger.BeginSweep(ctx, p.user.Sub, p.user.Email(), at, before); err != nil {
		p.room.giveBack()
		if errors.Is(err, ledger.ErrChanged) {
			return skip(ComingIn)
		}
		return err
	}
	return p.account(ctx, at, before)
}

// account makes the account, for which there is room, and binds it at once: from then on the ledger knows it for ours. at is
// when the line was begun.
func (p *person) account(ctx context.Context, at time.Time, before ledger.Record) error {
	attributes, _ := userpool.ProductionAttributes(p.user, p.options.CustomAttributes)
	sub, err := p.Accounts.Create(ctx, p.user.Email(), attributes)
	if err == nil {
		p.room.keep()
		return p.claim(ctx, sub, "account created")
	}
	p.room.giveBack()
	if errors.Is(err, userpool.ErrUserExists) {
		return p.exists(ctx, at, before)
	}
	return err
}

func (p *person) claim(ctx context.Context, sub, details string) error {
	line, err := p.Ledger.BindCreated(ctx, p.user.Sub, sub)
	if err != nil {
		return err
	}
	p.productionSub = sub
	if err := p.note(Created, details); err != nil {
		return err
	}
	return p.lock(ctx, line)
}

// exists tells an account that this migration made, and was killed before it could say so, from all others. Nobody but a
// sweep leaves an account that bears this staging sub, is not older than the line, and waits for its first password.
func (p *person) exists(ctx context.Context, at time.Time, before ledger.Record) error {
	there, err := p.Accounts.Get(ctx, p.user.Email())
	if err != nil {
		return fmt.Errorf("production says that there is an account: %w", err)
	}
	line, err := p.Ledger.Get(ctx, p.user.Sub)
	if err != nil {
		return err
	}
	if line.Via != ledger.Sweep || line.Bound() {
		return skip(ComingIn) // the trigger has written over our line: they sign in at this moment
	}
	switch {
	case there.Status == "FORCE_CHANGE_PASSWORD" && there.StagingSub() == p.user.Sub &&
		!there.Created.Before(at.Truncate(time.Second)):
		return p.claim(ctx, there.Sub, "account found that an earlier sweep has created")
	case p.options.Adopt && p.adoptable(there):
		return p.adopt(ctx, there.Sub)
	}
	if err := p.Ledger.Revert(ctx, p.user.Sub, at, before); err != nil {
		return err
	}
	return skip(InProduction)
}

// adoptable: the same e-mail, verified on both sides, of a live account.
func (p *person) adoptable(there userpool.User) bool {
	return there.Status == "CONFIRMED" && there.Enabled && there.EmailVerified() &&
		ledger.FoldASCII(there.Email()) == ledger.FoldASCII(p.user.Email())
}

// adopt binds an account that this migration did not make. It is stamped as seen with it, so that nobody ever resets it.
func (p *person) adopt(ctx context.Context, sub string) error {
	line, err := p.Ledger.BindExisting(ctx, p.user.Sub, sub)
	if err != nil {
		return err
	}
	p.productionSub = sub
	return p.move(ctx, line)
}

// lock gives the account its unknown password, and goes on.
func (p *person) lock(ctx context.Context, line ledger.Record) error {
	if err := p.Accounts.SetRandomPassword(ctx, p.productionSub); err != nil {
		return p.unlessGone(err)
	}
	if _, err := p.Ledger.PasswordSet(ctx, p.user.Sub, p.productionSub, p.Now()); err != nil {
		return err
	}
	if err := p.move(ctx, line); err != nil {
		return err
	}
	return p.letter(ctx)
}

// goOn completes a bound user: whatever is missing of password, data and letter.
func (p *person) goOn(ctx context.Context, line ledger.Record) error {
	there, err := p.Accounts.Get(ctx, line.ProductionSub)
	ours := line.CreatedBySweep() && line.SeenAt.IsZero()
	switch {
	case err != nil:
		return p.unlessGone(err)
	case ours && there.Status == "FORCE_CHANGE_PASSWORD":
		return p.lock(ctx, line)
	case ours && line.PasswordSetAt.IsZero():
		// The run was killed after it had set the password and before it could say so.
		if _, err := p.Ledger.PasswordSet(ctx, p.user.Sub, p.productionSub, p.Now()); err != nil {
			return err
		}
	}
	if err := p.move(ctx, line); err != nil || !ours {
		return err
	}
	return p.letter(ctx)
}

func (p *person) move(ctx context.Context, line ledger.Record) error {
	p.moving <- struct{}{}
	progress, err := p.Mover.Move(ctx, line)
	<-p.moving
	if errors.Is(err, ledger.ErrNotMoving) {
		return p.note(DataMoved, "by another mover, which was faster: they came in meanwhile")
	}
	if err != nil {
		return fmt.Errorf("move data: %w", err)
	}
	return p.note(DataMoved, movedDetails(progress))
}

// letter sends the code, to somebody whom this migration created and who has not come in since. The line is read once
// more, so that only whoever comes in during this very call can be asked for a new password twice.
func (p *person) letter(ctx context.Context) error {
	if !p.options.Letters {
		return nil
	}
	line, err := p.Ledger.Get(ctx, p.user.Sub)
	if err != nil {
		return err
	}
	if !line.CreatedBySweep() || line.PasswordSetAt.IsZero() || !line.SeenAt.IsZero() || !line.ResetAt.IsZero() {
		return nil
	}
	if err := p.Accounts.SendReset(ctx, p.productionSub); err != nil {
		return p.unlessGone(err)
	}
	if _, err := p.Ledger.ResetSent(ctx, p.user.Sub, p.productionSub, p.Now()); err != nil {
		return err
	}
	return p.note(ResetSent, "letter with a code sent")
}

func (p *person) unlessGone(err error) error {
	if errors.Is(err, userpool.ErrUserNotFound) {
		return skip(Deleted)
	}
	return err
}
