package cloud

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (w *world) tokens(name string) *types.AuthenticationResultType {
	w.t.Helper()
	out, err := w.initiateAuth(name, password)
	require.NoError(w.t, err)
	return out.AuthenticationResult
}

func (w *world) refresh(token *string) (*types.AuthenticationResultType, error) {
	out, err := w.idp.GetTokensFromRefreshToken(w.t.Context(), &cognito.GetTokensFromRefreshTokenInput{
		ClientId: &w.client, RefreshToken: token,
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

func (w *world) refreshByFlow(token *string) (*types.AuthenticationResultType, error) {
	out, err := w.idp.InitiateAuth(w.t.Context(), &cognito.InitiateAuthInput{
		ClientId: &w.client, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": aws.ToString(token)},
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

func (w *world) revoke(token *string) error {
	_, err := w.idp.RevokeToken(w.t.Context(), &cognito.RevokeTokenInput{ClientId: &w.client, Token: token})
	return err
}

func (w *world) getUser(accessToken *string) error {
	_, err := w.idp.GetUser(w.t.Context(), &cognito.GetUserInput{AccessToken: accessToken})
	return err
}

func TestRefresh(t *testing.T) {
	for name, refresh := range map[string]func(*world, *string) (*types.AuthenticationResultType, error){
		"GetTokensFromRefreshToken": (*world).refresh, "REFRESH_TOKEN_AUTH": (*world).refreshByFlow,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.confirm("ann")
			first := w.tokens("ann")
			second, err := refresh(w, first.RefreshToken)
			require.NoError(t, err)
			assert.Nil(t, second.RefreshToken, "it is not rotated")
			assert.EqualValues(t, 3600, second.ExpiresIn)
			assert.NotEqual(t, *first.AccessToken, *second.AccessToken)
			assert.NotEqual(t, *first.IdToken, *second.IdToken)
			require.NoError(t, w.getUser(second.AccessToken))
			claims, _ := readClaims(*second.AccessToken)
			assert.Equal(t, "ann", claims.Username)

			for _, unknown := range []*string{aws.String("unknown"), first.AccessToken} {
				_, err = refresh(w, unknown)
				rejectedWith(t, err, "NotAuthorizedException", "Invalid Refresh Token")
			}
			other := *w
			created, err := w.idp.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
				UserPoolId: &w.pool, ClientName: aws.String("other"),
			})
			require.NoError(t, err)
			other.client = *created.UserPoolClient.ClientId
			_, err = refresh(&other, first.RefreshToken)
			rejectedWith(t, err, "NotAuthorizedException", "Invalid Refresh Token")
			rejectedWith(t, other.revoke(first.RefreshToken), "UnauthorizedException")
			require.NoError(t, w.getUser(first.AccessToken))
		})
	}
}

func TestRevokeToken(t *testing.T) {
	w := newWorld(t)
	w.confirm("ann")
	first, other := w.tokens("ann"), w.tokens("ann")
	refreshed, err := w.refresh(first.RefreshToken)
	require.NoError(t, err)
	rejectedWith(t, w.revoke(first.AccessToken), "UnsupportedTokenTypeException")
	require.NoError(t, w.revoke(aws.String("unknown")))
	require.NoError(t, w.revoke(first.RefreshToken))
	require.NoError(t, w.revoke(first.RefreshToken), "twice")

	for _, refresh := range []func(*string) (*types.AuthenticationResultType, error){w.refresh, w.refreshByFlow} {
		_, err = refresh(first.RefreshToken)
		rejectedWith(t, err, "NotAuthorizedException", "Refresh Token has been revoked")
	}
	for _, access := range []*string{first.AccessToken, refreshed.AccessToken} {
		rejectedWith(t, w.getUser(access), "NotAuthorizedException", "Access Token has been revoked")
	}
	require.NoError(t, w.getUser(other.AccessToken), "another sign-in is not affected")
	_, err = w.refresh(other.RefreshToken)
	require.NoError(t, err)
}

func TestRevokeTokenNeedsItsSetting(t *testing.T) {
	w := newWorld(t, func(_ *cognito.CreateUserPoolInput, c *cognito.CreateUserPoolClientInput) {
		c.EnableTokenRevocation = aws.Bool(false)
	})
	w.confirm("ann")
	rejectedWith(t, w.revoke(w.tokens("ann").RefreshToken), "UnsupportedOperationException")
}

func TestClaims(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	sub := w.confirm("ann@example.com", "email_verified", "true")
	first := w.tokens("ANN@example.com")
	refreshed, err := w.refresh(first.RefreshToken)
	require.NoError(t, err)
	events := map[any]int{}
	for _, result := range []*types.AuthenticationResultType{first, refreshed, w.tokens("ann@example.com")} {
		id, access := w.verified(*result.IdToken), w.verified(*result.AccessToken)
		assert.Equal(t, true, id["email_verified"], "a boolean")
		assert.Equal(t, "ann@example.com", id["email"])
		assert.Equal(t, []any{sub, sub, sub}, []any{id["sub"], access["sub"], access["username"]})
		assert.Equal(t, "id", id["token_use"])
		assert.Equal(t, "access", access["token_use"])
		events[id["event_id"]]++
		events[access["event_id"]]++
	}
	assert.NotContains(t, events, any(nil))
	assert.Len(t, events, 2, "one for each sign-in")
}

// verified checks a token's signature with the pool's public key, and returns its claims.
func (w *world) verified(token string) (claims map[string]any) {
	w.t.Helper()
	var keys struct {
		Keys []struct{ Kid, Kty, Alg, N, E string }
	}
	require.Equal(w.t, http.StatusOK, w.readKeys(w.pool, &keys))
	require.NotEmpty(w.t, keys.Keys)
	decode := func(text string) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		require.NoError(w.t, err)
		return raw
	}
	parts := strings.Split(token, ".")
	require.Len(w.t, parts, 3)
	var header struct{ Kid, Alg string }
	require.NoError(w.t, json.Unmarshal(decode(parts[0]), &header))
	key := keys.Keys[0]
	require.Equal(w.t, []string{key.Kid, key.Alg}, []string{header.Kid, header.Alg})
	number := func(text string) *big.Int { return new(big.Int).SetBytes(decode(text)) }
	public := rsa.PublicKey{N: number(key.N), E: int(number(key.E).Int64())}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	require.NoError(w.t, rsa.VerifyPKCS1v15(&public, crypto.SHA256, sum[:], decode(parts[2])))
	require.NoError(w.t, json.Unmarshal(decode(parts[1]), &claims))
	return claims
}

func (w *world) readKeys(pool string, into any) (status int) {
	w.t.Helper()
	response, err := http.Get(w.c.URL() + "/" + pool + "/.well-known/jwks.json")
	require.NoError(w.t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, json.Unmarshal(body, into), string(body))
	return response.StatusCode
}

func TestKeysOfUnknownPool(t *testing.T) {
	var said struct{ Message string }
	assert.Equal(t, http.StatusBadRequest, newWorld(t).readKeys("us-east-1_unknown", &said))
	assert.Equal(t, "User pool us-east-1_unknown does not exist.", said.Message)
}
