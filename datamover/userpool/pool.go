package userpool

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

type options = func(*cognito.Options)

type cognitoAPI interface {
	AdminInitiateAuth(
		context.Context, *cognito.AdminInitiateAuthInput, ...options) (*cognito.AdminInitiateAuthOutput, error)
	AdminGetUser(context.Context, *cognito.AdminGetUserInput, ...options) (*cognito.AdminGetUserOutput, error)
	ListUsers(context.Context, *cognito.ListUsersInput, ...options) (*cognito.ListUsersOutput, error)
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...options) (*cognito.DescribeUserPoolOutput, error)
	ListGroups(context.Context, *cognito.ListGroupsInput, ...options) (*cognito.ListGroupsOutput, error)
	ListUsersInGroup(context.Context, *cognito.ListUsersInGroupInput, ...options) (*cognito.ListUsersInGroupOutput, error)
	userWriter
	groupsAPI
}

// Pool is one user pool. Staging's is only read: which methods are called on it is for the interfaces of its users to
// say, and for the roles to hold.
type Pool struct {
	api cognitoAPI
	id  string
}

// New returns the pool with that id.
func New(api cognitoAPI, id string) *Pool { return &Pool{api: api, id: id} }

// ID returns the pool's id.
func (p *Pool) ID() string { return p.id }

// SignInResult is what a pool answers about one user's password. What is about the pool as a whole is an error.
type SignInResult struct {
	Rejected      Reason // why the user is not let in; empty: the password is accepted
	FactorMissing bool   // the pool demands a second factor that is not set up, or that it cannot serve
	Sub           string // of the token; empty if there is a challenge
	Challenge     string // empty if there are tokens
	Username      string // of the challenge; empty if Cognito does not name it
}

// IsFor reports whether the accepted password is this user's, as far as the pool says.
func (r SignInResult) IsFor(u User) bool {
	if r.Challenge == "" && !r.FactorMissing {
		return r.Sub != "" && r.Sub == u.Sub
	}
	return r.Username == "" || r.Username == u.Username
}

// SignIn checks a password by ADMIN_USER_PASSWORD_AUTH through an app client. It never sends the same password twice if
// the pool may have counted it.
func (p *Pool) SignIn(ctx context.Context, clientID, name string, password Password) (SignInResult, error) {
	out, err := p.api.AdminInitiateAuth(ctx, &cognito.AdminInitiateAuthInput{
		UserPoolId:     &p.id,
		ClientId:       &clientID,
		AuthFlow:       types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": string(password)},
	}, retryIfNotReceived)
	if err != nil {
		return signInError("check password", err)
	}
	if out.ChallengeName != "" {
		return SignInResult{
			Challenge: string(out.ChallengeName), Username: out.ChallengeParameters["USER_ID_FOR_SRP"],
			FactorMissing: out.ChallengeName == types.ChallengeNameTypeMfaSetup,
		}, nil
	}
	sub, err := subOf(out.AuthenticationResult)
	return SignInResult{Sub: sub}, err
}

// retryIfNotReceived retries only if it is certain that the pool never saw the password: it was throttled, or there
// was no connection. After anything else the pool may have counted it, and a wrong one sent twice locks its owner out
// sooner.
func retryIfNotReceived(o *cognito.Options) { o.Retryer = notReceived{o.Retryer} }

type notReceived struct{ aws.Retryer }

func (notReceived) IsErrorRetryable(err error) bool {
	var (
		throttled *types.TooManyRequestsException
		network   *net.OpError
	)
	return errors.As(err, &throttled) || errors.As(err, &network) && network.Op == "dial"
}

// subOf reads the sub of the access token. Its signature needs no check: it came from Cognito by TLS.
func subOf(tokens *types.AuthenticationResultType) (string, error) {
	if tokens == nil {
		return "", fmt.Errorf("check password: %w: neither tokens nor a challenge", ErrUnavailable)
	}
	parts := strings.Split(aws.ToString(tokens.AccessToken), ".")
	if len(parts) == 3 {
		var claims struct{ Sub string }
		raw, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(raw, &claims) == nil && claims.Sub != "" {
			return claims.Sub, nil
		}
	}
	return "", fmt.Errorf("check password: %w: no sub in the token", ErrUnavailable)
}

// Get reads a user by any name that the pool resolves: user name, sub, email in any case, or alias. It returns
// ErrUserNotFound if there is none.
func (p *Pool) Get(ctx context.Context, name string) (User, error) {
	out, err := p.api.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &p.id, Username: &name})
	if err != nil {
		return User{}, translate("read user", err)
	}
	attributes := attributesOf(out.UserAttributes)
	if attributes[AttrSub] == "" {
		return User{}, fmt.Errorf("read user: %w: no sub", ErrUnavailable)
	}
	return User{
		Username: aws.ToString(out.Username), Sub: attributes[AttrSub], Status: string(out.UserStatus), Enabled: out.Enabled,
		Created: aws.ToTime(out.UserCreateDate), Modified: aws.ToTime(out.UserLastModifiedDate), Attributes: attributes,
		MFA: len(out.UserMFASettingList)+len(out.MFAOptions) > 0, // MFAOptions is how SMS was set up before 2018
	}, nil
}

func attributesOf(list []types.AttributeType) map[Attribute]string {
	attributes := make(map[Attribute]string, len(list))
	for _, a := range list {
		attributes[Attribute(aws.ToString(a.Name))] = aws.ToString(a.Value)
	}
	return attributes
}
