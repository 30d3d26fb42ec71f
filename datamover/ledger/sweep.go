package ledger

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// unchanged holds for an unbound line that is still the one that was read.
const unchanged = "via = :via AND importedAt = :importedAt AND attribute_not_exists(productionSub)"

func sameAs(line Line) map[string]any {
	return map[string]any{":via": line.Via, ":importedAt": line.ImportedAt.UTC()}
}

// Begin writes the line of a user whom a sweep is about to create. before is the unbound line that was read, zero for
// none; if it has changed since, somebody is coming in by themselves, and ErrChanged is returned. The same Begin twice is one:
// the first answer may have been lost.
func (s *Store) Begin(ctx context.Context, stagingSub, email string, at time.Time, before Line) error {
	condition, values := "attribute_not_exists(stagingSub)", map[string]any(nil)
	if before.StagingSub != "" {
		condition, values = unchanged, sameAs(before)
	}
	held, stands, err := s.put(ctx, fresh(stagingSub, email, Sweep, at), condition, values)
	if err == nil && !held && !stands.begunAt(at) {
		return ErrChanged
	}
	return err
}

func (l Line) begunAt(at time.Time) bool {
	return l.Via == Sweep && l.ImportedAt.Equal(at) && !l.Bound()
}

// TakeBack undoes a Begin at that time, where nothing came of it: before stands again, or no line at all. A line that has
// changed since is left as it is.
func (s *Store) TakeBack(ctx context.Context, stagingSub string, at time.Time, before Line) error {
	begun := sameAs(Line{Via: Sweep, ImportedAt: at})
	if before.StagingSub != "" {
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
	if err != nil && refused(err) == nil {
		return fmt.Errorf("take back ledger line: %w", err)
	}
	return nil
}

// Claim binds a line to the account that a sweep has created, and returns it as it then is; ErrNotTheirs where another
// account has it.
func (s *Store) Claim(ctx context.Context, stagingSub, productionSub string) (Line, error) {
	return s.claim(ctx, stagingSub, productionSub, nil)
}

// Adopt is Claim for an account that was there before. It is stamped as seen in the same write, since nobody may ever
// reset it.
func (s *Store) Adopt(ctx context.Context, stagingSub, productionSub string, at time.Time) (Line, error) {
	return s.claim(ctx, stagingSub, productionSub, map[string]any{"seenAt": at.UTC()})
}

func (s *Store) claim(ctx context.Context, stagingSub, productionSub string, more map[string]any) (Line, error) {
	set := map[string]any{"productionSub": productionSub, "state": Moving, "via": Sweep}
	maps.Copy(set, more)
	line, held, err := s.update(ctx, stagingSub, change{
		set: set, condition: "attribute_exists(stagingSub) AND attribute_not_exists(#productionSub)",
	})
	return boundTo(productionSub, line, held, err)
}

// PasswordSet records that the account of a sweep has a password that nobody knows.
func (s *Store) PasswordSet(ctx context.Context, stagingSub, productionSub string, at time.Time) error {
	return s.step(ctx, stagingSub, productionSub, "passwordSetAt", at)
}

// ResetSent records that the letter with the code went out.
func (s *Store) ResetSent(ctx context.Context, stagingSub, productionSub string, at time.Time) error {
	return s.step(ctx, stagingSub, productionSub, "resetAt", at)
}

func (s *Store) step(ctx context.Context, stagingSub, productionSub, name string, at time.Time) error {
	_, held, err := s.update(ctx, stagingSub, change{
		set:       map[string]any{name: at.UTC()},
		condition: "productionSub = :owner",
		values:    map[string]any{":owner": productionSub},
	})
	if err == nil && !held {
		return ErrNotTheirs
	}
	return err
}
