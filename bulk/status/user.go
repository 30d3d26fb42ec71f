package status

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/spaceport/user-migration/datamover/ledger"
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
	Diagnosis  Diagnosis `json:"diagnosis"`
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
	Ineligible    userpool.Reason `json:"ineligible,omitempty"` // of staging users
	StagingSub    string          `json:"stagingSub,omitempty"` // of production users; only the ledger can confirm it
}

func accountOf(u userpool.User) Account {
	return Account{
		Sub: u.Sub, Username: u.Username, Email: u.Email(), EmailVerified: u.EmailVerified(),
		Status: u.Status, Enabled: u.Enabled, Created: u.Created.UTC(), StagingSub: u.StagingSub(),
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
	for _, user := range found {
		report, err := c.report(ctx, user, subs, accounts)
		if err != nil {
			return answer, err
		}
		report.Diagnosis = c.diagnose(report)
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
	return slices.DeleteFunc(subs, func(sub string) bool { return sub == "" || strings.Contains(sub, "@") })
}

// findInStaging looks for the email, then for the subs, then for the email in other case, which reads the whole pool.
func (c Collector) findInStaging(ctx context.Context, asked string, subs []string) ([]userpool.User, error) {
	found, err := c.Staging.FindByEmail(ctx, asked)
	if err == nil && len(found) == 0 {
		found, err = findSubs(ctx, c.Staging, subs)
	}
	if err != nil || len(found) > 0 || !strings.Contains(asked, "@") {
		return found, err
	}
	c.Progress.Println("Staging has no user with exactly this email; looking for it in other case.")
	for user, err := range c.list(ctx, "staging", c.Staging) {
		if err != nil {
			return nil, err
		}
		if user.HasEmail(asked) {
			found = append(found, user)
		}
	}
	return found, nil
}

func findSubs(ctx context.Context, p pool, subs []string) (found []userpool.User, err error) {
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
	ctx context.Context, user userpool.User, subs []string, accounts []userpool.User,
) (r UserReport, err error) {
	r.Others = []Account{}
	if user.Sub != "" {
		r.Staging, subs = accountOf(user), []string{user.Sub}
		r.Staging.Ineligible = user.Ineligible(c.Cutoff)
	}
	for i := 0; i < len(subs) && !r.Ledger.Bound(); i++ {
		if r.Ledger.Record, err = c.Ledger.Get(ctx, subs[i]); err != nil {
			return r, err
		}
	}
	var bound, more []userpool.User
	if r.Ledger.Bound() {
		bound, err = findSubs(ctx, c.Production, []string{r.Ledger.ProductionSub})
	}
	if email := user.Email(); err == nil && email != "" {
		more, err = c.Production.FindByEmail(ctx, email)
	}
	for _, user := range slices.Concat(bound, accounts, more) {
		if account := accountOf(user); user.Sub == r.Ledger.ProductionSub {
			r.Production = account
		} else if !slices.Contains(r.Others, account) {
			r.Others = append(r.Others, account)
		}
	}
	return r, err
}
