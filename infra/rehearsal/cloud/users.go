package cloud

import (
	"context"
	"encoding/json"
	"fmt"
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
	if err := c.askAbout(ctx, p, username, "AdminGetUser", nil, u); err != nil {
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

// names are all the names by which a user with these attributes is found, besides Username and sub. As a user name an
// unverified email counts too (Cognito developer guide, User pool attributes: user names and sign-in attributes).
func (p *pool) names(attributes []attribute) []string {
	if email := valueOf(attributes, "email"); email != "" && slices.Contains(p.usernames, "email") {
		return []string{email}
	}
	return nil
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
	if err != nil && asAPIError(err).code == "NotAuthorizedException" {
		err = notAuthorized("Access Token has been revoked")
	}
	return out, err
}

func (c *Cloud) adminDeleteUser(ctx context.Context, q *query) (any, error) {
	username := q.pool.users.find(q.in.Username)
	out, err := c.aboutUser(ctx, q)
	if err == nil {
		q.pool.users.removeUser(username)
	}
	return out, err
}

// API reference, ListUsers: at most 60 users a page.
const longestPage = 60

func (c *Cloud) listUsers(ctx context.Context, q *query) (any, error) {
	if q.in.Limit != nil && (*q.in.Limit < 0 || *q.in.Limit > longestPage) {
		return nil, invalidParameter("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value less than or equal to %d", *q.in.Limit, longestPage)
	}
	var page struct {
		Users           []json.RawMessage
		PaginationToken string `json:",omitempty"`
	}
	out, err := c.forward(ctx, q, nil)
	if err == nil {
		err = json.Unmarshal(out, &page)
	}
	for i, one := range page.Users {
		var named struct{ Username string }
		_ = json.Unmarshal(one, &named) // moto's own
		if err == nil {
			page.Users[i], err = q.pool.overlay(one, named.Username)
		}
	}
	return page, err
}

func (c *Cloud) adminUpdateUserAttributes(ctx context.Context, q *query) (any, error) {
	u, err := c.mustFind(ctx, q)
	if err != nil {
		return nil, err
	}
	changes := q.in.UserAttributes
	if err := q.pool.checkChange(changes); err != nil {
		return nil, err
	}
	saysVerified := has(changes, "email_verified")
	// moto mistakes a user's own email for another user's, so attributes that do not change are not sent.
	changes = slices.DeleteFunc(slices.Clone(changes), func(a attribute) bool {
		return has(u.UserAttributes, a.Name) && u.attribute(a.Name) == a.Value
	})
	// A new email is unverified unless the same call says otherwise (API reference, AdminUpdateUserAttributes).
	if has(changes, "email") && !saysVerified {
		changes = append(changes, attribute{"email_verified", "false"})
	}
	if len(changes) == 0 {
		return nil, nil
	}
	merged := u.UserAttributes
	for _, a := range changes {
		merged = with(merged, a.Name, a.Value)
	}
	if !q.pool.users.rename(u.Username, q.pool.names(merged)) {
		return nil, reject("AliasExistsException", "An account with the given email already exists.")
	}
	return c.forward(ctx, q, map[string]any{"Username": u.Username, "UserAttributes": changes})
}

// SetUpTOTP gives a CONFIRMED user a software token as preferred second factor. The pool needs a client, since the user
// is signed in once.
func (c *Cloud) SetUpTOTP(ctx context.Context, poolID, username, password string) error {
	p, err := c.pool(ctx, "", poolID)
	if err != nil {
		return fmt.Errorf("set up TOTP: %w", err)
	}
	name := p.users.find(username)
	var signedIn struct{ AuthenticationResult struct{ AccessToken string } }
	err = c.upstream.ask(ctx, p.account, "AdminInitiateAuth", map[string]any{
		"UserPoolId": p.id, "ClientId": c.pools.clientOf(poolID), "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": password},
	}, &signedIn)
	if err == nil {
		verify := map[string]string{"AccessToken": signedIn.AuthenticationResult.AccessToken, "UserCode": totp(time.Now())}
		err = c.upstream.ask(ctx, p.account, "VerifySoftwareToken", verify, nil)
	}
	if err == nil {
		prefer := map[string]any{"SoftwareTokenMfaSettings": map[string]bool{"Enabled": true, "PreferredMfa": true}}
		err = c.askAbout(ctx, p, name, "AdminSetUserMFAPreference", prefer, nil)
	}
	if err != nil {
		return fmt.Errorf("set up TOTP: %w", err)
	}
	return nil
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
