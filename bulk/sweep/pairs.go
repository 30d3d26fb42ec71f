package sweep

import (
	"context"
	"errors"
	"slices"

	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Pair is two staging users whom production cannot tell apart, since their emails are the same but for case. One can be
// migrated; the other remains until an operator disables them in staging.
type Pair struct {
	Migrated  string `json:"migrated"`
	Remaining string `json:"remaining"`
	Username  string `json:"username"` // of the other, in staging
}

// once leaves out users who come a second time: named twice, or listed twice by Cognito. It finds pairs.
func (s *Sweeper) once(ctx context.Context, all userSeq) userSeq {
	return func(yield func(userpool.User, error) bool) {
		seen := map[string]string{} // sub by email
		for u, err := range all {
			key := u.Email()
			if !s.options.CaseSensitive {
				key = ledger.FoldASCII(key)
			}
			if first := seen[key]; err == nil && first != "" {
				if first == u.Sub {
					continue
				}
				err = s.pair(ctx, first, u)
			} else if u.Ineligible(s.options.Cutoff) == "" {
				seen[key] = u.Sub
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

// pair decides which of two users with one email is migrated: the bound one, else the older, else the smaller sub.
func (s *Sweeper) pair(ctx context.Context, first string, second userpool.User) error {
	one, err := s.Staging.FindBySub(ctx, first)
	if errors.Is(err, userpool.ErrUserNotFound) || second.Ineligible(s.options.Cutoff) != "" {
		return nil
	}
	oneRecord, errOne := s.Ledger.Get(ctx, one.Sub)
	twoRecord, errTwo := s.Ledger.Get(ctx, second.Sub)
	if err := errors.Join(err, errOne, errTwo); err != nil {
		return err
	}
	same := []userpool.User{one, second}
	users.SortSame(same, func(sub string) bool {
		return sub == one.Sub && oneRecord.Bound() || sub == second.Sub && twoRecord.Bound()
	})
	older := same[0].Sub == one.Sub
	if older {
		s.seconds.Store(second.Sub, true)
	} else {
		one, second = second, one
		s.late = append(s.late, second)
	}
	pair := Pair{one.Email(), second.Email(), second.Username}
	if !slices.Contains(s.Pairs, pair) && len(s.Pairs) < maxPairs {
		s.Pairs = append(s.Pairs, pair)
	}
	return nil
}

const maxPairs = 20 // are named; all are in the log
