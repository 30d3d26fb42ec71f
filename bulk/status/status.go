// Package status reports how far the migration is, which users cannot be migrated, and why one user cannot sign in.
package status

import (
	"cmp"
	"context"
	"hash/maphash"
	"iter"
	"slices"
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
	GroupsOf(ctx context.Context, username string) ([]string, error)
}

// records is the ledger. The contract is that of ledger.Store.
type records interface {
	Get(ctx context.Context, stagingSub string) (ledger.Record, error)
	All(context.Context) iter.Seq2[ledger.Record, error]
}

// Collector reads both pools and the ledger, each once. It keeps some 50 bytes of a ledger record and 80 of a staging
// user.
type Collector struct {
	Staging, Production pool
	Ledger              records
	Cutoff              time.Time
	MFAUsers            settings.MFAPolicy
	CustomAttributes    []string
	Groups              []string // that are carried over
	Progress            *console.Progress
	Now                 func() time.Time

	Tables []settings.Table
	Rows   interface { // staging's tables; the contract is that of rows.Store
		Scan(ctx context.Context, table string) iter.Seq2[rows.Row, error]
	}

	StagingByEmail, StagingCaseSensitive bool // how staging's users sign in
	// no two of them can have one email, whatever its case
	UniqueEmails                                bool
	LedgerSize                                  func(context.Context) int // about; 0: unknown
	LedgerTable, Trigger, Datamover, Background string                    // of the migration, for the commands of remedies
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

func (c Collector) stageOf(r ledger.Record) stage {
	switch {
	case !r.Bound():
		return notBound
	case r.Finished(c.Groups) && randomPassword(r) && r.ResetAt.IsZero():
		return unsent
	case r.Finished(c.Groups):
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

// standing is what is kept of a record.
type standing struct {
	stage  stage
	letsIn bool // production has the user, whom Cognito lets in; not read by the lists
}

// standings are found by the hashes of both subs, which take less memory than subs. Of a million records, all differ
// but in 1 of 10 million cases.
type standings struct {
	index []entry // by hash, once all are there: less memory than a map
	list  []standing
}

type entry struct {
	hash uint64
	at   uint32 // in list
}

var seed = maphash.MakeSeed()

// find returns the standing of a user of either pool, or nil.
func (s standings) find(sub string) *standing {
	i, ok := slices.BinarySearchFunc(s.index, maphash.String(seed, sub), func(e entry, hash uint64) int {
		return cmp.Compare(e.hash, hash)
	})
	if !ok {
		return nil
	}
	return &s.list[s.index[i].at]
}

func (s standings) of(sub string) standing {
	if found := s.find(sub); found != nil {
		return *found
	}
	return standing{}
}

func (c Collector) readLedger(ctx context.Context, each func(ledger.Record) error) (standings, error) {
	size := c.LedgerSize(ctx)
	found := standings{index: make([]entry, 0, 2*size), list: make([]standing, 0, size)}
	task := c.Progress.Start("Reading the ledger", "records", size)
	for record, err := range counted(task, c.Ledger.All(ctx)) {
		if err != nil {
			return found, err
		}
		for _, sub := range []string{record.StagingSub, record.ProductionSub} {
			if sub != "" {
				found.index = append(found.index, entry{maphash.String(seed, sub), uint32(len(found.list))})
			}
		}
		found.list = append(found.list, standing{stage: c.stageOf(record)})
		if err := each(record); err != nil {
			return found, err
		}
	}
	slices.SortFunc(found.index, func(a, b entry) int { return cmp.Compare(a.hash, b.hash) })
	return found, nil
}

func (c Collector) list(ctx context.Context, name string, p pool) iter.Seq2[userpool.User, error] {
	return counted(c.Progress.Start("Reading "+name, "users", p.EstimatedSize(ctx)), p.List(ctx))
}

// staging can be read more than once.
func (c Collector) staging(ctx context.Context) iter.Seq2[userpool.User, error] {
	return func(yield func(userpool.User, error) bool) { c.list(ctx, "staging", c.Staging)(yield) }
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
