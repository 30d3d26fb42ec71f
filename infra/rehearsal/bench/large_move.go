package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

const (
	smallMove  = 500
	bigMove    = 50_000
	moveRounds = 3
)

// move is the cost of moves of one size, each in a new process.
type move struct {
	rows int
	took []time.Duration
	peak []int64
}

// largeMove measures the background move of the deployed binary.
func largeMove(ctx context.Context) (section, error) {
	small, big := &move{rows: smallMove}, &move{rows: bigMove}
	err := withLargeTable(ctx, nil, func(s *spaceport.Spaceport, table *largeTable) error {
		for round := range moveRounds {
			for i, m := range []*move{small, big} {
				if err := m.run(ctx, s, table, testUser(2*round+i)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return largeMoveSection(small, big), err
}

func (m *move) run(ctx context.Context, s *spaceport.Spaceport, table *largeTable, u user) error {
	table.reset(m.rows)
	if err := bound(ctx, s, u); err != nil {
		return err
	}
	event, err := continuation(u)
	if err != nil {
		return err
	}
	s.Lambdas.Recycle(spaceport.Background)
	inv, err := invoke(ctx, s, spaceport.Background, event)
	if err != nil {
		return err
	}
	if n := table.copied(u.productionSub); n != m.rows {
		return fmt.Errorf("of %d rows %d were copied: %s", m.rows, n, s.Lambdas.Log(spaceport.Background))
	}
	m.took, m.peak = append(m.took, inv.Duration), append(m.peak, inv.MaxRSS)
	return nil
}

func (m *move) rate() string { return fmt.Sprintf("%.0f", float64(m.rows)/median(m.took).Seconds()) }

func largeMoveSection(small, big *move) section {
	row := func(what string, of func(*move) string) []string { return []string{what, of(small), of(big)} }
	return section{
		title: "A large move",
		how: fmt.Sprintf("Background moves of one user's projects of 1 KB; %d of each size, in turn, cold each time.\n"+
			"A fake within this process answers Query and PutItem of that table at once, since moto takes about 200 rows/s;\n"+
			"everything else is in the local cloud. The rate is the mover's own, without DynamoDB's latency and capacity.",
			moveRounds),
		table: [][]string{
			row("rows", func(m *move) string { return fmt.Sprint(m.rows) }),
			row("time, s", func(m *move) string { return fmt.Sprintf("%.2f", median(m.took).Seconds()) }),
			row("rows/s", (*move).rate),
			row("peak resident memory, MB", func(m *move) string { return megabytes(median(m.peak)) }),
		},
		thresholds: []threshold{
			timesAtMost(
				fmt.Sprintf("memory of a move of %d rows over one of %d", big.rows, small.rows),
				ratio(big.peak, small.peak),
				1.3,
			),
		},
	}
}
