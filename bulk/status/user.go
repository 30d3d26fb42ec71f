package status

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/spaceport/user-migration/bulk/sweep"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Answer has a report of every user that an email or a staging sub may mean.
type Answer struct {
	Asked string       `json:"asked"`
	Users []UserReport `json:"users"` // at least one; more if staging has several users with that email
}

// UserReport is what the three stores have of one user, zero if nothing, and what follows from it.
type UserReport struct {
	Staging    Account   `json:"staging,omitzero"`
	Ledger     Record    `json:"ledger,omitzero"`
	Production Account   `json:"production,omitzero"` // the user that the record is bound to
	Others     []Account `json:"otherProduction"`     // other production users with that email
	PhoneOwner Account   `json:"phoneOwner,omitzero"` // the production user whom their phone number signs in
	Sweep      string    `json:"sweep,omitempty"`     // what a sweep would do with a staging user now

	Groups []string `json:"groups,omitempty"` // in staging, if some are carried over
	// the sub of another staging user with this email, who is migrated
	SameEmailAs string    `json:"sameEmailAs,omitempty"`
	Diagnosis   Diagnosis `json:"diagnosis"`

	MFAUnknown bool      `json:"mfaUnknown,omitempty"` // the right to read it is missing
	From       Collector `json:"-"`
}

// Account is a user of either pool.
type Account struct {
	Sub           string          `json:"sub"`
	Username      string          `json:"username"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"emailVerified"`
	Status        string          `json:"status"`
	Enabled       bool            `json:"enabled"`
	Created       time.Time       `json:"created"`
	Ineligible    userpool.Reason `json:"ineligible,omitempty"`        // of staging users
	MFA           bool            `json:"mfa,omitempty"`               // of staging users who are not bound
	Linked        bool            `json:"linkedIdentity,omitempty"`    // also signs in through an identity provider
	LeftOut       int             `json:"attributesLeftOut,omitempty"` // of staging users: they do not move
	// of production users; only the ledger can confirm it
	StagingSub string `json:"stagingSub,omitempty"`
}

func accountOf(u userpool.User) Account {
	return Account{
		Sub: u.Sub, Username: u.Username, Email: u.Email(), EmailVerified: u.EmailVerified(),
		Status: u.Status, Enabled: u.Enabled, Created: u.Created.UTC(), StagingSub: u.StagingSub(), MFA: u.MFA,
		Linked: users.Linked(u),
	}
}

// Record is a ledger record.
type Record struct{ ledger.Record }

// MarshalJSON writes the attributes as DynamoDB has them, without the cursor.
func (r Record) MarshalJSON() ([]byte, error) {
	r.Cursor = ""
	omitEmptyTime := func(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true }
	item, err := attributevalue.MarshalMapWithOptions(r.Record, omitEmptyTime)
	doc := map[string]any{}
	if err = errors.Join(err, attributevalue.UnmarshalMap(item, &doc)); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

// User looks for a user by email, or by staging sub, which is what the functions log.
func (c Collector) User(ctx context.Context, asked string) (Answer, error) {
	answer := Answer{Asked: asked}
	accounts, err := c.Production.FindByEmail(ctx, asked)
	if err != nil {
		return answer, err
	}
	subs := stagingSubs(asked, accounts)
	found, err := c.findInStaging(ctx, asked, subs)
	if err != nil {
		return answer, err
	}
	if len(found) == 0 {
		found = []userpool.User{{}} // the other stores may have the user
	}
	seconds, err := c.seconds(ctx, found)
	if err != nil {
		return answer, err
	}
	for _, user := range found {
		report, err := c.report(ctx, user, subs, accounts, seconds[user.Sub])
		if err != nil {
			return answer, err
		}
		report.Diagnosis = report.diagnose()
		answer.Users = append(answer.Users, report)
	}
	return answer, nil
}

// stagingSubs returns the subs that may be meant: the one that was asked for, and those that production users name.
func stagingSubs(asked string, accounts []userpool.User) []string {
	subs := []string{asked}
	for _, account := range accounts {
		subs = append(subs, account.StagingSub())
	}
	return slices.DeleteFunc(subs, func(sub string) bool {
		return sub == "" || strings.Contains(sub, "@") || len(sub) > maxSub
	})
}

const maxSub = 64 // characters: nobody's sub is longer, whatever a user wrote into custom:staging_sub

// findInStaging looks for the subs, and in any case for the email and for theirs, which another user may have too.
func (c Collector) findInStaging(ctx context.Context, asked string, subs []string) ([]userpool.User, error) {
	bySub, err := findSubs(ctx, c.Staging, subs...)
	if err != nil {
		return nil, err
	}
	emails := []string{asked}
	for _, u := range bySub {
		emails = append(emails, u.Email())
	}
	emails = slices.DeleteFunc(emails, func(email string) bool { return !strings.Contains(email, "@") })
	found, _, err := users.Find(ctx, reading{c}, c.UniqueEmails, emails...)
	return users.Distinct(append(found, bySub...)), err
}

// reading is staging's pool, whose listing is told.
type reading struct{ Collector }

func (r reading) FindByEmail(ctx context.Context, email string) ([]userpool.User, error) {
	return r.Staging.FindByEmail(ctx, email)
}

func (r reading) List(ctx context.Context) iter.Seq2[userpool.User, error] {
	r.Progress.Println("Looking for this email in any case, in all of staging.")
	return r.staging(ctx)
}

// seconds returns who of the users shares their email with another, who is migrated: the other's sub.
func (c Collector) seconds(ctx context.Context, found []userpool.User) (map[string]string, error) {
	seconds, same := map[string]string{}, map[string][]userpool.User{}
	for _, u := range found {
		if u.Sub != "" && u.Ineligible(c.Cutoff) == "" {
			same[fold(u.Email())] = append(same[fold(u.Email())], u)
		}
	}
	for _, group := range same {
		pairs, err := users.Pairs(group, users.BoundIn(ctx, c.Ledger))
		if err != nil {
			return nil, err
		}
		for _, pair := range pairs {
			seconds[pair.Sub] = group[0].Sub
		}
	}
	return seconds, nil
}

// findSubs finds the users with these subs.
func findSubs(ctx context.Context, p pool, subs ...string) (found []userpool.User, err error) {
	for _, sub := range subs {
		user, err := p.FindBySub(ctx, sub)
		if err == nil {
			found = append(found, user)
		} else if !errors.Is(err, userpool.ErrUserNotFound) {
			return nil, err
		}
	}
	return found, nil
}

// report reads what belongs to a staging user, or, without one, to the first bound record of the subs.
func (c Collector) report(
	ctx context.Context, user userpool.User, subs []string, accounts []userpool.User, sameEmailAs string,
) (r UserReport, err error) {
	r.Others, r.From, r.SameEmailAs = []Account{}, c, sameEmailAs
	if user.Sub != "" {
		subs = []string{user.Sub}
	}
	for i := 0; i < len(subs) && !r.Ledger.Bound(); i++ {
		if r.Ledger.Record, err = c.Ledger.Get(ctx, subs[i]); err != nil {
			return r, err
		}
	}
	if err = c.readStaging(ctx, &user, &r); err != nil {
		return r, err
	}
	var bound, more []userpool.User
	if r.Ledger.Bound() {
		bound, err = findSubs(ctx, c.Production, r.Ledger.ProductionSub)
	}
	if email := user.Email(); err == nil && email != "" {
		more, err = c.Production.FindByEmail(ctx, email)
	}
	if err == nil && r.Ledger.Exists() && !r.Ledger.Bound() && len(accounts)+len(more) == 0 {
		more, err = c.claimants(ctx, r.Ledger.StagingSub)
	}
	if err == nil && user.Sub != "" {
		r.Sweep = c.sweep(user, r, slices.Concat(bound, more))
	}
	for _, user := range slices.Concat(bound, accounts, more) {
		if account := accountOf(user); user.Sub == r.Ledger.ProductionSub {
			r.Production = account
		} else if !slices.Contains(r.Others, account) {
			r.Others = append(r.Others, account)
		}
	}
	if err == nil && r.Eligible() && !r.inProduction() {
		r.PhoneOwner, err = c.phoneOwner(ctx, user)
	}
	return r, err
}

// sweep returns what a sweep would do, by its own table. Whoever is found first is the user's production user.
func (c Collector) sweep(user userpool.User, r UserReport, found []userpool.User) string {
	if r.Staging.Ineligible == userpool.MFARejected {
		return "skips: " + string(r.Staging.Ineligible)
	}
	production := slices.Concat(found, []userpool.User{{}})[0]
	o := sweep.Options{SendResets: true, Cutoff: c.Cutoff, Groups: c.Groups}
	would, reason := sweep.Next(user, r.SameEmailAs != "", r.Ledger.Record, &production, o, c.Now())
	if reason != "" {
		return "skips: " + string(reason) + " (" + reason.Explain() + ")"
	}
	return would
}

// claimants are the production users who name a staging user. Cognito cannot be searched by a custom attribute.
func (c Collector) claimants(ctx context.Context, stagingSub string) (found []userpool.User, err error) {
	c.Progress.Println("Production has no user with this email; looking for one who was this staging user.")
	for user, err := range c.list(ctx, "production", c.Production) {
		if err != nil {
			return nil, err
		}
		if user.StagingSub() == stagingSub {
			found = append(found, user)
		}
	}
	return found, nil
}

// readStaging reads a user whom a list has named and who is not bound, since a list does not tell second factors.
// AdminGetUser makes the user a monthly active user of staging, and may be denied.
func (c Collector) readStaging(ctx context.Context, user *userpool.User, r *UserReport) error {
	if user.Sub == "" {
		return nil
	}
	if !r.Ledger.Bound() {
		read, err := c.Staging.Get(ctx, user.Username)
		r.MFAUnknown = errors.Is(err, userpool.ErrAccessDenied)
		if err == nil {
			*user = read
		} else if !r.MFAUnknown && !errors.Is(err, userpool.ErrUserNotFound) {
			return err
		}
	}
	r.Staging = accountOf(*user)
	_, r.Staging.LeftOut = userpool.ProductionAttributes(*user, c.CustomAttributes)
	if r.Staging.Ineligible = user.Ineligible(c.Cutoff); r.Eligible() && user.MFA && c.MFAUsers == settings.MFARefuse {
		r.Staging.Ineligible = userpool.MFARejected
	}
	if len(c.Groups) == 0 { // then there is no right to read them
		return nil
	}
	var err error
	if r.Groups, err = c.Staging.GroupsOf(ctx, user.Username); errors.Is(err, userpool.ErrAccessDenied) ||
		errors.Is(err, userpool.ErrUserNotFound) {
		return nil
	}
	return err
}

// phoneOwner finds the production user whom the phone number signs in, if production signs in by phone number at all.
func (c Collector) phoneOwner(ctx context.Context, user userpool.User) (Account, error) {
	if !strings.EqualFold(user.Attributes[userpool.AttrPhoneNumberVerified], "true") {
		return Account{}, nil
	}
	owner, err := c.Production.Get(ctx, user.Attributes[userpool.AttrPhoneNumber])
	if errors.Is(err, userpool.ErrUserNotFound) || errors.Is(err, userpool.ErrAccessDenied) {
		err = nil
	}
	return accountOf(owner), err
}
