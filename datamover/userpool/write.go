package userpool

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

type userWriter interface {
	AdminUpdateUserAttributes(
		context.Context, *cognito.AdminUpdateUserAttributesInput, ...options,
	) (*cognito.AdminUpdateUserAttributesOutput, error)
	AdminCreateUser(context.Context, *cognito.AdminCreateUserInput, ...options) (*cognito.AdminCreateUserOutput, error)
	AdminSetUserPassword(
		context.Context, *cognito.AdminSetUserPasswordInput, ...options) (*cognito.AdminSetUserPasswordOutput, error)
	AdminResetUserPassword(
		context.Context, *cognito.AdminResetUserPasswordInput, ...options) (*cognito.AdminResetUserPasswordOutput, error)
}

// Create creates a user without sending an email and returns the sub, or ErrUserExists.
func (p *Pool) Create(ctx context.Context, email string, attributes map[Attribute]string) (sub string, err error) {
	in := &cognito.AdminCreateUserInput{
		UserPoolId: &p.id, Username: &email, MessageAction: types.MessageActionTypeSuppress,
	}
	for name, value := range attributes {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: aws.String(string(name)), Value: &value})
	}
	out, err := p.api.AdminCreateUser(ctx, in)
	if err != nil {
		return "", translate("create user", err)
	}
	created := listed(*out.User)
	return cmp.Or(created.Sub, created.Username), nil // the user name is the sub if email is the user name
}

// SetStagingSub marks a production user as the staging user that they were.
func (p *Pool) SetStagingSub(ctx context.Context, sub, stagingSub string) error {
	_, err := p.api.AdminUpdateUserAttributes(ctx, &cognito.AdminUpdateUserAttributesInput{
		UserPoolId: &p.id, Username: &sub,
		UserAttributes: []types.AttributeType{{Name: aws.String(string(AttrStagingSub)), Value: &stagingSub}},
	})
	return translate("set "+string(AttrStagingSub), err)
}

// SetRandomPassword sets a permanent password that is not kept anywhere, so that "forgot password" works for the user
// ("Amazon Cognito API reference, AdminSetUserPassword").
func (p *Pool) SetRandomPassword(ctx context.Context, sub string) error {
	_, err := p.api.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &p.id, Username: &sub, Password: aws.String(randomPassword()), Permanent: true,
	})
	return translate("set password", err)
}

// randomPassword has 390 random bits in 82 characters, of all four kinds that a password policy may ask for.
func randomPassword() string { return rand.Text() + rand.Text() + rand.Text() + "aA1!" }

// The ClientMetadata by which a sweep's reset is told from a "forgot password". Any user can send it with their own
// ForgotPassword, and so be told once more, at their own address, that they were migrated, beside the code that they
// get anyway. That is all: nothing of the ClientMetadata is printed, and a user who was never in staging gets the
// pool's own text.
const (
	resetKey   = "spaceport-migration"
	resetValue = "sweep"
)

// ResetMetadata returns the ClientMetadata of a sweep's reset.
func ResetMetadata() map[string]string { return map[string]string{resetKey: resetValue} }

// IsReset reports whether ClientMetadata is that of a sweep's reset.
func IsReset(metadata map[string]string) bool { return metadata[resetKey] == resetValue }

// SendReset sends an email with a code, with which the user sets a password. If the trigger writes the pool's messages,
// it recognizes this one as a sweep's. It returns ErrSender if no other user's email would be sent either, and
// ErrDelivery if that may be so.
func (p *Pool) SendReset(ctx context.Context, sub string) error {
	_, err := p.api.AdminResetUserPassword(ctx, &cognito.AdminResetUserPasswordInput{
		UserPoolId: &p.id, Username: &sub, ClientMetadata: ResetMetadata(),
	}, func(o *cognito.Options) { o.Retryer = exceptLimits{o.Retryer} })
	return translateReset("send reset email", err)
}

// exceptLimits repeats no request that exceeds a limit of a day or an hour.
type exceptLimits struct{ aws.Retryer }

func (r exceptLimits) IsErrorRetryable(err error) bool {
	return !errors.As(err, new(*types.LimitExceededException)) && r.Retryer.IsErrorRetryable(err)
}
