package ledger

import (
	"cmp"
	"context"
	"maps"
	"time"
)

// Lease is a mover's exclusive right to a bound record, until a time. Every write under it names the lease, so that a
// mover whose lease has expired cannot undo the work of its successor.
type Lease struct {
	StagingSub, ProductionSub string
	Until                     time.Time
	Tried                     time.Time // until when it was extended, if the answer to that was lost; else zero
}

// Ends reports whether a record's lease that ends then is this one.
func (l Lease) Ends(movingUntil time.Time) bool {
	return !movingUntil.IsZero() && (movingUntil.Equal(l.Until) || movingUntil.Equal(l.Tried))
}

// until is a lease's or a pause's end as the table has it: whole seconds, which compare as text.
func until(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// TakeLease takes the lease of a bound record until now+d, and returns the record as it then is. It returns ErrLeased
// if another mover has it, and ErrBoundToAnotherUser or ErrNoRecord if the record is not the user's. With any other
// error the lease may have been taken, as Tried.
func (s *Store) TakeLease(
	ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration,
) (Record, Lease, error) {
	lease := Lease{StagingSub: stagingSub, ProductionSub: productionSub, Until: until(now.Add(d))}
	record, applied, err := s.update(ctx, stagingSub, change{
		set:       map[string]any{"movingUntil": lease.Until},
		condition: "productionSub = :owner AND (attribute_not_exists(#movingUntil) OR #movingUntil <= :now)",
		values:    map[string]any{":owner": productionSub, ":now": until(now)},
	})
	switch {
	case err != nil:
		return Record{}, Lease{StagingSub: stagingSub, ProductionSub: productionSub, Tried: lease.Until}, err
	case applied:
		return record, lease, nil
	case !record.Exists():
		return Record{}, Lease{}, ErrNoRecord
	case record.ProductionSub != productionSub:
		return Record{}, Lease{}, ErrBoundToAnotherUser
	}
	return record, Lease{}, ErrLeased
}

// Progress is how far a move has come: Cursor is what remains, and everything else is counted, by table.
type Progress struct {
	Cursor                string
	Copied, Kept, Expired map[string]int
	GroupsAt              time.Time // zero: not carried over, or that is recorded
	MissingGroups         []string  // that production does not have; not recorded
}

func (p Progress) attributes() map[string]any {
	set := map[string]any{"cursor": p.Cursor, "copied": p.Copied, "kept": p.Kept}
	if len(p.Expired) > 0 {
		set["expired"] = p.Expired
	}
	if !p.GroupsAt.IsZero() {
		set["groupsAt"] = p.GroupsAt.UTC()
	}
	return set
}

// Renew extends a lease until now+d. The lease is also returned with an error, since it may have been extended.
func (s *Store) Renew(ctx context.Context, l Lease, now time.Time, d time.Duration) (Lease, error) {
	return s.extend(ctx, l, map[string]any{}, now, d)
}

// Checkpoint records the progress of a move and extends the lease until now+d.
func (s *Store) Checkpoint(ctx context.Context, l Lease, p Progress, now time.Time, d time.Duration) (Lease, error) {
	return s.extend(ctx, l, p.attributes(), now, d)
}

func (s *Store) extend(
	ctx context.Context, l Lease, set map[string]any, now time.Time, d time.Duration,
) (Lease, error) {
	next := Lease{StagingSub: l.StagingSub, ProductionSub: l.ProductionSub, Until: until(now.Add(d))}
	set["movingUntil"] = next.Until
	record, applied, err := s.under(ctx, l, change{set: set})
	switch {
	case err != nil:
		l.Tried = next.Until
		return l, err
	case !applied && !(l.Until.After(now) && record.MovingUntil.Equal(next.Until)):
		return l, ErrLeaseLost // a lost answer to this same write is no loss, if nobody can have taken the lease
	}
	return next, nil
}

// Complete records that everything is in production, and frees the lease.
func (s *Store) Complete(ctx context.Context, l Lease, p Progress, at time.Time) error {
	set := p.attributes()
	delete(set, "cursor")
	maps.Copy(set, map[string]any{"state": Moved, "movedAt": at.UTC()})
	return s.free(ctx, l, change{
		set:    set,
		remove: []string{"cursor", "lastError", "failedRows", "failures", "retryAfter"},
	}, func(r Record) bool { return r.State == Moved })
}

// Failure is why a move is incomplete.
type Failure struct {
	Reason     string
	Rows       []string  // keys of rows that cannot be written
	Failures   int       // moves that ended with such rows; 0: the reason is an outage, and the holder keeps the lease
	RetryAfter time.Time // zero: at once
}

// Fail records why a move is incomplete and what remains, and frees the lease, unless the holder tries again. The
// record stays moving, so that the next sign-in or sweep does.
func (s *Store) Fail(ctx context.Context, l Lease, p Progress, f Failure) error {
	c := change{set: p.attributes()}
	c.set["lastError"] = f.Reason
	if f.Failures == 0 {
		_, applied, err := s.under(ctx, l, c)
		if err == nil && !applied {
			return ErrLeaseLost
		}
		return err
	}
	maps.Copy(c.set, map[string]any{"failedRows": f.Rows, "failures": f.Failures, "retryAfter": until(f.RetryAfter)})
	return s.free(ctx, l, c, func(r Record) bool { return r.LastError == f.Reason })
}

// Recount records how many rows of a moved user were copied, and frees the lease. Nothing else of the record changes.
func (s *Store) Recount(ctx context.Context, l Lease, copied map[string]int) error {
	return s.free(ctx, l, change{set: map[string]any{"copied": copied}},
		func(r Record) bool { return maps.Equal(r.Copied, copied) })
}

// Free frees a lease without any other change.
func (s *Store) Free(ctx context.Context, l Lease) error {
	return s.free(ctx, l, change{}, func(Record) bool { return true })
}

// free makes a change and frees the lease. done recognizes the change if the answer to it was lost.
func (s *Store) free(ctx context.Context, l Lease, c change, done func(Record) bool) error {
	c.remove = append(c.remove, "movingUntil")
	record, applied, err := s.under(ctx, l, c)
	lostAnswer := record.ProductionSub == l.ProductionSub && record.MovingUntil.IsZero() && done(record)
	if err == nil && !applied && !lostAnswer {
		return ErrLeaseLost
	}
	return err
}

func (s *Store) under(ctx context.Context, l Lease, c change) (Record, bool, error) {
	c.condition = "productionSub = :owner AND #movingUntil IN (:lease, :tried)"
	c.values = map[string]any{":owner": l.ProductionSub, ":lease": l.Until, ":tried": cmp.Or(l.Tried, l.Until)}
	c.names = []string{"movingUntil"}
	return s.update(ctx, l.StagingSub, c)
}
