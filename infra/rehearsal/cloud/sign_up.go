package cloud

import (
	"context"
	"encoding/json"
	"slices"
)

// signUp creates an UNCONFIRMED user through an app client.
func (c *Cloud) signUp(ctx context.Context, q *query) (any, error) {
	// API reference, AdminCreateUserConfigType.
	if q.pool.adminOnly {
		return nil, notAuthorized("SignUp is not permitted for this user pool")
	}
	if err := q.client.mayWrite(q.in.UserAttributes); err != nil {
		return nil, err
	}
	if err := q.pool.policy.check(q.in.Password); err != nil {
		return nil, err
	}
	n, err := q.pool.newUser(q.in.Username, q.in.UserAttributes)
	if err != nil {
		return nil, err
	}
	username, sub, err := c.register(ctx, q, n)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"UserConfirmed": false, "UserSub": sub}
	details, err := c.sendSignUpCode(ctx, q, username, "CustomMessage_SignUp")
	if details != nil {
		answer["CodeDeliveryDetails"] = details
	}
	return answer, err
}

func (c *Cloud) register(ctx context.Context, q *query, n *newUser) (username, sub string, err error) {
	reserved, free := q.pool.users.reserve(n.names)
	if !free {
		return "", "", usernameExists(q.pool)
	}
	var out struct{ UserSub string }
	raw, err := c.forward(ctx, q, map[string]any{"UserAttributes": n.attributes})
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		q.pool.users.remove(reserved)
		return "", "", err
	}
	username = n.username
	if len(q.pool.usernames) > 0 {
		username = out.UserSub
	}
	q.pool.users.complete(reserved, username, out.UserSub)
	return username, out.UserSub, nil
}

// sendSignUpCode sends a code only if the pool verifies email itself (AutoVerifiedAttributes).
func (c *Cloud) sendSignUpCode(ctx context.Context, q *query, username, source string) (*deliveryDetails, error) {
	u, err := c.lookUp(ctx, q.pool, username)
	if err != nil || u == nil || u.attribute("email") == "" || !slices.Contains(q.pool.autoVerified, "email") {
		return nil, err
	}
	if _, err := c.sendCode(ctx, q, u, codeMessage{source: source, purpose: forSignUp}); err != nil {
		return nil, err
	}
	details := emailTo(u.attribute("email"))
	return &details, nil
}

// resendConfirmationCode is unknown to moto. A client that hides users gets a made-up delivery (Cognito developer
// guide, Managing user existence error responses).
func (c *Cloud) resendConfirmationCode(ctx context.Context, q *query) (any, error) {
	u, err := c.lookUp(ctx, q.pool, q.in.Username)
	if err != nil {
		return nil, err
	}
	if u == nil || !u.Enabled {
		if q.client.hideUsers {
			return delivered(q.in.Username), nil
		}
		return nil, userNotFound()
	}
	if u.UserStatus != unconfirmed {
		return nil, invalidParameter("User is already confirmed.")
	}
	details, err := c.sendSignUpCode(ctx, q, u.Username, "CustomMessage_ResendCode")
	if err != nil {
		return nil, err
	}
	if details == nil {
		return nil, invalidParameter("Cannot resend codes. Auto verification not turned on.")
	}
	return map[string]any{"CodeDeliveryDetails": details}, nil
}

func (c *Cloud) confirmSignUp(ctx context.Context, q *query) (any, error) {
	u, err := c.lookUp(ctx, q.pool, q.in.Username)
	if err != nil {
		return nil, err
	}
	if u == nil {
		if q.client.hideUsers {
			return nil, codeMismatch()
		}
		return nil, userNotFound()
	}
	if err := mayConfirmSignUp(u); err != nil {
		return nil, err
	}
	if err := c.checkCode(q.pool, u.Username, forSignUp, q.in.ConfirmationCode); err != nil {
		return nil, err
	}
	c.useCode(q.pool, u.Username, forSignUp)
	if err := c.changeAttributes(ctx, q, u, []attribute{{"email_verified", "true"}}); err != nil {
		return nil, err
	}
	return nil, c.confirmUser(ctx, q, u)
}

// adminConfirmSignUp verifies nothing, so the email stays unverified (API reference, AdminConfirmSignUp).
func (c *Cloud) adminConfirmSignUp(ctx context.Context, q *query) (any, error) {
	u, err := c.mustFind(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := mayConfirmSignUp(u); err != nil {
		return nil, err
	}
	return nil, c.confirmUser(ctx, q, u)
}

func (c *Cloud) confirmUser(ctx context.Context, q *query, u *user) error {
	in := map[string]string{"UserPoolId": q.pool.id, "Username": u.Username}
	if err := c.upstream.ask(ctx, q.pool.place, "AdminConfirmSignUp", in, nil); err != nil {
		return err
	}
	return c.postConfirmation(ctx, q, "PostConfirmation_ConfirmSignUp", u.Username)
}

func mayConfirmSignUp(u *user) error {
	if u.UserStatus != unconfirmed {
		return notAuthorized("User cannot be confirmed. Current status is " + u.UserStatus)
	}
	return nil
}
