package cloud

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"time"
)

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
	return c.sendCode(ctx, q, u)
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
	if err := c.checkCode(q.pool, u.Username, q.in.ConfirmationCode); err != nil {
		return nil, err
	}
	if err := c.setPassword(ctx, q, u.Username, q.in.Password, true); err != nil {
		return nil, err
	}
	q.pool.users.change(u.Username, func(e *entry) { e.code = code{} })
	return nil, c.postTrigger(ctx, q, "PostConfirmation", "PostConfirmation_ConfirmForgotPassword", u.Username)
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

// Cognito developer guide, Code expiry: 1 hour to reset a password.
const codeLife = time.Hour

type code struct {
	digits  string
	expires time.Time
}

// newCode makes a code; the previous one is no longer valid.
func (c *Cloud) newCode(p *pool, username string) string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1_000_000)) // never fails
	made := code{digits: fmt.Sprintf("%06d", n), expires: c.now().Add(codeLife)}
	p.users.change(username, func(e *entry) { e.code = made })
	return made.digits
}

func (c *Cloud) checkCode(p *pool, username, digits string) error {
	var have code
	p.users.change(username, func(e *entry) { have = e.code })
	switch {
	case have.digits == "" || !c.now().Before(have.expires):
		return reject("ExpiredCodeException", "Invalid code provided, please request a code again.")
	case have.digits != digits:
		return codeMismatch()
	}
	return nil
}

func codeMismatch() *apiError {
	return reject("CodeMismatchException", "Invalid verification code provided, please try again.")
}
