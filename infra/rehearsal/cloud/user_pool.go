package cloud

import (
	"context"
	"encoding/json"
)

// createUserPool fills in what Cognito fills in and moto does not: the standard attributes besides those named in
// Schema, and the members of a password policy that were left out.
func (c *Cloud) createUserPool(ctx context.Context, q *query) (any, error) {
	changes, err := withPoolDefaults(q.body)
	if err != nil {
		return nil, err
	}
	out, err := c.forward(ctx, q, changes)
	if err != nil {
		return nil, err
	}
	var created struct{ UserPool poolDescription }
	if err := json.Unmarshal(out, &created); err != nil {
		return nil, err
	}
	q.request.Resource = created.UserPool.ID
	c.pools.remember(q.request.Account, created.UserPool)
	return out, nil
}

// updateUserPool resets what the call leaves out (API reference, UpdateUserPool), as moto does; but moto also resets
// what can be set only at creation.
func (c *Cloud) updateUserPool(ctx context.Context, q *query) (any, error) {
	changes, err := withPoolDefaults(q.body)
	if err != nil {
		return nil, err
	}
	for name, value := range q.pool.atCreation {
		changes[name] = value
	}
	delete(changes, "Schema")
	return c.changeSettings(ctx, q, changes)
}

func (c *Cloud) changePool(ctx context.Context, q *query) (any, error) {
	return c.changeSettings(ctx, q, nil)
}

func (c *Cloud) changeSettings(ctx context.Context, q *query, changes map[string]any) (any, error) {
	defer c.pools.invalidate(q.pool.id)
	return c.forward(ctx, q, changes)
}

func withPoolDefaults(body []byte) (map[string]any, error) {
	var in struct {
		Schema   []map[string]any
		Policies *struct{ PasswordPolicy *passwordPolicy }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	changes := map[string]any{}
	if len(in.Schema) > 0 {
		changes["Schema"] = withStandardAttributes(in.Schema)
	}
	policy := defaultPasswordPolicy
	if in.Policies != nil && in.Policies.PasswordPolicy != nil {
		policy = *in.Policies.PasswordPolicy
		if policy.MinimumLength == 0 {
			policy.MinimumLength = defaultPasswordPolicy.MinimumLength
		}
	}
	changes["Policies"] = map[string]any{"PasswordPolicy": policy}
	return changes, nil
}

func withStandardAttributes(schema []map[string]any) []map[string]any {
	named := map[string]bool{}
	for _, a := range schema {
		name, _ := a["Name"].(string)
		named[name] = true
	}
	for _, a := range standardAttributes {
		if named[a.Name] {
			continue
		}
		schema = append(schema, map[string]any{
			"Name": a.Name, "AttributeDataType": a.AttributeDataType, "Mutable": a.Mutable, "Required": a.Required,
		})
	}
	return schema
}
