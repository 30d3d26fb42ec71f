package check

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const poolARN = "arn:aws:cognito-idp:us-west-2:123456789012:userpool/us-west-2_prod"

var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func longest(n float64) *float64 { return &n }

// policyFor lets Cognito invoke a function under a condition.
func policyFor(condition string) string {
	return `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},` +
		`"Action":"lambda:InvokeFunction","Resource":"arn","Condition":{` + condition + `}}]}`
}

// wellDone is a migration of which every check is ok.
func wellDone() Facts {
	const function = "arn:aws:lambda:us-west-2:123456789012:function:"
	text := Attribute{Type: "String", Mutable: true, Max: longest(2048)}
	policy := Seen[string]{Value: policyFor(`"ArnLike":{"AWS:SourceArn":"` + poolARN + `"}`)}
	table := func(name string, keys ...Key) Seen[Table] {
		return Seen[Table]{Value: Table{Name: name, Status: "ACTIVE", Keys: keys, Protected: true, Recovery: Seen[bool]{Value: true}}}
	}
	return Facts{
		Settings: settings.Settings{
			StagingUserPoolID: "us-west-2_staging", StagingClientID: "trigger", StagingRoleARN: "arn:aws:iam::111111111111:role/bulk",
			StagingExternalID: "x", ProductionUserPoolID: "us-west-2_prod", LedgerTable: "L", CustomAttributes: []string{"custom:plan"},
			MFAUsers: settings.MFAReset,
		},
		Now:             now,
		Operator:        Identity{ARN: "arn:aws:sts::123456789012:assumed-role/ops/ada", Account: "123456789012"},
		StagingOperator: Seen[Identity]{Value: Identity{ARN: "arn:aws:sts::111111111111:assumed-role/bulk/ada", Account: "111111111111"}},
		Production: Seen[Pool]{Value: Pool{
			ID: "us-west-2_prod", Name: "prod", ARN: poolARN, Users: 12, Protected: true, UsernameAttributes: []string{"email"},
			Schema: map[string]Attribute{
				"sub": {Type: "String", Required: true}, "email": text, "name": {Type: "String", Required: true}, "custom:plan": text,
				"custom:staging_sub": {Type: "String", Max: longest(2048)},
			},
			Triggers: map[string]string{
				"UserMigration": function + "trigger", "PostConfirmation": function + "datamover", "PostAuthentication": function + "datamover",
			},
			VerifyBeforeUpdate: []string{"email"}, AutoVerified: []string{"email"}, Recovery: []string{"verified_email"}, OwnSender: true,
			MFA: "OFF", Passwords: PasswordPolicy{MinimumLength: 8, Lower: true},
		}},
		Staging: Seen[Pool]{Value: Pool{
			ID: "us-west-2_staging", Name: "staging", ARN: "arn:aws:cognito-idp:us-west-2:111111111111:userpool/us-west-2_staging",
			Schema: map[string]Attribute{"custom:plan": text}, MFA: "OFF",
		}},
		ProductionClients: Seen[[]Client]{Value: []Client{
			{ID: "web1", Name: "web", Flows: []string{"ALLOW_USER_PASSWORD_AUTH"}, Writes: []string{"email"}, HidesUsers: true},
		}},
		StagingClients: Seen[[]Client]{Value: []Client{{ID: "trigger", Writes: []string{"email"}}}},
		TriggerClient:  Seen[Client]{Value: Client{ID: "trigger", Flows: []string{"ALLOW_ADMIN_USER_PASSWORD_AUTH"}}},
		Policies:       map[string]Seen[string]{function + "trigger": policy, function + "datamover": policy},
		People:         Seen[Census]{Value: Census{Total: 100, Eligible: 100}},
		Bound:          Seen[int]{Value: 10},
		Ledger:         table("L", Key{"stagingSub", "S"}),
		Tables: []TablePair{{
			Table: settings.Table{Source: "P-staging", Target: "P-prod", OwnerKey: "userSub"},
			From:  table("P-staging", Key{"userSub", "S"}, Key{"projectId", "S"}),
			To:    table("P-prod", Key{"userSub", "S"}, Key{"projectId", "S"}), Sample: Seen[Sample]{Value: Sample{Rows: 7, All: true}},
		}},
		Permissions: []Permission{{"production", "create users", "cognito-idp:AdminCreateUser", "us-west-2_prod", nil}},
	}
}

func TestAMigrationThatIsWellDone(t *testing.T) {
	r := Judge(wellDone())
	for _, f := range r.Findings {
		assert.Equal(t, OK, f.Level, "%s: %s: %s", f.Group, f.Check, f.Found)
		assert.Empty(t, f.Do)
		assert.NotEmpty(t, f.Found)
	}
	assert.False(t, r.Failed())
	assert.Empty(t, r.LeftOut)
	assert.Len(t, r.Findings, len(checks)+1, "one line a check, and one more of the second function")
}

var errOutage = errors.New("HTTP 500")

// TestChecks spoils one thing at a time and looks at what the check says that it belongs to.
func TestChecks(t *testing.T) {
	type spoil = func(*Facts)
	for _, tt := range []struct {
		check, what string
		spoil       spoil
		want        Level
		says        string
	}{
		{"production pool/pool", "not there", func(f *Facts) { f.Production.Err = ErrMissing }, Failure, "no pool us-west-2_prod in account 123456789012"},
		{"production pool/pool", "denied", func(f *Facts) { f.Production.Err = ErrAccessDenied }, Failure, "access denied"},
		{"production pool/pool", "same as staging", func(f *Facts) { f.Settings.StagingUserPoolID = "us-west-2_prod" }, Failure, "named as staging too"},
		{"production pool/pool", "unprotected", func(f *Facts) { f.Production.Value.Protected = false }, OK, "deletion protection is off"},
		{"production pool/pool", "told apart", func(*Facts) {}, OK, `"prod", us-west-2_prod, account 123456789012, us-west-2, about 12 users`},

		{"production pool/triggers", "one missing", func(f *Facts) { delete(f.Production.Value.Triggers, "PostAuthentication") }, Failure, "without a function: PostAuthentication"},
		{"production pool/triggers", "two hooks", func(f *Facts) { f.Production.Value.Triggers["PostConfirmation"] = "a:function:other" }, Warning, "PostConfirmation is other but"},
		{"production pool/other triggers", "one more", func(f *Facts) { f.Production.Value.Triggers["PreSignUp"] = "x" }, Warning, "PreSignUp"},
		{"production pool/other triggers", "the letter", func(f *Facts) { f.Production.Value.Triggers["CustomMessage"] = "x" }, OK, "none"},

		{"production pool/custom:staging_sub", "missing", func(f *Facts) { delete(f.Production.Value.Schema, "custom:staging_sub") }, Failure, "every import would be refused"},
		{"production pool/custom:staging_sub", "too short", func(f *Facts) {
			f.Production.Value.Schema["custom:staging_sub"] = Attribute{Type: "String", Max: longest(20)}
		}, Failure, "String up to 20"},
		{"production pool/custom:staging_sub", "a number", func(f *Facts) { f.Production.Value.Schema["custom:staging_sub"] = Attribute{Type: "Number"} }, Failure, "Number"},
		{"production pool/custom:staging_sub", "mutable", func(f *Facts) {
			f.Production.Value.Schema["custom:staging_sub"] = Attribute{Type: "String", Mutable: true}
		}, Warning, "can be changed"},

		{"production pool/user names", "alias", func(f *Facts) {
			f.Production.Value.UsernameAttributes, f.Production.Value.Aliases = nil, []string{"email"}
		}, Failure, "nobody can be imported"},
		{"production pool/user names", "plain", func(f *Facts) { f.Production.Value.UsernameAttributes = nil }, Warning, "gets their e-mail for it"},
		{"production pool/case", "sensitive", func(f *Facts) { f.Production.Value.CaseSensitive = true }, Warning, "two users"},
		{"production pool/sign-up", "open", func(f *Facts) { f.Production.Value.SelfSignUp = true }, Warning, "anybody can take the address"},
		{"production pool/change of e-mail", "at once", func(f *Facts) { f.Production.Value.VerifyBeforeUpdate = nil }, Warning, "without having its mailbox"},

		{"production pool/custom attributes", "none", func(f *Facts) { f.Settings.CustomAttributes = nil }, OK, "none are carried over"},
		{"production pool/custom attributes", "unknown here", func(f *Facts) { delete(f.Production.Value.Schema, "custom:plan") }, Failure, "production does not know custom:plan"},
		{"production pool/custom attributes", "another type", func(f *Facts) { f.Production.Value.Schema["custom:plan"] = Attribute{Type: "Number"} }, Failure, "String up to 2048 in staging and Number"},
		{"production pool/custom attributes", "unknown there", func(f *Facts) { f.Staging.Value.Schema = nil }, Warning, "staging does not know"},

		{"production pool/e-mail sender", "default, few", func(f *Facts) {
			f.Production.Value.OwnSender, f.People.Value.Eligible = false, 60
		}, Warning, "at most 50 e-mails a day; a sweep now would send 50"},
		{"production pool/e-mail sender", "default, many", func(f *Facts) {
			f.Production.Value.OwnSender, f.People.Value.Eligible = false, 1061
		}, Failure, "would send 1,051"},
		{"production pool/e-mail sender", "default, unknown", func(f *Facts) {
			f.Production.Value.OwnSender, f.People.Err = false, ErrAccessDenied
		}, Warning, "at most 50"},
		{"production pool/e-mail sender", "a function", func(f *Facts) {
			f.Production.Value.OwnSender, f.Production.Value.Triggers["CustomEmailSender"] = false, "x"
		}, OK, "CustomEmailSender"},

		{"production pool/recovery", "by telephone", func(f *Facts) { f.Production.Value.Recovery = []string{"verified_phone_number"} }, Failure, "verified_phone_number only"},
		{"production pool/recovery", "telephone first", func(f *Facts) { f.Production.Value.Recovery = []string{"verified_phone_number", "verified_email"} }, Warning, "first by verified_phone_number"},
		{"production pool/recovery", "unsaid", func(f *Facts) { f.Production.Value.Recovery = nil }, Warning, "does not say"},
		{"production pool/recovery", "not verified", func(f *Facts) { f.Production.Value.AutoVerified = nil }, Warning, "does not verify"},
		{"production pool/passwords", "a note", func(f *Facts) { f.Production.Value.Passwords.Symbols = true }, OK, "8 characters, a lower-case letter and a symbol"},

		{"app clients/password sign-in", "SRP only", func(f *Facts) { f.ProductionClients.Value[0].Flows = []string{"ALLOW_USER_SRP_AUTH"} }, Failure, "no app client has USER_PASSWORD_AUTH"},
		{"app clients/password sign-in", "unread", func(f *Facts) { f.ProductionClients.Err = ErrAccessDenied }, Failure, "could not be read"},
		{"app clients/password sign-in", "one of two", func(f *Facts) {
			f.ProductionClients.Value = append(f.ProductionClients.Value, Client{ID: "ios1", Name: "ios"})
		}, OK, "web (web1) can; nobody comes over through ios (ios1)"},
		{"app clients/write lists", "none given", func(f *Facts) { f.ProductionClients.Value[0].Writes = nil }, Failure, "users of web (web1) may write"},
		{"app clients/write lists", "named", func(f *Facts) { f.ProductionClients.Value[0].Writes = []string{"custom:staging_sub"} }, Failure, "claim to have been somebody else"},
		{"app clients/hidden users", "open", func(f *Facts) { f.ProductionClients.Value[0].HidesUsers = false }, Warning, "tell a stranger"},

		{"staging pool/role", "none", func(f *Facts) { f.Settings.StagingRoleARN = "" }, OK, "in this account, 123456789012"},
		{"permissions/operator", "somebody else", func(f *Facts) { f.OperatorRole = "arn:aws:iam::123456789012:role/team/bulk" }, Warning, "assumed-role/ops/ada, who is not"},
		{"permissions/operator", "the stack's", func(f *Facts) { f.OperatorRole = "arn:aws:iam::123456789012:role/team/ops" }, OK, "assumed-role/ops/ada"},
		{"staging pool/role", "denied to somebody else", func(f *Facts) {
			f.StagingOperator.Err, f.OperatorRole = ErrAccessDenied, "arn:aws:iam::123456789012:role/bulk"
		}, Failure, "cannot be assumed (access denied)"},
		{"staging pool/role", "denied", func(f *Facts) { f.StagingOperator.Err = ErrAccessDenied }, Failure, "cannot be assumed (access denied)"},
		{"staging pool/role", "no external id", func(f *Facts) { f.Settings.StagingExternalID = "" }, Warning, "without an external id"},
		{"staging pool/pool", "not there", func(f *Facts) { f.Staging.Err = ErrMissing }, Failure, "no pool us-west-2_staging in account 111111111111"},
		{"staging pool/pool", "denied", func(f *Facts) { f.Staging.Err = ErrAccessDenied }, Failure, "access denied"},
		{"staging pool/trigger's client", "unset", func(f *Facts) { f.Settings.StagingClientID = "" }, Warning, "not set"},
		{"staging pool/trigger's client", "not there", func(f *Facts) { f.TriggerClient.Err = ErrMissing }, Failure, "no app client trigger"},
		{"staging pool/trigger's client", "denied", func(f *Facts) { f.TriggerClient.Err = ErrAccessDenied }, Warning, "could not be looked at"},
		{"staging pool/trigger's client", "secret", func(f *Facts) { f.TriggerClient.Value.HasASecret = true }, Failure, "has a secret"},
		{"staging pool/trigger's client", "no flow", func(f *Facts) { f.TriggerClient.Value.Flows = nil }, Failure, "ADMIN_USER_PASSWORD_AUTH"},
		{"staging pool/sign-up", "open", func(f *Facts) { f.Staging.Value.SelfSignUp = true }, Warning, "without a cut-off"},
		{"staging pool/sign-up", "cut off", func(f *Facts) {
			f.Staging.Value.SelfSignUp, f.Settings.StagingCutoff = true, now.Add(-time.Hour)
		}, OK, "2026-01-31T11:00:00Z stays"},
		{"staging pool/sign-up", "cut off later", func(f *Facts) {
			f.Staging.Value.SelfSignUp, f.Settings.StagingCutoff = true, now.Add(time.Hour)
		}, Warning, "still to come"},
		{"staging pool/writable attributes", "all", func(f *Facts) { f.StagingClients.Value[0].Writes = nil }, Warning, "may write custom:plan"},
		{"staging pool/writable attributes", "unread", func(f *Facts) { f.StagingClients.Err = ErrAccessDenied }, Warning, "could not be looked at"},
		{"staging pool/writable attributes", "none", func(f *Facts) { f.Settings.CustomAttributes = nil }, OK, "no custom attribute"},
		{"staging pool/case", "sensitive", func(f *Facts) { f.Staging.Value.CaseSensitive = true }, Warning, "two users"},
		{"staging pool/second factors", "reset", func(f *Facts) { f.Staging.Value.MFA = "OPTIONAL" }, OK, "sets a new password"},
		{"staging pool/second factors", "everybody", func(f *Facts) { f.Staging.Value.MFA = "ON" }, Warning, "nobody's password is kept"},
		{"staging pool/second factors", "refuse", func(f *Facts) {
			f.Staging.Value.MFA, f.Settings.MFAUsers = "OPTIONAL", settings.MFARefuse
		}, Warning, "stays behind"},
		{"staging pool/second factors", "refuse everybody", func(f *Facts) {
			f.Staging.Value.MFA, f.Settings.MFAUsers = "ON", settings.MFARefuse
		}, Warning, "nobody can come over by themselves"},
		{"staging pool/second factors", "accept", func(f *Facts) {
			f.Staging.Value.MFA, f.Settings.MFAUsers = "OPTIONAL", settings.MFAAccept
		}, Warning, "by password alone"},
		{"staging pool/second factors", "asked here", func(f *Facts) { f.Production.Value.MFA = "ON" }, Warning, "none comes over"},
		{"staging pool/own triggers", "one", func(f *Facts) { f.Staging.Value.Triggers = map[string]string{"PreAuthentication": "x"} }, Warning, "PreAuthentication"},
		{"staging pool/groups", "some", func(f *Facts) { f.Groups.Value = []string{"admins", "pilots"} }, Warning, "not moved: admins and pilots"},
		{"staging pool/groups", "denied", func(f *Facts) { f.Groups.Err = ErrAccessDenied }, Warning, "could not be looked at"},

		{"people/eligible", "some not", func(f *Facts) {
			f.People.Value.Eligible, f.People.Value.Ineligible = 97, map[userpool.Reason]int{userpool.Disabled: 2, userpool.NotConfirmed: 1}
		}, Warning, "97 of 100 staging users can come over (1 not confirmed, 2 disabled)"},
		{"people/eligible", "nobody", func(f *Facts) { f.People.Value.Eligible = 0 }, Warning, "0 of 100"},
		{"people/eligible", "denied", func(f *Facts) { f.People.Err = ErrAccessDenied }, Failure, "could not be listed"},
		{"people/verified e-mail", "some without", func(f *Facts) { f.People.Value.Ineligible = map[userpool.Reason]int{userpool.EmailUnverified: 3} }, Warning, "3 accounts"},
		{"people/same address", "some", func(f *Facts) {
			f.People.Value.SameAddress, f.People.Value.SameExamples = 4, []string{"A@x.org", "b@x.org", "C@x.org"}
		}, Warning, "A@x.org, b@x.org, C@x.org and 1 more"},
		{"people/required attributes", "lacking", func(f *Facts) { f.People.Value.Lacking = map[string]int{"name": 2} }, Failure, "name (2 users)"},
		{"people/required attributes", "unknown", func(f *Facts) { f.Production.Err = errOutage }, Warning, "could not be looked at (HTTP 500)"},
		{"people/fitting attributes", "too long", func(f *Facts) { f.People.Value.Unfit = map[string]int{"custom:plan": 1} }, Failure, "custom:plan (1 user)"},
		{"people/fitting attributes", "unknown", func(f *Facts) { f.Production.Err = errOutage }, Warning, "could not be looked at"},
		{"people/dropped attributes", "some", func(f *Facts) { f.People.Value.Dropped = map[string]int{"custom:note": 5} }, Warning, "custom:note (5 users)"},

		{"tables/ledger", "not there", func(f *Facts) { f.Ledger.Err = ErrMissing }, Failure, "there is no table L"},
		{"tables/ledger", "denied", func(f *Facts) { f.Ledger.Err = ErrAccessDenied }, Failure, "could not be read"},
		{"tables/ledger", "another key", func(f *Facts) { f.Ledger.Value.Keys = []Key{{"id", "S"}} }, Failure, "the key of L is id (S)"},
		{"tables/ledger", "being made", func(f *Facts) { f.Ledger.Value.Status = "CREATING" }, Failure, "CREATING"},
		{"tables/keys", "no source", func(f *Facts) { f.Tables[0].From.Err = ErrMissing }, Failure, "no table P-staging"},
		{"tables/keys", "target denied", func(f *Facts) { f.Tables[0].To.Err = ErrAccessDenied }, Failure, "P-prod could not be read"},
		{"tables/keys", "another owner", func(f *Facts) { f.Tables[0].OwnerKey = "id" }, Failure, "not id (S) first"},
		{"tables/keys", "being deleted", func(f *Facts) { f.Tables[0].To.Value.Status = "DELETING" }, Failure, "DELETING"},
		{"tables/keys", "another type", func(f *Facts) { f.Tables[0].To.Value.Keys = []Key{{"userSub", "S"}, {"projectId", "N"}} }, Failure, "projectId (N)"},
		{"tables/streams", "on", func(f *Facts) { f.Tables[0].To.Value.Stream = true }, Warning, "P-prod has a stream"},
		{"tables/streams", "unread", func(f *Facts) { f.Tables[0].To.Err = ErrAccessDenied }, Warning, "could not be looked at"},
		{"tables/time to live", "on", func(f *Facts) { f.Tables[0].To.Value.TimeToLive.Value = "expires" }, Warning, "whose expires has passed"},
		{"tables/time to live", "denied", func(f *Facts) { f.Tables[0].To.Value.TimeToLive.Err = ErrAccessDenied }, Warning, "could not be looked at"},
		{"tables/time to live", "no table", func(f *Facts) { f.Tables[0].To.Err = ErrMissing }, Warning, "could not be looked at"},
		{"tables/files", "buckets", func(f *Facts) { f.Tables[0].Sample.Value = Sample{Rows: 500, Buckets: map[string]int{"b": 1, "a": 3}} }, Warning, "in 500 rows of P-staging S3 buckets are named: a (3 rows), b (1 row)"},
		{"tables/files", "denied", func(f *Facts) { f.Tables[0].Sample.Err = ErrAccessDenied }, Warning, "could not be looked at"},
		{"tables/protection", "none", func(f *Facts) {
			f.Ledger.Value.Protected, f.Ledger.Value.Recovery.Value, f.Tables[0].To.Value.Recovery.Err = false, false, ErrAccessDenied
		}, OK, "L: point-in-time recovery off, deletion protection off; P-prod: point-in-time recovery unknown, deletion protection on"},

		{"permissions/operator", "named", func(*Facts) {}, OK, "assumed-role/ops/ada"},
		{"permissions/allowed", "denied", func(f *Facts) {
			f.Permissions = append(f.Permissions, Permission{"production", "create users", "cognito-idp:AdminSetUserPassword", "us-west-2_prod", ErrAccessDenied})
		}, Failure, "create users in production (us-west-2_prod): AccessDenied to cognito-idp:AdminSetUserPassword"},
		{"permissions/allowed", "not to attach", func(f *Facts) {
			f.Permissions = []Permission{{"production", Attaching, "cognito-idp:UpdateUserPoolClient", "us-west-2_prod", ErrAccessDenied}}
		}, Warning, "attach the triggers in production (us-west-2_prod): AccessDenied to cognito-idp:UpdateUserPoolClient"},
		{"permissions/allowed", "untried", func(f *Facts) {
			f.Permissions = append(f.Permissions, Permission{"production", "create users", "cognito-idp:UpdateUserPool", "us-west-2_prod", ErrUntried})
		}, Warning, "AdminCreateUser; not tried, since no call is sure to change nothing: cognito-idp:UpdateUserPool"},
		{"permissions/allowed", "untold", func(f *Facts) { f.Permissions[0].Err = errOutage }, Warning, "cognito-idp:AdminCreateUser could not be tried (HTTP 500)"},
	} {
		t.Run(tt.check+"/"+tt.what, func(t *testing.T) {
			f := wellDone()
			tt.spoil(&f)
			var said []string
			for _, found := range Judge(f).Findings {
				if string(found.Group)+"/"+found.Check != tt.check {
					continue
				}
				said = append(said, found.Found)
				assert.Equal(t, tt.want, found.Level, found.Found)
				assert.Equal(t, tt.want != OK, found.Do != "" || unexplained[tt.check], "what to do: %q", found.Do)
			}
			require.Len(t, said, 1)
			assert.Contains(t, said[0], tt.says)
		})
	}
}

func TestToAttach(t *testing.T) {
	assert.False(t, wellDone().ToAttach())
	for what, spoil := range map[string]func(*Facts){
		"a trigger":   func(f *Facts) { delete(f.Production.Value.Triggers, "UserMigration") },
		"attribute":   func(f *Facts) { delete(f.Production.Value.Schema, "custom:staging_sub") },
		"write lists": func(f *Facts) { f.ProductionClients.Value[0].Writes = nil },
	} {
		f := wellDone()
		spoil(&f)
		assert.True(t, f.ToAttach(), what)
		f.Production.Err = ErrAccessDenied
		assert.False(t, f.ToAttach(), "nobody knows")
	}
}

// unexplained checks lean on another one, which says what to do.
var unexplained = map[string]bool{
	"people/required attributes": true, "people/fitting attributes": true, "tables/streams": true, "tables/time to live": true,
}

func TestWhatHasNoBasisIsLeftOut(t *testing.T) {
	f := wellDone()
	f.ProductionClients.Err, f.People.Err = ErrAccessDenied, ErrAccessDenied
	r := Judge(f)
	assert.Equal(t, []string{
		"app clients: write lists", "app clients: hidden users", "people: verified e-mail", "people: same address",
		"people: required attributes", "people: fitting attributes", "people: dropped attributes",
	}, r.LeftOut)
	assert.Equal(t, 2, r.Failures)
	assert.Contains(t, r.closing(), "7 checks were left out, because of what failed above: app clients: write lists,")
}

func TestMayCognitoInvoke(t *testing.T) {
	source := func(operator, arn string) string {
		return policyFor(fmt.Sprintf(`%q:{"AWS:SourceArn":%q}`, operator, arn))
	}
	for name, tt := range map[string]struct {
		policy Seen[string]
		want   Level
		says   string
	}{
		"this pool":           {Seen[string]{Value: source("ArnLike", poolARN)}, OK, "may invoke trigger for this pool"},
		"exactly":             {Seen[string]{Value: source("StringEquals", poolARN)}, OK, "for this pool"},
		"with a star":         {Seen[string]{Value: source("ArnLike", "arn:aws:cognito-idp:*:*:userpool/us-west-2_*")}, OK, "for this pool"},
		"another pool":        {Seen[string]{Value: source("ArnLike", poolARN+"2")}, Failure, "does not let Cognito invoke it"},
		"account alone":       {Seen[string]{Value: policyFor(`"StringEquals":{"AWS:SourceAccount":"123456789012"}`)}, OK, "for this pool"},
		"another account":     {Seen[string]{Value: policyFor(`"StringEquals":{"AWS:SourceAccount":"1"},"ArnLike":{"AWS:SourceArn":"` + poolARN + `"}`)}, Failure, "does not let"},
		"both":                {Seen[string]{Value: policyFor(`"StringEquals":{"AWS:SourceAccount":["123456789012"]},"ArnLike":{"AWS:SourceArn":["` + poolARN + `"]}`)}, OK, "for this pool"},
		"any pool":            {Seen[string]{Value: policyFor("")}, Warning, "any pool of any account"},
		"unknown operator":    {Seen[string]{Value: source("ArnNotLike", poolARN)}, Failure, "does not let"},
		"somebody else":       {Seen[string]{Value: `{"Statement":[{"Effect":"Allow","Principal":{"Service":["s3.amazonaws.com"]},"Action":"lambda:*"}]}`}, Failure, "does not let"},
		"everybody":           {Seen[string]{Value: `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*"}]}`}, Warning, "any pool"},
		"denied":              {Seen[string]{Value: `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*"}]}`}, Failure, "does not let"},
		"another action":      {Seen[string]{Value: `{"Statement":[{"Effect":"Allow","Principal":"*","Action":["lambda:GetFunction"]}]}`}, Failure, "does not let"},
		"no policy":           {Seen[string]{Err: ErrMissing}, Failure, "nobody may invoke it"},
		"not to be looked at": {Seen[string]{Err: ErrAccessDenied}, Warning, "could not be looked at (access denied)"},
		"not JSON":            {Seen[string]{Value: "x"}, Failure, "does not let"},
	} {
		t.Run(name, func(t *testing.T) {
			f := wellDone()
			f.Policies = map[string]Seen[string]{"f:function:trigger": tt.policy}
			v := f.mayCognitoInvoke("f:function:trigger")
			assert.Equal(t, tt.want, v.level)
			assert.Contains(t, v.found, tt.says)
			assert.Equal(t, tt.want != OK, v.do != "")
		})
	}
}
