// Package users reads a user pool once, and counts its users by status and by eligibility.
package users

import (
	"cmp"
	"context"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Statistics counts the users of a pool. Its JSON is that of status.
type Statistics struct {
	Total      int                     `json:"users"`
	Eligible   int                     `json:"eligible"`
	Ineligible map[userpool.Reason]int `json:"-"`
	ByStatus   map[string]StatusCount  `json:"byStatus"` // by UserStatus

	SameEmail map[string][]userpool.User `json:"-"` // eligible users who share an email, by folded email
}

// StatusCount counts the users of one UserStatus.
type StatusCount struct {
	Eligible   int                     `json:"eligible"`
	Ineligible map[userpool.Reason]int `json:"ineligible,omitempty"`
}

// Hook is called with a user and the reason for which they are not eligible, if any.
type Hook func(userpool.User, userpool.Reason) error

// Read reads all users, counts them, and calls each once for every one of them. The first error ends it. Only if emails
// is not nil are the emails of eligible users compared: they are added to it. Nothing else is kept of a user, so the
// pool is read again if some share an email.
func Read(pool iter.Seq2[userpool.User, error], cutoff time.Time, emails *EmailSet, each Hook) (Statistics, error) {
	s := Statistics{Ineligible: map[userpool.Reason]int{}, ByStatus: map[string]StatusCount{}}
	same := map[string][]userpool.User{}
	for user, err := range Once(pool) {
		if err != nil {
			return s, err
		}
		reason := user.Ineligible(cutoff)
		s.add(user.Status, reason)
		if reason == "" && emails != nil && !emails.Add(user.Email()) {
			same[ledger.FoldASCII(user.Email())] = nil
		}
		if err := each(user, reason); err != nil {
			return s, err
		}
	}
	if len(same) == 0 {
		return s, nil
	}
	s.SameEmail = same
	_, err := Read(pool, cutoff, nil, func(user userpool.User, reason userpool.Reason) error {
		email := ledger.FoldASCII(user.Email())
		if users, shared := same[email]; shared && reason == "" {
			same[email] = append(users, user)
		}
		return nil
	})
	return s, err
}

// Once leaves out users who come a second time: named twice, or listed twice by Cognito.
func Once(all iter.Seq2[userpool.User, error]) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) {
		subs := NewEmailSet()
		for user, err := range all {
			if (err != nil || subs.Add(user.Sub)) && !yield(user, err) {
				return
			}
		}
	}
}

// Distinct is Once for a few users.
func Distinct(all []userpool.User) []userpool.User {
	subs := NewEmailSet()
	return slices.DeleteFunc(all, func(user userpool.User) bool { return !subs.Add(user.Sub) })
}

// Pair is two staging users whom production cannot tell apart, since their emails are the same but for case. One can be
// migrated; the other remains until an operator disables them in staging.
type Pair struct {
	Migrated  string `json:"migrated"`
	Remaining string `json:"remaining"`
	Username  string `json:"username"` // of the other, in staging
	Sub       string `json:"-"`        // of the other
}

// Pairs sorts users who share an email, by who is migrated: the bound one, else the older, else the smaller sub. It
// returns a pair for each of the others. With an error of bound, whoever could not be asked about counts as not bound.
func Pairs(same []userpool.User, bound func(sub string) (bool, error)) (pairs []Pair, err error) {
	if len(same) < 2 {
		return nil, nil
	}
	first := map[string]int{}
	for _, user := range same {
		is, failed := bound(user.Sub)
		if err = cmp.Or(err, failed); is {
			first[user.Sub] = -1
		}
	}
	slices.SortFunc(same, func(a, b userpool.User) int {
		return cmp.Or(first[a.Sub]-first[b.Sub], a.Created.Compare(b.Created), cmp.Compare(a.Sub, b.Sub))
	})
	for _, other := range same[1:] {
		pairs = append(pairs, Pair{same[0].Email(), other.Email(), other.Username, other.Sub})
	}
	return pairs, err
}

// BoundIn asks the ledger whether a production user has a staging user's record; the contract is that of ledger.Store.
func BoundIn(ctx context.Context, records interface {
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
}) func(sub string) (bool, error) {
	return func(sub string) (bool, error) {
		record, err := records.Get(ctx, sub)
		return record.Bound(), err
	}
}

// Find finds users by email, in any case, and returns the emails that nobody has. Cognito compares letter by letter, so
// the pool is read for an email that it does not find, and for all unless no two of its users can share one.
func Find(
	ctx context.Context,
	pool Pool,
	unique bool,
	emails ...string,
) (found []userpool.User, none []string, err error) {
	unread := NewEmailSet()
	for _, email := range emails {
		exact, err := pool.FindByEmail(ctx, email)
		if err != nil {
			return nil, nil, err
		}
		if found = append(found, exact...); len(exact) == 0 || !unique {
			unread.Add(email)
		}
	}
	all := func(yield func(userpool.User, error) bool) {}
	if len(unread.hashes) > 0 {
		all = pool.List(ctx)
	}
	for user, err := range all {
		if err != nil {
			return nil, nil, err
		}
		if unread.Has(user.Email()) {
			found = append(found, user)
		}
	}
	found = Distinct(found)
	none = slices.DeleteFunc(slices.Clone(emails), func(email string) bool {
		return slices.ContainsFunc(found, func(u userpool.User) bool { return u.HasEmail(email) })
	})
	return found, none, nil
}

// Pool is a user pool; the contract is that of userpool.Pool.
type Pool interface {
	List(ctx context.Context) iter.Seq2[userpool.User, error]
	FindByEmail(ctx context.Context, email string) ([]userpool.User, error)
}

// Linked reports whether a user signs in with an identity provider besides ("Amazon Cognito developer guide, Linking
// federated users to an existing user profile").
func Linked(user userpool.User) bool {
	return strings.Contains(user.Attributes["identities"], `"providerName"`)
}

func (s *Statistics) add(status string, reason userpool.Reason) {
	count, ok := s.ByStatus[status]
	if !ok {
		count.Ineligible = map[userpool.Reason]int{}
	}
	s.Total++
	if reason == "" {
		s.Eligible++
		count.Eligible++
	} else {
		s.Ineligible[reason]++
		count.Ineligible[reason]++
	}
	s.ByStatus[status] = count
}

// EmailSet ignores ASCII case. It has 64-bit hashes: a million take 40 MB, and all differ but in 1 of 30 million cases.
type EmailSet struct{ hashes map[uint64]struct{} }

var seed = maphash.MakeSeed()

// NewEmailSet returns an empty set.
func NewEmailSet() *EmailSet { return &EmailSet{map[uint64]struct{}{}} }

// Add adds an email, and returns false if the set has it already.
func (s *EmailSet) Add(email string) bool {
	known := s.Has(email)
	s.hashes[hash(email)] = struct{}{}
	return !known
}

// Has reports whether the set has an email.
func (s *EmailSet) Has(email string) bool {
	_, ok := s.hashes[hash(email)]
	return ok
}

func hash(email string) uint64 { return maphash.String(seed, ledger.FoldASCII(email)) }
