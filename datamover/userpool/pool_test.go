package userpool

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pool is a Pool before an endpoint that always gives the same answer; requests counts them.
func pool(t *testing.T, status int, body string) (p *Pool, requests *atomic.Int32) {
	t.Helper()
	requests = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return at(server.URL), requests
}

func at(url string) *Pool {
	return New(cognito.New(cognito.Options{
		Region: "us-west-2", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, time.Millisecond }),
	}), "us-west-2_pool")
}

// answer is an error of Cognito's whose message is that of a Lambda function of the pool's own, which says too much.
func answer(code string) string {
	return fmt.Sprintf(`{"__type":%q,"message":"PreAuthentication failed with error `+
		`no tenant for ada@example.com, Secret-Passw0rd!."}`, code)
}

func token(claims string) string {
	return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
}

func TestSignIn(t *testing.T) {
	tests := []struct {
		name, body string
		want       SignInResult
		err        error
	}{
		{"tokens", `{"AuthenticationResult":{"AccessToken":"` + token(`{"sub":"u-1"}`) + `"}}`,
			SignInResult{Sub: "u-1"}, nil},
		{"challenge", `{"ChallengeName":"SMS_MFA","ChallengeParameters":{"USER_ID_FOR_SRP":"u-1"}}`,
			SignInResult{Challenge: "SMS_MFA", Username: "u-1"}, nil},
		{"neither", `{}`, SignInResult{}, ErrUnavailable},
		{"token without sub", `{"AuthenticationResult":{"AccessToken":"` + token(`{}`) + `"}}`,
			SignInResult{}, ErrUnavailable},
		{"no token", `{"AuthenticationResult":{"AccessToken":"x"}}`, SignInResult{}, ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := pool(t, 200, tt.body)
			got, err := p.SignIn(t.Context(), "client", "ada@example.com", "pw")
			assert.Equal(t, tt.want, got)
			assert.ErrorIs(t, err, tt.err)
		})
	}
}

// TestErrorsAndAttempts has what each of Cognito's errors means that is about the pool, and how often a password check
// and a look-up are sent.
func TestErrorsAndAttempts(t *testing.T) {
	tests := []struct {
		status    int
		code      string
		meaning   error
		passwords int
		reads     int
	}{
		{400, "TooManyRequestsException", ErrThrottled, 3, 3},
		{500, "InternalErrorException", ErrUnavailable, 1, 3},
		{503, "ServiceUnavailable", ErrUnavailable, 1, 3},
		{400, "UnexpectedLambdaException", ErrUnavailable, 1, 1},
		{400, "AccessDenied", ErrAccessDenied, 1, 1},
		{400, "AccessDeniedException", ErrAccessDenied, 1, 1},
		{400, "ForbiddenException", ErrAccessDenied, 1, 1},
		{400, "InvalidParameterException", ErrMisconfigured, 1, 1},
		{400, "InvalidLambdaResponseException", ErrMisconfigured, 1, 1},
		{400, "InvalidUserPoolConfigurationException", ErrMisconfigured, 1, 1},
		{400, "OperationNotEnabledException", ErrMisconfigured, 1, 1},
		{400, "UnsupportedOperationException", ErrMisconfigured, 1, 1},
		{400, "ResourceNotFoundException", ErrMisconfigured, 1, 1},
		{400, "ErrorOfNextYearException", ErrUnavailable, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			p, requests := pool(t, tt.status, answer(tt.code))
			_, err := p.SignIn(t.Context(), "client", "ada@example.com", "Secret-Passw0rd!")
			require.ErrorIs(t, err, tt.meaning)
			assert.EqualValues(t, tt.passwords, requests.Load(), "times that the password was sent")
			assert.NotContains(t, err.Error(), "ada")
			assert.NotContains(t, err.Error(), "Secret")

			requests.Store(0)
			_, err = p.Get(t.Context(), "ada@example.com")
			require.ErrorIs(t, err, tt.meaning)
			assert.EqualValues(t, tt.reads, requests.Load(), "times that the user was looked up")
			assert.NotContains(t, err.Error(), "ada")
		})
	}
}

// TestAnswersAboutOneUser has what a password check says about one user. It is never an error, and never sent twice.
func TestAnswersAboutOneUser(t *testing.T) {
	rejected := func(r Reason) SignInResult { return SignInResult{Rejected: r} }
	for _, tt := range []struct {
		code, message string
		want          SignInResult
	}{
		{"NotAuthorizedException", "Incorrect username or password.", rejected(WrongPassword)},
		{"NotAuthorizedException", "Password attempts exceeded", rejected(TooManyAttempts)},
		{"NotAuthorizedException", "User is disabled.", rejected(Disabled)},
		{"NotAuthorizedException", "Unable to login because of security reasons.", rejected(BlockedByThreatProtection)},
		{"NotAuthorizedException", "PreAuthentication failed with error Terms not accepted.", rejected(RejectedByTrigger)},
		{"NotAuthorizedException", "Temporary password has expired and must be reset by an administrator.",
			rejected(NotConfirmed)},
		{"NotAuthorizedException", "PreAuthentication failed with error User is disabled.", rejected(RejectedByTrigger)},
		{"NotAuthorizedException", "PostAuthentication failed with error Incorrect username or password.",
			rejected(RejectedByTrigger)},
		{"NotAuthorizedException", "A text of next year.", rejected(RejectedByStaging)},
		{"NotAuthorizedException", "", rejected(RejectedByStaging)},
		{"UserNotFoundException", "User does not exist.", rejected(RejectedByStaging)},
		{"UserNotConfirmedException", "User is not confirmed.", rejected(NotConfirmed)},
		{"PasswordResetRequiredException", "Password reset required for the user", rejected(NotConfirmed)},
		{"UserLambdaValidationException", "PreAuthentication failed with error x", rejected(RejectedByTrigger)},
		{"MFAMethodNotFoundException", "x", SignInResult{FactorMissing: true}},
		{"InvalidSmsRoleAccessPolicyException", "x", SignInResult{FactorMissing: true}},
		{"InvalidSmsRoleTrustRelationshipException", "x", SignInResult{FactorMissing: true}},
		{"InvalidEmailRoleAccessPolicyException", "x", SignInResult{FactorMissing: true}},
		{"CodeDeliveryFailureException", "x", SignInResult{FactorMissing: true}},
		{"NotAuthorizedException", "PreTokenGeneration failed with error x", rejected(RejectedByTrigger)},
	} {
		t.Run(tt.code+" "+tt.message, func(t *testing.T) {
			p, requests := pool(t, 400, fmt.Sprintf(`{"__type":%q,"message":%q}`, tt.code, tt.message))
			got, err := p.SignIn(t.Context(), "client", "ada@example.com", "pw")
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
			assert.EqualValues(t, 1, requests.Load(), "a wrong password is never sent twice")
		})
	}
	p, _ := pool(t, 200, `{"ChallengeName":"MFA_SETUP","ChallengeParameters":{"USER_ID_FOR_SRP":"u-1"}}`)
	got, err := p.SignIn(t.Context(), "client", "ada@example.com", "pw")
	require.NoError(t, err)
	assert.Equal(t, SignInResult{Challenge: "MFA_SETUP", Username: "u-1", FactorMissing: true}, got)
}

func TestClientWithASecretIsMisconfigured(t *testing.T) {
	p, _ := pool(t, 400, `{"__type":"NotAuthorizedException",`+
		`"message":"Client client is configured with secret but SECRET_HASH was not received"}`)
	_, err := p.SignIn(t.Context(), "client", "ada@example.com", "pw")
	require.ErrorIs(t, err, ErrMisconfigured)
}

func TestUserNotFound(t *testing.T) {
	p, _ := pool(t, 400, answer("UserNotFoundException"))
	_, err := p.Get(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, ErrUserNotFound)
}

func TestLostAnswerIsNotSentAgain(t *testing.T) {
	for _, linger := range []int{-1, 0} { // closed, and reset
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.(*net.TCPConn).SetLinger(linger)
			conn.Close()
		}))
		_, err := at(server.URL).SignIn(t.Context(), "client", "ada@example.com", "pw")
		server.Close()
		require.ErrorIs(t, err, ErrUnavailable)
		assert.EqualValues(t, 1, requests.Load())
	}
}

func TestRefusedConnectionIsRetried(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	url := gone.URL
	gone.Close()
	_, err := at(url).SignIn(t.Context(), "client", "ada@example.com", "pw")
	require.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorContains(t, err, "exceeded maximum number of attempts, 3", "the password never left")
}

func TestGet(t *testing.T) {
	p, _ := pool(t, 200, `{"Username":"u-1","Enabled":true,"UserStatus":"CONFIRMED","UserCreateDate":1.7e9,
		"UserMFASettingList":["SOFTWARE_TOKEN_MFA"],"UserAttributes":[{"Name":"sub","Value":"u-1"},
		{"Name":"email","Value":"ada@example.com"}]}`)
	got, err := p.Get(t.Context(), "ada@example.com")
	require.NoError(t, err)
	assert.Equal(t, User{
		Username: "u-1", Sub: "u-1", Status: "CONFIRMED", Enabled: true, MFA: true,
		Created:    aws.ToTime(aws.Time(time.Unix(1.7e9, 0).UTC())),
		Attributes: map[Attribute]string{"sub": "u-1", "email": "ada@example.com"},
	}, got)

	p, _ = pool(t, 200,
		`{"Username":"u-1","MFAOptions":[{"DeliveryMedium":"SMS"}],"UserAttributes":[{"Name":"sub","Value":"u-1"}]}`)
	got, err = p.Get(t.Context(), "ada@example.com")
	require.NoError(t, err)
	assert.True(t, got.MFA, "set up the older way")

	p, _ = pool(t, 200, `{"Username":"u-1","UserAttributes":[]}`)
	_, err = p.Get(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, ErrUnavailable)
	assert.False(t, strings.Contains(err.Error(), "ada"))
}

// TestSenderFailures: what is about the pool's sender is told from what is about one user, and is not repeated.
func TestSenderFailures(t *testing.T) {
	for _, tt := range []struct {
		code, message string
		want          error
	}{
		{"LimitExceededException", "Exceeded daily email limit for the operation or the account.", ErrSender},
		{"LimitExceededException", "", ErrSender},
		{"LimitExceededException", "Attempt limit exceeded, please try after some time.", ErrThrottled},
		{"CodeDeliveryFailureException",
			"Email address is not verified. The following identities failed the check", ErrSender},
		{"CodeDeliveryFailureException", "Sending paused for this account.", ErrSender},
		{"CodeDeliveryFailureException", "Unable to deliver message", ErrDelivery},
		{"InvalidEmailRoleAccessPolicyException", "x", ErrSender},
		{"UserLambdaValidationException", "CustomMessage failed with error x", ErrDelivery},
		{"UnexpectedLambdaException", "x", ErrDelivery},
		{"NotAuthorizedException", "User is disabled.", ErrUserBlocked},
		{"AccessDeniedException", "is not authorized to perform: cognito-idp:AdminResetUserPassword", ErrAccessDenied},
		{"InvalidParameterException", "Cannot reset password for the user as there is no verified email", ErrMisconfigured},
		{"UserNotFoundException", "User does not exist.", ErrUserNotFound},
	} {
		t.Run(tt.code+" "+tt.message, func(t *testing.T) {
			p, requests := pool(t, 400, fmt.Sprintf(`{"__type":%q,"message":%q}`, tt.code, tt.message))
			err := p.SendReset(t.Context(), "sub")
			require.ErrorIs(t, err, tt.want)
			for _, other := range []error{ErrSender, ErrDelivery} {
				assert.Equal(t, other == tt.want, errors.Is(err, other))
			}
			assert.EqualValues(t, 1, requests.Load(), "repeating cannot help")
			assert.NotContains(t, err.Error(), "x@")
		})
	}
}
