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
	"github.com/spaceport/user-migration/datamover/ledger"
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
	capitals, sensitive := f.Users.Value.Capitals, CaseSensitive(p)
	v := vars{"users": console.Quantity(capitals, "user has", "users have"), "id": aws.ToString(p.Id)}
	c.check("staging pool: case", v, when{"capitals", sensitive && capitals > 0}, when{"sensitive", sensitive})
	c.secondFactors(p.MfaConfiguration, f.Production.Value.MfaConfiguration, f.Settings.MFAUsers)
	factors, err := f.Factors.Value, f.Factors.Err
	c.check("staging pool: codes", vars{"error": err}, when{"off", p.MfaConfiguration == "OFF"},
		when{"unread", err != nil}, when{"sent", factors.SmsMfaConfiguration != nil || factors.EmailMfaConfiguration != nil})
	addOns := cmp.Or(p.UserPoolAddOns, &types.UserPoolAddOnsType{})
	c.check("staging pool: threat protection", v, when{"enforced", addOns.AdvancedSecurityMode == "ENFORCED"})
	own := withFunction(true, p,
		attach.UserMigration, attach.PreAuthentication, attach.PostAuthentication, attach.PreTokenGeneration)
	c.check("staging pool: own triggers", vars{"triggers": own}, when{"some", own != ""})
	stay := console.List(slices.DeleteFunc(slices.Clone(f.Groups.Value), func(name string) bool {
		return slices.Contains(f.Settings.Groups, name)
	}))
	err = f.Groups.Err
	c.check(
		"staging pool: groups",
		vars{"groups": stay, "error": err, "denied": f.GroupsOf},
		when{
			"denied",
			f.GroupsOf != nil,
		},
		when{"unread", err != nil},
		when{"some", stay != ""},
		when{"all", len(f.Groups.Value) > 0},
	)
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
	LedgerErr      error           // of reading who of SameEmail is bound; who is migrated is the first there

	Resets, Capitals int             // reset emails that a sweep would send, at most; users whose email has capitals
	Linked           int             // users who sign in with an identity provider besides
	OtherNames       attributeCounts // with which users sign in to staging, other than their email
	Shared           attributeCounts // unique in production, but with a value that another user has too
	SharedExamples   []string        // the first three of these values
	values, shared   *users.EmailSet // of the attributes that are unique in production
}

type attributeCounts = map[userpool.Attribute]int

func newStatistics(f Facts) Statistics {
	s := Statistics{Lacking: attributeCounts{}, Unfit: attributeCounts{}, Dropped: attributeCounts{},
		OtherNames: attributeCounts{}, Shared: attributeCounts{}, values: users.NewEmailSet(), shared: users.NewEmailSet()}
	for _, name := range otherNames {
		if SignInWith(f.Staging.Value, name) {
			s.OtherNames[name] = 0
		}
		if name != userName && SignInWith(f.Production.Value, name) {
			s.Shared[name] = 0
		}
	}
	return s
}

func (s *Statistics) count(user userpool.User, f Facts, withoutReset *users.EmailSet) {
	if !withoutReset.Has(user.Sub) {
		s.Resets++
	}
	sent, _ := userpool.ProductionAttributes(user, f.Settings.CustomAttributes)
	s.countNames(user, sent)
	for _, a := range f.Production.Value.SchemaAttributes {
		name := userpool.Attribute(aws.ToString(a.Name))
		switch value := sent[name]; {
		case name == userpool.AttrSub: // production's own
		case value == "" && aws.ToBool(a.Required):
			s.Lacking[name]++
		case value != "" && !fits(a, value):
			s.Unfit[name]++
		}
	}
	if users.Linked(user) {
		s.Linked++
	}
	for name, value := range user.Attributes {
		flag := name == userpool.AttrPhoneNumberVerified && value == "true" // without a number
		if (name.Custom() || flag) && value != "" && sent[name] == "" {
			s.Dropped[name]++
		}
	}
}

func (s *Statistics) countNames(user userpool.User, sent map[userpool.Attribute]string) {
	if user.Email() != ledger.FoldASCII(user.Email()) {
		s.Capitals++
	}
	user.Attributes[userName] = user.Username
	for name := range s.OtherNames {
		if value := user.Attributes[name]; value != "" && !user.HasEmail(value) {
			s.OtherNames[name]++
		}
	}
	for name := range s.Shared {
		value := string(name) + " " + sent[name]
		if sent[name] == "" || s.values.Add(value) {
			continue
		}
		if s.Shared[name]++; s.shared.Add(value) { // the user who had it first shares it too
			s.Shared[name]++
			s.SharedExamples = append(s.SharedExamples, sent[name])[:min(3, len(s.SharedExamples)+1)]
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

// narrow returns the copied attributes that hold fewer characters in production than in staging.
func narrow(f Facts) (names []string) {
	for _, a := range f.Production.Value.SchemaAttributes {
		name, from := aws.ToString(a.Name), attribute(f.Staging.Value, aws.ToString(a.Name))
		copied := !userpool.Attribute(name).Custom() || slices.Contains(f.Settings.CustomAttributes, name)
		longest := 2048 // characters, the most that an attribute can hold
		if limits := from.StringAttributeConstraints; limits != nil {
			longest, _ = strconv.Atoi(cmp.Or(aws.ToString(limits.MaxLength), "2048"))
		}
		if long := strings.Repeat("x", longest); copied && from.Name != nil && fits(from, long) && !fits(a, long) {
			names = append(names, name)
		}
	}
	return names
}

func usersBy[Name ~string](counts map[Name]int) string { return listCounts(counts, "user", "users") }

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
		"others": usersBy(s.Ineligible), "error": err,
	}, when{"unread", err != nil}, when{"none", s.Eligible == 0}, when{"some", s.Eligible < s.Total})
}

// sameEmail adds a finding for each user who is not migrated, since another has their email.
func (c checker) sameEmail(f Facts) {
	const name = "users: same address"
	s := f.Users.Value
	emails := console.Quantity(len(s.SameEmail), "email is", "emails are")
	c.check(name, vars{"emails": emails}, when{"some", len(s.SameEmail) > 0})
	for _, email := range slices.Sorted(maps.Keys(s.SameEmail)) {
		same := s.SameEmail[email]
		for _, other := range same[min(1, len(same)):] {
			disable := console.Quote("aws", "cognito-idp", "admin-disable-user", "--region", f.StagingRegion,
				"--user-pool-id", f.Settings.StagingUserPoolID, "--username", other.Username)
			c.check(name, vars{"migrated": same[0].Email(), "sub": same[0].Sub, "other": other.Email(), "otherSub": other.Sub,
				"disable": disable, "error": s.LedgerErr}, when{"ledger unread", s.LedgerErr != nil}, when{"pair", true})
		}
	}
}

func (c checker) users(f Facts) {
	s, err := f.Users.Value, f.Production.Err
	c.needs(cmp.Or(c.unread, f.Staging.Err)).check("users: user names", vars{"names": usersBy(s.OtherNames)},
		when{"emails", maps.Equal(s.OtherNames, attributeCounts{userName: 0})},
		when{"without email", !SignInWith(f.Staging.Value, userpool.AttrEmail)}, when{"other", len(s.OtherNames) > 0})
	have := func(n int) string { return console.Quantity(n, "user has", "users have") }
	unverified := s.Ineligible[userpool.EmailUnverified]
	c.check("users: verified email", vars{"users": have(unverified)}, when{"some", unverified > 0})
	c.sameEmail(f)
	c.check("users: linked identities", vars{"users": console.Quantity(s.Linked, "user signs", "users sign"),
		"id": f.Settings.StagingUserPoolID, "region": f.StagingRegion}, when{"some", s.Linked > 0})
	few := console.List(narrow(f))
	list := func(n attributeCounts) vars { return vars{"attributes": usersBy(n), "error": err, "narrow": few} }
	c.check("users: required attributes", list(s.Lacking), when{"unread", err != nil}, when{"some", len(s.Lacking) > 0})
	c.check("users: fitting attributes", list(s.Unfit), when{"unread", err != nil}, when{"some", len(s.Unfit) > 0},
		when{"narrow", few != ""})
	c.check("users: dropped attributes", list(s.Dropped), when{"some", len(s.Dropped) > 0})
}
