package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
)

// adminCreateUser creates a user in FORCE_CHANGE_PASSWORD.
func (c *Cloud) adminCreateUser(ctx context.Context, q *query) (any, error) {
	if q.in.MessageAction != "SUPPRESS" {
		return nil, notServed("AdminCreateUser without MessageAction SUPPRESS")
	}
	password := cmp.Or(q.in.TemporaryPassword, newPassword())
	n, err := q.pool.newUser(q.in.Username, q.in.UserAttributes)
	if err != nil {
		return nil, err
	}
	n.password = password
	_, out, err := c.create(ctx, q, n)
	return out, err
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
	if len(p.usernames) > 0 {
		// Cognito developer guide, User pool attributes: the user name becomes a UUID, what was given becomes the attribute.
		if !slices.Contains(p.usernames, "email") || !looksLikeEmail(username) {
			return nil, invalidParameter("Username should be an email.")
		}
		n.attributes = with(attributes, "email", username)
	} else {
		n.names = []string{username}
	}
	n.names = append(n.names, p.names(n.attributes)...)
	return n, p.checkNew(n.attributes)
}

// create creates a user in moto, in FORCE_CHANGE_PASSWORD and with any password.
func (c *Cloud) create(ctx context.Context, q *query, n *newUser) (username string, out json.RawMessage, err error) {
	username, err = q.pool.users.create(n.names, func() (username, sub string, err error) {
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
		if err = c.upstream.ask(ctx, q.pool.account, "AdminCreateUser", in, &out); err == nil {
			err = json.Unmarshal(out, &created)
		}
		return created.User.Username, valueOf(created.User.Attributes, "sub"), err
	})
	return username, out, err
}
