package cloud

import (
	"slices"
	"strconv"
	"strings"
)

type schemaAttribute struct {
	Name                       string
	AttributeDataType          string
	Mutable                    bool
	Required                   bool
	StringAttributeConstraints *struct{ MinLength, MaxLength string }
}

// nonconforming returns what Cognito would object to in one attribute, or "".
func (p *pool) nonconforming(a attribute) string {
	described, known := p.schema[a.Name]
	if !known || strings.HasPrefix(a.Name, "cognito:") {
		return a.Name + ": Attribute does not exist in the schema."
	}
	limits := described.StringAttributeConstraints
	if described.AttributeDataType != "String" || limits == nil {
		return ""
	}
	length := len([]rune(a.Value))
	if longest, err := strconv.Atoi(limits.MaxLength); err == nil && length > longest {
		return a.Name + ": String must be no longer than " + limits.MaxLength + " characters"
	}
	if shortest, err := strconv.Atoi(limits.MinLength); err == nil && length < shortest {
		return a.Name + ": String must be at least " + limits.MinLength + " characters"
	}
	return ""
}

// checkNew is for the attributes of a user to be created.
func (p *pool) checkNew(attributes []attribute) error {
	for _, a := range attributes {
		// API reference, AdminCreateUser: sub is Cognito's own; identities are made by linking.
		if a.Name == "sub" || a.Name == "identities" {
			return invalidParameter("Cannot modify the non-mutable attribute %s", a.Name)
		}
		if objection := p.nonconforming(a); objection != "" {
			return invalidParameter("Attributes did not conform to the schema: %s\n", objection)
		}
	}
	// API reference, AdminCreateUser, UserAttributes: a verified flag needs what it is about.
	for _, name := range []string{"email", "phone_number"} {
		if valueOf(attributes, name+"_verified") == "true" && valueOf(attributes, name) == "" {
			return invalidParameter("%s is required if %[1]s_verified is true", name)
		}
	}
	for name, described := range p.schema {
		if described.Required && name != "sub" && valueOf(attributes, name) == "" {
			return invalidParameter("Attributes did not conform to the schema: %s: The attribute is required\n", name)
		}
	}
	return nil
}

// checkChange is for the attributes of a user who exists.
func (p *pool) checkChange(attributes []attribute) error {
	for _, a := range attributes {
		described, known := p.schema[a.Name]
		if a.Name == "sub" || a.Name == "identities" || known && !described.Mutable {
			return invalidParameter("user.%s: Attribute cannot be updated.\n", a.Name)
		}
		if objection := p.nonconforming(a); objection != "" {
			return invalidParameter("Attributes did not conform to the schema: %s\n", objection)
		}
	}
	return nil
}

// with returns the attributes with one set.
func with(attributes []attribute, name, value string) []attribute {
	changed := slices.DeleteFunc(slices.Clone(attributes), func(a attribute) bool { return a.Name == name })
	return append(changed, attribute{Name: name, Value: value})
}

func has(attributes []attribute, name string) bool {
	return slices.ContainsFunc(attributes, func(a attribute) bool { return a.Name == name })
}
