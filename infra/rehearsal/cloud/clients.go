package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// client is what the proxy knows of an app client. Unless isRead, it is to be read from moto.
type client struct {
	isRead    bool
	poolID    string
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

// setUserPoolClient creates or updates a client.
func (c *Cloud) setUserPoolClient(ctx context.Context, q *query) (any, error) {
	out, err := c.forward(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	var made struct{ UserPoolClient clientDescription }
	if err := json.Unmarshal(out, &made); err != nil {
		return nil, err
	}
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	c.pools.clients[made.UserPoolClient.ClientID] = &client{poolID: q.pool.id}
	return out, nil
}

// client returns a client of either account, with its pool.
func (c *Cloud) client(ctx context.Context, id string) (*client, *pool, error) {
	poolID := c.pools.ofClient(id)
	if poolID == "" {
		return nil, nil, reject("ResourceNotFoundException", "User pool client %s does not exist.", id)
	}
	p, err := c.pool(ctx, "", poolID)
	if err != nil {
		return nil, nil, err
	}
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	if known := c.pools.clients[id]; known.isRead {
		return known, p, nil
	}
	var out struct{ UserPoolClient clientDescription }
	in := map[string]string{"UserPoolId": p.id, "ClientId": id}
	if err := c.upstream.ask(ctx, p.account, "DescribeUserPoolClient", in, &out); err != nil {
		return nil, nil, err
	}
	read := &client{
		isRead: true, poolID: p.id, id: id,
		flows:     out.UserPoolClient.ExplicitAuthFlows,
		hideUsers: out.UserPoolClient.PreventUserExistenceErrors == "ENABLED",
		revokes:   aws.ToBool(cmp.Or(out.UserPoolClient.EnableTokenRevocation, aws.Bool(true))),
	}
	c.pools.clients[id] = read
	return read, p, nil
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
