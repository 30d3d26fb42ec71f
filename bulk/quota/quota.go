// Package quota keeps bulk inside its share of Cognito's request quotas, which signing-in users need too.
package quota

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// Category is one of Cognito's groups of operations that share a quota.
type Category string

// The categories that bulk uses.
const (
	UserCreation        Category = "UserCreation"
	UserAccountRecovery Category = "UserAccountRecovery"
	UserList            Category = "UserList"
	UserRead            Category = "UserRead"
)

// Documented is the quota of an account in a Region, in requests per second ("Amazon Cognito developer guide, Quotas").
var Documented = map[Category]float64{UserCreation: 50, UserAccountRecovery: 30, UserList: 30, UserRead: 120}

// categoryOf lists the operations that are limited. Others, such as DescribeUserPool, are called once or twice.
var categoryOf = map[string]Category{
	"ListUsers":              UserList,
	"AdminGetUser":           UserRead,
	"AdminCreateUser":        UserCreation,
	"AdminSetUserPassword":   UserAccountRecovery,
	"AdminResetUserPassword": UserAccountRecovery,
}

// Limits is the rate limits of one account.
type Limits map[Category]*limiter

// New gives every category that share of its quota: of the documented one, or of the one in raised.
func New(share float64, raised map[Category]float64) Limits {
	l := Limits{}
	for category, perSecond := range Documented {
		if r, ok := raised[category]; ok {
			perSecond = r
		}
		l[category] = newLimiter(perSecond * share)
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

// patient repeats a throttled request until it is performed: the limiter paces it. Other errors have the client's own
// maximum of attempts.
type patient struct{ aws.Retryer }

// MaxAttempts returns 0: no limit.
func (patient) MaxAttempts() int { return 0 }

// RetryDelay returns an error if the request is not to be repeated.
func (p patient) RetryDelay(attempt int, err error) (time.Duration, error) {
	switch {
	case isThrottled(err):
		return 0, nil
	case attempt >= p.Retryer.MaxAttempts():
		return 0, err
	}
	return p.Retryer.RetryDelay(attempt, err)
}

func (l Limits) wait(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	category := categoryOf[awsmiddleware.GetOperationName(ctx)]
	limiter := l[category]
	if limiter == nil {
		return next.HandleFinalize(ctx, in)
	}
	limiter.recover()
	if err := limiter.Wait(ctx); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("wait for %s: %w", category, err)
	}
	out, metadata, err := next.HandleFinalize(ctx, in)
	if isThrottled(err) {
		limiter.slowDown()
	}
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

	mu      sync.Mutex
	slowed  time.Time // when it was last halved
	checked time.Time // when it last recovered
}

func newLimiter(perSecond float64) *limiter {
	// A burst of one: requests are spread evenly.
	return &limiter{Limiter: rate.NewLimiter(rate.Limit(perSecond), 1), full: perSecond}
}

func (l *limiter) slowDown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.slowed) < sameBurst {
		return
	}
	l.slowed, l.checked = now, now
	l.SetLimit(rate.Limit(max(slowest*l.full, float64(l.Limit())/2)))
}

func (l *limiter) recover() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if float64(l.Limit()) >= l.full {
		return
	}
	now := time.Now()
	gained := l.full * now.Sub(l.checked).Seconds() / fullRecovery.Seconds()
	l.checked = now
	l.SetLimit(rate.Limit(min(l.full, float64(l.Limit())+gained)))
}
