package quota

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pool answers every request with a status and a body, and keeps the bodies of the requests.
type pool struct {
	answer   func() (status int, body string)
	requests atomic.Int32
	bodies   map[string]int
}

func (p *pool) Do(r *http.Request) (*http.Response, error) {
	p.requests.Add(1)
	body, _ := io.ReadAll(r.Body)
	if p.bodies != nil {
		p.bodies[string(body)]++
	}
	status, text := p.answer()
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(text))}, nil
}

func client(p *pool, l Limits) *cognito.Client {
	return audibly(p, l, 3, time.Millisecond, func(string) {})
}

// audibly is a client with so many attempts that says its retries.
func audibly(h cognito.HTTPClient, l Limits, attempts int, backoff time.Duration, say func(string)) *cognito.Client {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, backoff, ratelimit.None
	})
	return cognito.New(cognito.Options{
		Region: "us-west-2", HTTPClient: h, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: Audible{standard, say},
	}, l.Option)
}

// count returns how many requests of one kind are done in d.
func count(t *testing.T, l Limits, d time.Duration, call func(context.Context, *cognito.Client) error,
	p *pool) (done int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	c := client(p, l)
	for call(ctx, c) == nil {
		done++
	}
	return done
}

func ok() (int, string) { return 200, "{}" }

func list(ctx context.Context, c *cognito.Client) error {
	_, err := c.ListUsers(ctx, &cognito.ListUsersInput{UserPoolId: aws.String("us-west-2_p")})
	return err
}

func reset(ctx context.Context, c *cognito.Client) error {
	_, err := c.AdminResetUserPassword(ctx, &cognito.AdminResetUserPasswordInput{
		UserPoolId: aws.String("us-west-2_p"), Username: aws.String("u"),
	})
	return err
}

func create(ctx context.Context, c *cognito.Client) error {
	_, err := c.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{UserPoolId: aws.String("us-west-2_p"),
		Username: aws.String("u")})
	return err
}

func TestShareOfTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0.8, map[string]int{"UserCreation": 100})
		assert.InDelta(t, 240, count(t, l, 10*time.Second, reset, &pool{answer: ok}), 2)
		assert.InDelta(t, 800, count(t, l, 10*time.Second, create, &pool{answer: ok}), 2, "raised by the operator")
		assert.InDelta(t, 24, l.PerSecond(UserList), 0.01)
	})
}

func TestMembersOfGroupsAreLimitedAsListUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, c := time.Now(), client(&pool{answer: ok}, New(1, nil))
		for range 301 {
			_, err := c.ListUsersInGroup(t.Context(), &cognito.ListUsersInGroupInput{
				UserPoolId: aws.String("us-west-2_p"), GroupName: aws.String("g"),
			})
			require.NoError(t, err)
		}
		assert.InDelta(t, 10, time.Since(began).Seconds(), 0.1, "30 a second")
	})
}

// TestThrottlingSlowsDownAndRecovers counts every attempt, since Cognito does.
func TestThrottlingSlowsDownAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1, nil)
		until := time.Now().Add(10 * time.Second)
		busy := &pool{bodies: map[string]int{}, answer: func() (int, string) {
			if time.Now().Before(until) {
				return 400, `{"__type":"TooManyRequestsException"}`
			}
			return ok()
		}}
		require.NoError(t, list(t.Context(), client(busy, l)), "throttling is a wait, not a failure")
		assert.Less(t, int(busy.requests.Load()), 80, "of 300 at the full rate")
		assert.Greater(t, int(busy.requests.Load()), 20, "more than any maximum of attempts")
		assert.Len(t, busy.bodies, 1, "every attempt sends the same body")
		assert.Less(t, count(t, l, 5*time.Second, list, &pool{answer: ok}), 100, "slow at first")
		time.Sleep(fullRecovery)
		assert.InDelta(t, 300, count(t, l, 10*time.Second, list, &pool{answer: ok}), 3, "then as before")
	})
}

func TestOtherErrorsHaveAMaximumOfAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := &pool{answer: func() (int, string) { return 500, `{"__type":"InternalErrorException"}` }}
		require.ErrorContains(t, list(t.Context(), client(broken, New(1, nil))), "InternalErrorException")
		assert.EqualValues(t, 3, broken.requests.Load())

		rejecting := &pool{answer: func() (int, string) { return 400, `{"__type":"InvalidParameterException"}` }}
		require.Error(t, list(t.Context(), client(rejecting, New(1, nil))))
		assert.EqualValues(t, 1, rejecting.requests.Load())

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, list(ctx, client(&pool{answer: ok}, New(1, nil))), context.Canceled)
	})
}

// TestOperationsWithoutACategoryAreNotLimited has one that bulk calls once or twice.
func TestOperationsWithoutACategoryAreNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := client(&pool{answer: ok}, New(0.001, nil))
		for range 100 {
			_, err := c.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: aws.String("us-west-2_p")})
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(began))
	})
}

// refusal is an endpoint that refuses the connection.
type refusal struct{}

func (refusal) Do(r *http.Request) (*http.Response, error) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: refused}
}

// TestRefusedConnection is tried again for about five seconds, audibly, whether the operation has a category or not.
func TestRefusedConnection(t *testing.T) {
	for name, call := range map[string]func(context.Context, *cognito.Client) error{"limited": list,
		"not limited": describe} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said []string
				began := time.Now()
				err := call(t.Context(), audibly(refusal{}, New(1, nil), 12, 8*time.Second,
					func(text string) { said = append(said, text) }))
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
				assert.ErrorContains(t, err, "exceeded maximum number of attempts, 12")
				assert.Less(t, time.Since(began), 6*time.Second)
				assert.Len(t, said, 11)
				assert.Equal(t, "retrying, 3 of 12: connection refused", said[1])
			})
		})
	}
}

func describe(ctx context.Context, c *cognito.Client) error {
	_, err := c.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: aws.String("us-west-2_p")})
	return err
}

// TestRetriesAreSaid: throttling too, for as long as it lasts. An error that came after all attempts is not tried
// again.
func TestRetriesAreSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		until := time.Now().Add(3 * time.Second)
		p := &pool{answer: func() (int, string) {
			if time.Now().Before(until) {
				return 400, `{"__type":"TooManyRequestsException","message":"Rate exceeded"}`
			}
			return ok()
		}}
		require.NoError(t, list(t.Context(),
			audibly(p, New(1, nil), 3, time.Millisecond, func(text string) { said = append(said, text) })))
		assert.Equal(t, "retrying, 2 of 3: TooManyRequestsException: Rate exceeded", said[0])
		assert.Greater(t, len(said), 3)

		a := Audible{Retryer: retry.NewStandard()}
		assert.True(t, a.IsErrorRetryable(&types.TooManyRequestsException{}))
		assert.False(t, a.IsErrorRetryable(fmt.Errorf("get credentials: %w",
			&retry.MaxAttemptsError{Attempt: 3, Err: &types.TooManyRequestsException{}})))
	})
}
