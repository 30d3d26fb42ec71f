package check

import (
	"slices"
	"strings"
)

// passwordSignIn: the trigger fires on USER_PASSWORD_AUTH, never on SRP or without a password.
func passwordSignIn(f Facts) verdict {
	if f.ProductionClients.Err != nil {
		return fail("Allow cognito-idp:ListUserPoolClients and cognito-idp:DescribeUserPoolClient on it.",
			"the pool's app clients could not be read (%v)", f.ProductionClients.Err)
	}
	can, cannot := split(f.ProductionClients.Value, Client.SignsInByPassword)
	const add = "Add ALLOW_USER_PASSWORD_AUTH to the app's client until the migration is over, and have the app use it."
	if len(can) == 0 {
		return fail(add, "no app client has USER_PASSWORD_AUTH, so that nobody comes over by signing in")
	}
	if len(cannot) > 0 {
		return ok("%s can; nobody comes over through %s", list(can), list(cannot))
	}
	return ok("%s can", list(can))
}

// SignsInByPassword knows the flow by its present and its legacy name.
func (c Client) SignsInByPassword() bool {
	return slices.Contains(c.Flows, "ALLOW_USER_PASSWORD_AUTH") || slices.Contains(c.Flows, "USER_PASSWORD_AUTH")
}

func (c Client) signsInForUsers() bool {
	return slices.Contains(c.Flows, "ALLOW_ADMIN_USER_PASSWORD_AUTH") || slices.Contains(c.Flows, "ADMIN_NO_SRP_AUTH")
}

// writes tells whether the client's users may write an attribute: any, where the list is empty.
func (c Client) writes(attribute string) bool {
	return len(c.Writes) == 0 || slices.Contains(c.Writes, attribute)
}

func (c Client) writesStagingSub() bool { return c.writes("custom:staging_sub") }

// split sorts clients by whether something is so, and gives their names.
func split(clients []Client, so func(Client) bool) (yes, no []string) {
	for _, c := range clients {
		if so(c) {
			yes = append(yes, c.label())
		} else {
			no = append(no, c.label())
		}
	}
	return yes, no
}

func (c Client) label() string {
	if c.Name == "" || strings.EqualFold(c.Name, c.ID) {
		return c.ID
	}
	return c.Name + " (" + c.ID + ")"
}

// writeLists: who may write the attribute may claim to have been anybody.
func writeLists(f Facts) verdict {
	if can, _ := split(f.ProductionClients.Value, Client.writesStagingSub); len(can) > 0 {
		return fail("Give each an explicit write list without it: bulk attach --live does.",
			"users of %s may write custom:staging_sub, and claim to have been somebody else", list(can))
	}
	return ok("no client's users may write custom:staging_sub")
}

func hiddenUsers(f Facts) verdict {
	if _, open := split(f.ProductionClients.Value, func(c Client) bool { return c.HidesUsers }); len(open) > 0 {
		return warn("Set PreventUserExistenceErrors to ENABLED.",
			"%s tell a stranger whether an address has an account", list(open))
	}
	return ok("no client tells a stranger whether an address has an account")
}
