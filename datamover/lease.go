package datamover

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// A mover holds its lease for LeaseFor after each renewal. It renews at each checkpoint, and at least every renewEvery.
const (
	LeaseFor   = 45 * time.Second
	renewEvery = 15 * time.Second
)

type renew func(ctx context.Context, l ledger.Lease, now time.Time, d time.Duration) (ledger.Lease, error)

// Keeper renews a lease while its holder works.
type Keeper struct {
	renew renew
	now   func() time.Time

	mu    sync.Mutex
	lease ledger.Lease
}

// NewKeeper returns a keeper of lease. The contract of renew is that of ledger.Store.Renew.
func NewKeeper(lease ledger.Lease, renew renew, now func() time.Time) *Keeper {
	return &Keeper{renew: renew, now: now, lease: lease}
}

// Lease returns the lease as it was extended last.
func (k *Keeper) Lease() ledger.Lease {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lease
}

// While works and renews the lease meanwhile, and before if it is not fresh: the holder may have waited, or its machine
// slept. If the lease is lost, the work is canceled and ledger.ErrLeaseLost returned.
func (k *Keeper) While(ctx context.Context, work func(context.Context) error) error {
	if k.Lease().Until.Sub(k.now()) < LeaseFor-renewEvery {
		if err := k.renewNow(ctx); err != nil {
			return err
		}
	}
	working, end := context.WithCancelCause(ctx)
	var renewals sync.WaitGroup
	renewals.Go(func() { k.keep(working, end) })
	err := work(working)
	end(nil)
	renewals.Wait()
	if err != nil && errors.Is(context.Cause(working), ledger.ErrLeaseLost) {
		return ledger.ErrLeaseLost
	}
	return err
}

func (k *Keeper) keep(ctx context.Context, end context.CancelCauseFunc) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			err := k.renewNow(ctx)
			if errors.Is(err, ledger.ErrLeaseLost) || err != nil && !k.Lease().Until.After(k.now()) {
				end(ledger.ErrLeaseLost)
			}
		}
	}
}

func (k *Keeper) renewNow(ctx context.Context) error {
	return k.extend(func(l ledger.Lease) (ledger.Lease, error) { return k.renew(ctx, l, k.now(), LeaseFor) })
}

// extend writes one extension of the lease at a time, since each names the lease that the last one wrote.
func (k *Keeper) extend(write func(ledger.Lease) (ledger.Lease, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	lease, err := write(k.lease)
	k.lease = lease // also with an error, see ledger.Lease
	return err
}
