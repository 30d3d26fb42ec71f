package quota

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

type cognitoAPI interface {
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error)
	AdminGetUser(context.Context, *cognito.AdminGetUserInput, ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error)
	AdminCreateUser(context.Context, *cognito.AdminCreateUserInput, ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error)
	AdminSetUserPassword(context.Context, *cognito.AdminSetUserPasswordInput, ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error)
	AdminResetUserPassword(context.Context, *cognito.AdminResetUserPasswordInput, ...func(*cognito.Options)) (*cognito.AdminResetUserPasswordOutput, error)
}

// Cognito is a client that keeps to limits.
type Cognito struct {
	api    cognitoAPI
	limits *Limits
}

// Cognito returns api at the pace of these limits.
func (l *Limits) Cognito(api cognitoAPI) *Cognito { return &Cognito{api: api, limits: l} }

// paced runs one call. The SDK's own retries are for outages; throttling is the bucket's to answer.
func paced[In, Out any](ctx context.Context, l *Limits, c Category, in *In,
	call func(context.Context, *In, ...func(*cognito.Options)) (*Out, error),
) (out *Out, err error) {
	err = l.Do(ctx, c, func() error {
		out, err = call(ctx, in, leaveThrottling)
		var throttled *types.TooManyRequestsException
		if errors.As(err, &throttled) {
			return fmt.Errorf("%w: %w", ErrThrottled, err)
		}
		return err
	})
	return out, err
}

func leaveThrottling(o *cognito.Options) { o.Retryer = outagesOnly{o.Retryer} }

type outagesOnly struct{ aws.Retryer }

func (r outagesOnly) IsErrorRetryable(err error) bool {
	var throttled *types.TooManyRequestsException
	return !errors.As(err, &throttled) && r.Retryer.IsErrorRetryable(err)
}

// ListUsers counts towards UserList.
func (c *Cognito) ListUsers(ctx context.Context, in *cognito.ListUsersInput, _ ...func(*cognito.Options)) (*cognito.ListUsersOutput, error) {
	return paced(ctx, c.limits, UserList, in, c.api.ListUsers)
}

// DescribeUserPool is called once or twice, and passed through.
func (c *Cognito) DescribeUserPool(ctx context.Context, in *cognito.DescribeUserPoolInput, o ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error) {
	return c.api.DescribeUserPool(ctx, in, o...)
}

// AdminGetUser counts towards UserRead.
func (c *Cognito) AdminGetUser(ctx context.Context, in *cognito.AdminGetUserInput, _ ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error) {
	return paced(ctx, c.limits, UserRead, in, c.api.AdminGetUser)
}

// AdminCreateUser counts towards UserCreation.
func (c *Cognito) AdminCreateUser(ctx context.Context, in *cognito.AdminCreateUserInput, _ ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error) {
	return paced(ctx, c.limits, UserCreation, in, c.api.AdminCreateUser)
}

// AdminSetUserPassword counts towards UserAccountRecovery.
func (c *Cognito) AdminSetUserPassword(ctx context.Context, in *cognito.AdminSetUserPasswordInput, _ ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error) {
	return paced(ctx, c.limits, UserAccountRecovery, in, c.api.AdminSetUserPassword)
}

// AdminResetUserPassword counts towards UserAccountRecovery.
func (c *Cognito) AdminResetUserPassword(ctx context.Context, in *cognito.AdminResetUserPasswordInput, _ ...func(*cognito.Options)) (*cognito.AdminResetUserPasswordOutput, error) {
	return paced(ctx, c.limits, UserAccountRecovery, in, c.api.AdminResetUserPassword)
}
