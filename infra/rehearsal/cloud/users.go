package cloud

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// User states (Cognito developer guide, User accounts).
const (
	confirmed           = "CONFIRMED"
	unconfirmed         = "UNCONFIRMED"
	resetRequired       = "RESET_REQUIRED"
	forceChangePassword = "FORCE_CHANGE_PASSWORD"
	externalProvider    = "EXTERNAL_PROVIDER"
)

type attribute struct{ Name, Value string }

// user is what AdminGetUser returns, with the proxy's overrides applied.
type user struct {
	Username       string
	Enabled        bool
	UserStatus     string
	UserAttributes []attribute
}

func (u *user) attribute(name string) string { return valueOf(u.UserAttributes, name) }

// reachable says whether a code can be sent. Only email is served here.
func (u *user) reachable() bool {
	return u.attribute("email") != "" && u.attribute("email_verified") == "true" && u.UserStatus != unconfirmed
}

func valueOf(attributes []attribute, name string) string {
	for _, a := range attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// lookUp finds a user by anything that the pool resolves; nil if there is none.
func (c *Cloud) lookUp(ctx context.Context, p *pool, name string) (*user, error) {
	username := p.users.find(name)
	if username == "" {
		return nil, nil
	}
	u := &user{}
	in := map[string]string{"UserPoolId": p.id, "Username": username}
	if err := c.upstream.ask(ctx, p.place, "AdminGetUser", in, u); err != nil {
		return nil, err
	}
	if status, _ := p.users.overrides(username); status != "" {
		u.UserStatus = status
	}
	return u, nil
}

// mustFind is lookUp for operations of an administrator, which say so if there is no such user.
func (c *Cloud) mustFind(ctx context.Context, q *query) (*user, error) {
	u, err := c.lookUp(ctx, q.pool, q.in.Username)
	if err == nil && u == nil {
		err = userNotFound()
	}
	return u, err
}

// names are all the names by which a user with these attributes is found, besides Username and sub (Cognito developer
// guide, User pool attributes: user names and sign-in attributes). As a user name an unverified email counts too; as an
// alias only a verified one.
func (p *pool) names(attributes []attribute) []string {
	var names []string
	for _, name := range []string{"email", "phone_number"} {
		isAlias := slices.Contains(p.aliases, name) && valueOf(attributes, name+"_verified") == "true"
		if slices.Contains(p.usernames, name) || isAlias {
			names = append(names, valueOf(attributes, name))
		}
	}
	if slices.Contains(p.aliases, "preferred_username") {
		names = append(names, valueOf(attributes, "preferred_username"))
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// aboutUser passes on an operation about one user, under the name that moto knows.
func (c *Cloud) aboutUser(ctx context.Context, q *query) (any, error) {
	username := q.pool.users.find(q.in.Username)
	if username == "" {
		return nil, userNotFound()
	}
	return c.forward(ctx, q, map[string]any{"Username": username})
}

func (c *Cloud) adminGetUser(ctx context.Context, q *query) (any, error) {
	out, err := c.aboutUser(ctx, q)
	if err != nil {
		return nil, err
	}
	return q.pool.overlay(out.(json.RawMessage), q.pool.users.find(q.in.Username))
}

func (c *Cloud) getUser(ctx context.Context, q *query) (any, error) {
	out, err := c.forward(ctx, q, nil)
	if err != nil {
		return nil, deadTokenError(err)
	}
	return out, nil
}

func (c *Cloud) adminDeleteUser(ctx context.Context, q *query) (any, error) {
	username := q.pool.users.find(q.in.Username)
	out, err := c.aboutUser(ctx, q)
	if err == nil {
		q.pool.users.removeNamed(username)
	}
	return out, err
}

func (c *Cloud) deleteUser(ctx context.Context, q *query) (any, error) {
	u, err := c.signedIn(ctx, q)
	if err != nil {
		return nil, err
	}
	in := map[string]string{"UserPoolId": q.pool.id, "Username": u.Username}
	if err := c.upstream.ask(ctx, q.pool.place, "AdminDeleteUser", in, nil); err != nil {
		return nil, err
	}
	q.pool.users.removeNamed(u.Username)
	return nil, nil
}

// signedIn finds the user of an access token, if it is still valid.
func (c *Cloud) signedIn(ctx context.Context, q *query) (*user, error) {
	var owner struct{ Username string }
	in := map[string]string{"AccessToken": q.in.AccessToken}
	if err := c.upstream.ask(ctx, q.pool.place, "GetUser", in, &owner); err != nil {
		return nil, deadTokenError(err)
	}
	u, err := c.lookUp(ctx, q.pool, owner.Username)
	if err == nil && u == nil {
		err = notAuthorized("Invalid Access Token")
	}
	return u, err
}

func deadTokenError(err error) error {
	if asAPIError(err).code == "NotAuthorizedException" {
		return notAuthorized("Access Token has been revoked")
	}
	return err
}

// overlay applies the proxy's overrides to one user of an answer.
func (p *pool) overlay(raw json.RawMessage, username string) (json.RawMessage, error) {
	status, created := p.users.overrides(username)
	if status == "" && created.IsZero() {
		return raw, nil
	}
	changes := map[string]any{}
	if status != "" {
		changes["UserStatus"] = status
	}
	if !created.IsZero() {
		changes["UserCreateDate"] = float64(created.UnixMilli()) / 1000
	}
	return merge(raw, changes)
}

// SetStatus gives a user a status that moto does not have, such as EXTERNAL_PROVIDER for a federated one. An empty
// status removes it.
func (c *Cloud) SetStatus(poolID, username, status string) error {
	return c.seed(poolID, username, func(e *entry) { e.status = status })
}

// SetCreated sets when a user was created.
func (c *Cloud) SetCreated(poolID, username string, at time.Time) error {
	return c.seed(poolID, username, func(e *entry) { e.created = at })
}

func (c *Cloud) seed(poolID, name string, do func(*entry)) error {
	known := c.pools.find(poolID)
	if known == nil {
		return reject("ResourceNotFoundException", "User pool %s does not exist.", poolID)
	}
	username := known.users.find(name)
	if username == "" {
		return userNotFound()
	}
	known.users.change(username, do)
	return nil
}

func looksLikeEmail(name string) bool {
	local, domain, found := strings.Cut(name, "@")
	return found && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(name, " \t\n")
}
