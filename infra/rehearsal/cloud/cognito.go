package cloud

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
)

// query is one Cognito operation: what was asked, of which pool, through which client.
type query struct {
	*call
	pool   *pool
	client *client // only where the operation names a client
}

// input holds all that the operations served here take; an operation that is only passed on needs none of it.
type input struct {
	TableName         string
	RequestItems      map[string]json.RawMessage
	UserPoolID        string `json:"UserPoolId"`
	ClientID          string `json:"ClientId"`
	Username          string
	Password          string
	Permanent         bool
	TemporaryPassword string
	MessageAction     string
	ConfirmationCode  string
	AuthFlow          string
	ChallengeName     string
	AuthParameters    map[string]string
	ClientMetadata    map[string]string
	AccessToken       string
	Token             string
	RefreshToken      string
	Limit             *int
	UserAttributes    []attribute
}

// cognito serves one operation of the table.
func (c *Cloud) cognito(ctx context.Context, k *call) (reply, error) {
	q := &query{call: k}
	if err := json.Unmarshal(k.body, &q.in); err != nil {
		return reply{}, reject("SerializationException", "%v", err)
	}
	op, known := operations[k.request.Operation]
	if !known {
		return reply{}, notServed(k.request.Operation)
	}
	if err := c.prepare(ctx, q, op.needs); err != nil {
		return reply{}, err
	}
	out, err := op.serve(c, ctx, q)
	if err != nil {
		return reply{}, err
	}
	return jsonReply(out)
}

// prepare finds the pool, and with it the account of a call that carries no signature.
func (c *Cloud) prepare(ctx context.Context, q *query, n need) (err error) {
	switch n {
	case aPool:
		q.pool, err = c.pool(ctx, q.request.Account, q.in.UserPoolID)
	case aClient:
		q.client, q.pool, err = c.client(ctx, q.in.ClientID)
	case aClientOfPool:
		q.client, q.pool, err = c.clientOfPool(ctx, q.request.Account, q.in.UserPoolID, q.in.ClientID)
	case aToken:
		q.pool, err = c.tokenOwner(ctx, q.in.AccessToken)
	case nothing:
		return nil
	}
	if err != nil {
		return err
	}
	q.request.Account, q.request.Resource = q.pool.account, q.pool.id
	return nil
}

// passOn sends an operation to moto as it is.
func (c *Cloud) passOn(ctx context.Context, q *query) (any, error) {
	return c.forward(ctx, q, nil)
}

// forward sends an operation to moto with some of its members changed.
func (c *Cloud) forward(ctx context.Context, q *query, changes map[string]any) (json.RawMessage, error) {
	body, err := merge(q.body, changes)
	if err != nil {
		return nil, err
	}
	return c.upstream.askRaw(ctx, q.request.Account, q.request.Operation, body)
}

func merge(body []byte, changes map[string]any) ([]byte, error) {
	if len(changes) == 0 {
		return body, nil
	}
	members := map[string]any{}
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, err
	}
	maps.Copy(members, changes)
	return json.Marshal(members)
}

func jsonReply(out any) (reply, error) {
	body, err := json.Marshal(out)
	if out == nil || string(body) == "null" {
		body = []byte("{}")
	}
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {contentType("cognito-idp")}}, body: body}, err
}
