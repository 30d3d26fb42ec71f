package cloud

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	totpKey  = "ASDFASDFASDF" // moto's AssociateSoftwareToken gives it to every user
	totpStep = 30 * time.Second
)

// totp is the code of RFC 6238 that an authenticator app with the key shows at that time.
func totp(at time.Time) string {
	key, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(totpKey) // a constant
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix())/uint64(totpStep.Seconds())))
	sum := mac.Sum(nil)
	from := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[from:])&(1<<31-1)%1_000_000)
}

// isTOTP accepts the codes of the last, this and the next half minute. moto accepts any code.
func (c *Cloud) isTOTP(code string) bool {
	now := c.now()
	return code == totp(now) || code == totp(now.Add(-totpStep)) || code == totp(now.Add(totpStep))
}

// verifySoftwareToken rejects a code that does not match with EnableSoftwareTokenMFAException (API reference,
// VerifySoftwareToken).
func (c *Cloud) verifySoftwareToken(ctx context.Context, q *query) (any, error) {
	if !c.isTOTP(q.in.UserCode) {
		return nil, reject("EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA")
	}
	return c.passOn(ctx, q)
}

// SetUpTOTP gives a CONFIRMED user a software token as preferred second factor. The pool needs a client, since the user
// is signed in once.
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
	verify := map[string]string{"AccessToken": out.AuthenticationResult.AccessToken, "UserCode": totp(c.now())}
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
