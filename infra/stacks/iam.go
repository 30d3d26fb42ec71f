package stacks

import (
	"encoding/json"
	"slices"
)

// Function is the properties of a Lambda function.
type Function struct {
	FunctionName  string
	Runtime       string
	Architectures []string
	Timeout       int // seconds
	MemorySize    int // MB
	Environment   struct{ Variables map[string]string }
}

// Role is the properties of an IAM role.
type Role struct {
	RoleName                 string
	AssumeRolePolicyDocument Policy
	Policies                 []struct {
		PolicyName     string
		PolicyDocument Policy
	}
}

// ManagedPolicy is the properties of an IAM policy with a name of its own.
type ManagedPolicy struct{ PolicyDocument Policy }

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

// Texts is a string or a list of strings: policy documents have either.
type Texts []string

// UnmarshalJSON reads either.
func (t *Texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = Texts{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// Statements returns the statements of all the role's inline policies.
func (r Role) Statements() []Statement {
	var all []Statement
	for _, p := range r.Policies {
		all = append(all, p.PolicyDocument.Statement...)
	}
	return all
}

// Actions returns every action that the role allows on some resource, sorted.
func (r Role) Actions() []string {
	var all []string
	for _, s := range r.Statements() {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
