package cloud

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// respondToChallenge serves a code of an authenticator app, which moto checks.
func (c *Cloud) respondToChallenge(ctx context.Context, q *query) (any, error) {
	if q.in.ChallengeName != "SOFTWARE_TOKEN_MFA" {
		return nil, notServed("the challenge " + q.in.ChallengeName)
	}
	out, err := c.forward(ctx, q, nil)
	if err != nil && asAPIError(err).code == "ResourceNotFoundException" {
		return nil, notAuthorized("Invalid session for the user.")
	} else if err != nil {
		return nil, err
	}
	var answer struct{ AuthenticationResult struct{ AccessToken string } }
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, err
	}
	owner, _ := readClaims(answer.AuthenticationResult.AccessToken) // moto's own
	return c.finishAuth(ctx, q, &user{Username: owner.Username}, out)
}

// totp is the code of RFC 6238 that an authenticator app with moto's key shows at that time.
func totp(at time.Time) string {
	key, _ := base32.StdEncoding.DecodeString("ASDFASDFASDF====") // a constant
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix())/30))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&(1<<31-1)%1_000_000)
}
