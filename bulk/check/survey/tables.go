package survey

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/bulk/check"
)

type tableAPI interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	DescribeContinuousBackups(context.Context, *dynamodb.DescribeContinuousBackupsInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeContinuousBackupsOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	rowAPI
}

func (e end) table(ctx context.Context, name string) check.Seen[check.Table] {
	out, err := e.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return check.Seen[check.Table]{Err: translate(err)}
	}
	d := out.Table
	return check.Seen[check.Table]{Value: check.Table{
		Name: name, Status: string(d.TableStatus), Keys: keys(*d),
		Stream:    d.StreamSpecification != nil && aws.ToBool(d.StreamSpecification.StreamEnabled),
		Protected: aws.ToBool(d.DeletionProtectionEnabled),
	}}
}

// target also asks what matters of a table that is written to only, and takes rights that staging need not give.
func (e end) target(ctx context.Context, name string) check.Seen[check.Table] {
	t := e.table(ctx, name)
	if t.Err == nil {
		t.Value.TimeToLive, t.Value.Recovery = e.timeToLive(ctx, name), e.recovery(ctx, name)
	}
	return t
}

func keys(d types.TableDescription) []check.Key {
	typeOf := map[string]string{}
	for _, a := range d.AttributeDefinitions {
		typeOf[aws.ToString(a.AttributeName)] = string(a.AttributeType)
	}
	var all []check.Key
	for _, element := range d.KeySchema {
		name := aws.ToString(element.AttributeName)
		key := check.Key{Name: name, Type: typeOf[name]}
		if element.KeyType == types.KeyTypeHash {
			all = append([]check.Key{key}, all...)
		} else {
			all = append(all, key)
		}
	}
	return all
}

func (e end) timeToLive(ctx context.Context, name string) check.Seen[string] {
	out, err := e.tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return check.Seen[string]{Err: translate(err)}
	}
	ttl := out.TimeToLiveDescription
	if ttl == nil || ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabled && ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return check.Seen[string]{}
	}
	return check.Seen[string]{Value: aws.ToString(ttl.AttributeName)}
}

func (e end) recovery(ctx context.Context, name string) check.Seen[bool] {
	out, err := e.tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
	if err != nil {
		return check.Seen[bool]{Err: translate(err)}
	}
	d := out.ContinuousBackupsDescription
	return check.Seen[bool]{Value: d != nil && d.PointInTimeRecoveryDescription != nil &&
		d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled}
}

// A sample is bounded, whatever the table's size: at most samplePages reads of sampleRows rows each.
const (
	sampleRows  = 100
	samplePages = 5
)

// sample looks for S3 buckets in some rows of a table.
func (e end) sample(ctx context.Context, name string) check.Seen[check.Sample] {
	found := check.Sample{Buckets: map[string]int{}}
	in := &dynamodb.ScanInput{TableName: &name, Limit: aws.Int32(sampleRows)}
	for range samplePages {
		out, err := e.tables.Scan(ctx, in)
		if err != nil {
			return check.Seen[check.Sample]{Err: translate(err)}
		}
		for _, item := range out.Items {
			named := map[string]bool{}
			bucketsOf(&types.AttributeValueMemberM{Value: item}, named)
			for bucket := range named {
				found.Buckets[bucket]++
			}
		}
		found.Rows += len(out.Items)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			found.All = true
			break
		}
	}
	return check.Seen[check.Sample]{Value: found}
}

// bucketsOf collects the buckets that any text inside a value names.
func bucketsOf(value types.AttributeValue, named map[string]bool) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		for _, bucket := range check.BucketsIn(v.Value) {
			named[bucket] = true
		}
	case *types.AttributeValueMemberSS:
		for _, text := range v.Value {
			bucketsOf(&types.AttributeValueMemberS{Value: text}, named)
		}
	case *types.AttributeValueMemberL:
		for _, element := range v.Value {
			bucketsOf(element, named)
		}
	case *types.AttributeValueMemberM:
		for _, member := range v.Value {
			bucketsOf(member, named)
		}
	}
}
