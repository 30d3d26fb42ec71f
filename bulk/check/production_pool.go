package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// productionPool: is it there, and is it the pool that the operator means?
func productionPool(f Facts) verdict {
	id := f.Settings.ProductionUserPoolID
	switch p := f.Production; {
	case errors.Is(p.Err, ErrMissing):
		return fail("Check PRODUCTION_USER_POOL_ID, and that AWS_PROFILE is of the production account.",
			"no pool %s in account %s", id, f.Operator.Account)
	case p.Err != nil:
		return fail("Allow cognito-idp:DescribeUserPool on it: nothing about the pool can be said without.",
			"%s could not be read (%v)", id, p.Err)
	case id == f.Settings.StagingUserPoolID:
		return fail("Set PRODUCTION_USER_POOL_ID and STAGING_USER_POOL_ID to two pools.", "%s is named as staging too", id)
	}
	v := ok("%s", f.Production.Value.identity())
	if !f.Production.Value.Protected {
		v.found += "; deletion protection is off"
	}
	return v
}

// identity tells a pool from any other.
func (p Pool) identity() string {
	return fmt.Sprintf("%q, %s, account %s, %s, about %s",
		p.Name, p.ID, p.account(), p.region(), quantity(p.Users, "user", "users"))
}

// An ARN is arn:partition:cognito-idp:Region:account:userpool/id.
func (p Pool) account() string { return strings.Split(p.ARN+":::::", ":")[4] }
func (p Pool) region() string  { return strings.Split(p.ARN+":::::", ":")[3] }

// stagingSub: without the attribute no import is accepted, and no user is tied to who they were.
func stagingSub(f Facts) verdict {
	const name = "custom:staging_sub"
	a, known := f.Production.Value.Schema[name]
	switch {
	case !known:
		return fail("Add it: bulk attach --live does.",
			"the pool does not know it, so that every import would be refused")
	case a.Type != "String" || a.Max != nil && *a.Max < subLength:
		return fail("Cognito cannot change an attribute: a fresh pool is needed.",
			"it cannot hold a user's id of %d characters (%s)", subLength, a)
	case a.Mutable:
		return warn("Cognito cannot change that later; keep it out of every client's write list.",
			"it can be changed after a user is made")
	}
	return ok("in the schema, and nobody can change it after a user is made")
}

// subLength is the length of a sub, which is a UUID.
const subLength = 36

func (a Attribute) String() string {
	if a.Max == nil {
		return a.Type
	}
	return fmt.Sprintf("%s up to %.0f", a.Type, *a.Max)
}

// userNames: "Amazon Cognito developer guide, User pool attributes": a pool with e-mail as an alias refuses an e-mail as
// user name, and that is how everybody comes over.
func userNames(f Facts) verdict {
	switch p := f.Production.Value; {
	case slices.Contains(p.UsernameAttributes, "email"):
		return ok("people sign in by e-mail")
	case slices.Contains(p.Aliases, "email"):
		return fail("Cognito cannot change that: a fresh pool is needed, with UsernameAttributes [email].",
			"e-mail is an alias here: Cognito refuses an e-mail as user name, so nobody can be imported")
	}
	return warn("Make sure that the app signs people in by the name that they had in staging: their e-mail.",
		"people sign in by a user name; whoever comes over gets their e-mail for it")
}

func productionCase(f Facts) verdict {
	if f.Production.Value.CaseSensitive {
		return warn("Cognito cannot change that later: let the app lower what people type, or make the pool with CaseSensitive false.",
			"Anna@example.com and anna@example.com are two users here, of whom only one can come over")
	}
	return ok("upper and lower case are the same user")
}

// productionSignUp: whoever signs up with the address of a staging user stands in their way, since the trigger fires only
// for unknown users.
func productionSignUp(f Facts) verdict {
	if f.Production.Value.SelfSignUp {
		return warn("Close it (AllowAdminCreateUserOnly) until the migration is over.",
			"sign-up is open: anybody can take the address of a staging user who has not come over yet")
	}
	return ok("nobody can take an address by signing up")
}

func changeOfEmail(f Facts) verdict {
	if !slices.Contains(f.Production.Value.VerifyBeforeUpdate, "email") {
		return warn("Set AttributesRequireVerificationBeforeUpdate to [email].",
			"a user can take the address of somebody who has not come over yet, without having its mailbox")
	}
	return ok("a new address counts once its mailbox has answered")
}

// customAttributes: an attribute that the schema lacks makes Cognito refuse the whole import.
func customAttributes(f Facts) verdict {
	allowed := f.Settings.CustomAttributes
	if len(allowed) == 0 {
		return ok("none are carried over (CUSTOM_ATTRIBUTES is empty)")
	}
	for _, name := range allowed {
		here, known := f.Production.Value.Schema[name]
		if !known {
			return fail("Add it to the production pool, or take it out of CUSTOM_ATTRIBUTES.",
				"production does not know %s: every import of a user who has it would be refused", name)
		}
		there, known := f.Staging.Value.Schema[name]
		if known && there.Type != here.Type {
			return fail("Take it out of CUSTOM_ATTRIBUTES: Cognito cannot change an attribute.",
				"%s is %s in staging and %s in production", name, there, here)
		}
		if f.Staging.Err == nil && !known {
			return warn("Check its name in CUSTOM_ATTRIBUTES.", "staging does not know %s: nothing is carried over", name)
		}
	}
	return ok("production knows %s", list(allowed))
}

// emailsADay is what Cognito's default sender sends ("Amazon Cognito developer guide, Quotas").
const emailsADay = 50

func emailSender(f Facts) verdict {
	switch p := f.Production.Value; {
	case p.Triggers["CustomEmailSender"] != "":
		return ok("a function sends (CustomEmailSender); make sure that it can send one to everybody")
	case p.OwnSender:
		return ok("the pool sends by SES")
	}
	letters, known := f.lettersLeft()
	switch {
	case !known:
		return warn("Give the pool an SES sender before a sweep with letters.",
			"Cognito's own sender, with at most %d e-mails a day", emailsADay)
	case letters > emailsADay:
		return fail("Give the pool an SES sender (EmailConfiguration DEVELOPER), or sweep with --notify=none.",
			"Cognito's own sender, with at most %d e-mails a day; a sweep now would send %s", emailsADay, count(letters))
	}
	return warn("Give the pool an SES sender, so that codes do not run out on a busy day; the text of the letter needs it too.",
		"Cognito's own sender, with at most %d e-mails a day; a sweep now would send %s", emailsADay, count(letters))
}

// lettersLeft is how many letters a sweep would send at most: one to everybody eligible whom the ledger has not bound.
func (f Facts) lettersLeft() (letters int, known bool) {
	if f.People.Err != nil {
		return 0, false
	}
	return max(0, f.People.Value.Eligible-f.Bound.Value), true
}

// recovery: "forgot password" is how everybody comes in whose password did not move.
func recovery(f Facts) verdict {
	p := f.Production.Value
	switch {
	case len(p.Recovery) > 0 && !slices.Contains(p.Recovery, "verified_email"):
		return fail("Add verified_email to AccountRecoverySetting.",
			"a password can be reset by %s only, not by e-mail", list(p.Recovery))
	case !slices.Contains(p.AutoVerified, "email"):
		return warn("Add email to AutoVerifiedAttributes.", "by e-mail, but Cognito does not verify addresses by itself here")
	case len(p.Recovery) > 0 && p.Recovery[0] != "verified_email":
		return warn("Give verified_email priority 1, or make sure that SMS works.",
			"by e-mail, but first by %s for whoever has it verified", p.Recovery[0])
	case len(p.Recovery) == 0:
		return warn("Set AccountRecoverySetting to verified_email.",
			"the pool does not say how: Cognito then prefers SMS for whoever has a verified number")
	}
	return ok("by e-mail")
}

// passwords is a note. Cognito enforces the policy for new passwords, not for those that come over.
func passwords(f Facts) verdict {
	p := f.Production.Value.Passwords
	needs := []string{fmt.Sprintf("%d characters", p.MinimumLength)}
	for _, need := range []struct {
		asked bool
		what  string
	}{{p.Lower, "a lower-case letter"}, {p.Upper, "an upper-case letter"}, {p.Numbers, "a digit"}, {p.Symbols, "a symbol"}} {
		if need.asked {
			needs = append(needs, need.what)
		}
	}
	return ok("a new one needs %s; one that comes over by sign-in is kept as it is", list(needs))
}

// AnyCustom is a custom attribute of the pool, always the same one.
func (p Pool) AnyCustom() (name string, a Attribute, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(p.Schema)) {
		if strings.HasPrefix(name, "custom:") {
			return name, p.Schema[name], true
		}
	}
	return "", Attribute{}, false
}

// requiredNames are the attributes that production asks of a new user.
func (p Pool) requiredNames() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.Schema)) {
		if p.Schema[name].Required && name != "sub" {
			names = append(names, name)
		}
	}
	return names
}
