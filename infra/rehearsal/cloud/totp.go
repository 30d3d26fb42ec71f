package cloud

import (
	"context"
	"errors"
	"fmt"
)

// SetUpTOTP gives a CONFIRMED user a software token as preferred second factor. moto accepts any code for it. The pool
// needs a client, since the user is signed in once.
func (c *Cloud) SetUpTOTP(ctx context.Context, poolID, username, password string) error {
	p, err := c.pool(ctx, "", poolID)
	if err != nil {
		return fmt.Errorf("set up TOTP: %w", err)
	}
	clientID, name := c.pools.anyClient(poolID), p.users.find(username)
	if clientID == "" || name == "" {
		return errors.New("set up TOTP: no such user, or a pool without a client")
	}
	if err := c.registerToken(ctx, p, clientID, name, password); err != nil {
		return fmt.Errorf("set up TOTP: %w", err)
	}
	return nil
}

func (c *Cloud) registerToken(ctx context.Context, p *pool, clientID, name, password string) error {
	var out struct {
		AuthenticationResult struct{ AccessToken string }
	}
	signIn := map[string]any{
		"UserPoolId": p.id, "ClientId": clientID, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": password},
	}
	if err := c.upstream.ask(ctx, p.place, "AdminInitiateAuth", signIn, &out); err != nil {
		return err
	}
	verify := map[string]string{"AccessToken": out.AuthenticationResult.AccessToken, "UserCode": "123456"}
	if err := c.upstream.ask(ctx, p.place, "VerifySoftwareToken", verify, nil); err != nil {
		return err
	}
	prefer := map[string]any{
		"UserPoolId": p.id, "Username": name,
		"SoftwareTokenMfaSettings": map[string]bool{"Enabled": true, "PreferredMfa": true},
	}
	return c.upstream.ask(ctx, p.place, "AdminSetUserMFAPreference", prefer, nil)
}

func (s *pools) anyClient(poolID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, known := range s.clients {
		if known.poolID == poolID {
			return id
		}
	}
	return ""
}
