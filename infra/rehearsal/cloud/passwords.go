package cloud

import (
	"context"
	"crypto/rand"
)

// newPassword satisfies any policy.
func newPassword() string { return "Aa1!" + rand.Text() }

// adminSetUserPassword leaves the user CONFIRMED if the password is permanent, else in FORCE_CHANGE_PASSWORD (API
// reference, AdminSetUserPassword).
func (c *Cloud) adminSetUserPassword(ctx context.Context, q *query) (any, error) {
	username := q.pool.users.find(q.in.Username)
	if username == "" {
		return nil, userNotFound()
	}
	return nil, c.setPassword(ctx, q, username, q.in.Password, q.in.Permanent)
}

func (c *Cloud) setPassword(ctx context.Context, q *query, username, password string, permanent bool) error {
	in := map[string]any{"Password": password, "Permanent": permanent}
	if err := c.askAbout(ctx, q.pool, username, "AdminSetUserPassword", in, nil); err != nil {
		return err
	}
	q.pool.users.change(username, func(e *entry) {
		if e.status == resetRequired { // which only the proxy knew of
			e.status = ""
		}
	})
	return nil
}

// adminResetUserPassword makes the password invalid and emails a code (API reference, AdminResetUserPassword). moto
// makes no code.
func (c *Cloud) adminResetUserPassword(ctx context.Context, q *query) (any, error) {
	u, err := c.mustFind(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := mayReset(u); err != nil {
		return nil, err
	}
	if err := c.requireReset(ctx, q, u); err != nil {
		return nil, err
	}
	_, err = c.sendCode(ctx, q, u)
	return nil, err
}

// mayReset: re:Post knowledge center, cognito-forgot-password, describes both the status in which a password cannot be
// reset and the missing address.
func mayReset(u *user) error {
	switch {
	case !u.Enabled:
		return notAuthorized("User is disabled.")
	case u.UserStatus == forceChangePassword || u.UserStatus == externalProvider || u.UserStatus == unconfirmed:
		return notAuthorized("User password cannot be reset in the current state.")
	case !u.reachable():
		return noAddress()
	}
	return nil
}

func noAddress() error {
	return invalidParameter("Cannot reset password for the user as there is no registered/verified email or phone_number")
}

// requireReset puts a user in RESET_REQUIRED. moto does so only if a code can be sent; a migrated user need not have an
// address.
func (c *Cloud) requireReset(ctx context.Context, q *query, u *user) error {
	if !u.reachable() {
		q.pool.users.change(u.Username, func(e *entry) { e.status = resetRequired })
		return nil
	}
	return c.askAbout(ctx, q.pool, u.Username, "AdminResetUserPassword", nil, nil)
}
