package stacks

import (
	"slices"

	"github.com/spaceport/user-migration/bulk/check/iam"
)

// Function is what the template says of a Lambda function.
type Function struct {
	FunctionName  string
	Runtime       string
	Architectures []string
	Timeout       int // seconds
	MemorySize    int // MB
	Environment   struct{ Variables map[string]string }
}

// Role is what the template says of an IAM role.
type Role struct {
	RoleName                 string
	AssumeRolePolicyDocument Policy
	Policies                 []struct {
		PolicyName     string
		PolicyDocument Policy
	}
}

// Policy is a policy document.
type Policy struct{ Statement []Statement }

// Statement is one statement of a policy document.
type Statement struct {
	Sid       string
	Effect    string
	Principal map[string]Texts
	Action    Texts
	Resource  Texts
	Condition map[string]map[string]Texts
}

// Texts is a text or a list of texts.
type Texts = iam.Texts

// Statements are those of all the role's own policies.
func (r Role) Statements() []Statement {
	var all []Statement
	for _, p := range r.Policies {
		all = append(all, p.PolicyDocument.Statement...)
	}
	return all
}

// Actions are all that the role may do to something, sorted.
func (r Role) Actions() []string {
	var all []string
	for _, s := range r.Statements() {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
