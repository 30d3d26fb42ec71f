package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/spaceport/user-migration/bulk/attach"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func (c checker) stagingRole(f Facts) {
	role, err := f.Settings.StagingRoleARN, f.StagingAccount.Err
	c.check("staging pool: role", vars{
		"role": role, "error": err, "account": aws.ToString(f.Operator.Account), "caller": aws.ToString(f.Operator.Arn),
	}, when{"none", role == ""}, when{"rejected", err != nil}, when{"no external id", f.Settings.StagingExternalID == ""})
}

func (c checker) stagingPool(f Facts) {
	p, cutoff := f.Staging.Value, f.Settings.StagingCutoff
	id, clients := f.Settings.StagingClientID, f.StagingClients
	app := first(clients.Value, func(c types.UserPoolClientType) bool { return aws.ToString(c.ClientId) == id })
	flow := hasFlow(app, types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth, types.ExplicitAuthFlowsTypeAdminNoSrpAuth)
	c.check("staging pool: trigger's client", vars{"id": id, "client": describeClient(app), "error": clients.Err},
		when{"not set", id == ""}, when{"unread", clients.Err != nil}, when{"missing", app.ClientId == nil},
		when{"secret", app.ClientSecret != nil}, when{"no flow", !flow})

	c.check("staging pool: sign-up", vars{"cutoff": cutoff.Format(time.RFC3339)},
		when{"closed", !selfSignUp(p)}, when{"no cut-off", cutoff.IsZero()}, when{"future", cutoff.After(f.Now)})
	c.writableAttributes(f)
	c.check("staging pool: case", nil, when{"sensitive", caseSensitive(p)})
	c.secondFactors(p.MfaConfiguration, f.Production.Value.MfaConfiguration, f.Settings.MFAUsers)
	own := withFunction(true, p,
		attach.UserMigration, attach.PreAuthentication, attach.PostAuthentication, attach.PreTokenGeneration)
	c.check("staging pool: own triggers", vars{"triggers": own}, when{"some", own != ""})
	all, err := console.List(f.Groups.Value), f.Groups.Err
	c.check("staging pool: groups", vars{"groups": all, "error": err}, when{"unread", err != nil}, when{"some", all != ""})
}

func (c checker) writableAttributes(f Facts) {
	copied, clients := f.Settings.CustomAttributes, f.StagingClients
	var names []string
	for _, name := range copied {
		if aws.ToBool(attribute(f.Staging.Value, name).Mutable) && slices.ContainsFunc(clients.Value, canWrite(name)) {
			names = append(names, name)
		}
	}
	c.check("staging pool: writable attributes", vars{"attributes": console.List(names), "error": clients.Err},
		when{"none", len(copied) == 0}, when{"unread", clients.Err != nil}, when{"some", names != nil})
}

func (c checker) secondFactors(staging, production types.UserPoolMfaType, policy settings.MFAPolicy) {
	all, users := staging == types.UserPoolMfaTypeOn, "staging offers them: users who have one"
	if all {
		users = "all staging users have one: they"
	}
	c.check("staging pool: second factors", vars{"users": users},
		when{"refuse all", all && policy == settings.MFARefuse}, when{"required", production == types.UserPoolMfaTypeOn},
		when{"none", staging == types.UserPoolMfaTypeOff || staging == ""}, when{"refuse", policy == settings.MFARefuse},
		when{"accept", policy == settings.MFAAccept}, when{"reset all", all})
}

// Statistics counts staging's users, and attributes of those that are eligible.
type Statistics struct {
	users.Statistics
	Lacking, Unfit attributeCounts // required by production, but not set; with a value that production rejects
	Dropped        attributeCounts // custom, and not copied
}

type attributeCounts = map[userpool.Attribute]int

func (s *Statistics) count(user userpool.User, custom []string, schema []types.SchemaAttributeType) {
	sent, _ := userpool.ProductionAttributes(user, custom)
	for _, a := range schema {
		name := userpool.Attribute(aws.ToString(a.Name))
		switch value := sent[name]; {
		case name == userpool.AttrSub: // production's own
		case value == "" && aws.ToBool(a.Required):
			s.Lacking[name]++
		case value != "" && !fits(a, value):
			s.Unfit[name]++
		}
	}
	for name, value := range user.Attributes {
		if name.Custom() && value != "" && sent[name] == "" {
			s.Dropped[name]++
		}
	}
}

// fits reports whether Cognito stores a value ("Amazon Cognito API reference, SchemaAttributeType").
func fits(a types.SchemaAttributeType, value string) bool {
	switch a.AttributeDataType {
	case types.AttributeDataTypeBoolean:
		return value == "true" || value == "false"
	case types.AttributeDataTypeNumber:
		limits := cmp.Or(a.NumberAttributeConstraints, &types.NumberAttributeConstraintsType{})
		n, err := strconv.ParseFloat(value, 64)
		return err == nil && within(n, limits.MinValue, limits.MaxValue)
	case types.AttributeDataTypeString:
		limits := cmp.Or(a.StringAttributeConstraints, &types.StringAttributeConstraintsType{})
		return within(float64(utf8.RuneCountInString(value)), limits.MinLength, limits.MaxLength)
	}
	return true
}

// within reports whether n is between two limits. What is no number is no limit.
func within(n float64, least, most *string) bool {
	low, noLow := strconv.ParseFloat(aws.ToString(least), 64)
	high, noHigh := strconv.ParseFloat(aws.ToString(most), 64)
	return (noLow != nil || n >= low) && (noHigh != nil || n <= high)
}

// listCounts returns "given_name (3 users), name (1 user)".
func listCounts[Name ~string](counts map[Name]int, one, many string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s (%s)", name, console.Quantity(counts[name], one, many)))
	}
	return strings.Join(parts, ", ")
}

func (c checker) eligible(users Fact[Statistics]) {
	s, err := users.Value, users.Err
	c.check("users: eligible", vars{
		"eligible": console.Count(s.Eligible), "all": console.Quantity(s.Total, "staging user", "staging users"),
		"others": listCounts(s.Ineligible, "user", "users"), "error": err,
	}, when{"unread", err != nil}, when{"none", s.Eligible == 0}, when{"some", s.Eligible < s.Total})
}

func (c checker) users(s Statistics, err error) {
	have := func(n int) string { return console.Quantity(n, "user has", "users have") }
	unverified := s.Ineligible[userpool.EmailUnverified]
	c.check("users: verified email", vars{"users": have(unverified)}, when{"some", unverified > 0})
	c.check("users: same address", vars{"users": have(s.SameEmail), "examples": strings.Join(s.SameEmailExamples, ", ")},
		when{"some", s.SameEmail > 0})
	list := func(n attributeCounts) vars { return vars{"attributes": listCounts(n, "user", "users"), "error": err} }
	c.check("users: required attributes", list(s.Lacking), when{"unread", err != nil}, when{"some", len(s.Lacking) > 0})
	c.check("users: fitting attributes", list(s.Unfit), when{"unread", err != nil}, when{"some", len(s.Unfit) > 0})
	c.check("users: dropped attributes", list(s.Dropped), when{"some", len(s.Dropped) > 0})
}
