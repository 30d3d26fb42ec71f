package sweep

import (
	"context"
	"maps"
	"slices"

	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const maxPairs = 20 // are named; all are in the log

// findPairs decides which of several users with one email is migrated, before the first of them begins.
func (s *Sweeper) findPairs(ctx context.Context) error {
	s.seconds = map[string]bool{}
	if s.options.UniqueEmails {
		return nil
	}
	read, err := users.Read(s.users(ctx), s.options.Cutoff, users.NewEmailSet(),
		func(userpool.User, userpool.Reason) error { return nil })
	for _, email := range slices.Sorted(maps.Keys(read.SameEmail)) {
		for _, same := range s.indistinguishable(read.SameEmail[email]) {
			pairs, failed := users.Pairs(same, users.BoundIn(ctx, s.Ledger))
			if failed != nil {
				return failed
			}
			for _, pair := range pairs {
				if s.seconds[pair.Sub] = true; len(s.Pairs) < maxPairs {
					s.Pairs = append(s.Pairs, pair)
				}
			}
		}
	}
	return err
}

// indistinguishable groups users whose emails are the same but for case by what production can tell apart.
func (s *Sweeper) indistinguishable(same []userpool.User) map[string][]userpool.User {
	groups := map[string][]userpool.User{}
	for _, u := range same {
		key := ""
		if s.options.CaseSensitive {
			key = u.Email()
		}
		groups[key] = append(groups[key], u)
	}
	return groups
}
