// Package quota keeps bulk inside its share of Cognito's request quotas, which signing-in users need too.
package quota

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// Category is one of Cognito's groups of operations that share a quota. These are the ones that bulk uses.
type Category string

const (
	UserCreation        Category = "UserCreation"
	UserAccountRecovery Category = "UserAccountRecovery"
	UserList            Category = "UserList"
	UserRead            Category = "UserRead"
	UserResourceRead    Category = "UserResourceRead"
	UserResourceUpdate  Category = "UserResourceUpdate"
)

// Documented is the quota of an account in a Region, in requests per second ("Amazon Cognito developer guide, Quotas").
var Documented = map[Category]float64{
	UserCreation: 50, UserAccountRecovery: 30, UserList: 30, UserRead: 120, UserResourceRead: 50, UserResourceUpdate: 25,
}

// Share is how much of each quota bulk uses, unless the operator decides: signing-in users need the rest.
const Share = 0.8

// CannotBeRaised are quotas that AWS does not adjust.
var CannotBeRaised = []Category{UserList}

// categoryOf lists the operations that are limited. Others, such as DescribeUserPool, are called once or twice.
var categoryOf = map[string]Category{
	"ListUsers": UserList, "ListUsersInGroup": UserList, "AdminGetUser": UserRead, "AdminCreateUser": UserCreation,
	"AdminSetUserPassword": UserAccountRecovery, "AdminResetUserPassword": UserAccountRecovery,
	"AdminListGroupsForUser": UserResourceRead, "AdminAddUserToGroup": UserResourceUpdate,
}

// Limits is the rate limits of one account.
type Limits map[Category]*limiter

// New gives every category that share of its quota: of the documented one, or of the one in raised.
func New(share float64, raised map[string]int) Limits {
	l := Limits{}
	for category, documented := range Documented {
		full := share * cmp.Or(float64(raised[string(category)]), documented)
		l[category] = &limiter{full: full, Limiter: rate.NewLimiter(rate.Limit(full), 1)} // 1: spread evenly
	}
	return l
}

// PerSecond returns the rate of a category when nothing throttles.
func (l Limits) PerSecond(c Category) float64 { return l[c].full }

// Option adds the limits to a client, inside the SDK's retry loop: every attempt is a request that Cognito counts.
func (l Limits) Option(o *cognito.Options) {
	o.Retryer = patient{o.Retryer}
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Quota", l.wait), "Retry", middleware.After)
	})
}

// patient repeats a throttled request until it is performed. Other errors have the client's own maximum of attempts.
type patient struct{ aws.Retryer }

func (patient) MaxAttempts() int { return 0 } // no limit

func (p patient) RetryDelay(attempt int, err error) (time.Duration, error) {
	switch last := p.Retryer.MaxAttempts(); {
	case isThrottled(err):
		_, err = p.Retryer.RetryDelay(min(attempt, last-1), err) // which says so; the limiter paces it
		return 0, err
	case attempt >= last:
		return 0, &retry.MaxAttemptsError{Attempt: attempt, Err: err}
	}
	return p.Retryer.RetryDelay(attempt, err)
}

// Audible is a Retryer that says what it retries.
type Audible struct {
	aws.Retryer
	Say func(string)
}

// refusedFor is how long a connection that is refused is tried again: AWS refuses none, a wrong address refuses all.
const refusedFor = 5 * time.Second

// IsErrorRetryable does not retry a call whose credentials were retried already.
func (a Audible) IsErrorRetryable(err error) bool {
	return !errors.As(err, new(*retry.MaxAttemptsError)) && a.Retryer.IsErrorRetryable(err)
}

// RetryDelay says so, and gives up sooner if the connection is refused.
func (a Audible) RetryDelay(attempt int, err error) (time.Duration, error) {
	cause := err
	for next := err; next != nil; next = errors.Unwrap(next) {
		cause = next
	}
	a.Say(fmt.Sprintf("retrying, %d of %d: %v", attempt+1, a.MaxAttempts(), cause))
	delay, failed := a.Retryer.RetryDelay(attempt, err)
	if errors.Is(err, syscall.ECONNREFUSED) {
		delay = min(delay, refusedFor/time.Duration(a.MaxAttempts()))
	}
	return delay, failed
}

func (l Limits) wait(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (out middleware.FinalizeOutput, metadata middleware.Metadata, err error) {
	category := categoryOf[awsmiddleware.GetOperationName(ctx)]
	limiter := l[category]
	if limiter == nil {
		return next.HandleFinalize(ctx, in)
	}
	limiter.speedUp()
	if err = limiter.Wait(ctx); err != nil {
		return out, metadata, fmt.Errorf("wait for %s: %w", category, err)
	}
	out, metadata, err = next.HandleFinalize(ctx, in)
	limiter.slowDownIf(isThrottled(err))
	return out, metadata, err
}

func isThrottled(err error) bool { return errors.As(err, new(*types.TooManyRequestsException)) }

const (
	slowest      = 0.1              // of the full rate, however much is throttled
	sameBurst    = time.Second      // further throttled requests within this belong to the same burst
	fullRecovery = 20 * time.Second // from standstill to the full rate
)

// limiter halves its rate when it is throttled, and recovers over time.
type limiter struct {
	*rate.Limiter
	full float64

	mu     sync.Mutex
	halved time.Time
	half   float64 // the rate at that time
}

func (l *limiter) slowDownIf(throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if throttled && time.Since(l.halved) >= sameBurst {
		l.halved, l.half = time.Now(), max(slowest*l.full, float64(l.Limit())/2)
		l.SetLimit(rate.Limit(l.half))
	}
}

func (l *limiter) speedUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.SetLimit(rate.Limit(min(l.full, l.half+l.full*time.Since(l.halved).Seconds()/fullRecovery.Seconds())))
}
