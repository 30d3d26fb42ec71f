package cloud

import (
	"crypto/rand"
	"strings"
	"unicode"
)

// passwordPolicy is a pool's, as the API gives it.
type passwordPolicy struct {
	MinimumLength                 int
	RequireUppercase              bool
	RequireLowercase              bool
	RequireNumbers                bool
	RequireSymbols                bool
	TemporaryPasswordValidityDays int `json:",omitempty"`
	PasswordHistorySize           int `json:",omitempty"`
}

// Cognito developer guide, Password requirements: of a pool for which none was given.
var defaultPasswordPolicy = passwordPolicy{
	MinimumLength: 8, RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true,
	TemporaryPasswordValidityDays: 7,
}

const passwordSymbols = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- "

func (p passwordPolicy) check(password string) error {
	contains := func(is func(rune) bool) bool { return strings.IndexFunc(password, is) >= 0 }
	symbol := func(r rune) bool { return strings.ContainsRune(passwordSymbols, r) }
	objection := ""
	switch {
	case len([]rune(password)) < p.MinimumLength:
		objection = "Password not long enough"
	case p.RequireLowercase && !contains(unicode.IsLower):
		objection = "Password must have lowercase characters"
	case p.RequireUppercase && !contains(unicode.IsUpper):
		objection = "Password must have uppercase characters"
	case p.RequireNumbers && !contains(unicode.IsDigit):
		objection = "Password must have numeric characters"
	case p.RequireSymbols && !contains(symbol):
		objection = "Password must have symbol characters"
	default:
		return nil
	}
	return reject("InvalidPasswordException", "Password did not conform with policy: %s", objection)
}

// newPassword satisfies any policy.
func newPassword() string { return "Aa1!" + rand.Text() }
