package cloud

import (
	"testing"

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
		"unconfirmed": {
			prepare: func(w *world) {
				require.NoError(w.t, w.c.SetStatus(w.pool, "ann@example.com", "UNCONFIRMED"))
			},
			password: password, code: "UserNotConfirmedException",
		},
		"temporary password": {
			prepare: func(w *world) {
				_, err := w.idp.AdminSetUserPassword(w.t.Context(), &cognitoidentityprovider.AdminSetUserPasswordInput{
					UserPoolId: &w.pool, Username: aws.String("ann@example.com"), Password: aws.String(password),
				})
				require.NoError(w.t, err)
			},
			password: password, challenge: "NEW_PASSWORD_REQUIRED",
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

func TestSignInNeedsItsFlow(t *testing.T) {
	w := newWorld(t,
		func(_ *cognitoidentityprovider.CreateUserPoolInput, c *cognitoidentityprovider.CreateUserPoolClientInput) {
			c.ExplicitAuthFlows = nil
		})
	w.confirm("ann")
	_, err := w.signIn("ann", password)
	rejectedWith(t, err, "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client")
	_, err = w.adminSignIn("ann", password)
	rejectedWith(t, err, "InvalidParameterException", "not enabled for this client")
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
