package userpool

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

const sub = "8f1c0a52-0b6e-4c7e-9d0f-3a5b6c7d8e9f"

func TestProductionAttributes(t *testing.T) {
	u := User{
		Sub: sub,
		Attributes: map[Attribute]string{
			"sub": sub, "identities": "[]", "cognito:user_status": "CONFIRMED", "dev:custom:x": "1",
			"email": "Ada@Example.com", "email_verified": "True", "phone_number": "+15551234567",
			"phone_number_verified": "false",
			"name":                  "Ada", "locale": "", "custom:plan": "pro", "custom:secret": "s", "custom:empty": "",
			"custom:staging_sub": "forged",
		},
	}
	mapped, dropped := ProductionAttributes(u, []string{"custom:plan", "custom:empty", "custom:staging_sub"})
	assert.Equal(t, map[Attribute]string{
		"email": "Ada@Example.com", "email_verified": "true", "phone_number": "+15551234567",
		"phone_number_verified": "false",
		"name":                  "Ada", "custom:plan": "pro", "preferred_username": "Ada@Example.com",
		"custom:staging_sub": sub,
	}, mapped)
	assert.Equal(t, 1, dropped, "custom:secret is not allowed")
	assert.Contains(t, u.Attributes, AttrSub, "the user is not changed")

	u.Attributes["preferred_username"] = "ada"
	mapped, _ = ProductionAttributes(u, nil)
	assert.Equal(t, "ada", mapped["preferred_username"], "staging's own wins")
	assert.NotContains(t, mapped, "custom:plan", "no custom attribute without an allow-list")
}

func TestEveryStandardAttributeIsCopied(t *testing.T) {
	all := map[Attribute]string{"sub": sub}
	want := map[Attribute]string{"custom:staging_sub": sub}
	for _, name := range []Attribute{
		"address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name", "locale",
		"middle_name", "name", "nickname", "phone_number", "phone_number_verified", "picture", "preferred_username",
		"profile", "updated_at", "website", "zoneinfo",
	} {
		all[name], want[name] = string(name), string(name)
	}
	mapped, dropped := ProductionAttributes(User{Sub: sub, Attributes: all}, nil)
	assert.Equal(t, want, mapped)
	assert.Zero(t, dropped)
}

// TestAttributesAreValidTogether has a flag without what it is about, which Cognito rejects.
func TestAttributesAreValidTogether(t *testing.T) {
	u := User{Sub: sub, Attributes: map[Attribute]string{
		"email": "ada@example.com", "email_verified": "true", "phone_number": "", "phone_number_verified": "true",
	}}
	mapped, dropped := ProductionAttributes(u, nil)
	assert.NotContains(t, mapped, AttrPhoneNumberVerified)
	assert.NotContains(t, mapped, AttrPhoneNumber)
	assert.Equal(t, 1, dropped)
	delete(u.Attributes, AttrPhoneNumber)
	mapped, dropped = ProductionAttributes(u, nil)
	assert.NotContains(t, mapped, AttrPhoneNumberVerified)
	assert.Equal(t, 1, dropped)
}
