package cloud

import (
	"context"
	"sync"
	"time"
)

// Cognito developer guide, authentication flow sessions: 3 minutes unless the client says otherwise.
const sessionLife = 3 * time.Minute

// sessions remembers the user of each challenge: moto accepts any user name that comes with the answer.
type sessions struct {
	mu      sync.Mutex
	inUse   map[string]session
	revoked map[string]bool
}

type session struct {
	poolID, username string
	opened           time.Time
}

func (s *sessions) open(id string, p *pool, username string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inUse == nil {
		s.inUse = map[string]session{}
	}
	s.inUse[id] = session{poolID: p.id, username: username, opened: now}
}

func (s *sessions) find(id string, p *pool, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.inUse[id]
	return found, ok && found.poolID == p.id && now.Sub(found.opened) < sessionLife
}

func (s *sessions) isRevoked(refreshToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revoked[refreshToken]
}

// revokeToken is unknown to moto.
func (c *Cloud) revokeToken(_ context.Context, q *query) (any, error) {
	c.sessions.mu.Lock()
	defer c.sessions.mu.Unlock()
	if c.sessions.revoked == nil {
		c.sessions.revoked = map[string]bool{}
	}
	c.sessions.revoked[q.in.Token] = true
	return nil, nil
}

// respondToChallenge signs in the user of the session, whatever name the answer has.
func (c *Cloud) respondToChallenge(ctx context.Context, q *query) (any, error) {
	opened, ok := c.sessions.find(q.in.Session, q.pool, c.now())
	if !ok {
		return nil, notAuthorized("Invalid session for the user, session is expired.")
	}
	if password := q.in.ChallengeResponses["NEW_PASSWORD"]; q.in.ChallengeName == "NEW_PASSWORD_REQUIRED" {
		if err := q.pool.policy.check(password); err != nil {
			return nil, err
		}
	}
	u, err := c.lookUp(ctx, q.pool, opened.username)
	if err != nil {
		return nil, err
	}
	if u == nil || !u.Enabled {
		return nil, notAuthorized("User is disabled.")
	}
	responses := map[string]string{}
	for name, value := range q.in.ChallengeResponses {
		responses[name] = value
	}
	responses["USERNAME"] = u.Username
	out, err := c.forward(ctx, q, map[string]any{"ChallengeResponses": responses})
	if err != nil {
		return nil, err
	}
	return c.finishAuth(ctx, q, u, out)
}
