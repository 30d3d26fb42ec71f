package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
)

// adminCreateUser creates a user in FORCE_CHANGE_PASSWORD and sends an invitation unless it is suppressed.
func (c *Cloud) adminCreateUser(ctx context.Context, q *query) (any, error) {
	if q.in.MessageAction == "RESEND" {
		return c.resendInvitation(ctx, q)
	}
	password := q.in.TemporaryPassword
	if password == "" {
		password = newPassword()
	}
	if err := q.pool.policy.check(password); err != nil {
		return nil, err
	}
	n, err := q.pool.newUser(q.in.Username, q.in.UserAttributes)
	if err != nil {
		return nil, err
	}
	n.password = password
	username, out, err := c.create(ctx, q, n)
	if err != nil {
		return nil, err
	}
	if q.in.MessageAction == "SUPPRESS" {
		return out, nil
	}
	return out, c.invite(ctx, q, username, password)
}

// resendInvitation gives a new temporary password (API reference, AdminCreateUser, MessageAction). moto would make a
// second user.
func (c *Cloud) resendInvitation(ctx context.Context, q *query) (any, error) {
	u, err := c.mustFind(ctx, q)
	if err != nil {
		return nil, err
	}
	if u.UserStatus != forceChangePassword {
		return nil, reject("UnsupportedUserStateException",
			"Resend not possible. %s status is not FORCE_CHANGE_PASSWORD", u.Username)
	}
	password := cmp.Or(q.in.TemporaryPassword, newPassword())
	if err := c.setPassword(ctx, q, u.Username, password, false); err != nil {
		return nil, err
	}
	answer := map[string]any{"User": map[string]any{
		"Username": u.Username, "Enabled": u.Enabled, "UserStatus": u.UserStatus, "Attributes": u.UserAttributes,
	}}
	return answer, c.invite(ctx, q, u.Username, password)
}

func (c *Cloud) invite(ctx context.Context, q *query, username, password string) error {
	u, err := c.lookUp(ctx, q.pool, username)
	if err != nil || u == nil {
		return err
	}
	return c.sendInvitation(ctx, q, u, cmp.Or(q.in.Username, username), password)
}

// newUser is a user about to be created.
type newUser struct {
	username   string // as given
	attributes []attribute
	names      []string // by which the user will be found
	password   string
}

// newUser checks what the pool requires of a new user.
func (p *pool) newUser(username string, attributes []attribute) (*newUser, error) {
	n := &newUser{username: username, attributes: append([]attribute{}, attributes...)} // moto takes no null
	switch {
	case len(p.usernames) > 0:
		// Cognito developer guide, User pool attributes: the user name becomes a UUID, what was given becomes the attribute.
		if !slices.Contains(p.usernames, "email") || !looksLikeEmail(username) {
			return nil, invalidParameter("Username should be an email.")
		}
		n.attributes = with(attributes, "email", username)
	case slices.Contains(p.aliases, "email") && looksLikeEmail(username):
		return nil, invalidParameter("Username cannot be of email format, since user pool is configured for email alias.")
	}
	if err := p.checkNew(n.attributes); err != nil {
		return nil, err
	}
	n.names = p.names(n.attributes)
	if len(p.usernames) == 0 {
		n.names = append(n.names, username)
	}
	return n, nil
}

// create creates a user in moto, in FORCE_CHANGE_PASSWORD and with any password.
func (c *Cloud) create(ctx context.Context, q *query, n *newUser) (username string, out json.RawMessage, err error) {
	reserved, free := q.pool.users.reserve(n.names)
	if !free {
		return "", nil, usernameExists(q.pool)
	}
	in := map[string]any{
		"UserPoolId": q.pool.id, "Username": n.username, "UserAttributes": n.attributes,
		"TemporaryPassword": n.password, "MessageAction": "SUPPRESS",
	}
	var created struct {
		User struct {
			Username   string
			Attributes []attribute
		}
	}
	if err = c.upstream.ask(ctx, q.pool.place, "AdminCreateUser", in, &out); err == nil {
		err = json.Unmarshal(out, &created)
	}
	if err != nil {
		q.pool.users.remove(reserved)
		return "", nil, err
	}
	username = created.User.Username
	q.pool.users.complete(reserved, username, valueOf(created.User.Attributes, "sub"))
	return username, out, nil
}

func usernameExists(p *pool) error {
	if len(p.usernames) > 0 {
		return reject("UsernameExistsException", "An account with the given email already exists.")
	}
	return reject("UsernameExistsException", "User account already exists")
}
