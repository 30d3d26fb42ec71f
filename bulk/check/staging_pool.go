package check

import (
	"errors"
	"slices"
	"time"

	"github.com/spaceport/user-migration/datamover/settings"
)

// stagingRole: can the operator get into the staging account?
func stagingRole(f Facts) verdict {
	role, s := f.Settings.StagingRoleARN, f.StagingOperator
	switch {
	case role == "":
		return ok("STAGING_ROLE_ARN is empty: staging is looked for in this account, %s", f.Operator.Account)
	case s.Err != nil && !f.isOperator():
		return fail(f.asOperator(), "%s cannot be assumed (%v)", role, s.Err)
	case s.Err != nil:
		return fail("Check STAGING_ROLE_ARN and STAGING_EXTERNAL_ID, and that the role trusts "+f.Operator.ARN+", who may sts:AssumeRole it.",
			"%s cannot be assumed (%v)", role, s.Err)
	case f.Settings.StagingExternalID == "":
		return warn("Have the role ask for an external id, and set STAGING_EXTERNAL_ID.",
			"%s can be assumed, without an external id", role)
	}
	return ok("%s can be assumed", role)
}

func stagingPool(f Facts) verdict {
	id := f.Settings.StagingUserPoolID
	switch p := f.Staging; {
	case errors.Is(p.Err, ErrMissing):
		return fail("Check STAGING_USER_POOL_ID and STAGING_ROLE_ARN.",
			"no pool %s in account %s", id, f.StagingOperator.Value.Account)
	case p.Err != nil:
		return fail("Allow cognito-idp:DescribeUserPool on it: nothing about the pool can be said without.",
			"%s could not be read (%v)", id, p.Err)
	}
	return ok("%s", f.Staging.Value.identity())
}

// triggerClient is the app client through which the trigger proves passwords.
func triggerClient(f Facts) verdict {
	id := f.Settings.StagingClientID
	if id == "" {
		return warn("Set STAGING_CLIENT_ID to what the trigger has.", "STAGING_CLIENT_ID is not set: not looked at")
	}
	switch c := f.TriggerClient; {
	case errors.Is(c.Err, ErrMissing):
		return fail("Check STAGING_CLIENT_ID, of the trigger too.", "the staging pool has no app client %s", id)
	case c.Err != nil:
		return unseen("Allow cognito-idp:DescribeUserPoolClient.", c.Err)
	case c.Value.HasASecret:
		return fail("Make one without: the trigger sends no secret.", "%s has a secret", c.Value.label())
	case !c.Value.signsInForUsers():
		return fail("Add ALLOW_ADMIN_USER_PASSWORD_AUTH to it.",
			"%s does not have ADMIN_USER_PASSWORD_AUTH, so no password can be proven", c.Value.label())
	}
	return ok("%s has ADMIN_USER_PASSWORD_AUTH and no secret", f.TriggerClient.Value.label())
}

// stagingSignUp: where anybody may sign up in staging, anybody may let themselves be imported.
func stagingSignUp(f Facts) verdict {
	cutoff := f.Settings.StagingCutoff
	switch {
	case !f.Staging.Value.SelfSignUp:
		return ok("closed: nobody new can come in through staging")
	case cutoff.IsZero():
		return warn("Set STAGING_CUTOFF, for the trigger too, or close sign-up in staging.",
			"open, without a cut-off: whoever signs up in staging gets into production")
	case cutoff.After(f.Now):
		return warn("Set it to a time that has passed.",
			"open, and STAGING_CUTOFF is still to come (%s): whoever signs up until then gets into production", cutoff.Format(time.RFC3339))
	}
	return ok("open, but who signed up at or after %s stays in staging", cutoff.Format(time.RFC3339))
}

// writableAttributes: what users wrote by themselves arrives in production as if somebody had checked it.
func writableAttributes(f Facts) verdict {
	if len(f.Settings.CustomAttributes) == 0 {
		return ok("no custom attribute is carried over")
	}
	if f.StagingClients.Err != nil {
		return unseen("Allow cognito-idp:ListUserPoolClients and cognito-idp:DescribeUserPoolClient in staging.", f.StagingClients.Err)
	}
	var writable []string
	for _, name := range f.Settings.CustomAttributes {
		a, known := f.Staging.Value.Schema[name]
		if known && a.Mutable && slices.ContainsFunc(f.StagingClients.Value, func(c Client) bool { return c.writes(name) }) {
			writable = append(writable, name)
		}
	}
	if len(writable) > 0 {
		return warn("Take it out of CUSTOM_ATTRIBUTES where production trusts it (roles, plans, limits).",
			"staging's users may write %s by themselves", list(writable))
	}
	return ok("staging's users may write none of those that are carried over")
}

func stagingCase(f Facts) verdict {
	if f.Staging.Value.CaseSensitive {
		return warn("See \"same address\" below: only one of such a pair can come over.",
			"addresses that differ by case are two users here")
	}
	return ok("upper and lower case are the same user")
}

// secondFactors: nobody's TOTP secret can be exported, and ListUsers does not tell who has one.
func secondFactors(f Facts) verdict {
	mfa := f.Staging.Value.MFA
	if mfa == "ON" && f.Settings.MFAUsers == settings.MFARefuse {
		return warn("Set MFA_USERS to reset, for the trigger too: then people set a new password by e-mail.",
			"everybody in staging has one, and who has one stays behind (MFA_USERS is refuse): nobody can come over by themselves")
	}
	if f.Production.Err == nil && f.Production.Value.MFA == "ON" {
		return warn("Make MFA optional in production until the migration is over, or make sure that the app can set it up at sign-in.",
			"production asks everybody for a second factor, and none comes over")
	}
	if mfa == "OFF" || mfa == "" {
		return ok("staging has none")
	}
	who := map[string]string{"ON": "everybody in staging has one", "OPTIONAL": "staging offers them"}[mfa]
	switch f.Settings.MFAUsers {
	case settings.MFARefuse:
		return warn("Expect them to ask for help.", "%s; who has one stays behind (MFA_USERS is refuse)", who)
	case settings.MFAAccept:
		return warn("Make sure that this is meant.", "%s; who has one comes in by password alone (MFA_USERS is accept)", who)
	}
	if mfa == "ON" {
		return warn("Tell people to use \"forgot password\" once.", "%s; nobody's password is kept (MFA_USERS is reset)", who)
	}
	return ok("%s; who has one sets a new password by e-mail (MFA_USERS is reset)", who)
}

// stagingTriggers: the trigger's sign-ins at staging run them.
func stagingTriggers(f Facts) verdict {
	own := f.Staging.Value.attached("UserMigration", "PreAuthentication", "PostAuthentication", "PreTokenGeneration")
	if len(own) > 0 {
		return warn("Make sure that they do no harm when people sign in once more, and refuse nobody.",
			"%s run at staging when somebody comes over", list(own))
	}
	return ok("none that runs when somebody comes over")
}

func groups(f Facts) verdict {
	if f.Groups.Err != nil {
		return unseen("Allow cognito-idp:ListGroups in staging, or look yourself: groups are not moved.", f.Groups.Err)
	}
	if names := f.Groups.Value; len(names) > 0 {
		return warn("Make them in production where the app needs them, and put people in.", "not moved: %s", list(names))
	}
	return ok("staging has none")
}
