package status

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var (
	noon    = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	created = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)
	errAWS  = errors.New("AWS is away")
)

func clock() time.Time { return noon }

// fakePool is a user pool in memory. Like Cognito, it tells upper from lower case when it is searched.
type fakePool struct {
	users    []userpool.User
	err      error
	listed   int
	searches int
}

func (p *fakePool) List(context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		for _, u := range p.users {
			p.listed++
			if !yield(u, nil) {
				return
			}
		}
		if p.err != nil {
			yield(userpool.User{}, p.err)
		}
	}
}

func (p *fakePool) EstimatedSize(context.Context) int { return len(p.users) }

func (p *fakePool) FindByEmail(_ context.Context, email string) ([]userpool.User, error) {
	return p.find(func(u userpool.User) bool { return u.Email() == email || u.Email() == ledger.FoldASCII(email) })
}

func (p *fakePool) FindIgnoringCase(_ context.Context, email string, seen func()) ([]userpool.User, error) {
	return p.find(func(u userpool.User) bool {
		seen()
		p.listed++
		return ledger.FoldASCII(u.Email()) == ledger.FoldASCII(email)
	})
}

func (p *fakePool) FindBySub(_ context.Context, sub string) (userpool.User, error) {
	found, err := p.find(func(u userpool.User) bool { return u.Sub == sub })
	if err == nil && len(found) == 0 {
		err = userpool.ErrUserNotFound
	}
	if err != nil {
		return userpool.User{}, err
	}
	return found[0], nil
}

func (p *fakePool) find(match func(userpool.User) bool) (found []userpool.User, err error) {
	p.searches++
	for _, u := range p.users {
		if match(u) {
			found = append(found, u)
		}
	}
	return slices.Clone(found), p.err
}

// somebody is eligible until a change says otherwise.
func somebody(sub, email string, changes ...func(*userpool.User)) userpool.User {
	u := userpool.User{
		Username: sub, Sub: sub, Status: "CONFIRMED", Enabled: true, Created: created,
		Attributes: map[userpool.Attribute]string{"sub": sub, "email": email, "email_verified": "true"},
	}
	for _, change := range changes {
		change(&u)
	}
	return u
}

func status(s string) func(*userpool.User) { return func(u *userpool.User) { u.Status = s } }
func disabled(u *userpool.User)            { u.Enabled = false }
func unverified(u *userpool.User)          { u.Attributes["email_verified"] = "false" }
func withoutEmail(u *userpool.User)        { delete(u.Attributes, "email") }
func late(u *userpool.User)                { u.Created = noon }
func from(stagingSub string) func(*userpool.User) {
	return func(u *userpool.User) { u.Attributes["custom:staging_sub"] = stagingSub }
}

func line(stagingSub, email string, state ledger.State, via ledger.Via, changes ...func(*ledger.Record)) ledger.Record {
	l := ledger.Record{StagingSub: stagingSub, Email: email, State: state, Via: via, ImportedAt: noon.Add(-time.Hour)}
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

func failed(reason string) func(*ledger.Record) {
	return func(l *ledger.Record) { l.LastError = reason }
}
func made(l *ledger.Record)   { l.PasswordSetAt = noon.Add(-40 * time.Minute) }
func letter(l *ledger.Record) { l.ResetAt = noon.Add(-20 * time.Minute) }
func seen(l *ledger.Record)   { l.SeenAt = noon.Add(-10 * time.Minute) }
