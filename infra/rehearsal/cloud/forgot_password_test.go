package cloud

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/require"
)

func TestForgotPasswordByState(t *testing.T) {
	verified := []string{"email", "ann@example.com", "email_verified", "true"}
	confirm := func(w *world) { w.confirm("ann", verified...) }
	tests := map[string]struct {
		prepare       func(w *world)
		code, message string
		hidden        bool // a client that hides users gets a made-up delivery
	}{
		"confirmed": {prepare: confirm},
		"unknown":   {func(*world) {}, "UserNotFoundException", "", true},
		"force change password": {func(w *world) { w.create("ann", verified...) }, "NotAuthorizedException",
			"User password cannot be reset in the current state.", false},
		"unverified email": {func(w *world) { w.confirm("ann", "email", "ann@example.com") }, "InvalidParameterException",
			"no registered/verified email", true},
		"disabled": {func(w *world) { confirm(w); w.disable("ann") }, "NotAuthorizedException", "User is disabled", true},
		"unconfirmed": {func(w *world) { confirm(w); require.NoError(w.t, w.c.SetStatus(w.pool, "ann", "UNCONFIRMED")) },
			"InvalidParameterException", "no registered/verified email", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			out, err := w.forgotPassword("ann")
			if test.code == "" {
				require.NoError(t, err)
				require.Equal(t, types.DeliveryMediumTypeEmail, out.CodeDeliveryDetails.DeliveryMedium)
				require.Equal(t, 1, w.messages("ann@example.com"))
				return
			}
			rejectedWith(t, err, test.code, test.message)

			w = newWorld(t, hideUsers)
			test.prepare(w)
			out, err = w.forgotPassword("ann")
			if !test.hidden {
				rejectedWith(t, err, test.code, test.message)
				return
			}
			require.NoError(t, err)
			require.NotEmpty(t, *out.CodeDeliveryDetails.Destination)
			require.Zero(t, w.messages("ann@example.com"))
		})
	}
}

func TestConfirmForgotPassword(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	w.confirm("ann@example.com", "email_verified", "true")
	rejectedWith(t, w.confirmForgot("ann@example.com", "000000", "Brand-New-1"), "ExpiredCodeException")

	codeOf := func() string {
		require.NoError(t, w.forgot("Ann@example.com"))
		message, ok := w.c.LastMessage("ann@example.com")
		require.True(t, ok)
		require.Len(t, message.Code, 6)
		require.Contains(t, message.Body, message.Code)
		return message.Code
	}
	first := codeOf()
	second := codeOf()
	if first != second {
		rejectedWith(t, w.confirmForgot("ann@example.com", first, "Brand-New-1"), "CodeMismatchException")
	}
	rejectedWith(t, w.confirmForgot("ann@example.com", second, "weak"), "InvalidPasswordException")
	require.NoError(t, w.confirmForgot("ann@example.com", second, "Brand-New-1"))
	rejectedWith(t, w.confirmForgot("ann@example.com", second, "Brand-New-2"), "ExpiredCodeException")
	require.NoError(t, w.signIn("ann@example.com", "Brand-New-1"))

	late := codeOf()
	ahead.Add(int64(time.Hour))
	rejectedWith(t, w.confirmForgot("ann@example.com", late, "Brand-New-3"), "ExpiredCodeException")
}

func TestConfirmForgotPasswordOfUnknownUser(t *testing.T) {
	rejectedWith(t, newWorld(t, hideUsers).confirmForgot("unknown", "123456", password), "CodeMismatchException")
	rejectedWith(t, newWorld(t).confirmForgot("unknown", "123456", password), "UserNotFoundException")
}

func TestAdminResetUserPassword(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	w.create("new@example.com", "email_verified", "true")
	rejectedWith(t, w.resetPassword("new@example.com"), "NotAuthorizedException",
		"User password cannot be reset in the current state.")
	w.confirm("bare@example.com")
	rejectedWith(t, w.resetPassword("bare@example.com"), "InvalidParameterException")
	rejectedWith(t, w.resetPassword("unknown@example.com"), "UserNotFoundException")

	w.confirm("ann@example.com", "email_verified", "true")
	for range 2 { // a second reset sends a second code
		require.NoError(t, w.resetPassword("Ann@Example.com"))
	}
	require.Equal(t, "RESET_REQUIRED", w.status("ann@example.com"))
	require.Equal(t, 2, w.messages("ann@example.com"))
	message, _ := w.c.LastMessage("ann@example.com")
	require.NoError(t, w.confirmForgot("ann@example.com", message.Code, "Brand-New-1"))
	require.Equal(t, "CONFIRMED", w.status("ann@example.com"))
}

func TestCustomMessage(t *testing.T) {
	w := newWorld(t, emailAsUsername, withTriggers(types.LambdaConfigType{CustomMessage: functionARN("message")}))
	w.confirm("ann@example.com", "email_verified", "true")
	lambdas.on("message", answerWith(`{"emailSubject":"Welcome","emailMessage":"Use {####} to sign in."}`))
	require.NoError(t, w.resetPassword("ann@example.com"))
	message, _ := w.c.LastMessage("ann@example.com")
	require.Equal(t, "Welcome", message.Subject)
	require.Equal(t, "Use "+message.Code+" to sign in.", message.Body)
	require.Contains(t, lambdas.events("message")[0], `"triggerSource":"CustomMessage_ForgotPassword"`)
	require.Contains(t, lambdas.events("message")[0], `"codeParameter":"{####}"`)

	lambdas.on("message", answerWith(`{"emailSubject":"Hello","emailMessage":"no code in here"}`))
	require.NoError(t, w.resetPassword("ann@example.com"))
	message, _ = w.c.LastMessage("ann@example.com")
	require.Contains(t, message.Body, message.Code, "the pool's own text")
}
