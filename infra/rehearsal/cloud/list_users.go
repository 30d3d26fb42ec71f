package cloud

import (
	"context"
	"encoding/json"
)

// API reference, ListUsers: at most 60 users a page.
const longestPage = 60

func (c *Cloud) listUsers(ctx context.Context, q *query) (any, error) {
	if q.in.Limit != nil && (*q.in.Limit < 0 || *q.in.Limit > longestPage) {
		return nil, invalidParameter(
			"1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
				"Member must have value less than or equal to %d",
			*q.in.Limit,
			longestPage,
		)
	}
	out, err := c.forward(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	return q.pool.overlayPage(out)
}

func (p *pool) overlayPage(raw json.RawMessage) (any, error) {
	var page struct {
		Users           []json.RawMessage
		PaginationToken string `json:",omitempty"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return nil, err
	}
	for i, one := range page.Users {
		var named struct{ Username string }
		if err := json.Unmarshal(one, &named); err != nil {
			return nil, err
		}
		changed, err := p.overlay(one, named.Username)
		if err != nil {
			return nil, err
		}
		page.Users[i] = changed
	}
	return page, nil
}
