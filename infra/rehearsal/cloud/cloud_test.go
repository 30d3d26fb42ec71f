package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
)

// One cloud serves all tests; each has pools and tables of its own.
var (
	shared    *Cloud
	sharedErr error
	ahead     atomic.Int64 // of the clock
	lambdas   = &fakeFunctions{}
)

const shortTimeout = 300 * time.Millisecond

func TestMain(m *testing.M) {
	if path := motoPath(); path != "" {
		shared, sharedErr = Start(context.Background(), Options{
			Moto: path, Now: now, TriggerTimeout: shortTimeout, Seed: 1,
		})
		if sharedErr == nil {
			shared.SetFunctions(lambdas)
		}
	}
	code := m.Run()
	if shared != nil {
		_ = shared.Close()
	}
	os.Exit(code)
}

func motoPath() string {
	for _, path := range []string{os.Getenv("MOTO_SERVER"), "../../../.venv/bin/moto_server"} {
		if _, err := os.Stat(path); path != "" && err == nil {
			absolute, _ := filepath.Abs(path)
			return absolute
		}
	}
	return ""
}

// cloudFor returns the shared cloud with nothing left from the previous test.
func cloudFor(t testing.TB) *Cloud {
	t.Helper()
	if motoPath() == "" {
		const missing = "moto_server not found: install infra/rehearsal/requirements.txt into .venv, or set MOTO_SERVER"
		if os.Getenv("REHEARSAL") == "required" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	require.NoError(t, sharedErr)
	shared.ResetRequests()
	shared.SetResetAnswer(AnswerPasswordResetRequired)
	shared.EnforceQuotas(map[string]float64{})
	lambdas.reset()
	return shared
}

// now is the cloud's clock.
func now() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }

// handler is a fake function.
type handler func(ctx context.Context, payload []byte) ([]byte, *lambdahost.FunctionError, error)

// fakeFunctions answers by name and keeps the events it got.
type fakeFunctions struct {
	mu      sync.Mutex
	answers map[string]handler
	got     map[string][]string
}

var _ Invoker = (*fakeFunctions)(nil)

func (f *fakeFunctions) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers, f.got = map[string]handler{}, map[string][]string{}
}

func (f *fakeFunctions) on(function string, answer handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[function] = answer
}

func (f *fakeFunctions) events(function string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.got[function]...)
}

func (f *fakeFunctions) Invoke(ctx context.Context, function string, payload []byte) (lambdahost.Invocation, error) {
	f.mu.Lock()
	f.got[function] = append(f.got[function], string(payload))
	answer := f.answers[function]
	f.mu.Unlock()
	if answer == nil {
		return lambdahost.Invocation{}, fmt.Errorf("no function %s", function)
	}
	response, failed, err := answer(ctx, payload)
	return lambdahost.Invocation{Response: response, Error: failed}, err
}

func (f *fakeFunctions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name := lambdaOperation(r.Method, r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"invoked":%q}`, name)
}

// echo returns the event, as a hook does.
func echo(_ context.Context, payload []byte) ([]byte, *lambdahost.FunctionError, error) {
	return payload, nil, nil
}

func config(c *Cloud, credentials aws.Credentials) aws.Config {
	return aws.Config{
		Region: c.Region(), BaseEndpoint: aws.String(c.URL()), Credentials: fixed(credentials),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func tables(c *Cloud, credentials aws.Credentials) *dynamodb.Client {
	return dynamodb.NewFromConfig(config(c, credentials))
}

func stsClient(c *Cloud, credentials aws.Credentials) *sts.Client {
	return sts.NewFromConfig(config(c, credentials))
}

func fixed(credentials aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
}

// rejectedWith asserts an error's code, and its message where one is given.
func rejectedWith(t *testing.T, err error, code string, message ...string) {
	t.Helper()
	var rejected smithy.APIError
	require.Error(t, err, "want "+code)
	require.True(t, errors.As(err, &rejected), "want %s, got %v", code, err)
	require.Equal(t, code, rejected.ErrorCode(), rejected.ErrorMessage())
	for _, text := range message {
		require.Contains(t, rejected.ErrorMessage(), text)
	}
}

// world is a pool with a client, used as an administrator.
type world struct {
	t      *testing.T
	c      *Cloud
	idp    *cognito.Client
	pool   string
	client string
}

const password = "Correct-Horse-1"

func newWorld(t *testing.T, change ...poolChange) *world {
	t.Helper()
	return worldOf(t, cloudFor(t).ProductionAdmin(), change...)
}

func worldOf(t *testing.T, admin aws.Credentials, change ...poolChange) *world {
	t.Helper()
	w := &world{t: t, c: shared, idp: cognito.NewFromConfig(config(shared, admin))}
	poolInput := &cognito.CreateUserPoolInput{PoolName: aws.String(t.Name())}
	clientInput := &cognito.CreateUserPoolClientInput{
		ClientName: aws.String("app"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth,
			types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	}
	for _, f := range change {
		f(poolInput, clientInput)
	}
	made, err := w.idp.CreateUserPool(t.Context(), poolInput)
	require.NoError(t, err)
	w.pool = *made.UserPool.Id
	clientInput.UserPoolId = &w.pool
	app, err := w.idp.CreateUserPoolClient(t.Context(), clientInput)
	require.NoError(t, err)
	w.client = *app.UserPoolClient.ClientId
	return w
}

type poolChange = func(*cognito.CreateUserPoolInput, *cognito.CreateUserPoolClientInput)

func emailAsUsername(p *cognito.CreateUserPoolInput, _ *cognito.CreateUserPoolClientInput) {
	p.UsernameAttributes = []types.UsernameAttributeType{types.UsernameAttributeTypeEmail}
	p.UsernameConfiguration = &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)}
}

func hideUsers(_ *cognito.CreateUserPoolInput, c *cognito.CreateUserPoolClientInput) {
	c.PreventUserExistenceErrors = types.PreventUserExistenceErrorTypesEnabled
}

// productionSchema has a required, an immutable and a limited attribute.
func productionSchema(p *cognito.CreateUserPoolInput, _ *cognito.CreateUserPoolClientInput) {
	p.Schema = []types.SchemaAttributeType{
		{Name: aws.String("preferred_username"), AttributeDataType: types.AttributeDataTypeString, Required: aws.Bool(true),
			Mutable: aws.Bool(true)},
		{Name: aws.String("staging_sub"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(false),
			StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: aws.String("1"),
				MaxLength: aws.String("36")}},
		{Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)},
	}
}

func withTriggers(l types.LambdaConfigType) poolChange {
	return func(p *cognito.CreateUserPoolInput, _ *cognito.CreateUserPoolClientInput) {
		p.LambdaConfig = &l
	}
}

func functionARN(name string) *string {
	return aws.String("arn:aws:lambda:us-east-1:123456789012:function:" + name)
}

func attributes(pairs ...string) []types.AttributeType {
	var made []types.AttributeType
	for i := 0; i+1 < len(pairs); i += 2 {
		made = append(made, types.AttributeType{Name: aws.String(pairs[i]), Value: aws.String(pairs[i+1])})
	}
	return made
}

// create makes a user in FORCE_CHANGE_PASSWORD and sends no email.
func (w *world) create(name string, pairs ...string) string {
	w.t.Helper()
	require.NoError(w.t, w.tryCreate(name, pairs...))
	u, err := w.get(name)
	require.NoError(w.t, err)
	return *u.Username
}

func (w *world) tryCreate(name string, pairs ...string) error {
	_, err := w.idp.AdminCreateUser(w.t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: &w.pool, Username: &name, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: attributes(pairs...), TemporaryPassword: aws.String(password),
	})
	return err
}

// confirm makes a CONFIRMED user.
func (w *world) confirm(name string, pairs ...string) string {
	w.t.Helper()
	username := w.create(name, pairs...)
	w.setPassword(name, password)
	return username
}

func (w *world) setPassword(name, to string) {
	w.t.Helper()
	require.NoError(w.t, w.trySetPassword(name, to, true))
}

func (w *world) trySetPassword(name, to string, permanent bool) error {
	_, err := w.idp.AdminSetUserPassword(w.t.Context(), &cognito.AdminSetUserPasswordInput{
		UserPoolId: &w.pool, Username: &name, Password: &to, Permanent: permanent,
	})
	return err
}

func (w *world) get(name string) (*cognito.AdminGetUserOutput, error) {
	return w.idp.AdminGetUser(w.t.Context(), &cognito.AdminGetUserInput{UserPoolId: &w.pool, Username: &name})
}

func (w *world) status(name string) string {
	w.t.Helper()
	u, err := w.get(name)
	require.NoError(w.t, err)
	return string(u.UserStatus)
}

func (w *world) initiateAuth(name, with string) (*cognito.InitiateAuthOutput, error) {
	return w.idp.InitiateAuth(w.t.Context(), &cognito.InitiateAuthInput{
		ClientId: &w.client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": with},
	})
}

func (w *world) adminSignIn(name, with string) (*cognito.AdminInitiateAuthOutput, error) {
	return w.idp.AdminInitiateAuth(w.t.Context(), &cognito.AdminInitiateAuthInput{
		UserPoolId: &w.pool, ClientId: &w.client, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": with},
	})
}

func (w *world) forgotPassword(name string) (*cognito.ForgotPasswordOutput, error) {
	return w.idp.ForgotPassword(w.t.Context(), &cognito.ForgotPasswordInput{ClientId: &w.client, Username: &name})
}

func (w *world) confirmForgot(name, code, to string) error {
	_, err := w.idp.ConfirmForgotPassword(w.t.Context(), &cognito.ConfirmForgotPasswordInput{
		ClientId: &w.client, Username: &name, ConfirmationCode: &code, Password: &to,
	})
	return err
}

func (w *world) resetPassword(name string) error {
	_, err := w.idp.AdminResetUserPassword(w.t.Context(),
		&cognito.AdminResetUserPasswordInput{UserPoolId: &w.pool, Username: &name})
	return err
}

func (w *world) disable(name string) {
	w.t.Helper()
	_, err := w.idp.AdminDisableUser(w.t.Context(),
		&cognito.AdminDisableUserInput{UserPoolId: &w.pool, Username: &name})
	require.NoError(w.t, err)
}

func (w *world) signIn(name, with string) error {
	_, err := w.initiateAuth(name, with)
	return err
}

func (w *world) forgot(name string) error {
	_, err := w.forgotPassword(name)
	return err
}

func (w *world) find(name string) error {
	_, err := w.get(name)
	return err
}

// messages counts the emails to an address.
func (w *world) messages(to string) int {
	n := 0
	for _, m := range w.c.Messages() {
		if m.To == to && m.Pool == w.pool {
			n++
		}
	}
	return n
}

func attr(all []types.AttributeType, name string) string {
	for _, a := range all {
		if *a.Name == name {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
