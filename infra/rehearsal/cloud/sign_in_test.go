package cloud

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/require"
)

func TestSignInByState(t *testing.T) {
	tests := map[string]struct {
		prepare       func(w *world)
		password      string
		code, message string // empty code: tokens
		challenge     string
	}{
		"confirmed": {password: password},
		"wrong password": {
			password: "wrong", code: "NotAuthorizedException", message: "Incorrect username or password.",
		},
		"disabled": {
			prepare: func(w *world) { w.disable("Ann@example.com") }, password: password,
			code: "NotAuthorizedException", message: "User is disabled.",
		},
		"reset required": {
			prepare: func(w *world) { require.NoError(w.t, w.resetPassword("Ann@example.com")) }, password: password,
			code: "PasswordResetRequiredException", message: "Password reset required for the user",
		},
		"reset required, second answer": {
			prepare: func(w *world) {
				require.NoError(w.t, w.resetPassword("Ann@example.com"))
				w.c.SetResetAnswer(AnswerNotAuthorized)
			},
			password: password, code: "NotAuthorizedException", message: "Incorrect username or password.",
		},
		"federated": {
			prepare: func(w *world) {
				require.NoError(w.t, w.c.SetStatus(w.pool, "ann@example.com", "EXTERNAL_PROVIDER"))
			},
			password: password, code: "NotAuthorizedException",
		},
		"software token": {
			prepare: func(w *world) {
				require.NoError(w.t, w.c.SetUpTOTP(w.t.Context(), w.pool, "ann@example.com", password))
			},
			password: password, challenge: "SOFTWARE_TOKEN_MFA",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emailAsUsername)
			w.confirm("ann@example.com", "email_verified", "true")
			if test.prepare != nil {
				test.prepare(w)
			}
			out, err := w.signIn("ann@example.com", test.password)
			admin, adminErr := w.adminSignIn("ANN@example.com", test.password)
			if test.code != "" {
				rejectedWith(t, err, test.code, test.message)
				rejectedWith(t, adminErr, test.code, test.message)
				return
			}
			require.NoError(t, err)
			require.NoError(t, adminErr)
			require.Equal(t, test.challenge, string(out.ChallengeName))
			require.Equal(t, test.challenge, string(admin.ChallengeName))
			require.Equal(t, test.challenge == "", out.AuthenticationResult != nil)
		})
	}
}

func TestSignInOfUnknownUser(t *testing.T) {
	t.Run("hidden", func(t *testing.T) {
		w := newWorld(t, hideUsers)
		_, err := w.signIn("unknown", password)
		rejectedWith(t, err, "NotAuthorizedException", "Incorrect username or password.")
	})
	t.Run("legacy", func(t *testing.T) {
		w := newWorld(t)
		_, err := w.signIn("unknown", password)
		rejectedWith(t, err, "UserNotFoundException", "User does not exist.")
		_, err = w.adminSignIn("unknown", password)
		rejectedWith(t, err, "UserNotFoundException")
	})
}

func TestSignInOfUnconfirmedUser(t *testing.T) {
	w := newWorld(t)
	_, err := w.signUp("ann", "email", "ann@example.com")
	require.NoError(t, err)
	_, err = w.signIn("ann", password)
	rejectedWith(t, err, "UserNotConfirmedException")
	_, err = w.adminSignIn("ann", password)
	rejectedWith(t, err, "UserNotConfirmedException")
	_, err = w.adminSignIn("ann", "wrong")
	rejectedWith(t, err, "NotAuthorizedException")
}

func TestSignInNeedsItsFlow(t *testing.T) {
	w := newWorld(t, func(_ *cognitoidentityprovider.CreateUserPoolInput, c *cognitoidentityprovider.CreateUserPoolClientInput) {
		c.ExplicitAuthFlows = nil
	})
	w.confirm("ann")
	_, err := w.signIn("ann", password)
	rejectedWith(t, err, "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client")
	_, err = w.adminSignIn("ann", password)
	rejectedWith(t, err, "InvalidParameterException", "not enabled for this client")
}

func TestNewPasswordChallenge(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	w.create("ann@example.com")
	w.create("bob@example.com")
	out, err := w.signIn("Ann@example.com", password)
	require.NoError(t, err)
	require.Equal(t, types.ChallengeNameTypeNewPasswordRequired, out.ChallengeName)

	respond := func(username, to string) (*cognitoidentityprovider.RespondToAuthChallengeOutput, error) {
		return w.idp.RespondToAuthChallenge(t.Context(), &cognitoidentityprovider.RespondToAuthChallengeInput{
			ClientId: &w.client, ChallengeName: out.ChallengeName, Session: out.Session,
			ChallengeResponses: map[string]string{"USERNAME": username, "NEW_PASSWORD": to},
		})
	}
	_, err = respond("ann@example.com", "weak")
	rejectedWith(t, err, "InvalidPasswordException")
	done, err := respond("bob@example.com", "Another-Horse-2")
	require.NoError(t, err)
	require.NotNil(t, done.AuthenticationResult)
	require.Equal(t, "CONFIRMED", w.status("ann@example.com"), "the session's user, not the one named")
	require.Equal(t, "FORCE_CHANGE_PASSWORD", w.status("bob@example.com"))
}

func TestChallengeSessions(t *testing.T) {
	w := newWorld(t)
	w.confirm("ann", "email", "ann@example.com")
	require.NoError(t, w.c.SetUpTOTP(t.Context(), w.pool, "ann", password))
	out, err := w.signIn("ann", password)
	require.NoError(t, err)
	answer := func(challenge types.ChallengeNameType, session, code string) error {
		_, err := w.idp.RespondToAuthChallenge(t.Context(), &cognitoidentityprovider.RespondToAuthChallengeInput{
			ClientId: &w.client, ChallengeName: challenge, Session: &session,
			ChallengeResponses: map[string]string{
				"USERNAME": "ann", "SOFTWARE_TOKEN_MFA_CODE": code, "NEW_PASSWORD": password,
			},
		})
		return err
	}
	const totpChallenge = types.ChallengeNameTypeSoftwareTokenMfa
	respond := func(session string) error {
		return answer(totpChallenge, session, totp(clock.Now()))
	}
	rejectedWith(t, respond("not-a-session"), "NotAuthorizedException", "Invalid session")
	other := answer(types.ChallengeNameTypeNewPasswordRequired, *out.Session, "")
	rejectedWith(t, other, "NotAuthorizedException", "Invalid session")
	for _, wrong := range []string{"", "12345", totp(clock.Now().Add(-time.Hour))} {
		rejectedWith(t, answer(totpChallenge, *out.Session, wrong), "CodeMismatchException", "Invalid code")
	}
	require.NoError(t, respond(*out.Session), "the session is open for another try")

	u, err := w.get("ann")
	require.NoError(t, err)
	require.Equal(t, []string{"SOFTWARE_TOKEN_MFA"}, u.UserMFASettingList)

	out, err = w.signIn("ann", password)
	require.NoError(t, err)
	clock.advance(4 * time.Minute)
	rejectedWith(t, respond(*out.Session), "NotAuthorizedException", "expired")
}

func TestLockOut(t *testing.T) {
	w := newWorld(t)
	w.confirm("ann")
	for range 5 {
		_, err := w.signIn("ann", "wrong")
		rejectedWith(t, err, "NotAuthorizedException", "Incorrect username or password.")
	}
	_, err := w.signIn("ann", password)
	rejectedWith(t, err, "NotAuthorizedException", "Password attempts exceeded")
	clock.advance(time.Second)
	_, err = w.signIn("ann", "wrong")
	rejectedWith(t, err, "NotAuthorizedException", "Incorrect username or password.")
	clock.advance(time.Second)
	_, err = w.signIn("ann", password)
	rejectedWith(t, err, "NotAuthorizedException", "Password attempts exceeded")
	clock.advance(time.Second)
	_, err = w.signIn("ann", password)
	require.NoError(t, err)
}

func TestTokensNameTheUser(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	sub := w.confirm("Ann@example.com", "email_verified", "true")
	out, err := w.signIn("ann@EXAMPLE.com", password)
	require.NoError(t, err)
	for _, token := range []*string{out.AuthenticationResult.AccessToken, out.AuthenticationResult.IdToken} {
		claims, ok := readClaims(*token)
		require.True(t, ok)
		require.Equal(t, sub, claims.Sub)
	}
	me, err := w.idp.GetUser(t.Context(), &cognitoidentityprovider.GetUserInput{AccessToken: out.AuthenticationResult.AccessToken})
	require.NoError(t, err)
	require.Equal(t, sub, *me.Username)
	require.Equal(t, "Ann@example.com", attr(me.UserAttributes, "email"))
}

// moto would give tokens for any proof.
func TestSRPIsNotServed(t *testing.T) {
	w := newWorld(t, withTriggers(types.LambdaConfigType{UserMigration: functionARN("migrate")}))
	w.confirm("ann")
	for _, name := range []string{"ann", "unknown"} {
		_, err := w.idp.InitiateAuth(t.Context(), &cognitoidentityprovider.InitiateAuthInput{
			ClientId: &w.client, AuthFlow: types.AuthFlowTypeUserSrpAuth,
			AuthParameters: map[string]string{"USERNAME": name, "SRP_A": "ab"},
		})
		rejectedWith(t, err, "InvalidParameterException", "does not serve USER_SRP_AUTH")
		_, err = w.idp.AdminInitiateAuth(t.Context(), &cognitoidentityprovider.AdminInitiateAuthInput{
			UserPoolId: &w.pool, ClientId: &w.client, AuthFlow: types.AuthFlowTypeUserSrpAuth,
			AuthParameters: map[string]string{"USERNAME": name, "SRP_A": "ab"},
		})
		rejectedWith(t, err, "InvalidParameterException", "does not serve USER_SRP_AUTH")
	}
	_, err := w.idp.RespondToAuthChallenge(t.Context(), &cognitoidentityprovider.RespondToAuthChallengeInput{
		ClientId: &w.client, ChallengeName: types.ChallengeNameTypePasswordVerifier,
		ChallengeResponses: map[string]string{"USERNAME": "ann", "PASSWORD_CLAIM_SIGNATURE": "x",
			"PASSWORD_CLAIM_SECRET_BLOCK": "x", "TIMESTAMP": "x"},
	})
	require.Error(t, err)
	require.Empty(t, lambdas.events("migrate"))
}

func TestUnknownClient(t *testing.T) {
	w := newWorld(t)
	w.client = "nosuchclient"
	_, err := w.signIn("ann", password)
	rejectedWith(t, err, "ResourceNotFoundException")
	_, err = w.idp.GetUser(t.Context(), &cognitoidentityprovider.GetUserInput{AccessToken: aws.String("not.a.token")})
	rejectedWith(t, err, "NotAuthorizedException", "Invalid Access Token")
}
