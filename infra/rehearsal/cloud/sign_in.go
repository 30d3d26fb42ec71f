package cloud

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
)

// ResetAnswer is the answer to a password sign-in of a user in RESET_REQUIRED.
type ResetAnswer int

const (
	// AnswerPasswordResetRequired: PasswordResetRequiredException (API reference, AdminResetUserPassword).
	AnswerPasswordResetRequired ResetAnswer = iota
	// AnswerNotAuthorized: NotAuthorizedException, which the guide says of imported users where
	// PreventUserExistenceErrors is on. The sources conflict, so callers must handle both.
	AnswerNotAuthorized
)

// SetResetAnswer chooses between the two.
func (c *Cloud) SetResetAnswer(a ResetAnswer) {
	c.reset.mu.Lock()
	defer c.reset.mu.Unlock()
	c.reset.answer = a
}

type resetAnswers struct {
	mu     sync.Mutex
	answer ResetAnswer
}

func (r *resetAnswers) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answer == AnswerNotAuthorized {
		return incorrectPassword()
	}
	return reject("PasswordResetRequiredException", "Password reset required for the user")
}

func (c *Cloud) initiateAuth(ctx context.Context, q *query) (any, error) {
	switch flow := q.in.AuthFlow; flow {
	case "USER_PASSWORD_AUTH":
		if !q.client.allowsFlow(flow) {
			return nil, invalidParameter("USER_PASSWORD_AUTH flow not enabled for this client")
		}
		return c.signIn(ctx, q)
	default:
		return c.initiateOther(ctx, q)
	}
}

func (c *Cloud) adminInitiateAuth(ctx context.Context, q *query) (any, error) {
	switch q.in.AuthFlow {
	case "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH":
		if !q.client.allowsFlow("ADMIN_USER_PASSWORD_AUTH") {
			return nil, invalidParameter("Auth flow not enabled for this client")
		}
		return c.signIn(ctx, q)
	default:
		return c.initiateOther(ctx, q)
	}
}

// initiateOther serves refresh. Other flows are rejected: moto verifies no proof of SRP, and a rehearsal that gives tokens
// for any password is worse than none. No flow but the two of signIn invokes the migration trigger (Cognito developer
// guide, Migrate user Lambda trigger).
func (c *Cloud) initiateOther(ctx context.Context, q *query) (any, error) {
	switch flow := q.in.AuthFlow; flow {
	case "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN":
		return c.refresh(ctx, q, q.in.AuthParameters["REFRESH_TOKEN"])
	case "USER_SRP_AUTH", "USER_AUTH", "CUSTOM_AUTH":
		return nil, invalidParameter("This local cloud does not serve %s. Sign in with USER_PASSWORD_AUTH.", flow)
	default:
		return nil, invalidParameter("Unknown AuthFlow %q", flow)
	}
}

// signIn is a sign-in with a password, by either operation.
func (c *Cloud) signIn(ctx context.Context, q *query) (any, error) {
	name, password := q.in.AuthParameters["USERNAME"], q.in.AuthParameters["PASSWORD"]
	if name == "" {
		return nil, invalidParameter("Missing required parameter USERNAME")
	}
	if password == "" {
		return nil, invalidParameter("Missing required parameter PASSWORD")
	}
	u, err := c.lookUp(ctx, q.pool, name)
	if err != nil {
		return nil, err
	}
	if u == nil {
		if u, err = c.migrate(ctx, q, atSignIn, name, password); err != nil {
			return nil, err
		}
	}
	if u == nil {
		return nil, q.client.unknownUser("")
	}
	if err := c.mayTry(q, u); err != nil {
		return nil, err
	}
	return c.authenticate(ctx, q, u)
}

// mayTry rejects users who cannot sign in with any password.
func (c *Cloud) mayTry(q *query, u *user) error {
	switch {
	case !u.Enabled:
		return notAuthorized("User is disabled.")
	case u.UserStatus == resetRequired:
		return c.reset.err()
	case u.UserStatus == externalProvider:
		return incorrectPassword() // a federated user has no password here
	}
	return c.checkLock(q.pool, u.Username)
}

// authenticate lets moto compare the password, and gives tokens or a challenge.
func (c *Cloud) authenticate(ctx context.Context, q *query, u *user) (any, error) {
	parameters := maps.Clone(q.in.AuthParameters)
	parameters["USERNAME"] = u.Username
	out, err := c.forward(ctx, q, map[string]any{"AuthParameters": parameters})
	if err != nil {
		if asAPIError(err).code != "NotAuthorizedException" {
			return nil, err
		}
		c.wrongPassword(q.pool, u.Username)
		return nil, incorrectPassword()
	}
	if u.UserStatus == unconfirmed {
		return nil, reject("UserNotConfirmedException", "User is not confirmed.")
	}
	c.rightPassword(q.pool, u.Username)
	return c.finishAuth(ctx, q, u, out)
}

// authAnswer is the answer of all operations that sign in.
type authAnswer struct {
	AuthenticationResult json.RawMessage   `json:",omitempty"`
	ChallengeName        string            `json:",omitempty"`
	ChallengeParameters  map[string]string `json:",omitempty"`
	Session              string            `json:",omitempty"`
}

func (c *Cloud) finishAuth(ctx context.Context, q *query, u *user, out json.RawMessage) (any, error) {
	var answer authAnswer
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, err
	}
	if answer.ChallengeName != "" {
		c.sessions.open(answer.Session, q.pool, u.Username, answer.ChallengeName, c.now())
		answer.ChallengeParameters = challengeParameters(answer.ChallengeName, u)
		return answer, nil
	}
	if err := c.postAuthentication(ctx, q, u.Username); err != nil {
		return nil, err
	}
	answer.ChallengeParameters = map[string]string{}
	return answer, c.grants.add(answer.AuthenticationResult, q.client.id)
}

// challengeParameters are what the guide shows for each challenge (API reference, InitiateAuth, ChallengeParameters).
func challengeParameters(challenge string, u *user) map[string]string {
	parameters := map[string]string{"USER_ID_FOR_SRP": u.Username}
	if challenge == "NEW_PASSWORD_REQUIRED" {
		own := map[string]string{}
		for _, a := range u.UserAttributes {
			if a.Name != "sub" {
				own[a.Name] = a.Value
			}
		}
		encoded, _ := json.Marshal(own) // a map of strings
		parameters["userAttributes"], parameters["requiredAttributes"] = string(encoded), "[]"
	}
	return parameters
}
