package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// verify checks every user: an account in RESET_REQUIRED, a ledger record that says so, all rows, one email.
func (r *sweepRun) verify(ctx context.Context, s *spaceport.Spaceport, tables *memoryTables, subs []string) error {
	want := sweepResult{Users: r.users, Created: r.users, Moved: r.users, Resets: r.users, Seconds: r.result.Seconds}
	if r.result != want {
		return fmt.Errorf("bulk reports for %d users: %+v", r.users, r.result)
	}
	accounts, err := sweptUsers(ctx, s)
	if err != nil {
		return err
	}
	emails := map[string]int{}
	for _, m := range s.Cloud.Messages() {
		emails[m.To]++
	}
	if len(accounts) != r.users || len(emails) != r.users {
		return fmt.Errorf("%d accounts and %d addresses with emails, not %d", len(accounts), len(emails), r.users)
	}
	for i, sub := range subs {
		email := testUser(i).email
		if emails[email] != 1 {
			return fmt.Errorf("%s got %d emails", email, emails[email])
		}
		if err := r.hasAll(tables, sub, accounts[sub]); err != nil {
			return fmt.Errorf("%s: %w", email, err)
		}
	}
	return nil
}

// sweptUsers returns the production subs by staging sub, if every production user is in RESET_REQUIRED.
func sweptUsers(ctx context.Context, s *spaceport.Spaceport) (map[string]string, error) {
	accounts := map[string]string{}
	pages := cognito.NewListUsersPaginator(s.Production, &cognito.ListUsersInput{UserPoolId: &s.ProductionPool})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, u := range page.Users {
			if u.UserStatus != types.UserStatusTypeResetRequired {
				return nil, fmt.Errorf("a user is in %s", u.UserStatus)
			}
			for _, a := range u.Attributes {
				if aws.ToString(a.Name) == "custom:staging_sub" {
					accounts[aws.ToString(a.Value)] = aws.ToString(u.Username)
				}
			}
		}
	}
	return accounts, nil
}

func (r *sweepRun) hasAll(tables *memoryTables, stagingSub, productionSub string) error {
	records := tables.rowsOf(ledgerTable, stagingSub)
	if len(records) != 1 || !bytes.Equal(records[0]["state"], wireText("moved")) || records[0]["resetAt"] == nil ||
		!bytes.Equal(records[0]["productionSub"], wireText(productionSub)) {
		return fmt.Errorf("ledger record %s", records)
	}
	return tables.sameRows(stagingSub, productionSub)
}

// sameRows returns an error unless production has all rows of a staging user, under the new id.
func (t *memoryTables) sameRows(stagingSub, productionSub string) error {
	for from, to := range map[string]string{stagingProfiles: productionProfiles, stagingProjects: productionProjects} {
		before, after := t.rowsOf(from, stagingSub), t.rowsOf(to, productionSub)
		if len(before) == 0 || len(before) != len(after) {
			return fmt.Errorf("of %d rows in %s %d are in %s", len(before), from, len(after), to)
		}
		for i := range before {
			want := maps.Clone(before[i])
			want[tableKeys[to][0]] = wireText(productionSub)
			if !maps.EqualFunc(want, after[i], func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				return fmt.Errorf("a row of %s differs in %s", from, to)
			}
		}
	}
	return nil
}
