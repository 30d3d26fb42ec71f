package ledger

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// All streams every record as it is now, in no order, and holds one page at a time. The first error ends it.
func (s *Store) All(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true)}
		for {
			out, err := s.api.Scan(ctx, in)
			if err != nil {
				yield(Record{}, fmt.Errorf("read ledger: %w", err))
				return
			}
			for _, item := range out.Items {
				if record, err := Decode(item); !yield(record, err) || err != nil {
					return
				}
			}
			if len(out.LastEvaluatedKey) == 0 {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}
