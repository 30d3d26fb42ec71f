package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	movingRows    = 2000
	movingSignIns = 100
	signInsAtOnce = 4
)

// impatient is one user's move, and so many sign-ins during it.
type impatient struct {
	signIns    int
	puts       int
	background int // invocations
	inProgress int // sign-ins before the move was complete
}

// signIns moves one user's projects with one sign-in, and another's with many.
func signIns(ctx context.Context) (section, error) {
	once, often := &impatient{signIns: 1}, &impatient{signIns: movingSignIns}
	err := within(ctx, spaceport.Options{Env: map[string]string{"HOOK_BUDGET": "0s"}}, func(s *spaceport.Spaceport) error {
		for i, m := range []*impatient{once, often} {
			if err := m.run(ctx, s, testUser(i)); err != nil {
				return err
			}
		}
		return nil
	})
	return signInsSection(once, often), err
}

func (m *impatient) run(ctx context.Context, s *spaceport.Spaceport, u user) error {
	event, err := firstSignIn(ctx, s, u, movingRows)
	if err != nil {
		return err
	}
	s.Cloud.ResetRequests()
	earlier := len(s.Lambdas.Invocations())
	logged := len(s.Lambdas.Log(spaceport.Datamover))
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(signInsAtOnce)
	for range m.signIns {
		g.Go(func() error {
			_, err := s.Lambdas.Invoke(all, spaceport.Datamover, event)
			return err
		})
	}
	if err := errors.Join(g.Wait(), s.Lambdas.Idle(ctx)); err != nil {
		return err
	}
	decisions := string(s.Lambdas.Log(spaceport.Datamover)[logged:])
	m.inProgress = strings.Count(
		decisions,
		`"decision":"continued"`,
	) + strings.Count(
		decisions,
		`"decision":"move-in-progress"`,
	)
	for _, inv := range s.Lambdas.Invocations()[earlier:] {
		if inv.Function == spaceport.Background {
			m.background++
		}
	}
	m.puts = s.Cloud.CountRequests(cloud.Filter{Caller: spaceport.Background, Operation: "PutItem"})
	record, err := s.Ledger(ctx, u.stagingSub)
	if err == nil && record.Copied[productionProjects] != movingRows {
		err = fmt.Errorf("of %d projects %d were copied", movingRows, record.Copied[productionProjects])
	}
	return err
}

func signInsSection(once, often *impatient) section {
	row := func(what string, of func(*impatient) int) []string {
		return []string{what, fmt.Sprint(of(once)), fmt.Sprint(of(often))}
	}
	return section{
		title: "Sign-ins during a move",
		how: fmt.Sprintf("Requests of moves of %d projects: of a user who signs in once, and of one who does not wait.\n"+
			"HOOK_BUDGET is 0s, so that every move continues in the background.", movingRows),
		table: [][]string{
			row("sign-ins", func(m *impatient) int { return m.signIns }),
			row("of these before the move was complete", func(m *impatient) int { return m.inProgress }),
			row("PutItem", func(m *impatient) int { return m.puts }),
			row("invocations of the background function", func(m *impatient) int { return m.background }),
		},
		thresholds: []threshold{
			timesAtMost(fmt.Sprintf("writes of a move during %d sign-ins over one during one", often.inProgress),
				float64(often.puts)/float64(once.puts), 1.05),
			{
				what: "background invocations meanwhile", measured: fmt.Sprint(often.background), bound: "1 or 2",
				met: often.background > 0 && often.background <= 2 && often.inProgress == movingSignIns,
			},
		},
	}
}
