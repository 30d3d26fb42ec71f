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

// verify looks at every user: an account that waits for a new password, a ledger line that says so, all rows, one letter.
func (r *sweepRun) verify(ctx context.Context, s *spaceport.Spaceport, tables *memoryTables, subs []string) error {
	want := sweepResult{Users: r.users, Created: r.users, Moved: r.users, Letters: r.users, Seconds: r.result.Seconds}
	if r.result != want {
		return fmt.Errorf("bulk says of %d users: %+v", r.users, r.result)
	}
	accounts, err := swept(ctx, s)
	if err != nil {
		return err
	}
	letters := map[string]int{}
	for _, l := range s.Cloud.Letters() {
		letters[l.To]++
	}
	if len(accounts) != r.users || len(letters) != r.users {
		return fmt.Errorf("%d accounts and %d addresses with letters, not %d", len(accounts), len(letters), r.users)
	}
	for i, sub := range subs {
		email := person(i).email
		if letters[email] != 1 {
			return fmt.Errorf("%s has %d letters", email, letters[email])
		}
		if err := r.hasAll(tables, sub, accounts[sub]); err != nil {
			return fmt.Errorf("%s: %w", email, err)
		}
	}
	return nil
}

// swept returns the accounts in production that wait for a new password, by staging sub.
func swept(ctx context.Context, s *spaceport.Spaceport) (map[string]string, error) {
	accounts := map[string]string{}
	pages := cognito.NewListUsersPaginator(s.Production, &cognito.ListUsersInput{UserPoolId: &s.ProductionPool})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, u := range page.Users {
			if u.UserStatus != types.UserStatusTypeResetRequired {
				return nil, fmt.Errorf("an account is left in %s", u.UserStatus)
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
	line := tables.of(ledgerTable, stagingSub)
	if len(line) != 1 || !bytes.Equal(line[0]["state"], wireText("moved")) || line[0]["resetAt"] == nil ||
		!bytes.Equal(line[0]["productionSub"], wireText(productionSub)) {
		return fmt.Errorf("ledger line %s", line)
	}
	for from, to := range map[string]string{stagingProfiles: productionProfiles, stagingProjects: productionProjects} {
		before, after := tables.of(from, stagingSub), tables.of(to, productionSub)
		if len(before) == 0 || len(before) != len(after) {
			return fmt.Errorf("of %d rows in %s %d are in %s", len(before), from, len(after), to)
		}
		for i := range before {
			want := maps.Clone(before[i])
			want[tableKeys[to][0]] = wireText(productionSub)
			if !maps.EqualFunc(want, after[i], func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				return fmt.Errorf("a row of %s has become another in %s", from, to)
			}
		}
	}
	return nil
}
