package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
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

// allowsFlow: a client without any has SRP, custom and refresh (API reference, ExplicitAuthFlows).
func (cl *client) allowsFlow(flow string) bool {
	return slices.Contains(cl.flows, "ALLOW_"+flow)
}

type clientDescription struct {
	ClientID                   string `json:"ClientId"`
	ExplicitAuthFlows          []string
	PreventUserExistenceErrors string
	EnableTokenRevocation      *bool
}

func (c *Cloud) createUserPoolClient(ctx context.Context, q *query) (any, error) {
	return c.setClient(ctx, q, map[string]any{})
}

// setClient creates or updates a client.
func (c *Cloud) setClient(ctx context.Context, q *query, changes map[string]any) (any, error) {
	implicit := withReadAttributes(q, changes)
	out, err := c.forward(ctx, q, changes)
	if err != nil {
		return nil, err
	}
	var made struct{ UserPoolClient clientDescription }
	if err := json.Unmarshal(out, &made); err != nil {
		return nil, err
	}
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	c.pools.clients[made.UserPoolClient.ClientID] = &knownClient{poolID: q.pool.id, implicitRead: implicit}
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
	var given map[string]json.RawMessage
	if err := json.Unmarshal(q.body, &given); err != nil {
		return nil, err
	}
	changes := maps.Clone(clientDefaults)
	maps.DeleteFunc(changes, func(name string, _ any) bool { return given[name] != nil })
	return c.setClient(ctx, q, changes)
}

func (c *Cloud) describeUserPoolClient(ctx context.Context, q *query) (any, error) {
	out, err := c.forward(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	return tidyClient(out, c.pools.clients[q.client.id].implicitRead)
}

// withReadAttributes sets every attribute in moto for a client without ReadAttributes, which may read all in Cognito.
// Otherwise moto's identity tokens have the user name as email.
func withReadAttributes(q *query, changes map[string]any) (implicit bool) {
	if len(q.in.ReadAttributes) > 0 {
		return false
	}
	names := slices.Sorted(maps.Keys(q.pool.schema))
	changes["ReadAttributes"] = slices.DeleteFunc(names, func(name string) bool {
		return strings.HasPrefix(name, "dev:") || name == "sub"
	})
	return true
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

// client returns a client of either account, with its pool.
func (c *Cloud) client(ctx context.Context, id string) (*client, *pool, error) {
	p, err := c.pool(ctx, "", c.pools.ofClient(id))
	if err != nil {
		return nil, nil, reject("ResourceNotFoundException", "User pool client %s does not exist.", id)
	}
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	known := c.pools.clients[id]
	if known.settings != nil {
		return known.settings, p, nil
	}
	var out struct{ UserPoolClient clientDescription }
	in := map[string]string{"UserPoolId": p.id, "ClientId": id}
	if err := c.upstream.ask(ctx, p.account, "DescribeUserPoolClient", in, &out); err != nil {
		return nil, nil, err
	}
	known.settings = &client{
		id:        id,
		flows:     out.UserPoolClient.ExplicitAuthFlows,
		hideUsers: out.UserPoolClient.PreventUserExistenceErrors == "ENABLED",
		revokes:   aws.ToBool(cmp.Or(out.UserPoolClient.EnableTokenRevocation, aws.Bool(true))),
	}
	return known.settings, p, nil
}

func (c *Cloud) clientOfPool(ctx context.Context, account, poolID, id string) (*client, *pool, error) {
	if _, err := c.pool(ctx, account, poolID); err != nil {
		return nil, nil, err
	}
	cl, p, err := c.client(ctx, id)
	if err == nil && p.id != poolID {
		err = reject("ResourceNotFoundException", "User pool client %s does not exist.", id)
	}
	return cl, p, err
}
