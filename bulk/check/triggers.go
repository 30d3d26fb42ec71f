package check

import (
	"errors"
	"slices"
	"strings"
)

// needed are the triggers that carry the migration, in the order in which a user meets them.
var needed = []string{"UserMigration", "PostConfirmation", "PostAuthentication"}

func triggers(f Facts) verdict {
	attached := f.Production.Value.Triggers
	missing := slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return attached[name] != "" })
	switch {
	case len(missing) > 0:
		return fail("bulk attach --live attaches them; or make deploy-production Triggers=attached, where the stack made the pool.", "without a function: %s", list(missing))
	case attached["PostConfirmation"] != attached["PostAuthentication"]:
		return warn("One hook belongs behind both: bulk attach --live.", "PostConfirmation is %s but PostAuthentication %s",
			functionName(attached["PostConfirmation"]), functionName(attached["PostAuthentication"]))
	}
	return ok("UserMigration is %s; PostConfirmation and PostAuthentication are %s",
		functionName(attached["UserMigration"]), functionName(attached["PostConfirmation"]))
}

// functionName takes the name out of an ARN.
func functionName(arn string) string {
	if _, name, found := strings.Cut(arn, ":function:"); found {
		return name
	}
	return arn
}

// ToAttach tells whether bulk attach has anything to do. It has the rights for that only where it does: a pool that a stack
// made gets its triggers from the stack.
func (f Facts) ToAttach() bool {
	_, bearsSub := f.Production.Value.Schema["custom:staging_sub"]
	return f.Production.Err == nil && (triggers(f).level != OK || writeLists(f).level != OK || !bearsSub)
}

// Functions are those that carry the migration, each once.
func (p Pool) Functions() []string {
	var functions []string
	for _, name := range needed {
		if f := p.Triggers[name]; f != "" && !slices.Contains(functions, f) {
			functions = append(functions, f)
		}
	}
	return functions
}

// otherTriggers run at a migrating sign-in, or when a sweep creates a user ("Amazon Cognito developer guide, Customizing user
// pool workflows with Lambda triggers"), and may refuse whoever comes over.
func otherTriggers(f Facts) verdict {
	if others := f.Production.Value.attached("PreSignUp", "PreAuthentication", "PreTokenGeneration"); len(others) > 0 {
		return warn("Make sure that they let in whoever comes over.", "%s also run when somebody comes over", list(others))
	}
	return ok("none that could refuse somebody who comes over")
}

// attached are those of the names that have a function.
func (p Pool) attached(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return p.Triggers[name] == "" })
}

// invocation: may Cognito call each function for this pool?
func invocation(f Facts) []verdict {
	var all []verdict
	for _, function := range f.Production.Value.Functions() {
		all = append(all, f.mayCognitoInvoke(function))
	}
	return all
}

func (f Facts) mayCognitoInvoke(function string) verdict {
	policy, name := f.Policies[function], functionName(function)
	allow := "Allow cognito-idp.amazonaws.com lambda:InvokeFunction on it, with SourceArn " + f.Production.Value.ARN + "."
	switch {
	case errors.Is(policy.Err, ErrMissing):
		return fail(allow, "%s is not there, or nobody may invoke it", name)
	case policy.Err != nil:
		return warn("Make sure that Cognito may invoke it (lambda:GetPolicy is needed to look); --canary-user proves it.",
			"the policy of %s could not be looked at (%v)", name, policy.Err)
	}
	switch cognitoMay(policy.Value, f.Production.Value) {
	case mayForThisPool:
		return ok("Cognito may invoke %s for this pool", name)
	case mayForAnyPool:
		return warn("Limit it by SourceArn to "+f.Production.Value.ARN+".",
			"Cognito may invoke %s, and so may any pool of any account", name)
	}
	return fail(allow, "the policy of %s does not let Cognito invoke it for this pool", name)
}
