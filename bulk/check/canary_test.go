package check

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/verify"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var (
	incorrect = Answer{Value: "NotAuthorizedException: Incorrect username or password."}
	notFound  = Answer{Value: "UserNotFoundException: User does not exist."}
)

func TestUnknownUser(t *testing.T) {
	hides := client("web")
	lambda := Answer{Value: "NotAuthorizedException: Exception migrating user"}
	type probe = UnknownUserProbe
	code := func(code string) Answer { return Answer{Value: code + ": text"} }
	for name, tt := range map[string]struct {
		p    probe
		want []Level
		says string
	}{
		"hidden": {probe{Client: hides, SignIn: incorrect}, []Level{OK, OK, OK},
			"rejected as any unknown user is (NotAuthorizedException"},
		"open": {probe{SignIn: notFound, ForgotPassword: notFound}, []Level{OK, OK, OK}, "UserNotFoundException"},
		"told apart": {probe{Client: hides, SignIn: notFound, ForgotPassword: notFound}, []Level{Failure, Failure, OK},
			"an unknown user gets"},
		"other words": {probe{Client: hides, SignIn: lambda}, []Level{Failure, OK, OK}, "Exception migrating user"},
		"proves": {probe{Client: hides, SignIn: incorrect}, []Level{OK, OK, OK},
			"no stranger gets in; a trigger that Cognito cannot invoke looks the same"},
		"code sent": {probe{Client: hides, SignIn: incorrect, ForgotPassword: codeSent}, []Level{OK, OK, OK}, "rejected"},
		"code sent by an open client": {probe{SignIn: notFound, ForgotPassword: codeSent}, []Level{OK, Failure, OK},
			"UserNotFoundException"},
		"accepted": {probe{Client: hides}, []Level{Failure, OK, OK}, `answered "accepted"`},
		"no such client": {probe{Client: hides, SignIn: code("ResourceNotFoundException")}, []Level{Failure, OK, OK},
			"the app client could not be used"},
		"not simulated": {probe{Client: hides, SignIn: incorrect, ForgotPassword: code("InvalidParameterException")},
			[]Level{OK, OK, OK}, "rejected"},
		"trigger failed": {probe{Client: hides, SignIn: code("UserLambdaValidationException")}, []Level{Failure, OK, OK},
			"the trigger failed"},
		"throttled": {probe{Client: hides, SignIn: Answer{Err: errOutage}, Created: Fact[bool]{Err: errOutage}},
			[]Level{Warning, OK, Warning}, "HTTP 500"},
		"created": {probe{Client: hides, SignIn: incorrect, Created: Fact[bool]{Value: true}}, []Level{OK, OK, Failure},
			"rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			var r Report
			r.AddUnknownUser(tt.p)
			require.Len(t, r.Findings, 3)
			for i, f := range r.Findings {
				assert.Equal(t, tt.want[i], f.Level, f.Found)
				assert.NotContains(t, f.Found+f.Remedy, "<nil>", "a $name without a value")
			}
			assert.Contains(t, r.Findings[0].Found, tt.says)
		})
	}
}

func TestChooseClient(t *testing.T) {
	const flow = types.ExplicitAuthFlowsTypeAllowUserPasswordAuth
	secret := client("secret", flow)
	secret.ClientSecret = aws.String("x")
	var f Facts
	f.ProductionClients.Value = []types.UserPoolClientType{client("srp"), secret, client("web", flow), client("ios", flow)}
	for id, want := range map[string]string{"": "web1", "ios1": "ios1"} {
		var r Report
		c, found := r.ChooseClient(f, id)
		require.True(t, found)
		assert.Equal(t, want, *c.ClientId)
		assert.Empty(t, r.Findings)
	}
	none := func(f Facts, id string) string {
		var r Report
		_, found := r.ChooseClient(f, id)
		assert.False(t, found)
		assert.Equal(t, 1, r.Failures)
		return r.Findings[0].Found
	}
	for _, id := range []string{"srp1", "secret1", "other"} {
		want := "the production pool has no app client " + id + " with USER_PASSWORD_AUTH and without a secret"
		assert.Equal(t, want, none(f, id))
	}
	f.ProductionClients.Value = f.ProductionClients.Value[:2]
	assert.Equal(t, "the production pool has no app client with USER_PASSWORD_AUTH and without a secret", none(f, ""))
	f.ProductionClients = Fact[[]types.UserPoolClientType]{Err: errAccessDenied}
	assert.Equal(t, "the app clients could not be read (access denied)", none(f, ""))
}

var codeSent = Answer{Value: "accepted: a code by EMAIL"}

func canaryUser() CanaryUser {
	staging := stagingUser("eve@x.org")
	staging.Sub = "staging-sub"
	attributes := map[userpool.Attribute]string{userpool.AttrStagingSub: "staging-sub"}
	production := userpool.User{Sub: "production-sub", Attributes: attributes}
	return CanaryUser{
		Email: "eve@x.org", Found: 1, Staging: staging, Tried: true,
		Production: Fact[userpool.User]{Value: production},
		Record: Fact[ledger.Record]{Value: ledger.Record{
			StagingSub: "staging-sub", ProductionSub: "production-sub", State: ledger.Moved, Via: ledger.SignIn,
		}},
		Forgot: codeSent, UnknownForgot: codeSent,
		Rows: Fact[verify.Comparison]{Value: verify.Comparison{Tables: []verify.Table{{Name: "P", Staging: 3, Same: 3}}}},
	}
}

func TestCanaryUser(t *testing.T) {
	type user = CanaryUser
	before := func(change func(*user)) func(*user) {
		return func(c *user) {
			c.Tried, c.Production.Value, c.Record.Value = false, userpool.User{}, ledger.Record{}
			change(c)
		}
	}
	for name, tt := range map[string]struct {
		change func(*user)
		check  string
		want   Level
		says   string
	}{
		"tokens":        {func(*user) {}, "tokens", OK, "eve@x.org signed in"},
		"rejected":      {func(c *user) { c.SignIn = incorrect }, "tokens", Failure, "Incorrect username"},
		"second factor": {func(c *user) { c.SignIn.Value = challenge + ": MFA_SETUP" }, "tokens", Failure, "MFA_SETUP"},
		"throttled":     {func(c *user) { c.SignIn.Err = errOutage }, "tokens", Warning, "HTTP 500"},
		"no such client": {func(c *user) { c.SignIn.Value = "ResourceNotFoundException: none" }, "tokens", Failure,
			"the app client could not be used"},
		"attribute": {func(*user) {}, "custom:staging_sub", OK, "production user production-sub has staging-sub"},
		"another attribute": {func(c *user) {
			c.Production.Value.Attributes[userpool.AttrStagingSub] = "x"
		}, "custom:staging_sub", Failure,
			`it is "x"`},
		"no user": {func(c *user) { c.Production.Value = userpool.User{} }, "custom:staging_sub", Failure,
			"no such user"},
		"unread user": {func(c *user) { c.Production.Err = errOutage }, "custom:staging_sub", Warning, "HTTP 500"},
		"record":      {func(*user) {}, "ledger record", OK, "moved, bound to production-sub, via sign-in"},
		"no record": {func(c *user) { c.Record.Value = ledger.Record{} }, "ledger record", Failure,
			"no record of staging-sub"},
		"unread record": {func(c *user) { c.Record.Err = errOutage }, "ledger record", Warning, "HTTP 500"},
		"not bound": {func(c *user) { c.Record.Value.ProductionSub = "" }, "ledger record", Failure,
			"not bound a minute after"},
		"another's":    {func(c *user) { c.Record.Value.ProductionSub = "x" }, "ledger record", Failure, "bound to x"},
		"another path": {func(c *user) { c.Record.Value.Via = ledger.Sweep }, "ledger record", Failure, "via sweep"},
		"code":         {func(*user) {}, "forgot password", OK, "answered alike for eve@x.org and for an unknown user"},
		"no code for unknown users": {func(c *user) {
			c.UnknownForgot.Value = "InvalidParameterException: text"
		}, "forgot password", Warning, `"accepted: a code by EMAIL" for eve@x.org, but "InvalidParameterException: text"`},
		"no code for the user": {func(c *user) {
			c.Forgot.Value = "CodeDeliveryFailureException: text"
		}, "forgot password", Warning, `"CodeDeliveryFailureException: text" for eve@x.org, but "accepted`},
		"code throttled": {func(c *user) { c.Forgot = Answer{Err: errOutage} }, "forgot password", Warning, "HTTP 500"},
		"unknown user's code throttled": {func(c *user) {
			c.UnknownForgot = Answer{Err: errOutage}
		}, "forgot password", Warning, "HTTP 500"},
		"rows": {func(*user) {}, "rows", OK, "P: 3 rows copied"},
		"one row": {func(c *user) {
			c.Rows.Value.Tables[0] = verify.Table{Name: "P", Staging: 1, Same: 1}
		}, "rows", OK, "1 row copied"},
		"rows missing": {func(c *user) { c.Rows.Value.Tables[0].Same = 2 }, "rows", Failure, "P: 2 of 3 rows copied"},
		"no rows": {func(c *user) { c.Rows.Value.Tables[0] = verify.Table{Name: "P"} }, "rows", Warning,
			"the user has none"},
		"unread rows":    {func(c *user) { c.Rows.Err = errOutage }, "rows", Warning, "P: HTTP 500"},
		"not in staging": {before(func(c *user) { c.Found = 0 }), "canary user", Failure, "0 users in staging"},
		"disabled": {before(func(c *user) { c.Ineligible = userpool.Disabled }), "canary user", Failure,
			"disabled; nothing was done"},
		"moving": {func(c *user) {
			c.Record.Value.State, c.Record.Value.LastError = ledger.Moving, "key"
		}, "ledger record", Failure,
			"moving a minute after the sign-in (key)"},
		"migrated": {before(func(c *user) { c.Record.Value.ProductionSub = "x" }), "canary user", Failure,
			"migrated already"},
		"in production": {before(func(c *user) { c.Production.Value.Sub = "x" }), "canary user", Failure,
			"production has a user with that email already"},
		"ledger unread": {before(func(c *user) { c.Record.Err = errOutage }), "canary user", Failure,
			"could not be read"},
		"production unread": {before(func(c *user) { c.Production.Err = errOutage }), "canary user", Failure,
			"could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			var r Report
			c := canaryUser()
			tt.change(&c)
			r.AddCanaryUser(allOK(), client("web"), c)
			found := map[string]Finding{}
			for _, f := range r.Findings {
				found[f.Check] = f
				assert.NotContains(t, f.Found+f.Remedy, "<nil>", "a $name without a value")
			}
			assert.Equal(t, tt.want, found[tt.check].Level)
			assert.Contains(t, found[tt.check].Found, tt.says)
		})
	}
}

// TestCanaryUserProves: the report says what of it is proved, and what is not.
func TestCanaryUserProves(t *testing.T) {
	hides, shows := client("web"), client("web")
	shows.PreventUserExistenceErrors = types.PreventUserExistenceErrorTypesLegacy
	open, unread := allOK(), allOK()
	open.Production.Value.AdminCreateUserConfig, unread.Production.Err = nil, errOutage
	for name, tt := range map[string]struct {
		facts  Facts
		client types.UserPoolClientType
		signIn Answer
		check  string
		want   Level
		says   string
		remedy string
	}{
		"the trigger is invoked": {allOK(), hides, Answer{}, "tokens", OK,
			"Proved: Cognito invokes the trigger with PreventUserExistenceErrors ENABLED, and accepts its import", ""},
		"by a client that shows users": {allOK(), shows, Answer{}, "tokens", Warning,
			"Not proved: that it does with PreventUserExistenceErrors ENABLED", "Set it to ENABLED on web (web1)"},
		"the hook is invoked": {allOK(), hides, Answer{}, "ledger record", OK,
			"Proved: Cognito invokes PostAuthentication at the migrating sign-in, with custom:staging_sub", ""},
		"sign-up is closed": {allOK(), hides, Answer{}, "sign-up", OK, "proved: AllowAdminCreateUserOnly", ""},
		"sign-up is open":   {open, hides, Answer{}, "sign-up", Warning, "since sign-up is open", "close sign-up"},
		"never":             {allOK(), hides, Answer{}, "not proved", OK, "(RESET_REQUIRED), and that CustomMessage", ""},
		"rejected": {allOK(), hides, incorrect, "tokens", Failure, "Incorrect username or password",
			"PreventUserExistenceErrors ENABLED: set it to LEGACY on web (web1) during the migration. Then anyone can find"},
		"rejected by a client that shows users": {allOK(), shows, incorrect, "tokens", Failure, "Incorrect username",
			"Check the password, and the trigger's log."},
		"the trigger fails": {allOK(), hides, Answer{Value: "UserLambdaValidationException: text"}, "tokens", Failure,
			"UserLambdaValidationException", "Check the password, and the trigger's log."},
	} {
		t.Run(name, func(t *testing.T) {
			c := canaryUser()
			c.SignIn = tt.signIn
			var r Report
			r.AddCanaryUser(tt.facts, tt.client, c)
			i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Check == tt.check })
			require.GreaterOrEqual(t, i, 0)
			assert.Equal(t, tt.want, r.Findings[i].Level)
			assert.Contains(t, r.Findings[i].Found, tt.says)
			assert.Contains(t, r.Findings[i].Remedy, tt.remedy)
			if name != "rejected" {
				assert.NotContains(t, r.Findings[i].Remedy, "LEGACY")
			}
		})
	}
	var r Report
	r.AddCanaryUser(unread, hides, canaryUser())
	assert.Equal(t, []string{"canary: sign-up"}, r.Skipped)
}
