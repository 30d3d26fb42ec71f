package cloud

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/require"
)

// TestAuthenticatorApp has a user set one up and sign in with it. An answer counts for the session's user only.
func TestAuthenticatorApp(t *testing.T) {
	w := newWorld(t, hooked)
	lambdas.on("hook", echo)
	w.confirm("ann", "email", "ann@example.com")
	w.confirm("bob", "email", "bob@example.com")
	out, err := w.initiateAuth("ann", password)
	require.NoError(t, err)
	access := out.AuthenticationResult.AccessToken
	_, err = w.idp.AssociateSoftwareToken(t.Context(), &cognito.AssociateSoftwareTokenInput{AccessToken: access})
	require.NoError(t, err)
	verify := func(code string) error {
		_, err := w.idp.VerifySoftwareToken(t.Context(), &cognito.VerifySoftwareTokenInput{
			AccessToken: access, UserCode: &code,
		})
		return err
	}
	rejectedWith(t, verify(totp(time.Now().Add(-time.Hour))), "CodeMismatchException")
	inTime(t, func() error { return verify(totp(time.Now())) })
	_, err = w.idp.SetUserMFAPreference(t.Context(), &cognito.SetUserMFAPreferenceInput{
		AccessToken:              access,
		SoftwareTokenMfaSettings: &types.SoftwareTokenMfaSettingsType{Enabled: true, PreferredMfa: true},
	})
	require.NoError(t, err)

	out, err = w.initiateAuth("ann", password)
	require.NoError(t, err)
	require.Equal(t, types.ChallengeNameTypeSoftwareTokenMfa, out.ChallengeName)
	respond := func(session, code string) error {
		out, err := w.idp.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
			ClientId: &w.client, ChallengeName: types.ChallengeNameTypeSoftwareTokenMfa, Session: &session,
			ChallengeResponses: map[string]string{"USERNAME": "bob", "SOFTWARE_TOKEN_MFA_CODE": code},
		})
		if err == nil {
			owner, _ := readClaims(aws.ToString(out.AuthenticationResult.AccessToken))
			require.Equal(t, "ann", owner.Username)
		}
		return err
	}
	rejectedWith(t, respond("not-a-session-of-anyone", "123456"), "NotAuthorizedException", "Invalid session")
	rejectedWith(t, respond(*out.Session, totp(time.Now().Add(-time.Hour))), "CodeMismatchException")
	inTime(t, func() error { return respond(*out.Session, totp(time.Now())) })
	require.Len(t, lambdas.events("hook"), 2, "a sign-in is the answer, not the challenge")
}

// inTime tries again if the half minute of a code ended before the code arrived.
func inTime(t *testing.T, try func() error) {
	t.Helper()
	err := try()
	if err != nil {
		err = try()
	}
	require.NoError(t, err)
}
