package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// unchanged is met by an unbound record that is still the one that was read.
const unchanged = "via = :via AND importedAt = :importedAt AND attribute_not_exists(productionSub)"

func sameAs(r Record) map[string]any {
	return map[string]any{":via": r.Via, ":importedAt": r.ImportedAt.UTC()}
}

// BeginSweep writes the record of a user that a sweep is about to create, or adopts. before is the unbound record that
// was read, zero if there was none; if it has changed since, the user is signing in, and ErrChanged is returned. It is
// idempotent, since an answer may be lost.
func (s *Store) BeginSweep(ctx context.Context, r, before Record) error {
	condition, values := "attribute_not_exists(stagingSub)", map[string]any(nil)
	if before.Exists() {
		condition, values = unchanged, sameAs(before)
	}
	applied, existing, err := s.put(ctx, r, condition, values)
	if err == nil && !applied && !existing.begun(r) {
		return ErrChanged
	}
	return err
}

func (r Record) begun(as Record) bool {
	return r.Via == Sweep && r.ImportedAt.Equal(as.ImportedAt) && r.ProductionSub == as.ProductionSub
}

// Revert undoes a BeginSweep at that time: it restores before, or deletes the record if before is zero. A record that
// has changed since is left as it is.
func (s *Store) Revert(ctx context.Context, stagingSub string, at time.Time, before Record) error {
	begun := sameAs(Record{Via: Sweep, ImportedAt: at})
	if before.Exists() {
		_, _, err := s.put(ctx, before, unchanged, begun)
		return err
	}
	values, err := attributevalue.MarshalMap(begun)
	if err != nil {
		return fmt.Errorf("encode ledger condition: %w", err)
	}
	_, err = s.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: key(stagingSub),
		ConditionExpression: aws.String(unchanged), ExpressionAttributeValues: values,
	})
	if err != nil && conditionFailed(err) == nil {
		return fmt.Errorf("revert ledger record: %w", err)
	}
	return nil
}

// BindCreated binds a record to the user that a sweep has created, takes the lease until now+d, and returns the record
// as it then is. If someone else has bound that user meanwhile, or the answer was lost, the lease is zero. It returns
// ErrBoundToAnotherUser if another user has the record.
func (s *Store) BindCreated(
	ctx context.Context, stagingSub, productionSub string, now time.Time, d time.Duration,
) (Record, Lease, error) {
	lease := Lease{StagingSub: stagingSub, ProductionSub: productionSub, Until: until(now.Add(d))}
	existing, applied, err := s.update(ctx, stagingSub, change{
		set: map[string]any{
			"productionSub": productionSub, "state": Moving, "via": Sweep, "movingUntil": lease.Until,
		},
		condition: "attribute_exists(stagingSub) AND attribute_not_exists(#productionSub)",
	})
	if !applied {
		lease = Lease{}
	}
	bound, err := boundTo(productionSub, existing, applied, err)
	return bound, lease, err
}

// PasswordSet records that the user has a random password, and returns the record as it then is.
func (s *Store) PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) (Record, error) {
	return s.recordStep(ctx, stagingSub, productionSub, map[string]any{"passwordSetAt": at.UTC()})
}

// ResetSent records that the reset email was sent, and returns the record as it then is.
func (s *Store) ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) (Record, error) {
	return s.recordStep(ctx, stagingSub, productionSub, map[string]any{"resetAt": at.UTC()}, "lastError")
}

// ResetFailed records why the reset email was not delivered, and returns the record as it then is.
func (s *Store) ResetFailed(ctx context.Context, stagingSub, productionSub, reason string) (Record, error) {
	return s.recordStep(ctx, stagingSub, productionSub, map[string]any{"lastError": reason})
}

func (s *Store) recordStep(
	ctx context.Context, stagingSub, productionSub string, set map[string]any, remove ...string,
) (Record, error) {
	record, applied, err := s.update(ctx, stagingSub, change{
		set: set, remove: remove,
		condition: "productionSub = :owner",
		values:    map[string]any{":owner": productionSub},
	})
	if err == nil && !applied {
		return Record{}, ErrBoundToAnotherUser
	}
	return record, err
}
