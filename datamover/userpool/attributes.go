package userpool

import (
	"maps"
	"slices"
	"strings"
)

// Attribute is the name of a user attribute.
type Attribute string

// Attributes that the migration itself reads or writes.
const (
	AttrSub                 Attribute = "sub"
	AttrEmail               Attribute = "email"
	AttrEmailVerified       Attribute = "email_verified"
	AttrPhoneNumber         Attribute = "phone_number"
	AttrPhoneNumberVerified Attribute = "phone_number_verified"
	AttrPreferredUsername   Attribute = "preferred_username"
	AttrStagingSub          Attribute = "custom:staging_sub" // of a production user: the staging user they were
)

// Custom reports whether the attribute is one of the pool's own.
func (a Attribute) Custom() bool { return strings.HasPrefix(string(a), "custom:") }

// Every pool's schema has these attributes ("Amazon Cognito developer guide, Working with user attributes") and sub,
// which is never sent: a response with it fails the sign-in. An app client may write only Writable ("Attribute
// permissions").
var (
	Writable = []Attribute{
		"address", "birthdate", "email", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname",
		"phone_number", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo",
	}
	verified = []Attribute{AttrEmailVerified, AttrPhoneNumberVerified}
)

// ProductionAttributes returns what production stores of a staging user: the standard attributes and the listed custom
// ones. It counts what is left out: custom attributes, and what Cognito rejects as a combination. Empty values are not
// sent: to Cognito they mean "delete" ("Amazon Cognito API reference, AdminUpdateUserAttributes").
func ProductionAttributes(u User, custom []string) (attributes map[Attribute]string, dropped int) {
	attributes = maps.Clone(u.Attributes)
	maps.DeleteFunc(attributes, func(name Attribute, value string) bool {
		if name.Custom() {
			if slices.Contains(custom, string(name)) {
				return value == ""
			}
			dropped++
			return true
		}
		return value == "" || !slices.Contains(Writable, name) && !slices.Contains(verified, name)
	})
	for _, flag := range verified {
		if value, ok := attributes[flag]; ok {
			attributes[flag] = strings.ToLower(value) // pools that were filled by script hold "True" too
		}
	}
	// A verified flag needs what it is about ("Amazon Cognito API reference, AdminCreateUser, UserAttributes").
	if attributes[AttrPhoneNumber] == "" {
		if attributes[AttrPhoneNumberVerified] == "true" {
			dropped++
		}
		delete(attributes, AttrPhoneNumberVerified)
	}
	if attributes[AttrPreferredUsername] == "" {
		attributes[AttrPreferredUsername] = u.Email()
	}
	attributes[AttrStagingSub] = u.Sub
	return attributes, dropped
}
