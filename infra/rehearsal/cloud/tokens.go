package cloud

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// claims are read from a token, not verified: moto knows the tokens that it issued.
type claims struct {
	Issuer   string `json:"iss"`
	Sub      string `json:"sub"`
	Username string `json:"username"`
	Origin   string `json:"origin_jti"`
}

func (c *claims) poolID() string { return c.Issuer[strings.LastIndex(c.Issuer, "/")+1:] }

func readClaims(token string) (*claims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return nil, false
	}
	var c claims
	return &c, json.Unmarshal(raw, &c) == nil
}

func (c *Cloud) tokenOwner(ctx context.Context, token string) (*pool, error) {
	owner, ok := readClaims(token)
	if !ok {
		return nil, notAuthorized("Invalid Access Token")
	}
	if c.grants.isRevoked(owner.Origin) {
		return nil, notAuthorized("Access Token has been revoked")
	}
	p, err := c.pool(ctx, "", owner.poolID())
	if err != nil {
		return nil, notAuthorized("Invalid Access Token")
	}
	return p, nil
}

// locate finds the account and the pool of a call that carries no signature, from its client or its token. A call that
// names neither, or an unknown one, counts as production's.
func (c *Cloud) locate(k *call) {
	poolID := c.pools.ofClient(k.in.ClientID)
	if owner, ok := readClaims(k.in.AccessToken); ok {
		poolID = owner.poolID()
	}
	k.request.Account = ProductionAccount
	if known := c.pools.find(poolID); known != nil {
		k.request.Account, k.request.Resource = known.account, poolID
	}
}

func (s *pools) ofClient(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.clients[id]; known != nil {
		return known.poolID
	}
	return ""
}

// grants remembers the refresh tokens. All tokens of one sign-in and its refreshes have the same origin_jti, by which
// they are revoked (Cognito developer guide, Revoking tokens).
type grants struct {
	byToken sync.Map // of grant, by refresh token
	revoked sync.Map // by origin_jti
}

type grant struct{ clientID, origin string }

func (s *grants) add(result json.RawMessage, clientID string) error {
	var given struct{ AccessToken, RefreshToken string }
	if err := json.Unmarshal(result, &given); err != nil {
		return err
	}
	access, _ := readClaims(given.AccessToken) // moto's own
	s.byToken.Store(given.RefreshToken, grant{clientID, access.Origin})
	return nil
}

func (s *grants) find(refreshToken string) (grant, bool) {
	found, _ := s.byToken.Load(refreshToken)
	g, ok := found.(grant)
	return g, ok
}

func (s *grants) isRevoked(origin string) bool {
	_, revoked := s.revoked.Load(origin)
	return revoked
}

// getTokensFromRefreshToken is unknown to moto. Clients here do not rotate refresh tokens, so the answer has none (API
// reference, GetTokensFromRefreshToken).
func (c *Cloud) getTokensFromRefreshToken(ctx context.Context, q *query) (any, error) {
	return c.refresh(ctx, q, q.in.RefreshToken)
}

func (c *Cloud) refresh(ctx context.Context, q *query, token string) (any, error) {
	switch g, ok := c.grants.find(token); {
	case token == "":
		return nil, invalidParameter("Missing required parameter REFRESH_TOKEN")
	case !ok || g.clientID != q.client.id:
		return nil, notAuthorized("Invalid Refresh Token")
	case c.grants.isRevoked(g.origin):
		return nil, notAuthorized("Refresh Token has been revoked")
	}
	parameters := map[string]string{"REFRESH_TOKEN": token}
	maps.Copy(parameters, q.in.AuthParameters)
	var out authAnswer
	err := c.upstream.ask(ctx, q.request.Account, "InitiateAuth", map[string]any{
		"ClientId": q.client.id, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters,
	}, &out)
	if err != nil && asAPIError(err).status == http.StatusInternalServerError {
		return nil, notAuthorized("Invalid Refresh Token") // moto fails if the user was deleted
	}
	return out, err
}

// revokeToken is unknown to moto. Access tokens of the refresh token are revoked too (API reference, RevokeToken, also
// for the errors). A token that was never issued is no error, as in RFC 7009.
func (c *Cloud) revokeToken(_ context.Context, q *query) (any, error) {
	g, ok := c.grants.find(q.in.Token)
	_, isJWT := readClaims(q.in.Token)
	switch {
	case q.in.Token == "":
		return nil, invalidParameter("Missing required parameter Token")
	case !q.client.revokes:
		return nil, reject("UnsupportedOperationException", "Revoke token is not enabled for the client")
	case isJWT:
		return nil, reject("UnsupportedTokenTypeException", "Unsupported token type")
	case !ok:
		return nil, nil
	case g.clientID != q.client.id:
		return nil, reject("UnauthorizedException", "The token was issued to another client")
	}
	c.grants.revoked.Store(g.origin, true)
	return nil, nil
}

// serveKeys serves the public keys of a pool's tokens, which are moto's (Cognito developer guide, Verifying JSON web
// tokens).
func (c *Cloud) serveKeys(ctx context.Context, poolID, path string) (reply, error) {
	p, err := c.pool(ctx, "", poolID)
	if err != nil {
		return reply{}, err
	}
	return c.upstream.send(ctx, p.account, "cognito-idp", request{method: http.MethodGet, path: path})
}
