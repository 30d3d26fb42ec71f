package trigger

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAttributes(t *testing.T) {
	u := but(func(u *User) {
		u.Attributes = map[string]string{
			"sub": sub, "identities": "[]", "cognito:user_status": "CONFIRMED", "dev:custom:x": "1",
			"email": "Ada@Example.com", "email_verified": "True", "phone_number": "+15551234567", "phone_number_verified": "false",
			"name": "Ada", "locale": "", "custom:plan": "pro", "custom:secret": "s", "custom:empty": "", "custom:staging_sub": "forged",
		}
	})
	mapped, dropped := ForProduction(u, []string{"custom:plan", "custom:empty", "custom:staging_sub"})
	assert.Equal(t, map[string]string{
		"email": "Ada@Example.com", "email_verified": "true", "phone_number": "+15551234567", "phone_number_verified": "false",
		"name": "Ada", "custom:plan": "pro", "preferred_username": "Ada@Example.com", "custom:staging_sub": sub,
	}, mapped)
	assert.Equal(t, 1, dropped, "custom:secret is not allowed")
	assert.Contains(t, u.Attributes, "sub", "the user is not changed")

	u.Attributes["preferred_username"] = "ada"
	mapped, _ = ForProduction(u, nil)
	assert.Equal(t, "ada", mapped["preferred_username"], "staging's own wins")
	assert.NotContains(t, mapped, "custom:plan", "nothing custom without an allow-list")
}

func TestEveryStandardAttributeComesAlong(t *testing.T) {
	all := map[string]string{"sub": sub}
	want := map[string]string{"custom:staging_sub": sub}
	for _, name := range []string{
		"address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name", "locale", "middle_name", "name",
		"nickname", "phone_number", "phone_number_verified", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo",
	} {
		all[name], want[name] = name, name
	}
	mapped, dropped := ForProduction(User{Sub: sub, Attributes: all}, nil)
	assert.Equal(t, want, mapped)
	assert.Zero(t, dropped)
}
