// Package registrar makes the accounts of a sweep in the production pool.
package registrar

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/trigger"
	"github.com/spaceport/user-migration/trigger/userpool"
)

var (
	// ErrExists means that production has an account under that e-mail.
	ErrExists = errors.New("production has an account under that e-mail")
	// ErrGone means that the account is not there any more.
	ErrGone = errors.New("the account is not in production any more")
)

type cognitoAPI interface {
	AdminGetUser(context.Context, *cognito.AdminGetUserInput, ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error)
	AdminCreateUser(context.Context, *cognito.AdminCreateUserInput, ...func(*cognito.Options)) (*cognito.AdminCreateUserOutput, error)
	AdminSetUserPassword(context.Context, *cognito.AdminSetUserPasswordInput, ...func(*cognito.Options)) (*cognito.AdminSetUserPasswordOutput, error)
	AdminResetUserPassword(context.Context, *cognito.AdminResetUserPasswordInput, ...func(*cognito.Options)) (*cognito.AdminResetUserPasswordOutput, error)
}

// Pool is the production pool, to be written to.
type Pool struct {
	api cognitoAPI
	id  string
}

// New returns the pool with that id.
func New(api cognitoAPI, id string) *Pool { return &Pool{api: api, id: id} }

// Create makes an account without a letter and returns its sub, or ErrExists.
func (p *Pool) Create(ctx context.Context, email string, attributes map[string]string) (sub string, err error) {
	in := &cognito.AdminCreateUserInput{UserPoolId: &p.id, Username: &email, MessageAction: types.MessageActionTypeSuppress}
	for name, value := range attributes {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: aws.String(name), Value: aws.String(value)})
	}
	out, err := p.api.AdminCreateUser(ctx, in)
	var exists *types.UsernameExistsException
	if errors.As(err, &exists) {
		return "", ErrExists
	}
	if err != nil {
		return "", fmt.Errorf("create account: %w", err)
	}
	for _, a := range out.User.Attributes {
		if aws.ToString(a.Name) == "sub" {
			return aws.ToString(a.Value), nil
		}
	}
	return aws.ToString(out.User.Username), nil // which is the sub where e-mail is the user name
}

// Find reads an account by e-mail, in whatever case, or by sub; ErrGone where there is none. ListUsers, which is cheaper,
// compares e-mails letter by letter and lags behind. It is asked of the few who are in production already.
func (p *Pool) Find(ctx context.Context, name string) (trigger.User, error) {
	out, err := p.api.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &p.id, Username: &name})
	if err != nil {
		return trigger.User{}, explain("read account", err)
	}
	return userpool.UserOf(out)
}

// LockPassword gives an account a permanent password that nobody knows, so that "forgot password" works for it
// ("Amazon Cognito API reference, AdminSetUserPassword"). It is not kept anywhere.
func (p *Pool) LockPassword(ctx context.Context, sub string) error {
	_, err := p.api.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &p.id, Username: &sub, Password: aws.String(unknowable()), Permanent: true,
	})
	return explain("set password", err)
}

// unknowable is a password of 390 random bits in 82 characters, with all four kinds of character that a policy may ask for.
func unknowable() string { return rand.Text() + rand.Text() + rand.Text() + "aA1!" }

// SendReset e-mails a code with which the user sets a password of their own. Where the trigger answers for the pool's
// messages, it takes this one for a sweep's and writes the letter.
func (p *Pool) SendReset(ctx context.Context, sub string) error {
	_, err := p.api.AdminResetUserPassword(ctx, &cognito.AdminResetUserPasswordInput{
		UserPoolId: &p.id, Username: &sub, ClientMetadata: trigger.SweepMark(),
	})
	return explain("send reset", err)
}

func explain(what string, err error) error {
	var gone *types.UserNotFoundException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &gone):
		return fmt.Errorf("%s: %w", what, ErrGone)
	}
	return fmt.Errorf("%s: %w", what, err)
}
