package check

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

const (
	poolARN   = "arn:aws:cognito-idp:us-west-2:123456789012:userpool/us-west-2_prod"
	functions = "arn:aws:lambda:us-west-2:123456789012:function:"
	tables    = "arn:aws:dynamodb:us-west-2:123456789012:table/"
)

var (
	now       = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	errOutage = errors.New("HTTP 500")
)

// text is a String attribute of a pool's schema.
func text(name, longest string) types.SchemaAttributeType {
	return types.SchemaAttributeType{Name: &name, AttributeDataType: types.AttributeDataTypeString,
		StringAttributeConstraints: &types.StringAttributeConstraintsType{MaxLength: &longest}}
}

func number(name string) types.SchemaAttributeType {
	return types.SchemaAttributeType{Name: &name, AttributeDataType: types.AttributeDataTypeNumber}
}

// table describes a table whose key is given as name, type, name, type.
func table(name string, key ...string) Fact[dynamotypes.TableDescription] {
	t := dynamotypes.TableDescription{TableName: &name, TableStatus: "ACTIVE", TableArn: aws.String(tables + name)}
	for i := 0; i < len(key); i += 2 {
		t.KeySchema = append(t.KeySchema, dynamotypes.KeySchemaElement{AttributeName: &key[i]})
		t.AttributeDefinitions = append(t.AttributeDefinitions, dynamotypes.AttributeDefinition{
			AttributeName: &key[i], AttributeType: dynamotypes.ScalarAttributeType(key[i+1]),
		})
	}
	return Fact[dynamotypes.TableDescription]{Value: t}
}

func client(name string, flows ...types.ExplicitAuthFlowsType) types.UserPoolClientType {
	return types.UserPoolClientType{
		ClientId: aws.String(name + "1"), ClientName: &name, ExplicitAuthFlows: flows, WriteAttributes: []string{"email"},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	}
}

const (
	byEmail = types.RecoveryOptionNameTypeVerifiedEmail
	byPhone = types.RecoveryOptionNameTypeVerifiedPhoneNumber
)

func recoverBy(names ...types.RecoveryOptionNameType) *types.AccountRecoverySettingType {
	setting := &types.AccountRecoverySettingType{}
	for i, name := range names {
		setting.RecoveryMechanisms = append(setting.RecoveryMechanisms, types.RecoveryOptionType{
			Name: name, Priority: aws.Int32(int32(len(names) - i)), // the last comes first
		})
	}
	return setting
}

const policy = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},` +
	`"Action":"lambda:InvokeFunction","Resource":"arn","Condition":{"ArnLike":{"AWS:SourceArn":"` + poolARN + `"}}}]}`

func productionDescription() types.UserPoolType {
	mutable, required, sub := text("custom:plan", "2048"), text("name", "2048"), text("custom:staging_sub", "2048")
	mutable.Mutable, required.Required, sub.Mutable = aws.Bool(true), aws.Bool(true), aws.Bool(true)
	return types.UserPoolType{
		Id: aws.String("us-west-2_prod"), Name: aws.String("prod"), Arn: aws.String(poolARN), EstimatedNumberOfUsers: 12,
		UsernameAttributes:    []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		UsernameConfiguration: &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		SchemaAttributes: []types.SchemaAttributeType{
			text("sub", "2048"), text("email", "2048"), required, mutable, sub,
		},
		LambdaConfig: &types.LambdaConfigType{
			UserMigration: aws.String(functions + "trigger"), PostConfirmation: aws.String(functions + "datamover"),
			PostAuthentication: aws.String(functions + "datamover"),
		},
		AdminCreateUserConfig: &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		UserAttributeUpdateSettings: &types.UserAttributeUpdateSettingsType{
			AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		AccountRecoverySetting: recoverBy(byEmail),
		EmailConfiguration:     &types.EmailConfigurationType{EmailSendingAccount: types.EmailSendingAccountTypeDeveloper},
		MfaConfiguration:       types.UserPoolMfaTypeOff,
	}
}

func stagingDescription() types.UserPoolType {
	plan := text("custom:plan", "2048")
	plan.Mutable = aws.Bool(true)
	return types.UserPoolType{
		Id: aws.String("us-west-2_staging"), Name: aws.String("staging"), MfaConfiguration: types.UserPoolMfaTypeOff,
		Arn:                   aws.String("arn:aws:cognito-idp:us-west-2:111111111111:userpool/us-west-2_staging"),
		UsernameAttributes:    []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		UsernameConfiguration: &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		AdminCreateUserConfig: &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		SchemaAttributes: []types.SchemaAttributeType{
			plan, text("email", "2048"), text("name", "2048"), text("preferred_username", "2048"), text("birthdate", "10"),
		},
	}
}

func sesAccount(daily, sent float64) sesv2.GetAccountOutput {
	return sesv2.GetAccountOutput{ProductionAccessEnabled: true, SendingEnabled: true,
		SendQuota: &sestypes.SendQuota{Max24HourSend: daily, SentLast24Hours: sent}}
}

// allOK is a migration for which every check is ok.
func allOK() Facts {
	return Facts{
		Settings: settings.Settings{
			StagingUserPoolID: "us-west-2_staging", StagingClientID: "trigger1", StagingExternalID: "x",
			StagingRoleARN: "arn:aws:iam::111111111111:role/bulk", ProductionUserPoolID: "us-west-2_prod",
			LedgerTable: "L", CustomAttributes: []string{"custom:plan"}, MFAUsers: settings.MFAReset,
		},
		Now: now,
		Operator: sts.GetCallerIdentityOutput{
			Arn: aws.String("arn:aws:sts::123456789012:assumed-role/ops/ada"), Account: aws.String("123456789012"),
		},
		StagingAccount: Fact[string]{Value: "111111111111"}, ProductionRegion: "us-west-2", StagingRegion: "us-west-2",
		Production: Fact[types.UserPoolType]{Value: productionDescription()},
		Staging:    Fact[types.UserPoolType]{Value: stagingDescription()},
		ProductionClients: Fact[[]types.UserPoolClientType]{Value: []types.UserPoolClientType{
			client("web", types.ExplicitAuthFlowsTypeAllowUserPasswordAuth),
		}},
		StagingClients: Fact[[]types.UserPoolClientType]{Value: []types.UserPoolClientType{
			client("trigger", types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth),
		}},
		Policies: map[string]Fact[string]{functions + "trigger": {Value: policy}, functions + "datamover": {Value: policy}},
		Users: Fact[Statistics]{Value: Statistics{
			Statistics: users.Statistics{Total: 100, Eligible: 100}, Resets: 90,
		}},
		SES:    Fact[sesv2.GetAccountOutput]{Value: sesAccount(50000, 0)},
		Ledger: table("L", "stagingSub", "S"),
		Tables: []TablePair{{
			Table: settings.Table{Source: "P-staging", Target: "P-prod", OwnerKey: "userSub"},
			From:  table("P-staging", "userSub", "S", "projectId", "S"), To: table("P-prod", "userSub", "S", "projectId", "S"),
			Sample: Fact[Sample]{Value: Sample{Owners: 3, Rows: 7}},
		}},
	}
}

func TestAllOK(t *testing.T) {
	r := Run(allOK())
	for _, f := range r.Findings {
		assert.Equal(t, OK, f.Level, "%s: %s: %s", f.Group, f.Check, f.Found)
		assert.Empty(t, f.Remedy)
		assert.NotEmpty(t, f.Found)
	}
	assert.False(t, r.Failed())
	assert.Empty(t, r.Skipped)
	assert.Len(t, r.Findings, 50, "one per check, and one more of the second function")
}

// carrying has the group pilots carried over, to a production pool with these groups.
func carrying(production ...string) func(*Facts) {
	return func(f *Facts) {
		f.Settings.Groups, f.Groups.Value, f.ProductionGroups.Value = []string{"pilots"}, []string{"pilots"}, production
	}
}

// TestChecks changes one thing at a time, and looks at the check that it belongs to.
func TestChecks(t *testing.T) {
	type pool = types.UserPoolType
	production := func(change func(*pool)) func(*Facts) { return func(f *Facts) { change(&f.Production.Value) } }
	staging := func(change func(*pool)) func(*Facts) { return func(f *Facts) { change(&f.Staging.Value) } }
	app := func(change func(*types.UserPoolClientType)) func(*Facts) {
		return func(f *Facts) { change(&f.ProductionClients.Value[0]) }
	}
	triggerClient := func(change func(*types.UserPoolClientType)) func(*Facts) {
		return func(f *Facts) { change(&f.StagingClients.Value[0]) }
	}
	first := func(change func(*TablePair)) func(*Facts) { return func(f *Facts) { change(&f.Tables[0]) } }
	schema := func(p *pool, i int, a types.SchemaAttributeType) { p.SchemaAttributes[i] = a }
	defaultSender := func(f *Facts, resets int) {
		f.Production.Value.EmailConfiguration.EmailSendingAccount = types.EmailSendingAccountTypeCognitoDefault
		f.Users.Value.Resets, f.SES.Value = resets, sesv2.GetAccountOutput{}
	}
	ses := func(change func(*sesv2.GetAccountOutput)) func(*Facts) {
		return func(f *Facts) { change(&f.SES.Value) }
	}
	factors := func(out cognito.GetUserPoolMfaConfigOutput) func(*Facts) {
		return func(f *Facts) {
			f.Staging.Value.MfaConfiguration, f.Factors.Value = types.UserPoolMfaTypeOptional, out
		}
	}
	mfa := func(staging types.UserPoolMfaType, policy settings.MFAPolicy) func(*Facts) {
		return func(f *Facts) { f.Staging.Value.MfaConfiguration, f.Settings.MFAUsers = staging, policy }
	}
	for _, tt := range []struct {
		check, what string
		change      func(*Facts)
		want        Level
		says        string
	}{
		{"production pool/pool", "missing", func(f *Facts) { f.Production.Err = errNotFound }, Failure,
			"no pool us-west-2_prod in us-west-2, account 123456789012"},
		{"production pool/pool", "denied", func(f *Facts) { f.Production.Err = errAccessDenied }, Failure, "access denied"},
		{"production pool/pool", "same as staging", func(f *Facts) {
			f.Settings.StagingUserPoolID = "us-west-2_prod"
		}, Failure,
			"us-west-2_prod is the staging pool too"},
		{"production pool/pool", "described", func(*Facts) {}, OK,
			`"prod", us-west-2_prod, account 123456789012, us-west-2, about 12 users`},

		{"production pool/triggers", "one missing", production(func(p *pool) {
			p.LambdaConfig.PostAuthentication = nil
		}), Failure,
			"without a function: PostAuthentication"},
		{"production pool/triggers", "none", production(func(p *pool) { p.LambdaConfig = nil }), Failure,
			"without a function: UserMigration, PostConfirmation and PostAuthentication"},
		{"production pool/triggers", "two hooks", production(func(p *pool) {
			p.LambdaConfig.PostConfirmation = aws.String("a:function:other")
		}), Warning, "PostConfirmation is other but PostAuthentication is datamover"},
		{"production pool/other triggers", "one more", production(func(p *pool) {
			p.LambdaConfig.PreSignUp = aws.String("x")
		}), Warning,
			"PreSignUp"},
		{"production pool/other triggers", "the reset email", production(func(p *pool) {
			p.LambdaConfig.CustomMessage = aws.String("x")
		}), OK, "none"},

		{"production pool/custom:staging_sub", "missing", production(func(p *pool) {
			p.SchemaAttributes = p.SchemaAttributes[:4]
		}),
			Failure, "Cognito rejects every import"},
		{"production pool/custom:staging_sub", "too short", production(func(p *pool) {
			schema(p, 4, text("custom:staging_sub", "20"))
		}),
			Failure, "cannot hold a user's id of 36 characters (String)"},
		{"production pool/custom:staging_sub", "a number", production(func(p *pool) {
			schema(p, 4, number("custom:staging_sub"))
		}),
			Failure, "(Number)"},
		{"production pool/custom:staging_sub", "mutable", func(*Facts) {}, OK, "mutable"},
		{"production pool/custom:staging_sub", "immutable", production(func(p *pool) {
			p.SchemaAttributes[4].Mutable = aws.Bool(false)
		}), Warning, "immutable: nothing but --canary-user proves"},
		{"production pool/custom:staging_sub", "not said", production(func(p *pool) {
			p.SchemaAttributes[4].Mutable = nil
		}), Warning, "immutable"},

		{"production pool/user names", "alias", production(func(p *pool) {
			p.UsernameAttributes, p.AliasAttributes = nil, []types.AliasAttributeType{types.AliasAttributeTypeEmail}
		}), Failure, "no user can be imported"},
		{"production pool/user names", "plain", production(func(p *pool) { p.UsernameAttributes = nil }), Warning,
			"that of a migrated user is their email"},
		{"production pool/case", "sensitive", production(func(p *pool) {
			p.UsernameConfiguration.CaseSensitive = aws.Bool(true)
		}), Warning,
			"two users"},
		{"production pool/case", "not set", production(func(p *pool) { p.UsernameConfiguration = nil }), Warning,
			"two users"},
		{"production pool/case", "sensitive, with capitals", func(f *Facts) {
			f.Production.Value.UsernameConfiguration, f.Users.Value.Capitals = nil, 3
		}, Failure, "(UsernameConfiguration: CaseSensitive true), but in staging 3 users have an email with capitals"},
		{"production pool/case", "insensitive, with capitals", func(f *Facts) { f.Users.Value.Capitals = 3 }, OK,
			"same user"},
		{"production pool/devices", "remembered", production(func(p *pool) {
			p.DeviceConfiguration = &types.DeviceConfigurationType{DeviceOnlyRememberedOnUserPrompt: true}
		}), Warning, "device tracking is on"},
		{"production pool/sign-up", "open", production(func(p *pool) {
			p.AdminCreateUserConfig.AllowAdminCreateUserOnly = false
		}), Warning,
			"anyone can take the email of a staging user"},
		{"production pool/sign-up", "not set", production(func(p *pool) { p.AdminCreateUserConfig = nil }), Warning,
			"anyone"},
		{"production pool/change of email", "at once", production(func(p *pool) {
			p.UserAttributeUpdateSettings = nil
		}), Warning,
			"without verifying it"},

		{"production pool/custom attributes", "none", func(f *Facts) { f.Settings.CustomAttributes = nil }, OK,
			"none are copied"},
		{"production pool/custom attributes", "missing in production", production(func(p *pool) {
			schema(p, 3, number("custom:x"))
		}),
			Failure, "production does not have custom:plan"},
		{"production pool/custom attributes", "another type", production(func(p *pool) {
			schema(p, 3, number("custom:plan"))
		}), Failure,
			"custom:plan is String in staging and Number in production"},
		{"production pool/custom attributes", "missing in staging", staging(func(p *pool) {
			p.SchemaAttributes = nil
		}), Warning,
			"staging does not have custom:plan"},
		{"production pool/custom attributes", "staging unknown", func(f *Facts) {
			f.Staging.Value, f.Staging.Err = pool{}, errOutage
		}, OK, "production has custom:plan"},

		{"production pool/email sender", "default, few", func(f *Facts) { defaultSender(f, 50) }, Warning,
			"at most 50 emails a day; a sweep now would send 50"},
		{"production pool/email sender", "default, many", func(f *Facts) { defaultSender(f, 1051) }, Failure,
			"would send 1,051"},
		{"production pool/email sender", "default, unknown", func(f *Facts) {
			defaultSender(f, 0)
			f.Users.Err = errAccessDenied
		}, Warning, "at most 50"},
		{"production pool/email sender", "a function", func(f *Facts) {
			defaultSender(f, 1051)
			sender := &types.CustomEmailLambdaVersionConfigType{LambdaArn: aws.String("x")}
			f.Production.Value.LambdaConfig.CustomEmailSender = sender
		}, OK, "(CustomEmailSender), so Cognito's limits do not apply; make sure that it can send one email per user"},
		{"production pool/email sender", "SES", func(*Facts) {}, OK,
			"a daily quota of 50,000 emails"},
		{"production pool/email sender", "SES, users unread", func(f *Facts) {
			f.Users.Err, f.Users.Value.Resets = errAccessDenied, 0
		}, OK, "a daily quota of 50,000 emails"},
		{"production pool/email sender", "SES without a quota", ses(func(a *sesv2.GetAccountOutput) {
			a.SendQuota.Max24HourSend = -1
		}), OK, "without a daily quota"},
		{"production pool/email sender", "SES quota too low", ses(func(a *sesv2.GetAccountOutput) {
			*a = sesAccount(89, 0)
		}), Warning, "a daily quota of 89 emails, of which 0 were sent in the last 24 hours; a sweep now would send 90"},
		{"production pool/email sender", "SES quota used", ses(func(a *sesv2.GetAccountOutput) {
			*a = sesAccount(200, 111)
		}), Warning, "a daily quota of 200 emails, of which 111 were sent"},
		{"production pool/email sender", "SES quota just enough", ses(func(a *sesv2.GetAccountOutput) {
			*a = sesAccount(200, 110)
		}), OK, "200"},
		{"production pool/email sender", "SES sandbox", ses(func(a *sesv2.GetAccountOutput) {
			*a = sesAccount(200, 0)
			a.ProductionAccessEnabled = false
		}), Warning, "in the sandbox (daily quota: 200 emails)"},
		{"production pool/email sender", "SES paused", ses(func(a *sesv2.GetAccountOutput) {
			a.SendingEnabled = false
		}), Warning, "SES has paused"},
		{"production pool/email sender", "SES denied", func(f *Facts) {
			f.SES = Fact[sesv2.GetAccountOutput]{Err: errAccessDenied}
		}, Warning, "could not be read (access denied)"},
		{"production pool/email sender", "a function, and SES in the sandbox", func(f *Facts) {
			sender := &types.CustomEmailLambdaVersionConfigType{LambdaArn: aws.String("x")}
			f.Production.Value.LambdaConfig.CustomEmailSender, f.SES.Value.ProductionAccessEnabled = sender, false
		}, OK, "CustomEmailSender"},

		{"production pool/recovery", "by telephone", production(func(p *pool) {
			p.AccountRecoverySetting = recoverBy(byPhone)
		}), Failure, "not by email, but by 1. verified_phone_number"},
		{"production pool/recovery", "telephone first", production(func(p *pool) {
			p.AccountRecoverySetting = recoverBy(byEmail, byPhone)
		}), Warning, "by 1. verified_phone_number, 2. verified_email"},
		{"production pool/recovery", "email first", production(func(p *pool) {
			p.AccountRecoverySetting = recoverBy(byPhone, byEmail)
		}), OK, "by email"},
		{"production pool/recovery", "not set", production(func(p *pool) { p.AccountRecoverySetting = nil }), Warning,
			"not set"},
		{"production pool/recovery", "not verified", production(func(p *pool) { p.AutoVerifiedAttributes = nil }), Warning,
			"does not verify"},

		{"app clients/password sign-in", "SRP only", app(func(c *types.UserPoolClientType) {
			c.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth}
		}), Failure, "no app client has USER_PASSWORD_AUTH"},
		{"app clients/password sign-in", "legacy name", app(func(c *types.UserPoolClientType) {
			c.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeUserPasswordAuth}
		}), OK, "web (web1) can"},
		{"app clients/password sign-in", "denied", func(f *Facts) { f.ProductionClients.Err = errAccessDenied }, Failure,
			"could not be read"},
		{"app clients/password sign-in", "one of two", func(f *Facts) {
			f.ProductionClients.Value = append(f.ProductionClients.Value, client("ios"))
		}, OK, "web (web1) can; no user is migrated through ios (ios1)"},
		{"app clients/write lists", "empty", app(func(c *types.UserPoolClientType) { c.WriteAttributes = nil }), Failure,
			"users of web (web1) may write"},
		{"app clients/write lists", "named", app(func(c *types.UserPoolClientType) {
			c.WriteAttributes = []string{"custom:staging_sub"}
		}), Failure, "claim to have been another user"},
		{"app clients/hidden users", "open", app(func(c *types.UserPoolClientType) {
			c.PreventUserExistenceErrors = types.PreventUserExistenceErrorTypesLegacy
		}), Warning, "is not ENABLED for web (web1)"},
		{"app clients/hidden users", "hidden", func(*Facts) {}, OK, "PreventUserExistenceErrors is ENABLED"},

		{"app clients/USER_AUTH", "allowed", app(func(c *types.UserPoolClientType) {
			c.ExplicitAuthFlows = append(c.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowUserAuth)
		}), Warning, "web (web1) may use USER_AUTH"},
		{"app clients/managed login", "with a domain", func(f *Facts) {
			f.Production.Value.Domain = aws.String("spaceport")
			f.ProductionClients.Value[0].AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeCode}
		}, Warning, "users of web (web1) can sign in by managed login"},
		{"app clients/managed login", "with a custom domain", func(f *Facts) {
			f.Production.Value.CustomDomain = aws.String("sign-in.example.com")
			f.ProductionClients.Value[0].AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeImplicit}
		}, Warning, "web (web1)"},
		{"app clients/managed login", "without a domain", app(func(c *types.UserPoolClientType) {
			c.AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeCode}
		}), OK, "no app client"},
		{"app clients/managed login", "of a machine", func(f *Facts) {
			f.Production.Value.Domain = aws.String("spaceport")
			f.ProductionClients.Value[0].AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials}
		}, OK, "no app client"},

		{"staging pool/role", "none", func(f *Facts) { f.Settings.StagingRoleARN = "" }, OK, "in this account, 123456789012"},
		{"staging pool/role", "denied", func(f *Facts) { f.StagingAccount.Err = errAccessDenied }, Failure,
			"cannot be assumed (access denied)"},
		{"staging pool/role", "no external id", func(f *Facts) { f.Settings.StagingExternalID = "" }, Warning,
			"without an external id"},
		{"staging pool/pool", "missing", func(f *Facts) { f.Staging.Err = errNotFound }, Failure,
			"no pool us-west-2_staging in us-west-2, account 111111111111"},
		{"staging pool/pool", "denied", func(f *Facts) { f.Staging.Err = errAccessDenied }, Failure, "access denied"},
		{"staging pool/trigger's client", "not set", func(f *Facts) { f.Settings.StagingClientID = "" }, Warning, "not set"},
		{"staging pool/trigger's client", "missing", func(f *Facts) { f.Settings.StagingClientID = "other" }, Failure,
			"no app client other"},
		{"staging pool/trigger's client", "denied", func(f *Facts) { f.StagingClients.Err = errAccessDenied }, Warning,
			"could not be read"},
		{"staging pool/trigger's client", "secret", triggerClient(func(c *types.UserPoolClientType) {
			c.ClientSecret = aws.String("x")
		}),
			Failure, "has a secret"},
		{"staging pool/trigger's client", "no flow", triggerClient(func(c *types.UserPoolClientType) {
			c.ExplicitAuthFlows = nil
		}),
			Failure, "ADMIN_USER_PASSWORD_AUTH"},
		{"staging pool/trigger's client", "legacy name", triggerClient(func(c *types.UserPoolClientType) {
			c.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAdminNoSrpAuth}
		}), OK, "ADMIN_USER_PASSWORD_AUTH and no secret"},
		{"staging pool/sign-up", "open", staging(func(p *pool) { p.AdminCreateUserConfig = nil }), Warning,
			"without a cut-off"},
		{"staging pool/sign-up", "cut-off", func(f *Facts) {
			f.Staging.Value.AdminCreateUserConfig, f.Settings.StagingCutoff = nil, now.Add(-time.Hour)
		}, OK, "2026-01-31T11:00:00Z are not imported"},
		{"staging pool/sign-up", "cut-off later", func(f *Facts) {
			f.Staging.Value.AdminCreateUserConfig, f.Settings.StagingCutoff = nil, now.Add(time.Hour)
		}, Warning, "in the future"},
		{"staging pool/writable attributes", "all", triggerClient(func(c *types.UserPoolClientType) {
			c.WriteAttributes = nil
		}), Warning,
			"may write custom:plan"},
		{"staging pool/writable attributes", "denied", func(f *Facts) { f.StagingClients.Err = errAccessDenied }, Warning,
			"could not be read"},
		{"staging pool/writable attributes", "none", func(f *Facts) { f.Settings.CustomAttributes = nil }, OK,
			"no custom attribute"},
		{"staging pool/case", "sensitive", staging(func(p *pool) { p.UsernameConfiguration = nil }), Warning, "two users"},
		{"staging pool/codes", "off, whatever is configured", func(f *Facts) { f.Factors.Err = errAccessDenied }, OK,
			"no second factors"},
		{"staging pool/codes", "SMS", factors(cognito.GetUserPoolMfaConfigOutput{
			SmsMfaConfiguration: &types.SmsMfaConfigType{},
		}), Warning, "second factor by SMS or email: each migrating sign-in sends its users a code that no page asks for"},
		{"staging pool/codes", "email", factors(cognito.GetUserPoolMfaConfigOutput{
			EmailMfaConfiguration: &types.EmailMfaConfigType{},
		}), Warning, "SMS or email"},
		{"staging pool/codes", "TOTP", factors(cognito.GetUserPoolMfaConfigOutput{
			SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
		}), OK, "no second factor sends a code"},
		{"staging pool/codes", "denied", func(f *Facts) {
			f.Staging.Value.MfaConfiguration, f.Factors.Err = types.UserPoolMfaTypeOn, errAccessDenied
		}, Warning, "could not be read (access denied)"},
		{"staging pool/threat protection", "enforced", staging(func(p *pool) {
			p.UserPoolAddOns = &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeEnforced}
		}), Warning, "threat protection is ENFORCED"},
		{"staging pool/threat protection", "audit", staging(func(p *pool) {
			p.UserPoolAddOns = &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeAudit}
		}), OK, "not ENFORCED"},
		{"staging pool/second factors", "reset", mfa(types.UserPoolMfaTypeOptional, settings.MFAReset), OK,
			"set a new password"},
		{"staging pool/second factors", "all users", mfa(types.UserPoolMfaTypeOn, settings.MFAReset), Warning,
			"all staging users have one: they must set a new password"},
		{"staging pool/second factors", "refuse", mfa(types.UserPoolMfaTypeOptional, settings.MFARefuse), Warning,
			"users who have one are not imported"},
		{"staging pool/second factors", "refuse all users", mfa(types.UserPoolMfaTypeOn, settings.MFARefuse), Warning,
			"all staging users have one: they cannot be migrated by signing in"},
		{"staging pool/second factors", "accept", mfa(types.UserPoolMfaTypeOptional, settings.MFAAccept), Warning,
			"by password alone"},
		{"staging pool/second factors", "required in production", production(func(p *pool) {
			p.MfaConfiguration = types.UserPoolMfaTypeOn
		}), Warning, "MFA is ON"},
		{"staging pool/own triggers", "one", staging(func(p *pool) {
			p.LambdaConfig = &types.LambdaConfigType{PreAuthentication: aws.String("x")}
		}), Warning, "PreAuthentication"},
		{"staging pool/groups", "some", func(f *Facts) {
			f.Groups.Value = []string{"admins", "pilots"}
		}, Warning, "not carried over: admins and pilots"},
		{"staging pool/groups", "carried over", carrying("pilots"), OK, "all are carried over"},
		{"production pool/groups", "carried over", carrying("pilots"), OK, "production has pilots"},
		{"production pool/groups", "missing", carrying(), Warning, "production does not have pilots"},
		{"production pool/groups", "not in staging", func(f *Facts) {
			carrying("pilots")(f)
			f.Groups.Value = nil
		}, Warning, "staging does not have pilots"},
		{"production pool/groups", "denied", func(f *Facts) {
			carrying()(f)
			f.ProductionGroups.Err = errAccessDenied
		}, Warning, "could not be read"},
		{"staging pool/groups", "denied", func(f *Facts) { f.Groups.Err = errAccessDenied }, Warning, "could not be read"},

		{"users/eligible", "some not", func(f *Facts) {
			f.Users.Value.Eligible = 97
			f.Users.Value.Ineligible = map[userpool.Reason]int{userpool.Disabled: 2, userpool.NotConfirmed: 1}
		}, Warning, "97 of 100 staging users can be migrated; others: disabled (2 users), not-confirmed (1 user)"},
		{"users/eligible", "none", func(f *Facts) { f.Users.Value.Eligible = 0 }, Warning, "0 of 100"},
		{"users/eligible", "denied", func(f *Facts) { f.Users.Err = errAccessDenied }, Failure, "could not be listed"},
		{"users/verified email", "some without", func(f *Facts) {
			f.Users.Value.Ineligible = map[userpool.Reason]int{userpool.EmailUnverified: 3}
		}, Warning, "3 users"},
		{"users/linked identities", "some", func(f *Facts) { f.Users.Value.Linked = 2 }, Warning,
			"2 users sign in with a linked identity provider too"},
		{"users/required attributes", "lacking", func(f *Facts) {
			f.Users.Value.Lacking = attributeCounts{"name": 2}
		}, Failure,
			"name (2 users)"},
		{"users/required attributes", "unknown", func(f *Facts) { f.Production.Err = errOutage }, Warning,
			"could not be read (HTTP 500)"},
		{"users/fitting attributes", "unknown", func(f *Facts) { f.Production.Err = errOutage }, Warning,
			"could not be read"},
		{"users/fitting attributes", "too long", func(f *Facts) {
			f.Users.Value.Unfit = attributeCounts{"custom:plan": 1}
		}, Failure,
			"custom:plan (1 user)"},
		{"users/fitting attributes", "1-99 characters", production(func(p *pool) {
			p.SchemaAttributes = append(p.SchemaAttributes, text("preferred_username", "99"), text("birthdate", "10"))
		}), Warning, "fewer characters than staging: preferred_username"},
		{"users/fitting attributes", "255 characters", production(func(p *pool) {
			p.SchemaAttributes = append(p.SchemaAttributes, text("preferred_username", "255"))
		}), Warning, "fewer characters than staging: preferred_username"},
		{"production pool/unique attributes", "users unread", func(f *Facts) {
			f.Production.Value.UsernameAttributes = append(f.Production.Value.UsernameAttributes, "phone_number")
			f.Users.Err = errAccessDenied
		}, Warning, "staging's users could not be read"},
		{"users/fitting attributes", "a custom attribute", production(func(p *pool) {
			schema(p, 3, text("custom:plan", "99"))
		}), Warning, "fewer characters than staging: custom:plan"},
		{"users/fitting attributes", "a custom attribute that is not copied", func(f *Facts) {
			f.Production.Value.SchemaAttributes[3], f.Settings.CustomAttributes = text("custom:plan", "99"), nil
		}, OK, "all values fit"},
		{"users/fitting attributes", "not in staging", func(f *Facts) {
			f.Production.Value.SchemaAttributes = append(f.Production.Value.SchemaAttributes, text("custom:new", "99"))
			f.Settings.CustomAttributes = []string{"custom:new"}
		}, OK, "all values fit"},
		{"users/fitting attributes", "as in staging", func(f *Facts) {
			f.Production.Value.SchemaAttributes[3] = text("custom:plan", "99")
			f.Staging.Value.SchemaAttributes[0] = text("custom:plan", "99")
		}, OK, "all values fit"},
		{"users/dropped attributes", "some", func(f *Facts) {
			f.Users.Value.Dropped = attributeCounts{"custom:note": 5}
		}, Warning,
			"custom:note (5 users)"},

		{"tables/ledger", "missing", func(f *Facts) { f.Ledger.Err = errNotFound }, Failure,
			"there is no table L in us-west-2, account 123456789012"},
		{"tables/ledger", "denied", func(f *Facts) { f.Ledger.Err = errAccessDenied }, Failure, "could not be read"},
		{"tables/ledger", "another key", func(f *Facts) { f.Ledger = table("L", "id", "S") }, Failure,
			"the key of L is id (S)"},
		{"tables/ledger", "being created", func(f *Facts) { f.Ledger.Value.TableStatus = "CREATING" }, Failure, "CREATING"},
		{"tables/keys", "no source", first(func(t *TablePair) { t.From.Err = errNotFound }), Failure,
			"no table P-staging in us-west-2, account 111111111111"},
		{"tables/keys", "no target", func(f *Facts) {
			f.ProductionRegion, f.Tables[0].To.Err = "eu-west-1", errNotFound
		}, Failure, "no table P-prod in eu-west-1, account 123456789012"},
		{"tables/keys", "target denied", first(func(t *TablePair) { t.To.Err = errAccessDenied }), Failure,
			"P-prod could not be read"},
		{"tables/keys", "another owner", first(func(t *TablePair) { t.OwnerKey = "id" }), Failure, "not id (S) first"},
		{"tables/keys", "being deleted", first(func(t *TablePair) { t.To.Value.TableStatus = "DELETING" }), Failure,
			"DELETING"},
		{"tables/keys", "another type", first(func(t *TablePair) {
			t.To = table("P-prod", "userSub", "S", "projectId", "N")
		}), Failure,
			"projectId (N)"},
		{"tables/keys", "query denied", first(func(t *TablePair) { t.Queried = errAccessDenied }), Failure,
			"rows of P-staging could not be read (access denied)"},
		{"tables/streams", "on", first(func(t *TablePair) {
			t.To.Value.StreamSpecification = &dynamotypes.StreamSpecification{StreamEnabled: aws.Bool(true)}
		}), Warning, "P-prod has a stream"},
		{"tables/streams", "target denied", first(func(t *TablePair) { t.To.Err = errAccessDenied }), Warning,
			"could not be read"},
		{"tables/time to live", "no target", first(func(t *TablePair) { t.To.Err = errNotFound }), Warning,
			"could not be read"},
		{"tables/time to live", "on", first(func(t *TablePair) {
			ttl := &t.TimeToLive.Value
			ttl.TimeToLiveStatus, ttl.AttributeName = dynamotypes.TimeToLiveStatusEnabled, aws.String("expires")
		}), Warning, "when their expires is past"},
		{"tables/time to live", "denied", first(func(t *TablePair) { t.TimeToLive.Err = errAccessDenied }), Warning,
			"could not be read"},
		{"tables/files", "buckets", first(func(t *TablePair) {
			t.Sample.Value = Sample{Owners: 9, Rows: 500, Buckets: map[string]int{"b": 1, "a": 3}}
		}), Warning, "P-staging refers to files in S3: bucket a (3 rows), b (1 row), of 500 rows looked at"},
		{"tables/files", "denied", first(func(t *TablePair) { t.Sample.Err = errAccessDenied }), Warning,
			"could not be read"},
		{"tables/owners", "all are users", func(*Facts) {}, OK,
			"each userSub of P-staging is a user's sub (3 values looked at)"},
		{"tables/owners", "empty table", first(func(t *TablePair) { t.Sample.Value = Sample{} }), OK, "P-staging is empty"},
		{"tables/owners", "none is a user", first(func(t *TablePair) {
			t.Sample.Value.Unknown = map[string]bool{"ada": true, "eve": true, "bob": true}
		}), Failure, "no userSub of P-staging is a user's sub (3 values looked at), such as ada and bob"},
		{"tables/owners", "the only one is no user", first(func(t *TablePair) {
			t.Sample.Value = Sample{Owners: 1, Rows: 1, Unknown: map[string]bool{"ada": true}}
		}), Failure, "(1 value looked at), such as ada:"},
		{"tables/owners", "one is no user", first(func(t *TablePair) {
			t.Sample.Value.Unknown = map[string]bool{"ada": true}
		}), Warning, "1 of 3 values of userSub in P-staging are no user's sub, such as ada"},
		{"tables/owners", "denied", first(func(t *TablePair) { t.Sample.Err = errAccessDenied }), Warning,
			"could not be read (access denied)"},
		{"tables/indexes", "rejected", first(func(t *TablePair) {
			t.Sample.Value.Rejected = map[string]int{"index by-team, teamId (S)": 2, "index by-age, age (N)": 1}
			t.Sample.Value.Example = "userSub=u, projectId=p"
		}), Failure, "rejected: index by-age, age (N) (1 row), index by-team, teamId (S) (2 rows), of 7 rows looked " +
			"at, such as " +
			"userSub=u, projectId=p"},
		{"tables/indexes", "denied", first(func(t *TablePair) { t.Sample.Err = errAccessDenied }), Warning, "not compared"},
		{"tables/expired rows", "some", first(func(t *TablePair) { t.Sample.Value.Expired = 1 }), Warning,
			"in P-staging, 1 row is past the time to live, of 7 rows looked at"},
		{"tables/expired rows", "denied", first(func(t *TablePair) { t.Sample.Err = errAccessDenied }), Warning,
			"could not be read"},

		{"permissions/operator", "allowed", func(*Facts) {}, OK, "assumed-role/ops/ada may do all"},
		{"permissions/operator", "denied", func(f *Facts) {
			f.Denied.Value = []string{"cognito-idp:AdminSetUserPassword on us-west-2_prod", "dynamodb:PutItem on P-prod"}
		}, Failure, "may not cognito-idp:AdminSetUserPassword on us-west-2_prod and dynamodb:PutItem on P-prod"},
		{"permissions/operator", "unknown", func(f *Facts) {
			f.Denied = Fact[[]string]{Err: errAccessDenied}
		}, Warning,
			"was not checked what arn:aws:sts::123456789012:assumed-role/ops/ada may do in production (access denied)"},
	} {
		t.Run(tt.check+"/"+tt.what, func(t *testing.T) {
			f := allOK()
			tt.change(&f)
			var found []string
			for _, finding := range Run(f).Findings {
				if finding.Group+"/"+finding.Check != tt.check {
					continue
				}
				found = append(found, finding.Found)
				assert.NotContains(t, finding.Found+finding.Remedy, "<nil>", "a $name without a value")
				assert.Equal(t, tt.want, finding.Level, finding.Found)
				explained := finding.Remedy != "" || unexplained[tt.check] && tt.want != OK
				assert.Equal(t, tt.want != OK, explained, "remedy: %q", finding.Remedy)
			}
			require.Len(t, found, 1)
			assert.Contains(t, found[0], tt.says)
		})
	}
}

// unexplained are checks whose remedy is that of another check.
var unexplained = map[string]bool{
	"users/required attributes": true, "users/fitting attributes": true, "tables/streams": true,
}

func TestInvocation(t *testing.T) {
	for name, tt := range map[string]struct {
		policy Fact[string]
		want   Level
		says   string
	}{
		"this pool":    {Fact[string]{Value: policy}, OK, "the policy of trigger names cognito-idp and this pool"},
		"another pool": {Fact[string]{Value: `"cognito-idp.amazonaws.com","` + poolARN + `2"`}, Warning, "no statement"},
		"another service": {Fact[string]{Value: `"s3.amazonaws.com","` + poolARN + `"`}, Warning,
			"no statement in the policy of trigger names cognito-idp and this pool"},
		"no policy": {Fact[string]{Err: errNotFound}, Warning, "no statement"},
		"denied":    {Fact[string]{Err: errAccessDenied}, Warning, "could not be read (access denied)"},
		"outage":    {Fact[string]{Err: errOutage}, Warning, "could not be read (HTTP 500)"},
	} {
		t.Run(name, func(t *testing.T) {
			f := allOK()
			f.Policies = map[string]Fact[string]{functions + "trigger": tt.policy}
			found := slices.DeleteFunc(Run(f).Findings, func(f Finding) bool { return f.Check != "invocation" })
			require.Len(t, found, 1)
			assert.Equal(t, tt.want, found[0].Level)
			assert.Contains(t, found[0].Found, tt.says)
			assert.Equal(t, tt.want != OK, found[0].Remedy != "")
		})
	}
}

// TestSkipped: what could not be read is reported once; checks that need it are skipped.
func TestSkipped(t *testing.T) {
	f := allOK()
	f.ProductionClients.Err, f.Users.Err = errAccessDenied, errAccessDenied
	r := Run(f)
	assert.Equal(t, []string{
		"app clients: write lists", "app clients: hidden users", "app clients: USER_AUTH", "app clients: managed login",
		"users: user names", "users: verified email", "users: same address", "users: linked identities",
		"users: required attributes", "users: fitting attributes", "users: dropped attributes", "tables: owners",
	}, r.Skipped)
	assert.Equal(t, 2, r.Failures)
	assert.Contains(t, printed(t, r, false),
		"12 checks were skipped because of the failures above: app clients: write lists,")
}

func TestOperatorsRole(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/ops/ada":    "arn:aws:iam::123456789012:role/ops",
		"arn:aws-cn:sts::123456789012:assumed-role/ops/ada": "arn:aws-cn:iam::123456789012:role/ops",
		"arn:aws:iam::123456789012:user/team/ada":           "arn:aws:iam::123456789012:user/team/ada",
	} {
		assert.Equal(t, want, roleOf(arn))
	}
}
