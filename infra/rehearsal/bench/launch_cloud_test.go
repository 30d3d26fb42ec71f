package bench

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/ledger/ledgertest"
)

// Times of a launch day that no documentation states.
const (
	tableLatency   = 10 * time.Millisecond  // of a request to DynamoDB or Lambda
	cognitoLatency = 100 * time.Millisecond // of a request to Cognito, which hashes a password
	coldStart      = 250 * time.Millisecond // of an environment
)

// A new on-demand table takes 4,000 write units and 12,000 read units a second, and each partition 1,000 and 3,000
// ("Amazon DynamoDB developer guide, Warm throughput"). So it has four partitions, which is the worst case: none of
// them splits during a launch.
const (
	newTable        = 4000
	partitionWrites = 1000
	partitionReads  = 3000
)

// limit is a number of requests, or of units, a second. Its bucket holds those of one second.
type limit struct {
	perSecond float64

	mu        sync.Mutex
	tokens    float64
	filled    time.Time
	throttled int
}

func newLimit(perSecond float64) *limit {
	return &limit{perSecond: perSecond, tokens: perSecond, filled: time.Now()}
}

func (l *limit) take(n float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.tokens = min(l.perSecond, l.tokens+l.perSecond*now.Sub(l.filled).Seconds())
	l.filled = now
	if l.tokens < n {
		l.throttled++
		return false
	}
	l.tokens -= n
	return true
}

// partitions is the capacity of a table, which is a limit for each of its partitions.
type partitions []*limit

func newPartitions(n int, each float64) partitions {
	all := make(partitions, n)
	for i := range all {
		all[i] = newLimit(each)
	}
	return all
}

// take is a request of a key's partition.
func (p partitions) take(key string, units float64) func() error {
	return func() error {
		if p[crc32.ChecksumIEEE([]byte(key))%uint32(len(p))].take(units) {
			return nil
		}
		return &types.ProvisionedThroughputExceededException{}
	}
}

func (p partitions) throttled() (n int) {
	for _, l := range p {
		n += l.throttled
	}
	return n
}

// call makes a request as the SDK does: again after its own pause while the error is one that it retries. take is what
// the request takes of a limit.
func call[T any](
	ctx context.Context, r aws.Retryer, latency time.Duration, take func() error, f func() (T, error),
) (out T, err error) {
	for attempt := 1; ; attempt++ {
		if time.Sleep(latency); ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err = take(); err == nil {
			out, err = f()
		}
		if err == nil || attempt >= r.MaxAttempts() || !r.IsErrorRetryable(err) {
			return out, err
		}
		delay, _ := r.RetryDelay(attempt, err)
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(delay):
		}
	}
}

// pool is a Cognito user pool that knows every user, and has the quotas of its account.
type pool struct {
	*cognito.Client // for the operations that nobody calls
	retryer         aws.Retryer
	quota           *quota
	sub             func(user) string
}

// quota is what an account allows a second.
type quota struct{ authentication, read *limit }

func newQuota(perSecond float64) *quota { return &quota{newLimit(perSecond), newLimit(perSecond)} }

func (l *limit) request() error {
	if l.take(1) {
		return nil
	}
	return &cognitotypes.TooManyRequestsException{}
}

func (p pool) AdminInitiateAuth(
	ctx context.Context, in *cognito.AdminInitiateAuthInput, options ...func(*cognito.Options),
) (*cognito.AdminInitiateAuthOutput, error) {
	o := cognito.Options{Retryer: p.retryer}
	for _, set := range options {
		set(&o)
	}
	return call(ctx, o.Retryer, cognitoLatency, p.quota.authentication.request, func() (
		*cognito.AdminInitiateAuthOutput, error,
	) {
		claims := fmt.Sprintf(`{"sub":%q}`, p.sub(testUser(indexOf(in.AuthParameters["USERNAME"]))))
		return &cognito.AdminInitiateAuthOutput{AuthenticationResult: &cognitotypes.AuthenticationResultType{
			AccessToken: aws.String("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"),
		}}, nil
	})
}

func (p pool) AdminGetUser(
	ctx context.Context, in *cognito.AdminGetUserInput, _ ...func(*cognito.Options),
) (*cognito.AdminGetUserOutput, error) {
	return call(ctx, p.retryer, cognitoLatency, p.quota.read.request, func() (*cognito.AdminGetUserOutput, error) {
		u := testUser(indexOf(*in.Username))
		attribute := func(name, value string) cognitotypes.AttributeType {
			return cognitotypes.AttributeType{Name: &name, Value: &value}
		}
		return &cognito.AdminGetUserOutput{
			Username: aws.String(p.sub(u)), Enabled: true, UserStatus: cognitotypes.UserStatusTypeConfirmed,
			UserAttributes: []cognitotypes.AttributeType{
				attribute("sub", p.sub(u)), attribute("email", u.email), attribute("email_verified", "true"),
				attribute("custom:staging_sub", u.stagingSub),
			},
		}, nil
	})
}

// launchLedger is a ledger with the capacity of a table. To extend a lease takes no time here: the mover holds a mutex
// meanwhile, for which the clock of synctest does not advance.
type launchLedger struct {
	*ledgertest.Memory
	retryer       aws.Retryer
	reads, writes partitions
}

func (l launchLedger) write(ctx context.Context, sub string, f func() error) error {
	_, err := write(ctx, l, sub, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

func write[T any](ctx context.Context, l launchLedger, sub string, f func() (T, error)) (T, error) {
	return call(ctx, l.retryer, tableLatency, l.writes.take(sub, 1), f)
}

func (l launchLedger) Get(ctx context.Context, sub string) (ledger.Record, error) {
	return call(ctx, l.retryer, tableLatency, l.reads.take(sub, 1), func() (ledger.Record, error) {
		return l.Memory.Get(ctx, sub)
	})
}

func (l launchLedger) Import(ctx context.Context, r ledger.Record) error {
	return l.write(ctx, r.StagingSub, func() error { return l.Memory.Import(ctx, r) })
}

func (l launchLedger) Bind(ctx context.Context, sub, productionSub, email string) (ledger.Record, error) {
	return write(ctx, l, sub, func() (ledger.Record, error) { return l.Memory.Bind(ctx, sub, productionSub, email) })
}

func (l launchLedger) Defer(ctx context.Context, sub string, now time.Time, d time.Duration) (bool, error) {
	return write(ctx, l, sub, func() (bool, error) { return l.Memory.Defer(ctx, sub, now, d) })
}

func (l launchLedger) TakeLease(
	ctx context.Context, sub, productionSub string, now time.Time, d time.Duration,
) (r ledger.Record, lease ledger.Lease, err error) {
	err = l.write(ctx, sub, func() (err error) {
		r, lease, err = l.Memory.TakeLease(ctx, sub, productionSub, now, d)
		return err
	})
	return r, lease, err
}

func (l launchLedger) Free(ctx context.Context, lease ledger.Lease) error {
	return l.write(ctx, lease.StagingSub, func() error { return l.Memory.Free(ctx, lease) })
}

func (l launchLedger) Complete(ctx context.Context, lease ledger.Lease, p ledger.Progress, at time.Time) error {
	return l.write(ctx, lease.StagingSub, func() error { return l.Memory.Complete(ctx, lease, p, at) })
}

func (l launchLedger) Fail(ctx context.Context, lease ledger.Lease, p ledger.Progress, f ledger.Failure) error {
	return l.write(ctx, lease.StagingSub, func() error { return l.Memory.Fail(ctx, lease, p, f) })
}

// tables is Spaceport's tables in both accounts. To describe one takes no time, for the same reason as above.
type tables struct {
	*dynamodb.Client // for the operations that nobody calls
	retryer          aws.Retryer
	capacity         map[string]partitions

	mu      sync.Mutex
	written map[int]map[int]bool // of production's rows, by user: the projects, and the profile as -1
	wrong   int                  // rows that are not those of their owner
}

var productionSubs = strings.TrimRight(testUser(0).productionSub, "0")

var notesOfAKilobyte = &types.AttributeValueMemberS{Value: strings.Repeat("n", notes)}

func (t *tables) DescribeTable(
	_ context.Context, in *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options),
) (*dynamodb.DescribeTableOutput, error) {
	table := &types.TableDescription{}
	for i, name := range tableKeys[*in.TableName] {
		kind := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]
		table.KeySchema = append(table.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: kind})
	}
	return &dynamodb.DescribeTableOutput{Table: table}, nil
}

func (t *tables) DescribeTimeToLive(
	context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options),
) (*dynamodb.DescribeTimeToLiveOutput, error) {
	return &dynamodb.DescribeTimeToLiveOutput{}, nil
}

func (t *tables) Query(
	ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options),
) (*dynamodb.QueryOutput, error) {
	owner := in.ExpressionAttributeValues[":owner"].(*types.AttributeValueMemberS)
	out := &dynamodb.QueryOutput{}
	if *in.TableName == stagingProfiles {
		out.Items = []row{{"id": owner}}
	} else {
		from, to := 0, rowsOf(indexOf(owner.Value))
		if in.ExclusiveStartKey != nil {
			from, _ = strconv.Atoi(in.ExclusiveStartKey["projectId"].(*types.AttributeValueMemberN).Value)
		}
		if to-from > int(*in.Limit) {
			to = from + int(*in.Limit)
			out.LastEvaluatedKey = row{"userSub": owner, "projectId": &types.AttributeValueMemberN{Value: strconv.Itoa(to)}}
		}
		for i := from; i < to; i++ {
			id := &types.AttributeValueMemberN{Value: strconv.Itoa(i)}
			out.Items = append(out.Items, row{"userSub": owner, "projectId": id, "notes": notesOfAKilobyte})
		}
	}
	take := t.capacity[*in.TableName].take(owner.Value, float64((len(out.Items)+3)/4)) // units of 4 KB
	return call(ctx, t.retryer, tableLatency, take, func() (*dynamodb.QueryOutput, error) { return out, nil })
}

func (t *tables) PutItem(
	ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.PutItemOutput, error) {
	owner := in.Item[tableKeys[*in.TableName][0]].(*types.AttributeValueMemberS).Value
	take := t.capacity[*in.TableName].take(owner, 1)
	return call(ctx, t.retryer, tableLatency, take, func() (*dynamodb.PutItemOutput, error) {
		return &dynamodb.PutItemOutput{}, t.insert(owner, in.Item)
	})
}

func (t *tables) insert(owner string, item row) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, i := indexOf(owner), -1
	if id, ok := item["projectId"].(*types.AttributeValueMemberN); ok {
		i, err = strconv.Atoi(id.Value)
	}
	if err != nil || i >= rowsOf(u) || !strings.HasPrefix(owner, productionSubs) {
		t.wrong++
		return errors.New("not a row of a production user")
	}
	if t.written[u] == nil {
		t.written[u] = map[int]bool{}
	}
	if t.written[u][i] {
		return &types.ConditionalCheckFailedException{Item: item}
	}
	t.written[u][i] = true
	return nil
}
