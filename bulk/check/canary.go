package check

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/verify"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

// Answer is Cognito's answer to an app: "" for success, or code and message. Throttling tells nothing: it is unread.
type Answer = Fact[string]

const challenge, accepted = "Challenge", "accepted" // the codes of a sign-in that needs more, and of success

func answerOf(err error) Answer {
	var api smithy.APIError
	if retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool() || !errors.As(err, &api) {
		return fact("", err)
	}
	return Answer{Value: api.ErrorCode() + ": " + api.ErrorMessage()}
}

func isCode(a Answer, codes ...string) bool {
	code, _, _ := strings.Cut(a.Value, ":")
	return slices.Contains(codes, code)
}

// clientCodes mean that the app client cannot be used ("Amazon Cognito API reference, InitiateAuth").
var clientCodes = []string{"ResourceNotFoundException", "UnauthorizedException"}

func (r *Reader) signIn(ctx context.Context, client types.UserPoolClientType, name string, p userpool.Password) Answer {
	out, err := r.app.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: client.ClientId, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": string(p)},
	})
	if err == nil && out.ChallengeName != "" {
		return Answer{Value: challenge + ": " + string(out.ChallengeName)}
	}
	return answerOf(err)
}

// ChooseClient finds the client with that id, or the first, with USER_PASSWORD_AUTH and no secret, or adds a failure.
func (r *Report) ChooseClient(f Facts, id string) (client types.UserPoolClientType, found bool) {
	client = first(f.ProductionClients.Value, func(c types.UserPoolClientType) bool {
		return (id == "" || id == aws.ToString(c.ClientId)) && hasPasswordFlow(c) && c.ClientSecret == nil
	})
	if err := f.ProductionClients.Err; client.ClientId == nil {
		r.needs(nil).check("canary: app client", vars{"client": strings.TrimSpace("app client " + id), "error": err},
			when{"unread", err != nil})
	}
	return client, client.ClientId != nil
}

// UnknownUserProbe is what production answers about a user who does not exist.
type UnknownUserProbe struct {
	Email                  string
	Client                 types.UserPoolClientType
	SignIn, ForgotPassword Answer
	Created                Fact[bool] // whether the user exists afterwards
}

// unknownEmail returns an email that no user has. example.com accepts no email (RFC 2606).
func unknownEmail() string { return "canary-" + strings.ToLower(rand.Text()) + "@example.com" }

// forgotPassword requests a code. If Cognito says that it sends one, the answer says how, but not to whom.
func (r *Reader) forgotPassword(ctx context.Context, client types.UserPoolClientType, name string) Answer {
	out, err := r.app.ForgotPassword(ctx, &cognito.ForgotPasswordInput{ClientId: client.ClientId, Username: &name})
	if err != nil || out.CodeDeliveryDetails == nil {
		return answerOf(err)
	}
	return Answer{Value: accepted + ": a code by " + string(out.CodeDeliveryDetails.DeliveryMedium)}
}

// ProbeUnknownUser signs in as a user who does not exist, and requests a code.
func (r *Reader) ProbeUnknownUser(ctx context.Context, client types.UserPoolClientType) UnknownUserProbe {
	p := UnknownUserProbe{Email: unknownEmail(), Client: client}
	p.SignIn = r.signIn(ctx, client, p.Email, userpool.Password(rand.Text()+"aA1!"))
	p.ForgotPassword = r.forgotPassword(ctx, client, p.Email)
	time.Sleep(r.lag)
	users, err := r.production.pool().FindByEmail(ctx, p.Email)
	p.Created = fact(len(users) > 0, err)
	return p
}

// AddUnknownUser adds whether production answers about unknown users as if there were no trigger.
func (r *Report) AddUnknownUser(p UnknownUserProbe) {
	signIn := "UserNotFoundException: User does not exist."
	code := signIn
	if hidesUsers(p.Client) {
		signIn, code = "NotAuthorizedException: Incorrect username or password.", ""
	}
	if code == "" && isCode(p.ForgotPassword, accepted, "InvalidParameterException") {
		code = p.ForgotPassword.Value
	}
	r.compare("canary: unknown user's sign-in", p.SignIn, signIn)
	r.compare("canary: unknown user's code", p.ForgotPassword, code)
	r.needs(nil).check("canary: unknown user afterwards", vars{"email": p.Email, "error": p.Created.Err},
		when{"unread", p.Created.Err != nil}, when{"created", p.Created.Value})
}

// compare compares an answer with Cognito's own about an unknown user.
func (r *Report) compare(check string, got Answer, want string) {
	trigger := isCode(got, "UserLambdaValidationException", "UnexpectedLambdaException", "InvalidLambdaResponseException")
	v := vars{"got": cmp.Or(got.Value, accepted), "want": cmp.Or(want, accepted), "error": got.Err}
	r.needs(nil).check(check, v, when{"unread", got.Err != nil}, when{"same", got.Value == want},
		when{"trigger", trigger}, when{"client", isCode(got, clientCodes...)})
}

// CanaryUser is a disposable staging user who is migrated by a sign-in, as a proof.
type CanaryUser struct {
	Email      string
	Found      int // staging users with that email
	Staging    userpool.User
	Ineligible userpool.Reason
	Production Fact[userpool.User] // with that email, if there is one
	Record     Fact[ledger.Record]
	Tried      bool // the sign-in; then production and the ledger were read again
	SignIn     Answer
	Rows       Fact[verify.Comparison]

	Forgot, UnknownForgot Answer // to "forgot password" afterwards, and to that of a user who does not exist
}

// MigrateCanaryUser signs the user in to production, which migrates them, unless that would prove nothing.
func (r *Reader) MigrateCanaryUser(
	ctx context.Context, email string, client types.UserPoolClientType, password func() (string, error),
) (CanaryUser, error) {
	found, err := r.staging.pool().FindByEmail(ctx, email)
	user := CanaryUser{Email: email, Found: len(found)}
	if err != nil || len(found) != 1 {
		return user, err
	}
	user.Staging, user.Ineligible = found[0], found[0].Ineligible(r.settings.StagingCutoff)
	if r.readCanaryUser(ctx, &user); slices.ContainsFunc(user.unfit(), when.is) {
		return user, nil
	}
	typed, err := password()
	if err != nil {
		return user, fmt.Errorf("ask for the password: %w", err)
	}
	user.Tried, user.SignIn = true, r.signIn(ctx, client, email, userpool.Password(typed))
	if user.SignIn != (Answer{}) {
		return user, nil
	}
	for end := time.Now().Add(r.patience); !r.readCanaryUser(ctx, &user) && ctx.Err() == nil && time.Now().Before(end); {
		time.Sleep(r.patience / 100)
	}
	if user.Record.Value.State == ledger.Moved {
		v := verify.Verifier{Tables: r.settings.Tables, Staging: r.staging.rows(), Production: r.production.rows()}
		user.Rows = fact(v.User(ctx, user.Record.Value))
	}
	user.Forgot = r.forgotPassword(ctx, client, email)
	user.UnknownForgot = r.forgotPassword(ctx, client, unknownEmail())
	return user, nil
}

// readCanaryUser reads what the ledger and production have of the user, and reports whether that is all.
func (r *Reader) readCanaryUser(ctx context.Context, user *CanaryUser) bool {
	accounts, err := r.production.pool().FindByEmail(ctx, user.Email)
	user.Production = fact(append(accounts, userpool.User{})[0], err)
	user.Record = fact(r.ledger.Get(ctx, user.Staging.Sub))
	return user.Record.Value.State == ledger.Moved && len(accounts) > 0
}

// unfit are the cases in which a sign-in proves nothing.
func (u CanaryUser) unfit() []when {
	return []when{
		{"not one", u.Found != 1}, {"ineligible", u.Ineligible != ""}, {"ledger unread", u.Record.Err != nil},
		{"unread", u.Production.Err != nil}, {"migrated", u.Record.Value.Bound()}, {"exists", u.Production.Value.Sub != ""},
	}
}

// AddCanaryUser adds whether the user was migrated completely, and what that proves.
func (r *Report) AddCanaryUser(f Facts, client types.UserPoolClientType, u CanaryUser) {
	c, answer, record, account := r.needs(nil), u.SignIn, u.Record.Value, u.Production.Value
	v := vars{
		"email": u.Email, "status": console.Quote("bulk", "status", "--user", u.Email),
		"users": console.Quantity(u.Found, "user", "users"), "reason": u.Ineligible,
		"answer": answer.Value, "answerError": answer.Err, "recordError": u.Record.Err, "error": u.Production.Err,
		"stagingSub": u.Staging.Sub, "sub": account.Sub, "has": account.StagingSub(), "boundTo": record.ProductionSub,
		"state": record.State, "lastError": record.LastError, "via": record.Via, "client": describeClient(client),
		"forgot": u.Forgot.Value, "unknown": u.UnknownForgot.Value, "forgotError": cmp.Or(u.Forgot.Err, u.UnknownForgot.Err),
	}
	if !u.Tried {
		c.check("canary: canary user", v, u.unfit()...)
		return
	}
	c.check("canary: tokens", v, when{"unread", answer.Err != nil}, when{"challenge", isCode(answer, challenge)},
		when{"client", isCode(answer, clientCodes...)},
		when{"not invoked", hidesUsers(client) && isCode(answer, "NotAuthorizedException")},
		when{"rejected", answer.Value != ""}, when{"legacy", !hidesUsers(client)})
	if answer != (Answer{}) {
		return
	}
	c.check("canary: custom:staging_sub", v, when{"unread", u.Production.Err != nil},
		when{"no user", account.Sub == ""}, when{"differs", account.StagingSub() != u.Staging.Sub})
	c.check("canary: ledger record", v, when{"unread", u.Record.Err != nil}, when{"missing", !record.Exists()},
		when{"not bound", !record.Bound()}, when{"another", record.ProductionSub != account.Sub},
		when{"moving", record.State != ledger.Moved}, when{"not by sign-in", record.Via != ledger.SignIn})
	r.needs(f.Production.Err).check("canary: sign-up", nil, when{"open", selfSignUp(f.Production.Value)})
	c.check("canary: forgot password", v, when{"unread", v["forgotError"] != nil},
		when{"differs", u.Forgot.Value != u.UnknownForgot.Value})
	c.check("canary: not proved", nil)
	for _, t := range u.Rows.Value.Tables {
		c.check("canary: rows", vars{"table": t.Name, "error": u.Rows.Err,
			"same": console.Count(t.Same), "rows": console.Quantity(t.Staging, "row", "rows"),
		}, when{"unread", u.Rows.Err != nil}, when{"missing", t.Same < t.Staging}, when{"none", t.Staging == 0})
	}
}
