package cloud

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// claims are read from a token, not verified: moto knows the tokens that it issued.
type claims struct {
	Issuer   string `json:"iss"`
	Sub      string `json:"sub"`
	ClientID string `json:"client_id"`
	Username string `json:"username"`
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

func (c *Cloud) tokenOwner(ctx context.Context, token string) (*claims, *pool, error) {
	owner, ok := readClaims(token)
	if !ok {
		return nil, nil, notAuthorized("Invalid Access Token")
	}
	p, err := c.pool(ctx, "", owner.poolID())
	if err != nil {
		return nil, nil, notAuthorized("Invalid Access Token")
	}
	return owner, p, nil
}

// locate finds the account and the pool of a call that carries no signature, from its client or its token. A call that
// names neither, or an unknown one, counts as production's.
func (c *Cloud) locate(k *call) {
	var in input
	_ = json.Unmarshal(k.body, &in) // rejected later if it is not JSON
	poolID := c.pools.ofClient(in.ClientID)
	if owner, ok := readClaims(in.AccessToken); ok {
		poolID = owner.poolID()
	}
	k.request.Account = ProductionAccount
	if known := c.pools.find(poolID); known != nil {
		k.request.Account, k.region, k.request.Resource = known.account, known.region, poolID
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
