package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/userpool"
)

var (
	incorrect = Answer{Code: "NotAuthorizedException", Text: "Incorrect username or password."}
	unknown   = Answer{Code: "UserNotFoundException", Text: "User does not exist."}
)

func TestJudgeStranger(t *testing.T) {
	hides := Client{HidesUsers: true}
	for name, tt := range map[string]struct {
		s    Stranger
		want []Level
		says string
	}{
		"hidden":         {Stranger{Client: hides, SignIn: incorrect}, []Level{OK, OK, OK}, "refused as any unknown user is (NotAuthorizedException"},
		"open":           {Stranger{SignIn: unknown, ForgotPassword: unknown}, []Level{OK, OK, OK}, "UserNotFoundException"},
		"told apart":     {Stranger{Client: hides, SignIn: unknown, ForgotPassword: unknown}, []Level{Failure, Failure, OK}, "an unknown user gets"},
		"other words":    {Stranger{Client: hides, SignIn: Answer{Code: "NotAuthorizedException", Text: "Exception migrating user"}}, []Level{Failure, OK, OK}, "Exception migrating user"},
		"let in":         {Stranger{Client: hides}, []Level{Failure, OK, OK}, `answered "accepted"`},
		"no such client": {Stranger{Client: hides, SignIn: Answer{Code: "ResourceNotFoundException"}}, []Level{Failure, OK, OK}, "the app client could not be used"},
		"not simulated":  {Stranger{Client: hides, SignIn: incorrect, ForgotPassword: Answer{Code: "InvalidParameterException"}}, []Level{OK, OK, OK}, "refused"},
		"trigger failed": {Stranger{Client: hides, SignIn: Answer{Code: "UserLambdaValidationException"}}, []Level{Failure, OK, OK}, "the trigger failed"},
		"busy":           {Stranger{Client: hides, SignIn: Answer{Err: errOutage}, Exists: Seen[bool]{Err: errOutage}}, []Level{Warning, OK, Warning}, "HTTP 500"},
		"made a user":    {Stranger{Client: hides, SignIn: incorrect, Exists: Seen[bool]{Value: true}}, []Level{OK, OK, Failure}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			var r Report
			r.JudgeStranger(tt.s)
			require.Len(t, r.Findings, 3)
			for i, f := range r.Findings {
				assert.Equal(t, tt.want[i], f.Level, f.Found)
			}
			assert.Contains(t, r.Findings[0].Found, tt.says)
		})
	}
}

func TestChooseClient(t *testing.T) {
	password := []string{"ALLOW_USER_PASSWORD_AUTH"}
	clients := []Client{{ID: "srp"}, {ID: "secret", Flows: password, HasASecret: true}, {ID: "web", Flows: password}, {ID: "ios", Flows: password}}
	for id, want := range map[string]string{"": "web", "ios": "ios"} {
		c, err := ChooseClient(clients, id)
		require.NoError(t, err)
		assert.Equal(t, want, c.ID)
	}
	for id, want := range map[string]string{"srp": "has no USER_PASSWORD_AUTH", "secret": "or a secret", "other": "no app client other"} {
		_, err := ChooseClient(clients, id)
		assert.ErrorContains(t, err, want)
	}
	_, err := ChooseClient(clients[:2], "")
	assert.ErrorContains(t, err, "no app client has USER_PASSWORD_AUTH and no secret")
}

func newcomer() Newcomer {
	staging := person("eve@x.org")
	staging.Sub = "staging-sub"
	arrived := userpool.User{Sub: "production-sub", Attributes: map[userpool.Attribute]string{"custom:staging_sub": "staging-sub"}}
	return Newcomer{
		Email: "eve@x.org", Staging: []userpool.User{staging}, Before: Seen[ledger.Record]{Err: ErrMissing}, Tokens: true,
		Arrived: Seen[userpool.User]{Value: arrived}, Waited: 60 * time.Second,
		Line: Seen[ledger.Record]{Value: ledger.Record{ProductionSub: "production-sub", State: ledger.Moved, Via: ledger.SignIn}},
		Rows: []Moved{{Table: "P", Staging: 3, Found: 3}},
	}
}

func TestJudgeNewcomer(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Newcomer)
		check  string
		want   Level
		says   string
	}{
		"tokens":             {func(*Newcomer) {}, "tokens", OK, "eve@x.org signed in"},
		"refused":            {func(n *Newcomer) { n.Tokens, n.SignIn = false, incorrect }, "tokens", Failure, "Incorrect username"},
		"second factor":      {func(n *Newcomer) { n.Tokens, n.Challenge = false, "MFA_SETUP" }, "tokens", Failure, "MFA_SETUP"},
		"busy":               {func(n *Newcomer) { n.Tokens, n.SignIn = false, Answer{Err: errOutage} }, "tokens", Warning, "HTTP 500"},
		"attribute":          {func(*Newcomer) {}, "custom:staging_sub", OK, "production-sub bears staging-sub"},
		"another attribute":  {func(n *Newcomer) { n.Arrived.Value.Attributes["custom:staging_sub"] = "x" }, "custom:staging_sub", Failure, `it is "x"`},
		"no user":            {func(n *Newcomer) { n.Arrived.Err = ErrMissing }, "custom:staging_sub", Failure, "no such user"},
		"unread user":        {func(n *Newcomer) { n.Arrived.Err = errOutage }, "custom:staging_sub", Warning, "HTTP 500"},
		"line":               {func(*Newcomer) {}, "ledger line", OK, "moved, bound to production-sub, via sign-in"},
		"no line":            {func(n *Newcomer) { n.Line.Err = ErrMissing }, "ledger line", Failure, "no line of staging-sub"},
		"unread line":        {func(n *Newcomer) { n.Line.Err = errOutage }, "ledger line", Warning, "HTTP 500"},
		"unbound":            {func(n *Newcomer) { n.Line.Value.ProductionSub = "" }, "ledger line", Failure, "nobody is bound to it after 1m0s"},
		"another's":          {func(n *Newcomer) { n.Line.Value.ProductionSub = "x" }, "ledger line", Failure, "bound to x"},
		"moving":             {func(n *Newcomer) { n.Line.Value.State, n.Line.Value.LastError = ledger.Moving, "key" }, "ledger line", Failure, "moving after 1m0s (key)"},
		"another path":       {func(n *Newcomer) { n.Line.Value.Via = ledger.Sweep }, "ledger line", Failure, "via sweep"},
		"rows":               {func(*Newcomer) {}, "rows", OK, "P: all 3 rows arrived"},
		"one row":            {func(n *Newcomer) { n.Rows[0].Staging, n.Rows[0].Found = 1, 1 }, "rows", OK, "the one row arrived"},
		"rows missing":       {func(n *Newcomer) { n.Rows[0].Found = 2 }, "rows", Failure, "P: 2 of 3 rows arrived"},
		"no rows":            {func(n *Newcomer) { n.Rows[0] = Moved{Table: "P"} }, "rows", Warning, "they had none"},
		"unread rows":        {func(n *Newcomer) { n.Rows[0].Err = errOutage }, "rows", Warning, "P: HTTP 500"},
		"nobody":             {func(n *Newcomer) { n.Staging = nil }, "canary user", Failure, "0 users in staging"},
		"disabled":           {func(n *Newcomer) { n.Staging[0].Enabled = false }, "canary user", Failure, "disabled; nothing was done"},
		"came over":          {func(n *Newcomer) { n.Before = n.Line }, "canary user", Failure, "came over before"},
		"in production":      {func(n *Newcomer) { n.Production.Value = 1 }, "canary user", Failure, "already"},
		"ledger unread":      {func(n *Newcomer) { n.Before.Err = errOutage }, "canary user", Failure, "ledger could not be read"},
		"production unknown": {func(n *Newcomer) { n.Production.Err = errOutage }, "canary user", Failure, "could not be looked up"},
	} {
		t.Run(name, func(t *testing.T) {
			var r Report
			n := newcomer()
			tt.change(&n)
			r.JudgeNewcomer(n, time.Time{})
			found := map[string]Finding{}
			for _, f := range r.Findings {
				found[f.Check] = f
			}
			assert.Equal(t, tt.want, found[tt.check].Level)
			assert.Contains(t, found[tt.check].Found, tt.says)
		})
	}
}
