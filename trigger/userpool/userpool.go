// Package userpool reads the staging user pool for the trigger, and puts its answers into the trigger's words.
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

	"github.com/spaceport/user-migration/trigger"
)

type cognitoAPI interface {
	AdminInitiateAuth(context.Context, *cognito.AdminInitiateAuthInput, ...func(*cognito.Options)) (*cognito.AdminInitiateAuthOutput, error)
	AdminGetUser(context.Context, *cognito.AdminGetUserInput, ...func(*cognito.Options)) (*cognito.AdminGetUserOutput, error)
}

// Pool is the staging user pool. It is never written to.
type Pool struct {
	api              cognitoAPI
	poolID, clientID string
}

// New returns the pool that api reads, with the app client through which passwords are checked.
func New(api cognitoAPI, poolID, clientID string) *Pool {
	return &Pool{api: api, poolID: poolID, clientID: clientID}
}

// Authenticate proves a password by ADMIN_USER_PASSWORD_AUTH.
func (p *Pool) Authenticate(ctx context.Context, name, password string) (trigger.Proof, error) {
	out, err := p.api.AdminInitiateAuth(ctx, &cognito.AdminInitiateAuthInput{
		UserPoolId:     &p.poolID,
		ClientId:       &p.clientID,
		AuthFlow:       types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	}, unseen)
	if err != nil {
		return trigger.Proof{}, translate("check password", err)
	}
	if out.ChallengeName != "" {
		return trigger.Proof{
			Challenge: string(out.ChallengeName), Username: out.ChallengeParameters["USER_ID_FOR_SRP"],
		}, nil
	}
	sub, err := subOf(out.AuthenticationResult)
	return trigger.Proof{Sub: sub}, err
}

// unseen makes retries wait for a sure sign that staging never saw the password: a refusal at the door, or no connection.
// After anything else staging may have counted it, and a wrong one sent twice locks its owner out sooner.
func unseen(o *cognito.Options) { o.Retryer = unseenOnly{o.Retryer} }

type unseenOnly struct{ aws.Retryer }

func (unseenOnly) IsErrorRetryable(err error) bool {
	var (
		throttled *types.TooManyRequestsException
		network   *net.OpError
	)
	return errors.As(err, &throttled) || errors.As(err, &network) && network.Op == "dial"
}

// subOf reads the sub out of the access token. Its signature needs no check: it came from staging by TLS.
func subOf(tokens *types.AuthenticationResultType) (string, error) {
	if tokens == nil {
		return "", fmt.Errorf("check password: %w: neither tokens nor a challenge", trigger.ErrUnavailable)
	}
	parts := strings.Split(aws.ToString(tokens.AccessToken), ".")
	if len(parts) == 3 {
		var claims struct{ Sub string }
		raw, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(raw, &claims) == nil && claims.Sub != "" {
			return claims.Sub, nil
		}
	}
	return "", fmt.Errorf("check password: %w: no sub in the token", trigger.ErrUnavailable)
}

// Find reads a user by AdminGetUser.
func (p *Pool) Find(ctx context.Context, name string) (trigger.User, error) {
	out, err := p.api.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &p.poolID, Username: &name})
	var unknown *types.UserNotFoundException
	if errors.As(err, &unknown) {
		return trigger.User{}, trigger.ErrUnknownUser
	}
	if err != nil {
		return trigger.User{}, translate("read user", err)
	}
	return UserOf(out)
}

// UserOf puts AdminGetUser's answer into the trigger's words.
func UserOf(out *cognito.AdminGetUserOutput) (trigger.User, error) {
	attributes := make(map[string]string, len(out.UserAttributes))
	for _, a := range out.UserAttributes {
		attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	if attributes["sub"] == "" {
		return trigger.User{}, fmt.Errorf("read user: %w: no sub", trigger.ErrUnavailable)
	}
	return trigger.User{
		Username:   aws.ToString(out.Username),
		Sub:        attributes["sub"],
		Status:     string(out.UserStatus),
		Enabled:    out.Enabled,
		Created:    aws.ToTime(out.UserCreateDate),
		Attributes: attributes,
		MFA:        len(out.UserMFASettingList)+len(out.MFAOptions) > 0, // the latter is how SMS was set up before 2018
	}, nil
}
