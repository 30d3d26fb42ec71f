// Package status tells how far the migration is, who cannot come over, and why one person cannot get in.
package status

import (
	"context"
	"crypto/sha256"
	"iter"
	"time"

	"github.com/spaceport/user-migration/bulk/progress"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// everybody streams a user pool. Estimate may be 0, for unknown.
type everybody interface {
	List(context.Context) iter.Seq2[userpool.User, error]
	EstimatedSize(context.Context) int
}

// allLines streams the ledger.
type allLines interface {
	All(context.Context) iter.Seq2[ledger.Record, error]
}

// Survey reads the whole ledger and both user pools, once each. It keeps some 50 bytes a ledger line and nothing of any user,
// so a million takes 50 MB.
type Survey struct {
	staging, production everybody
	ledger              allLines
	cutoff              time.Time
	meter               *progress.Meter
	now                 func() time.Time
}

// NewSurvey returns a survey. meter may be nil.
func NewSurvey(staging, production everybody, lines allLines, cutoff time.Time, meter *progress.Meter, now func() time.Time) *Survey {
	return &Survey{staging: staging, production: production, ledger: lines, cutoff: cutoff, meter: meter, now: now}
}

// progressOf is how far a staging user has come.
type progressOf byte

const (
	notImported progressOf = iota
	notCome                // imported, not bound
	underWay               // bound, data on its way or failed
	done                   // moved
)

func stageOf(line ledger.Record) progressOf {
	switch {
	case !line.Bound():
		return notCome
	case line.State == ledger.Moved:
		return done
	}
	return underWay
}

// known is what is kept of the ledger while the pools stream by: how far it has come with each sub, staging's and
// production's. A digest takes a third of the room that a sub does.
type known map[[16]byte]progressOf

func digest(sub string) [16]byte {
	sum := sha256.Sum256([]byte(sub))
	return [16]byte(sum[:16])
}

// readLedger streams the ledger by, calls see for every line, and returns what is known of whom.
func (s *Survey) readLedger(ctx context.Context, see func(ledger.Record)) (known, error) {
	task := s.meter.Start("Reading the ledger", "lines", 0)
	found := known{}
	for line, err := range s.ledger.All(ctx) {
		if err != nil {
			return nil, err
		}
		task.Add(1)
		found[digest(line.StagingSub)] = stageOf(line)
		if line.Bound() {
			found[digest(line.ProductionSub)] = stageOf(line)
		}
		see(line)
	}
	task.End()
	return found, nil
}

// read streams a pool by and calls see for every user, until it returns an error.
func (s *Survey) read(ctx context.Context, name string, pool everybody, see func(userpool.User) error) error {
	task := s.meter.Start("Reading "+name, "users", pool.EstimatedSize(ctx))
	for user, err := range pool.List(ctx) {
		if err == nil {
			task.Add(1)
			err = see(user)
		}
		if err != nil {
			return err
		}
	}
	task.End()
	return nil
}
