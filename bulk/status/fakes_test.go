package status

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/trigger"
)

var (
	noon    = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	created = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)
	errAWS  = errors.New("AWS is away")
)

func clock() time.Time { return noon }

// fakePool is a user pool in memory. Like Cognito, it tells upper from lower case when it is searched.
type fakePool struct {
	users    []trigger.User
	err      error
	listed   int
	searches int
}

func (p *fakePool) Users(context.Context) iter.Seq2[trigger.User, error] {
	return func(yield func(trigger.User, error) bool) {
		for _, u := range p.users {
			p.listed++
			if !yield(u, nil) {
				return
			}
		}
		if p.err != nil {
			yield(trigger.User{}, p.err)
		}
	}
}

func (p *fakePool) Estimate(context.Context) int { return len(p.users) }

func (p *fakePool) ByEmail(_ context.Context, email string) ([]trigger.User, error) {
	return p.find(func(u trigger.User) bool { return u.Email() == email || u.Email() == ledger.Fold(email) })
}

func (p *fakePool) BySpelling(_ context.Context, email string, seen func()) ([]trigger.User, error) {
	return p.find(func(u trigger.User) bool {
		seen()
		p.listed++
		return ledger.Fold(u.Email()) == ledger.Fold(email)
	})
}

func (p *fakePool) BySub(_ context.Context, sub string) (trigger.User, bool, error) {
	found, err := p.find(func(u trigger.User) bool { return u.Sub == sub })
	if err != nil || len(found) == 0 {
		return trigger.User{}, false, err
	}
	return found[0], true, nil
}

func (p *fakePool) find(match func(trigger.User) bool) (found []trigger.User, err error) {
	p.searches++
	for _, u := range p.users {
		if match(u) {
			found = append(found, u)
		}
	}
	return slices.Clone(found), p.err
}

// somebody is eligible until a change says otherwise.
func somebody(sub, email string, changes ...func(*trigger.User)) trigger.User {
	u := trigger.User{
		Username: sub, Sub: sub, Status: "CONFIRMED", Enabled: true, Created: created,
		Attributes: map[string]string{"sub": sub, "email": email, "email_verified": "true"},
	}
	for _, change := range changes {
		change(&u)
	}
	return u
}

func status(s string) func(*trigger.User) { return func(u *trigger.User) { u.Status = s } }
func disabled(u *trigger.User)            { u.Enabled = false }
func unverified(u *trigger.User)          { u.Attributes["email_verified"] = "false" }
func withoutEmail(u *trigger.User)        { delete(u.Attributes, "email") }
func late(u *trigger.User)                { u.Created = noon }
func from(stagingSub string) func(*trigger.User) {
	return func(u *trigger.User) { u.Attributes["custom:staging_sub"] = stagingSub }
}

func line(stagingSub, email string, state ledger.State, via ledger.Via, changes ...func(*ledger.Line)) ledger.Line {
	l := ledger.Line{StagingSub: stagingSub, Email: email, State: state, Via: via, ImportedAt: noon.Add(-time.Hour)}
	if state != ledger.Imported {
		l.ProductionSub = "production-" + stagingSub
	}
	if state == ledger.Moved {
		l.MovedAt = noon.Add(-30 * time.Minute)
		l.Copied, l.Kept = map[string]int{"Projects-prod": 10, "Users-prod": 1}, map[string]int{"Projects-prod": 2}
	}
	for _, change := range changes {
		change(&l)
	}
	return l
}

func failed(reason string) func(*ledger.Line) { return func(l *ledger.Line) { l.LastError = reason } }
func made(l *ledger.Line)                     { l.PasswordSetAt = noon.Add(-40 * time.Minute) }
func letter(l *ledger.Line)                   { l.ResetAt = noon.Add(-20 * time.Minute) }
func seen(l *ledger.Line)                     { l.SeenAt = noon.Add(-10 * time.Minute) }
