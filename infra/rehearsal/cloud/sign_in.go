package cloud

import (
	"context"
	"encoding/json"
	"maps"
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
func (c *Cloud) SetResetAnswer(a ResetAnswer) { c.reset.Store(int32(a)) }

func (c *Cloud) initiateAuth(ctx context.Context, q *query) (any, error) {
	return c.startAuth(ctx, q, "USER_PASSWORD_AUTH")
}

func (c *Cloud) adminInitiateAuth(ctx context.Context, q *query) (any, error) {
	return c.startAuth(ctx, q, "ADMIN_USER_PASSWORD_AUTH")
}

// startAuth serves the operation's flow with a password, and refresh. Other flows are rejected: moto verifies no proof
// of SRP, and a rehearsal that gives tokens for any password is worse than none. Only the flows with a password invoke
// the migration trigger (Cognito developer guide, Migrate user Lambda trigger).
func (c *Cloud) startAuth(ctx context.Context, q *query, withPassword string) (any, error) {
	switch flow := q.in.AuthFlow; flow {
	case withPassword:
		if !q.client.allowsFlow(flow) {
			return nil, invalidParameter("%s flow not enabled for this client", flow)
		}
		return c.signIn(ctx, q)
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
	if err := c.mayTry(u); err != nil {
		return nil, err
	}
	return c.authenticate(ctx, q, u)
}

// mayTry rejects users who cannot sign in with any password.
func (c *Cloud) mayTry(u *user) error {
	switch {
	case !u.Enabled:
		return notAuthorized("User is disabled.")
	case u.UserStatus == resetRequired && ResetAnswer(c.reset.Load()) == AnswerNotAuthorized:
		return incorrectPassword()
	case u.UserStatus == resetRequired:
		return reject("PasswordResetRequiredException", "Password reset required for the user")
	case u.UserStatus == externalProvider:
		return incorrectPassword() // a federated user has no password here
	}
	return nil
}

// authenticate lets moto compare the password, and gives tokens or a challenge.
func (c *Cloud) authenticate(ctx context.Context, q *query, u *user) (any, error) {
	parameters := maps.Clone(q.in.AuthParameters)
	parameters["USERNAME"] = u.Username
	out, err := c.forward(ctx, q, map[string]any{"AuthParameters": parameters})
	if err != nil {
		if asAPIError(err).code == "NotAuthorizedException" {
			err = incorrectPassword()
		}
		return nil, err
	}
	if u.UserStatus == unconfirmed {
		return nil, reject("UserNotConfirmedException", "User is not confirmed.")
	}
	return c.finishAuth(ctx, q, u, out)
}

// authAnswer is the answer of all operations that sign in.
type authAnswer struct {
	AuthenticationResult json.RawMessage   `json:",omitempty"`
	ChallengeName        string            `json:",omitempty"`
	ChallengeParameters  map[string]string `json:",omitempty"`
	Session              string            `json:",omitempty"`
}

// finishAuth gives tokens after the hook, or a challenge, which is not a sign-in.
func (c *Cloud) finishAuth(ctx context.Context, q *query, u *user, out json.RawMessage) (any, error) {
	var answer authAnswer
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, err
	}
	if answer.ChallengeName != "" {
		answer.ChallengeParameters = map[string]string{"USER_ID_FOR_SRP": u.Username}
		return answer, nil
	}
	if err := c.postTrigger(ctx, q, "PostAuthentication", "PostAuthentication_Authentication", u.Username); err != nil {
		return nil, err
	}
	answer.ChallengeParameters = map[string]string{}
	return answer, c.grants.add(answer.AuthenticationResult, q.client.id)
}
