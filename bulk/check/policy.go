package check

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/bulk/check/iam"
)

// may says what a function's resource policy lets Cognito do.
type may int

const (
	mayNot may = iota
	mayForThisPool
	mayForAnyPool
)

// statement is one statement of a resource policy.
type statement struct {
	Effect    string
	Principal json.RawMessage
	Action    iam.Texts
	Condition map[string]map[string]iam.Texts
}

// cognitoMay reads a function's resource policy.
func cognitoMay(policy string, p Pool) may {
	var document struct{ Statement []statement }
	if json.Unmarshal([]byte(policy), &document) != nil {
		return mayNot
	}
	found := mayNot
	for _, s := range document.Statement {
		if s.Effect != "Allow" || !s.namesCognito() || !s.allowsInvoke() || !s.from("aws:sourceaccount", p.account(), true) {
			continue
		}
		switch {
		case s.from("aws:sourcearn", p.ARN, false):
			return mayForThisPool
		case !s.limits("aws:sourcearn") && s.limits("aws:sourceaccount"):
			return mayForThisPool
		case !s.limits("aws:sourcearn"):
			found = mayForAnyPool
		}
	}
	return found
}

func (s statement) namesCognito() bool {
	var byKind struct{ Service iam.Texts }
	if json.Unmarshal(s.Principal, &byKind) == nil {
		return slices.Contains(byKind.Service, "cognito-idp.amazonaws.com")
	}
	return string(s.Principal) == `"*"`
}

func (s statement) allowsInvoke() bool {
	return slices.ContainsFunc(s.Action, func(pattern string) bool {
		return matches(strings.ToLower(pattern), "lambda:invokefunction")
	})
}

// from tells whether the statement's condition on a key is met; without one the answer is absent.
func (s statement) from(key, value string, absent bool) bool {
	if !s.limits(key) {
		return absent
	}
	for operator, conditions := range s.Condition {
		for name, patterns := range conditions {
			if strings.EqualFold(name, key) && !holds(operator, patterns, value) {
				return false
			}
		}
	}
	return true
}

func (s statement) limits(key string) bool {
	for _, conditions := range s.Condition {
		for name := range conditions {
			if strings.EqualFold(name, key) {
				return true
			}
		}
	}
	return false
}

// holds knows the operators that such a permission is made with. What it does not know does not hold.
func holds(operator string, patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		switch operator {
		case "StringEquals":
			return pattern == value
		case "ArnLike", "ArnEquals", "StringLike":
			return matches(pattern, value)
		}
		return false
	})
}

// matches knows * and ?. In a policy * also stands for slashes.
func matches(pattern, value string) bool {
	const slash = "\x00"
	found, err := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(value, "/", slash))
	return err == nil && found
}
