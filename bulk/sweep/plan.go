package sweep

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/spaceport/user-migration/bulk/quota"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Plan is what a sweep would do. Nothing is written to find out.
type Plan struct {
	mu sync.Mutex

	Users    int            // looked at
	Create   int            // accounts to make
	Complete int            // moves to finish
	Adopt    int            // production accounts to bind
	Letters  int            // to be sent
	Skipped  map[Reason]int // users passed over
}

// Plan looks at everybody and says what Run would do to them.
func (s *Sweeper) Plan(ctx context.Context) (*Plan, error) {
	there, err := s.inProduction(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Skipped: map[Reason]int{}}
	return plan, s.each(ctx, func(u userpool.User) error { return s.foresee(ctx, plan, there, u) })
}

// crowd is the e-mails of production as 64-bit hashes: eight bytes a user and some, so that a million fit into memory.
type crowd struct {
	seed   maphash.Seed
	emails map[uint64]struct{}
}

func (c crowd) of(email string) uint64 { return maphash.String(c.seed, ledger.FoldASCII(email)) }

func (c crowd) has(email string) bool {
	_, ok := c.emails[c.of(email)]
	return ok
}

func (s *Sweeper) inProduction(ctx context.Context) (crowd, error) {
	c := crowd{maphash.MakeSeed(), map[uint64]struct{}{}}
	if len(s.options.Users) > 0 {
		for _, email := range s.options.Users {
			there, err := s.Accounts.Get(ctx, email)
			if err != nil && !errors.Is(err, userpool.ErrUserNotFound) {
				return c, err
			}
			c.emails[c.of(there.Email())] = struct{}{}
		}
		return c, nil
	}
	for u, err := range s.Production.List(ctx) {
		if err != nil {
			return c, err
		}
		c.emails[c.of(u.Email())] = struct{}{}
	}
	return c, nil
}

func (s *Sweeper) foresee(ctx context.Context, plan *Plan, there crowd, u userpool.User) error {
	p := &person{Sweeper: s, user: u}
	line, next, err := s.look(ctx, u)
	var skip *skipped
	if err != nil && !errors.As(err, &skip) {
		return err
	}
	p.productionSub = line.ProductionSub
	status, details := Skipped, ""
	if skip != nil {
		details = string(skip.reason)
	} else {
		status, details = p.foretell(plan, next, line, there.has(u.Email()))
	}
	plan.count(status, Reason(details))
	return p.note(status, details)
}

func (p *Plan) count(status Status, reason Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Users++
	if status == Skipped {
		p.Skipped[reason]++
	}
}

// foretell counts one user who is not passed over at first sight, and says what would happen.
func (p *person) foretell(plan *Plan, next next, line ledger.Record, inProduction bool) (Status, string) {
	plan.mu.Lock()
	defer plan.mu.Unlock()
	letter := ""
	if p.options.Letters {
		letter = ", then a letter with a code"
	}
	switch {
	case next == triggered && inProduction:
		return Skipped, string(NotYetBack)
	case next == wholeWay && inProduction && !p.options.Adopt:
		return Skipped, string(InProduction)
	case next == wholeWay && inProduction:
		plan.Adopt++
		return DryRun, "would bind the production account if both e-mails are verified, and move the data"
	case next == complete:
		plan.Complete++
		if line.CreatedBySweep() && line.SeenAt.IsZero() && p.options.Letters {
			plan.Letters++
		}
		return DryRun, "would complete the move to " + line.ProductionSub
	case next == write:
		plan.Letters++
		return DryRun, "would send the letter: account and data are there"
	case p.options.Limit > 0 && plan.Create >= p.options.Limit:
		return Skipped, string(LimitReached)
	}
	plan.Create++
	if p.options.Letters {
		plan.Letters++
	}
	return DryRun, "would create the account and move the data" + letter
}

// Takes estimates how long that is at the quotas. Data is moved meanwhile, and can only add to it.
func (p *Plan) Takes(l quota.Limits) time.Duration {
	slowest := max(
		float64(p.Create)/l.PerSecond(quota.UserCreation),
		float64(p.Create+p.Letters)/l.PerSecond(quota.UserAccountRecovery),
		float64(p.Users)/60/l.PerSecond(quota.UserList),
	)
	return time.Duration(slowest * float64(time.Second))
}

func (p *Plan) String() string {
	return fmt.Sprintf("%d accounts to create, %d moves to complete, %d to adopt, %d letters to send", p.Create, p.Complete, p.Adopt, p.Letters)
}
