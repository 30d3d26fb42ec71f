package cloud

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/stretchr/testify/require"
)

func TestSignInByState(t *testing.T) {
	reset := func(w *world) { require.NoError(w.t, w.resetPassword("Ann@example.com")) }
	status := func(s string) func(*world) {
		return func(w *world) { require.NoError(w.t, w.c.SetStatus(w.pool, "ann@example.com", s)) }
	}
	tests := map[string]struct {
		prepare       func(w *world)
		code, message string // empty code: tokens
		challenge     string
	}{
		"confirmed": {prepare: func(*world) {}},
		"wrong password": {func(w *world) { w.setPassword("ann@example.com", "Another-1") }, "NotAuthorizedException",
			"Incorrect username or password.", ""},
		"disabled": {func(w *world) { w.disable("ann@example.com") }, "NotAuthorizedException",
			"User is disabled.", ""},
		"reset required": {reset, "PasswordResetRequiredException", "Password reset required for the user", ""},
		"reset required, second answer": {func(w *world) { reset(w); w.c.SetResetAnswer(AnswerNotAuthorized) },
			"NotAuthorizedException", "Incorrect username or password.", ""},
		"federated":   {status("EXTERNAL_PROVIDER"), "NotAuthorizedException", "", ""},
		"unconfirmed": {status("UNCONFIRMED"), "UserNotConfirmedException", "", ""},
		"temporary password": {
			prepare:   func(w *world) { require.NoError(w.t, w.trySetPassword("ann@example.com", password, false)) },
			challenge: "NEW_PASSWORD_REQUIRED",
		},
		"software token": {
			prepare: func(w *world) {
				require.NoError(w.t, w.c.SetUpTOTP(w.t.Context(), w.pool, "ann@example.com", password))
			},
			challenge: "SOFTWARE_TOKEN_MFA",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emailAsUsername)
			w.confirm("ann@example.com", "email_verified", "true")
			test.prepare(w)
			out, err := w.initiateAuth("ann@example.com", password)
			admin, adminErr := w.adminSignIn("ANN@example.com", password)
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
	w := newWorld(t, hideUsers)
	rejectedWith(t, w.signIn("unknown", password), "NotAuthorizedException", "Incorrect username or password.")
	w = newWorld(t)
	rejectedWith(t, w.signIn("unknown", password), "UserNotFoundException", "User does not exist.")
	_, err := w.adminSignIn("unknown", password)
	rejectedWith(t, err, "UserNotFoundException")
}

func TestSignInNeedsItsFlow(t *testing.T) {
	w := newWorld(t, func(_ *cognito.CreateUserPoolInput, c *cognito.CreateUserPoolClientInput) {
		c.ExplicitAuthFlows = nil
	})
	w.confirm("ann")
	rejectedWith(t, w.signIn("ann", password), "InvalidParameterException",
		"USER_PASSWORD_AUTH flow not enabled for this client")
	_, err := w.adminSignIn("ann", password)
	rejectedWith(t, err, "InvalidParameterException", "not enabled for this client")
}

func TestUnknownClient(t *testing.T) {
	w := newWorld(t)
	w.client = "nosuchclient"
	rejectedWith(t, w.signIn("ann", password), "ResourceNotFoundException")
	_, err := w.idp.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: aws.String("not.a.token")})
	rejectedWith(t, err, "NotAuthorizedException", "Invalid Access Token")
}
