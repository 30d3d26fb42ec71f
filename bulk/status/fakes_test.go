package status

import (
	"cmp"
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
	errAWS  = errors.New("AWS is unavailable")
)

func clock() time.Time { return noon }

// collector reads these pools and this ledger at noon, which is also the cut-off.
func collector(staging, production pool, records records) Collector {
	return Collector{
		Staging: staging, Production: production, Ledger: records, LedgerTable: "Spaceport-Migration-prod",
		Cutoff: noon, Now: clock, LedgerSize: func(context.Context) int { return 0 }, StagingByEmail: true,
		UniqueEmails: true, Trigger: "Migration-trigger", Datamover: "Migration-datamover",
		Background: "Migration-datamover-background",
	}
}

// fakePool is a user pool in memory. As in Cognito, a search is case-sensitive.
type fakePool struct {
	id     string
	users  []userpool.User
	err    error
	listed int

	getErr       error
	byPhone, mfa bool
	read         []string // names that Get was asked for
	groups       []string // of everyone
}

func (p *fakePool) ID() string { return p.id }

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

// Get knows a user's name, sub, and email in any case and, if the pool signs in by phone, the number.
func (p *fakePool) Get(_ context.Context, name string) (userpool.User, error) {
	p.read = append(p.read, name)
	found, err := p.find(func(u userpool.User) bool {
		return name == u.Username || name == u.Sub || u.HasEmail(name) ||
			p.byPhone && name == u.Attributes[userpool.AttrPhoneNumber]
	})
	if err = cmp.Or(p.getErr, err); err == nil && len(found) == 0 {
		err = userpool.ErrUserNotFound
	}
	if err != nil {
		return userpool.User{}, err
	}
	found[0].MFA = p.mfa
	return found[0], nil
}

func (p *fakePool) GroupsOf(context.Context, string) ([]string, error) { return p.groups, nil }

func (p *fakePool) find(match func(userpool.User) bool) (found []userpool.User, err error) {
	for _, u := range p.users {
		if match(u) {
			found = append(found, u)
		}
	}
	return slices.Clone(found), p.err
}

// user is eligible unless a change says otherwise.
func user(sub, email string, changes ...func(*userpool.User)) userpool.User {
	u := userpool.User{
		Username: sub, Sub: sub, Status: userpool.Confirmed, Enabled: true, Created: created,
		Attributes: map[userpool.Attribute]string{
			userpool.AttrSub: sub, userpool.AttrEmail: email, userpool.AttrEmailVerified: "true",
		},
	}
	for _, change := range changes {
		change(&u)
	}
	return u
}

func is(status string) func(*userpool.User) { return func(u *userpool.User) { u.Status = status } }
func disabled(u *userpool.User)             { u.Enabled = false }
func unverified(u *userpool.User)           { u.Attributes[userpool.AttrEmailVerified] = "false" }
func withoutEmail(u *userpool.User)         { delete(u.Attributes, userpool.AttrEmail) }
func late(u *userpool.User)                 { u.Created = noon }
func from(stagingSub string) func(*userpool.User) {
	return func(u *userpool.User) { u.Attributes[userpool.AttrStagingSub] = stagingSub }
}

func record(
	stagingSub, email string, state ledger.State, via ledger.Via, changes ...func(*ledger.Record),
) ledger.Record {
	r := ledger.Record{StagingSub: stagingSub, Email: email, State: state, Via: via, ImportedAt: noon.Add(-time.Hour)}
	if state != ledger.Imported {
		r.ProductionSub = "production-" + stagingSub
	}
	if state == ledger.Moved {
		r.MovedAt = noon.Add(-30 * time.Minute)
		r.Copied, r.Kept = map[string]int{"Projects-prod": 10, "Users-prod": 1}, map[string]int{"Projects-prod": 2}
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func lastError(reason string) func(*ledger.Record) {
	return func(r *ledger.Record) { r.LastError = reason }
}
func passwordSet(r *ledger.Record) { r.PasswordSetAt = noon.Add(-40 * time.Minute) }
func resetSent(r *ledger.Record)   { r.ResetAt = noon.Add(-20 * time.Minute) }
func signedIn(r *ledger.Record)    { r.SeenAt = noon.Add(-10 * time.Minute) }
func adopted(r *ledger.Record)     { r.Adopted = true }
