// Package status reports how far the migration is, which users cannot be migrated, and why one user cannot sign in.
package status

import (
	"context"
	"crypto/sha256"
	"iter"
	"time"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// pool is a user pool. The contract is that of userpool.Pool.
type pool interface {
	ID() string
	List(context.Context) iter.Seq2[userpool.User, error]
	EstimatedSize(context.Context) int
	FindByEmail(ctx context.Context, email string) ([]userpool.User, error)
	FindBySub(ctx context.Context, sub string) (userpool.User, error)
	Get(ctx context.Context, name string) (userpool.User, error)
}

// records is the ledger. The contract is that of ledger.Store.
type records interface {
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	All(context.Context) iter.Seq2[ledger.Record, error]
}

// Collector reads both pools and the ledger, each once, and keeps some 50 bytes a ledger record and nothing of a user.
type Collector struct {
	Staging, Production pool
	Ledger              records
	Cutoff              time.Time
	MFAUsers            settings.MFAPolicy
	Progress            *console.Progress
	Now                 func() time.Time

	Tables []settings.Table
	Rows   interface { // staging's tables; the contract is that of rows.Store
		Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error]
	}

	StagingByEmail, StagingCaseSensitive        bool   // how staging's users sign in
	LedgerTable, Trigger, Datamover, Background string // of the migration, for the commands of remedies
}

type stage byte

const (
	notImported stage = iota
	notBound          // imported, not bound to a production user
	moving            // bound, data not copied completely
	failed            // as moving, and the last attempt failed
	unsent            // moved, with a random password, without a reset email, and not signed in since
	moved
)

func stageOf(r ledger.Record) stage {
	switch {
	case !r.Bound():
		return notBound
	case r.State == ledger.Moved && randomPassword(r) && r.ResetAt.IsZero():
		return unsent
	case r.State == ledger.Moved:
		return moved
	case r.LastError != "":
		return failed
	}
	return moving
}

// randomPassword reports whether a sweep has set the user's password, and they have not set another one since.
func randomPassword(r ledger.Record) bool {
	return r.CreatedBySweep() && !r.PasswordSetAt.IsZero() && r.SeenAt.IsZero()
}

// stages is what is kept of the ledger: the stage by the digests of both subs. A digest takes less memory than a sub.
type stages map[[16]byte]stage

func (s stages) of(sub string) stage { return s[digest(sub)] }

func digest(sub string) [16]byte {
	sum := sha256.Sum256([]byte(sub))
	return [16]byte(sum[:16])
}

func (c Collector) readLedger(ctx context.Context, each func(ledger.Record) error) (stages, error) {
	found := stages{}
	for record, err := range counted(c.Progress.Start("Reading the ledger", "records", 0), c.Ledger.All(ctx)) {
		if err != nil {
			return nil, err
		}
		found[digest(record.StagingSub)] = stageOf(record)
		found[digest(record.ProductionSub)] = stageOf(record) // no user's if it is not bound
		if err := each(record); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (c Collector) list(ctx context.Context, name string, p pool) iter.Seq2[userpool.User, error] {
	return counted(c.Progress.Start("Reading "+name, "users", p.EstimatedSize(ctx)), p.List(ctx))
}

func counted[T any](task *console.Progress, items iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range items {
			if !yield(item, err) {
				return
			}
			task.Add(1)
		}
		task.End()
	}
}
