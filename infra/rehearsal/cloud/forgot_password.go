package cloud

import "context"

// forgotPassword sends a code. A client that hides users gets a made-up delivery if the user does not exist, is
// disabled or has no verified address (Cognito developer guide, Managing user existence error responses).
func (c *Cloud) forgotPassword(ctx context.Context, q *query) (any, error) {
	u, err := c.lookUp(ctx, q.pool, q.in.Username)
	if err != nil {
		return nil, err
	}
	if u == nil {
		if u, err = c.migrate(ctx, q, atForgotPassword, q.in.Username, ""); err != nil && !isUnknownUser(err) {
			return nil, err
		}
	}
	if err := mayForget(q, u, err); err != nil {
		if q.client.hideUsers && isHidden(u) {
			return delivered(q.in.Username), nil
		}
		return nil, err
	}
	return c.sendCode(ctx, q, u, codeMessage{source: "CustomMessage_ForgotPassword", purpose: forReset})
}

func isUnknownUser(err error) bool {
	code := asAPIError(err).code
	return code == "UserNotFoundException" || code == "NotAuthorizedException"
}

func isHidden(u *user) bool {
	return u == nil || !u.Enabled ||
		u.UserStatus != forceChangePassword && u.UserStatus != externalProvider && !u.reachable()
}

func mayForget(q *query, u *user, migration error) error {
	switch {
	case u == nil && migration != nil:
		return migration
	case u == nil:
		return userNotFound()
	case u.UserStatus == unconfirmed:
		return noAddress()
	}
	return mayReset(u)
}

// confirmForgotPassword sets the new password if the code is good.
func (c *Cloud) confirmForgotPassword(ctx context.Context, q *query) (any, error) {
	u, err := c.lookUp(ctx, q.pool, q.in.Username)
	if err != nil {
		return nil, err
	}
	if err := mayConfirm(q, u); err != nil {
		return nil, err
	}
	if err := q.pool.policy.check(q.in.Password); err != nil {
		return nil, err
	}
	if err := c.checkCode(q.pool, u.Username, forReset, q.in.ConfirmationCode); err != nil {
		return nil, err
	}
	if err := c.setPassword(ctx, q, u.Username, q.in.Password, true); err != nil {
		return nil, err
	}
	c.useCode(q.pool, u.Username, forReset)
	return nil, c.postConfirmation(ctx, q, "PostConfirmation_ConfirmForgotPassword", u.Username)
}

// mayConfirm: the same page of the guide gives CodeMismatchException for users who do not exist or are disabled.
func mayConfirm(q *query, u *user) error {
	switch {
	case u != nil && u.Enabled:
		return nil
	case q.client.hideUsers:
		return codeMismatch()
	case u == nil:
		return userNotFound()
	}
	return notAuthorized("User is disabled.")
}
