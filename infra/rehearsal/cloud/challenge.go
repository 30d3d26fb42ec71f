package cloud

import (
	"context"
	"sync"
	"time"
)

// Cognito developer guide, authentication flow sessions: 3 minutes unless the client says otherwise.
const sessionLife = 3 * time.Minute

// sessions remembers the user and the kind of each challenge: moto accepts any user name that comes with the answer,
// and another challenge's answer.
type sessions struct {
	mu    sync.Mutex
	inUse map[string]session
}

type session struct {
	poolID, username, challenge string
	opened                      time.Time
}

func (s *sessions) open(id string, p *pool, username, challenge string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inUse == nil {
		s.inUse = map[string]session{}
	}
	s.inUse[id] = session{poolID: p.id, username: username, challenge: challenge, opened: now}
}

func (s *sessions) find(id string, p *pool, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.inUse[id]
	return found, ok && found.poolID == p.id && now.Sub(found.opened) < sessionLife
}

// respondToChallenge signs in the user of the session, whatever name the answer has.
func (c *Cloud) respondToChallenge(ctx context.Context, q *query) (any, error) {
	opened, ok := c.sessions.find(q.in.Session, q.pool, c.now())
	if !ok || q.in.ChallengeName != opened.challenge {
		return nil, notAuthorized("Invalid session for the user, session is expired.")
	}
	if err := c.checkResponse(q); err != nil {
		return nil, err
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

// checkResponse checks the answers to a challenge that moto does not.
func (c *Cloud) checkResponse(q *query) error {
	switch q.in.ChallengeName {
	case "NEW_PASSWORD_REQUIRED":
		return q.pool.policy.check(q.in.ChallengeResponses["NEW_PASSWORD"])
	case "SOFTWARE_TOKEN_MFA":
		// API reference, RespondToAuthChallenge: CodeMismatchException. The session stays open for another try.
		if !c.isTOTP(q.in.ChallengeResponses["SOFTWARE_TOKEN_MFA_CODE"]) {
			return reject("CodeMismatchException", "Invalid code received for user")
		}
		return nil
	}
	return notServed("the challenge " + q.in.ChallengeName)
}
