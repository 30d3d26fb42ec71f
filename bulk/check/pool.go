package check

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/spaceport/user-migration/bulk/attach"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func (c checker) pool(check string, p Fact[types.UserPoolType], id, account, region, other string) {
	users := console.Quantity(int(p.Value.EstimatedNumberOfUsers), "user", "users")
	c.check(check, vars{
		"id": id, "account": account, "error": p.Err, "name": aws.ToString(p.Value.Name), "region": region, "users": users,
	}, when{"same", id == other}, when{"missing", errors.Is(p.Err, errNotFound)}, when{"unread", p.Err != nil})
}

func (c checker) productionPool(f Facts) {
	p := f.Production.Value
	c.triggers(p, f.Policies)
	others := withFunction(true, p, attach.PreSignUp, attach.PreAuthentication, attach.PreTokenGeneration)
	c.check("production pool: other triggers", vars{"triggers": others}, when{"some", others != ""})

	sub := attribute(p, string(userpool.AttrStagingSub))
	holds := sub.AttributeDataType == types.AttributeDataTypeString && fits(sub, strings.Repeat("x", 36)) // of a UUID
	c.check("production pool: custom:staging_sub", vars{"type": sub.AttributeDataType},
		when{"missing", sub.Name == nil}, when{"too short", !holds}, when{"immutable", !aws.ToBool(sub.Mutable)})

	c.check("production pool: user names", nil,
		when{"email", slices.Contains(p.UsernameAttributes, types.UsernameAttributeTypeEmail)},
		when{"alias", slices.Contains(p.AliasAttributes, types.AliasAttributeTypeEmail)})
	s, sensitive := f.Users.Value, CaseSensitive(p)
	unique := SignInWith(p, userpool.AttrPhoneNumber) || SignInWith(p, userpool.AttrPreferredUsername)
	c.check("production pool: unique attributes",
		vars{"attributes": usersBy(s.Shared), "examples": strings.Join(s.SharedExamples, ", "), "error": f.Users.Err},
		when{"unread", unique && f.Users.Err != nil}, when{"shared", s.SharedExamples != nil},
		when{"some", len(s.Shared) > 0})
	c.check("production pool: case", vars{"users": console.Quantity(s.Capitals, "user has", "users have")},
		when{"capitals", sensitive && s.Capitals > 0}, when{"sensitive", sensitive})
	c.check("production pool: devices", nil, when{"remembered", p.DeviceConfiguration != nil})
	c.check("production pool: sign-up", nil, when{"open", selfSignUp(p)})

	update := cmp.Or(p.UserAttributeUpdateSettings, &types.UserAttributeUpdateSettingsType{})
	verified := slices.Contains(update.AttributesRequireVerificationBeforeUpdate, types.VerifiedAttributeTypeEmail)
	c.check("production pool: change of email", nil, when{"not verified", !verified})
	c.customAttributes(f)
	c.groups(f)
	c.email(p, f)
}

// needed are the triggers that the migration needs, in the order in which Cognito invokes them.
var needed = []attach.Trigger{attach.UserMigration, attach.PostConfirmation, attach.PostAuthentication}

func (c checker) triggers(p types.UserPoolType, policies map[string]Fact[string]) {
	name := func(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }
	of := func(t attach.Trigger) string { return name(t.Of(p.LambdaConfig)) }
	missing, confirm, signIn := withFunction(false, p, needed...), of(needed[1]), of(needed[2])
	v := vars{"missing": missing, "migration": of(needed[0]), "confirmation": confirm, "authentication": signIn}
	c.check("production pool: triggers", v, when{"missing", missing != ""}, when{"two hooks", confirm != signIn})
	for _, function := range slices.Sorted(maps.Keys(policies)) {
		policy, err, pool := policies[function].Value, policies[function].Err, aws.ToString(p.Arn)
		named := strings.Contains(policy, `"cognito-idp.amazonaws.com"`) && strings.Contains(policy, `"`+pool+`"`)
		c.check("production pool: invocation", vars{"function": name(function), "error": err, "pool": pool},
			when{"unread", err != nil && !errors.Is(err, errNotFound)}, when{"not named", !named})
	}
}

func withFunction(has bool, p types.UserPoolType, triggers ...attach.Trigger) string {
	var names []string
	for _, t := range triggers {
		if has == (t.Of(p.LambdaConfig) != "") {
			names = append(names, string(t))
		}
	}
	return console.List(names)
}

func first[T any](all []T, is func(T) bool) (zero T) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i]
	}
	return zero
}

// attribute returns an attribute of the pool's schema, or one without a name.
func attribute(p types.UserPoolType, name string) types.SchemaAttributeType {
	return first(p.SchemaAttributes, func(a types.SchemaAttributeType) bool { return aws.ToString(a.Name) == name })
}

// otherNames are those with which users of some pools sign in besides, or instead of, their email.
var otherNames = []userpool.Attribute{userName, userpool.AttrPhoneNumber, userpool.AttrPreferredUsername}

const userName userpool.Attribute = "user name" // not an attribute

// SignInWith reports whether a pool's users can sign in with an attribute, which is unique then ("Amazon Cognito
// developer guide, Customizing sign-in attributes").
func SignInWith(p types.UserPoolType, name userpool.Attribute) bool {
	return slices.Contains(p.UsernameAttributes, types.UsernameAttributeType(name)) ||
		slices.Contains(p.AliasAttributes, types.AliasAttributeType(name)) ||
		name == userName && len(p.UsernameAttributes) == 0
}

// CaseSensitive reports whether a pool tells names apart by their case.
func CaseSensitive(p types.UserPoolType) bool {
	return p.UsernameConfiguration == nil || aws.ToBool(p.UsernameConfiguration.CaseSensitive)
}

func selfSignUp(p types.UserPoolType) bool {
	return p.AdminCreateUserConfig == nil || !p.AdminCreateUserConfig.AllowAdminCreateUserOnly
}

func (c checker) customAttributes(f Facts) {
	names := f.Settings.CustomAttributes
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		from, to := attribute(f.Staging.Value, name), attribute(f.Production.Value, name)
		v := vars{"name": name, "from": from.AttributeDataType, "to": to.AttributeDataType}
		c.check("production pool: custom attributes", v, when{"none", name == ""}, when{"missing", to.Name == nil},
			when{"not in staging", from.Name == nil && f.Staging.Err == nil},
			when{"differs", from.Name != nil && from.AttributeDataType != to.AttributeDataType})
	}
}

func (c checker) groups(f Facts) {
	names, theirs, ours := f.Settings.Groups, f.Groups, f.ProductionGroups
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		c.check("production pool: groups", vars{"name": name, "error": ours.Err}, when{"none", name == ""},
			when{"unread", ours.Err != nil}, when{"missing", !slices.Contains(ours.Value, name)},
			when{"not in staging", theirs.Err == nil && !slices.Contains(theirs.Value, name)})
	}
}

func (c checker) email(p types.UserPoolType, f Facts) {
	resets, ses := f.Users.Value.Resets, f.SES.Value
	bySES := cmp.Or(p.EmailConfiguration, &types.EmailConfigurationType{}).EmailSendingAccount == "DEVELOPER"
	quota := cmp.Or(ses.SendQuota, &sestypes.SendQuota{Max24HourSend: -1})
	daily, sent := int(quota.Max24HourSend), int(quota.SentLast24Hours)
	c.check("production pool: email sender", vars{"resets": console.Count(resets), "error": f.SES.Err,
		"daily": console.Count(daily), "sent": console.Count(sent)},
		when{"function", attach.CustomEmailSender.Of(p.LambdaConfig) != ""}, when{"SES unread", bySES && f.SES.Err != nil},
		when{"SES sandbox", bySES && !ses.ProductionAccessEnabled}, when{"SES paused", bySES && !ses.SendingEnabled},
		when{"SES unlimited", bySES && daily < 0}, when{"SES quota", bySES && resets > daily-sent}, when{"SES", bySES},
		when{"too many", resets > 50}, when{"unread", f.Users.Err != nil})

	var order []string
	for _, m := range cmp.Or(p.AccountRecoverySetting, &types.AccountRecoverySettingType{}).RecoveryMechanisms {
		order = append(order, fmt.Sprintf("%d. %s", aws.ToInt32(m.Priority), m.Name))
	}
	slices.Sort(order)
	by := strings.Join(order, ", ")
	c.check("production pool: recovery", vars{"order": by}, when{"not set", by == ""},
		when{"not email", !strings.Contains(by, "verified_email")},
		when{"not verified", !slices.Contains(p.AutoVerifiedAttributes, types.VerifiedAttributeTypeEmail)},
		when{"not first", !strings.HasPrefix(by, "1. verified_email")})
}

func (c checker) passwordSignIn(clients Fact[[]types.UserPoolClientType]) {
	can, cannot := split(clients.Value, hasPasswordFlow)
	c.check("app clients: password sign-in", vars{"can": can, "cannot": cannot, "error": clients.Err},
		when{"unread", clients.Err != nil}, when{"none", can == ""}, when{"some", cannot != ""})
}

func (c checker) appClients(f Facts) {
	clients, p := f.ProductionClients.Value, f.Production.Value
	claim, _ := split(clients, canWrite(string(userpool.AttrStagingSub)))
	c.check("app clients: write lists", vars{"clients": claim}, when{"open", claim != ""})
	_, open := split(clients, hidesUsers)
	c.check("app clients: hidden users", vars{"clients": open}, when{"open", open != ""})
	choice, _ := split(clients, func(c types.UserPoolClientType) bool { return hasFlow(c, "ALLOW_USER_AUTH", "") })
	c.check("app clients: USER_AUTH", vars{"clients": choice}, when{"allowed", choice != ""})
	pages, _ := split(clients, func(c types.UserPoolClientType) bool {
		return slices.Contains(c.AllowedOAuthFlows, "code") || slices.Contains(c.AllowedOAuthFlows, "implicit")
	})
	c.needs(cmp.Or(c.unread, f.Production.Err)).check("app clients: managed login", vars{"clients": pages},
		when{"used", pages != "" && cmp.Or(p.Domain, p.CustomDomain) != nil})
}

func split(clients []types.UserPoolClientType, is func(types.UserPoolClientType) bool) (yes, no string) {
	names := map[bool][]string{}
	for _, c := range clients {
		names[is(c)] = append(names[is(c)], describeClient(c))
	}
	return console.List(names[true]), console.List(names[false])
}

func describeClient(c types.UserPoolClientType) string {
	return aws.ToString(c.ClientName) + " (" + aws.ToString(c.ClientId) + ")"
}

func hasPasswordFlow(c types.UserPoolClientType) bool {
	return hasFlow(c, types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeUserPasswordAuth)
}

func hasFlow(c types.UserPoolClientType, present, legacy types.ExplicitAuthFlowsType) bool {
	return slices.Contains(c.ExplicitAuthFlows, present) || slices.Contains(c.ExplicitAuthFlows, legacy)
}

// canWrite reports whether a client's users may write an attribute: any, if the list is empty.
func canWrite(name string) func(types.UserPoolClientType) bool {
	return func(c types.UserPoolClientType) bool {
		return len(c.WriteAttributes) == 0 || slices.Contains(c.WriteAttributes, name)
	}
}

func hidesUsers(c types.UserPoolClientType) bool {
	return c.PreventUserExistenceErrors == types.PreventUserExistenceErrorTypesEnabled
}
