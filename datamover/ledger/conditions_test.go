package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
)

// recorder answers every write with success and keeps its condition.
type recorder struct {
	dynamoAPI
	condition *string
}

func (r *recorder) PutItem(
	_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.PutItemOutput, error) {
	r.condition = in.ConditionExpression
	return &dynamodb.PutItemOutput{}, nil
}

func (r *recorder) UpdateItem(
	_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.UpdateItemOutput, error) {
	r.condition = in.ConditionExpression
	return &dynamodb.UpdateItemOutput{}, nil
}

func (r *recorder) DeleteItem(
	_ context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.DeleteItemOutput, error) {
	r.condition = in.ConditionExpression
	return &dynamodb.DeleteItemOutput{}, nil
}

// TestConditions holds every write to its condition on a machine that has no DynamoDB to enforce it.
func TestConditions(t *testing.T) {
	const (
		absent    = "attribute_not_exists(stagingSub)"
		unbound   = "via = :via AND importedAt = :importedAt AND attribute_not_exists(productionSub)"
		owned     = "productionSub = :owner"
		underOurs = "productionSub = :owner AND #movingUntil IN (:lease, :tried)"
	)
	var none Record
	now, record, lease := time.Now(), Record{StagingSub: "u"}, Lease{StagingSub: "u",
		ProductionSub: "p", Until: time.Now()}
	for name, tt := range map[string]struct {
		write     func(context.Context, *Store) error
		condition string
	}{
		"Import": {func(ctx context.Context, s *Store) error { return s.Import(ctx, record) },
			"attribute_not_exists(productionSub)"},
		"Bind": {func(ctx context.Context, s *Store) error {
			_, err := s.Bind(ctx, "u", "p", "a@example.com")
			return err
		}, "attribute_not_exists(#productionSub) AND email = :email"},
		"FirstSignIn": {func(ctx context.Context, s *Store) error { return s.FirstSignIn(ctx, "u", "p", now) },
			owned + " AND attribute_not_exists(#seenAt)"},
		"Defer": {func(ctx context.Context, s *Store) error {
			_, err := s.Defer(ctx, "u", now, time.Minute)
			return err
		}, "attribute_exists(email) AND attribute_not_exists(productionSub) AND " +
			"(attribute_not_exists(#retryAfter) OR #retryAfter <= :now)"},
		"BeginSweep": {func(ctx context.Context, s *Store) error { return s.BeginSweep(ctx, record, none) }, absent},
		"BeginSweep, again": {func(ctx context.Context, s *Store) error {
			return s.BeginSweep(ctx,
				record, record)
		}, unbound},
		"Revert":          {func(ctx context.Context, s *Store) error { return s.Revert(ctx, "u", now, none) }, unbound},
		"Revert, restore": {func(ctx context.Context, s *Store) error { return s.Revert(ctx, "u", now, record) }, unbound},
		"BindCreated": {func(ctx context.Context, s *Store) error {
			_, _, err := s.BindCreated(ctx, "u", "p", now, time.Minute)
			return err
		}, "attribute_exists(stagingSub) AND attribute_not_exists(#productionSub)"},
		"PasswordSet": {func(ctx context.Context, s *Store) error {
			_, err := s.PasswordSet(ctx, "u", "p", now)
			return err
		}, owned},
		"ResetSent": {func(ctx context.Context, s *Store) error {
			_, err := s.ResetSent(ctx, "u", "p", now)
			return err
		}, owned},
		"ResetFailed": {func(ctx context.Context, s *Store) error {
			_, err := s.ResetFailed(ctx, "u", "p", "not delivered")
			return err
		}, owned},
		"TakeLease": {func(ctx context.Context, s *Store) error {
			_, _, err := s.TakeLease(ctx, "u", "p", now, time.Minute)
			return err
		}, owned + " AND (attribute_not_exists(#movingUntil) OR #movingUntil <= :now)"},
		"Renew": {func(ctx context.Context, s *Store) error {
			_, err := s.Renew(ctx, lease, now, time.Minute)
			return err
		}, underOurs},
		"Checkpoint": {func(ctx context.Context, s *Store) error {
			_, err := s.Checkpoint(ctx, lease, Progress{}, now, time.Minute)
			return err
		}, underOurs},
		"Complete": {func(ctx context.Context, s *Store) error { return s.Complete(ctx, lease, Progress{}, now) }, underOurs},
		"Fail": {func(ctx context.Context, s *Store) error {
			return s.Fail(ctx, lease, Progress{},
				Failure{})
		}, underOurs},
		"Recount": {func(ctx context.Context, s *Store) error { return s.Recount(ctx, lease, nil) }, underOurs},
		"Free":    {func(ctx context.Context, s *Store) error { return s.Free(ctx, lease) }, underOurs},
	} {
		t.Run(name, func(t *testing.T) {
			api := &recorder{}
			assert.NoError(t, tt.write(t.Context(), New(api, "Ledger")))
			if assert.NotNil(t, api.condition) {
				assert.Equal(t, tt.condition, *api.condition)
			}
		})
	}
}

// refusing answers every update with a condition that is not met, and the record as it is.
type refusing struct {
	dynamoAPI
	record Record
}

func (r refusing) UpdateItem(
	context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options),
) (*dynamodb.UpdateItemOutput, error) {
	item, err := attributevalue.MarshalMapWithOptions(r.record,
		func(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true })
	if err != nil {
		return nil, err
	}
	return nil, &types.ConditionalCheckFailedException{Item: item}
}

// TestTwoHoldersInOneSecond: a stalled mover renews in the second in which its successor took the lease.
func TestTwoHoldersInOneSecond(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 100e6, time.UTC)
	held := Record{StagingSub: "s", ProductionSub: "p", State: Moving, MovingUntil: until(now.Add(45 * time.Second))}
	for name, tt := range map[string]struct {
		until time.Time
		want  error
	}{
		"its lease has expired: someone else's":  {now.Add(-time.Second), ErrLeaseLost},
		"its lease is live: a lost answer to it": {now.Add(time.Second), nil},
	} {
		mine := Lease{StagingSub: "s", ProductionSub: "p", Until: until(tt.until)}
		_, err := New(refusing{record: held}, "Ledger").Renew(t.Context(), mine, now, 45*time.Second)
		assert.ErrorIs(t, err, tt.want, name)
	}
}
