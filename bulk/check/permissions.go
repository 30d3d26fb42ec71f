package check

import (
	"errors"
	"slices"
	"strings"
)

// operator says in whose name all this was looked at.
func operator(f Facts) verdict {
	if !f.isOperator() {
		return warn(f.asOperator(), "%s, who is not the stack's operator", f.Operator.ARN)
	}
	return ok("%s", f.Operator.ARN)
}

// isOperator tells whether this runs as the stack's operator, where there is one. A session of a role bears the role's name
// ("IAM User Guide, IAM identifiers").
func (f Facts) isOperator() bool {
	_, role, _ := strings.Cut(f.OperatorRole, ":role/")
	return role == "" || strings.Contains(f.Operator.ARN, ":assumed-role/"+role[strings.LastIndex(role, "/")+1:]+"/")
}

func (f Facts) asOperator() string {
	return "Run it as " + f.OperatorRole + ": most often AWS_PROFILE is another than the operator's."
}

// allowed says one thing of every purpose, in the order in which they were tried.
func allowed(f Facts) []verdict {
	var purposes [][]Permission
	for _, p := range f.Permissions {
		at := slices.IndexFunc(purposes, func(same []Permission) bool { return p.goesWith(same[0]) })
		if at < 0 {
			purposes = append(purposes, []Permission{p})
			continue
		}
		purposes[at] = append(purposes[at], p)
	}
	var all []verdict
	for _, same := range purposes {
		all = append(all, permitted(same))
	}
	return all
}

func (p Permission) goesWith(other Permission) bool {
	return p.Account == other.Account && p.Purpose == other.Purpose && p.On == other.On
}

// Attaching is the purpose for which an operator has rights only where a pool was there before the stack.
const Attaching = "attach the triggers"

// permitted judges the permissions for one purpose.
func permitted(same []Permission) verdict {
	var denied, untold, untried, granted []string
	var why error
	for _, p := range same {
		switch {
		case p.Err == nil:
			_, name, _ := strings.Cut(p.Action, ":")
			granted = append(granted, name)
		case errors.Is(p.Err, ErrAccessDenied):
			denied = append(denied, p.Action)
		case errors.Is(p.Err, ErrUntried):
			untried = append(untried, p.Action)
		default:
			untold, why = append(untold, p.Action), p.Err
		}
	}
	purpose := same[0].Purpose + " in " + same[0].Account + " (" + same[0].On + ")"
	switch {
	case len(denied) > 0 && same[0].Purpose == Attaching: // that there is something to attach is told by the checks of the pool
		return warn("make deploy-production Triggers=attached does it where the stack made the pool; for any other pool allow it to the operator's role.",
			"%s: AccessDenied to %s", purpose, list(denied))
	case len(denied) > 0:
		return fail("Allow it to the operator's role.", "%s: AccessDenied to %s", purpose, list(denied))
	case len(untold) > 0:
		return warn("Run bulk check again once that is seen to.", "%s: %s could not be tried (%v)", purpose, list(untold), why)
	case len(untried) > 0:
		return warn("Look at the operator's role yourself. Where bulk attach is refused midway, it goes on there when run again.",
			"%s: %s; not tried, since no call is sure to change nothing: %s", purpose, list(granted), list(untried))
	}
	return ok("%s: %s", purpose, list(granted))
}
