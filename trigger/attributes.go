package trigger

import (
	"maps"
	"slices"
	"strings"
)

// standard lists the standard attributes, which every pool's schema has ("Cognito developer guide, Working with user
// attributes"), without sub: a response with it fails the sign-in.
var standard = []string{
	"address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name", "locale", "middle_name",
	"name", "nickname", "phone_number", "phone_number_verified", "picture", "preferred_username", "profile", "updated_at",
	"website", "zoneinfo",
}

// ForProduction maps a staging user to what production is to store, and counts the custom attributes left behind. Blank
// values are not sent: to Cognito they mean "delete" ("Amazon Cognito API reference, AdminUpdateUserAttributes").
func ForProduction(u User, custom []string) (mapped map[string]string, dropped int) {
	mapped = maps.Clone(u.Attributes)
	maps.DeleteFunc(mapped, func(name, value string) bool {
		if strings.HasPrefix(name, "custom:") {
			if slices.Contains(custom, name) {
				return value == ""
			}
			dropped++
			return true
		}
		return value == "" || !slices.Contains(standard, name)
	})
	for _, flag := range []string{"email_verified", "phone_number_verified"} {
		if value, ok := mapped[flag]; ok {
			mapped[flag] = strings.ToLower(value) // "True" is found in pools that were filled by script
		}
	}
	if mapped["preferred_username"] == "" {
		mapped["preferred_username"] = u.Email()
	}
	mapped["custom:staging_sub"] = u.Sub
	return mapped, dropped
}
