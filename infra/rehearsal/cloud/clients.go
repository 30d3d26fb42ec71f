package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// client is what the proxy knows of an app client.
type client struct {
	id        string
	flows     []string
	hideUsers bool // PreventUserExistenceErrors is ENABLED
	revokes   bool // EnableTokenRevocation
	writable  []string
}

// unknownUser is the client's answer for a user that does not exist, or must appear not to (Cognito developer guide,
// Managing user existence error responses). detail is only for clients that do not hide users.
func (cl *client) unknownUser(detail string) *apiError {
	switch {
	case cl.hideUsers:
		return incorrectPassword()
	case detail != "":
		return reject("UserNotFoundException", "%s", detail)
	}
	return userNotFound()
}

// allowsFlow knows the flows by their current and their legacy names. A client without any has SRP, custom and refresh
// (API reference, ExplicitAuthFlows).
func (cl *client) allowsFlow(flow string) bool {
	flows := cl.flows
	if len(flows) == 0 {
		flows = []string{"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"}
	}
	legacy := map[string]string{
		"ADMIN_USER_PASSWORD_AUTH": "ADMIN_NO_SRP_AUTH", "USER_PASSWORD_AUTH": "USER_PASSWORD_AUTH",
	}[flow]
	return slices.Contains(flows, "ALLOW_"+flow) || legacy != "" && slices.Contains(flows, legacy)
}

type clientDescription struct {
	ClientID                   string `json:"ClientId"`
	UserPoolID                 string `json:"UserPoolId"`
	ExplicitAuthFlows          []string
	PreventUserExistenceErrors string
	EnableTokenRevocation      *bool
	WriteAttributes            []string
}

func (c *Cloud) createUserPoolClient(ctx context.Context, q *query) (any, error) {
	changes, implicit := withReadAttributes(q.body, q.pool)
	out, err := c.forward(ctx, q, changes)
	if err != nil {
		return nil, err
	}
	var created struct{ UserPoolClient clientDescription }
	if err := json.Unmarshal(out, &created); err != nil {
		return nil, err
	}
	c.pools.mu.Lock()
	c.pools.clients[created.UserPoolClient.ClientID] = &knownClient{poolID: q.pool.id, implicitRead: implicit}
	c.pools.mu.Unlock()
	return tidyClient(out, implicit)
}

// clientDefaults is what UpdateUserPoolClient sets for members that the call omits (API reference: "If you don't
// provide a value for an attribute, Amazon Cognito sets it to its default value"); moto keeps the old values.
var clientDefaults = map[string]any{
	"RefreshTokenValidity": 30, "AccessTokenValidity": 0, "IdTokenValidity": 0, "TokenValidityUnits": map[string]string{},
	"WriteAttributes": []string{}, "ExplicitAuthFlows": []string{}, "SupportedIdentityProviders": []string{},
	"CallbackURLs": []string{}, "LogoutURLs": []string{}, "DefaultRedirectURI": "", "AllowedOAuthFlows": []string{},
	"AllowedOAuthScopes": []string{}, "AllowedOAuthFlowsUserPoolClient": false, "PreventUserExistenceErrors": "",
	"EnableTokenRevocation": true, "EnablePropagateAdditionalUserContextData": false, "AuthSessionValidity": 3,
}

func (c *Cloud) updateUserPoolClient(ctx context.Context, q *query) (any, error) {
	changes, implicit := withReadAttributes(q.body, q.pool)
	var given map[string]json.RawMessage
	if err := json.Unmarshal(q.body, &given); err != nil {
		return nil, err
	}
	for name, value := range clientDefaults {
		if _, isGiven := given[name]; !isGiven {
			changes[name] = value
		}
	}
	out, err := c.forward(ctx, q, changes)
	if err != nil {
		return nil, err
	}
	c.pools.mu.Lock()
	c.pools.clients[q.client.id] = &knownClient{poolID: q.pool.id, implicitRead: implicit}
	c.pools.mu.Unlock()
	return tidyClient(out, implicit)
}

func (c *Cloud) describeUserPoolClient(ctx context.Context, q *query) (any, error) {
	out, err := c.forward(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	c.pools.mu.Lock()
	implicit := c.pools.clients[q.client.id].implicitRead
	c.pools.mu.Unlock()
	return tidyClient(out, implicit)
}

func (c *Cloud) deleteUserPoolClient(ctx context.Context, q *query) (any, error) {
	out, err := c.forward(ctx, q, nil)
	if err == nil {
		c.pools.mu.Lock()
		delete(c.pools.clients, q.client.id)
		c.pools.mu.Unlock()
	}
	return out, err
}

// withReadAttributes sets every attribute in moto for a client without ReadAttributes, which may read all in Cognito.
// Otherwise moto's identity tokens have the user name as email.
func withReadAttributes(body []byte, p *pool) (changes map[string]any, implicit bool) {
	var in struct{ ReadAttributes []string }
	_ = json.Unmarshal(body, &in) // decoded before
	if len(in.ReadAttributes) > 0 {
		return map[string]any{}, false
	}
	names := make([]string, 0, len(p.schema))
	for name := range p.schema {
		if !strings.HasPrefix(name, "dev:") && name != "sub" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return map[string]any{"ReadAttributes": names}, true
}

// tidyClient removes from a description what was set only for moto, and what is empty.
func tidyClient(out json.RawMessage, implicitRead bool) (any, error) {
	var answer struct{ UserPoolClient map[string]json.RawMessage }
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, err
	}
	for name, value := range answer.UserPoolClient {
		if text := string(value); text == "[]" || text == `""` || text == "{}" || text == "null" {
			delete(answer.UserPoolClient, name)
		}
	}
	if implicitRead {
		delete(answer.UserPoolClient, "ReadAttributes")
	}
	return answer, nil
}

func (c *Cloud) client(ctx context.Context, id string) (*client, *pool, error) {
	c.pools.mu.Lock()
	known := c.pools.clients[id]
	var settings *client
	if known != nil {
		settings = known.settings
	}
	c.pools.mu.Unlock()
	if known == nil {
		return nil, nil, reject("ResourceNotFoundException", "User pool client %s does not exist.", id)
	}
	p, err := c.pool(ctx, "", known.poolID)
	if err != nil || settings != nil {
		return settings, p, err
	}
	settings, err = c.readClient(ctx, p, id, known)
	return settings, p, err
}

func (c *Cloud) readClient(ctx context.Context, p *pool, id string, known *knownClient) (*client, error) {
	var out struct{ UserPoolClient clientDescription }
	in := map[string]string{"UserPoolId": p.id, "ClientId": id}
	if err := c.upstream.ask(ctx, p.place, "DescribeUserPoolClient", in, &out); err != nil {
		return nil, err
	}
	settings := &client{
		id:        id,
		flows:     out.UserPoolClient.ExplicitAuthFlows,
		hideUsers: out.UserPoolClient.PreventUserExistenceErrors == "ENABLED",
		revokes:   aws.ToBool(cmp.Or(out.UserPoolClient.EnableTokenRevocation, aws.Bool(true))),
		writable:  out.UserPoolClient.WriteAttributes,
	}
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	known.settings = settings
	return settings, nil
}

func (c *Cloud) clientOfPool(ctx context.Context, account, poolID, id string) (*client, *pool, error) {
	if _, err := c.pool(ctx, account, poolID); err != nil {
		return nil, nil, err
	}
	cl, p, err := c.client(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if p.id != poolID {
		return nil, nil, reject("ResourceNotFoundException", "User pool client %s does not exist.", id)
	}
	return cl, p, nil
}
