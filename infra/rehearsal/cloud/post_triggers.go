package cloud

import "context"

type postAuthenticationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	NewDeviceUsed  bool              `json:"newDeviceUsed"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// postAuthentication runs before the user gets the tokens, and its failure is the sign-in's (Cognito developer guide,
// Post authentication Lambda trigger). Metadata comes from RespondToAuthChallenge only, says the same page.
func (c *Cloud) postAuthentication(ctx context.Context, q *query, username string) error {
	const trigger = "PostAuthentication"
	if q.pool.triggers[trigger] == "" {
		return nil
	}
	u, err := c.lookUp(ctx, q.pool, username)
	if err != nil || u == nil {
		return err
	}
	request := postAuthenticationRequest{UserAttributes: attributesOf(u)}
	if q.in.ChallengeName != "" {
		request.ClientMetadata = q.in.ClientMetadata
	}
	e := newEvent(q, "PostAuthentication_Authentication", u.Username, request, struct{}{})
	_, err = c.fire(ctx, q, trigger, e)
	return err
}

type postConfirmationRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// postConfirmation runs when a user is confirmed or has a new password (Cognito developer guide, Post confirmation
// Lambda trigger). If it fails, the user stays confirmed.
func (c *Cloud) postConfirmation(ctx context.Context, q *query, source, username string) error {
	const trigger = "PostConfirmation"
	if q.pool.triggers[trigger] == "" {
		return nil
	}
	u, err := c.lookUp(ctx, q.pool, username)
	if err != nil || u == nil {
		return err
	}
	request := postConfirmationRequest{UserAttributes: attributesOf(u), ClientMetadata: q.in.ClientMetadata}
	_, err = c.fire(ctx, q, trigger, newEvent(q, source, u.Username, request, struct{}{}))
	return err
}
