package cloud

import (
	"context"
	"slices"
)

func (c *Cloud) adminUpdateUserAttributes(ctx context.Context, q *query) (any, error) {
	u, err := c.mustFind(ctx, q)
	if err != nil {
		return nil, err
	}
	return nil, c.changeAttributes(ctx, q, u, q.in.UserAttributes)
}

func (c *Cloud) adminDeleteUserAttributes(ctx context.Context, q *query) (any, error) {
	u, err := c.mustFind(ctx, q)
	if err != nil {
		return nil, err
	}
	kept := u.UserAttributes
	for _, name := range q.in.UserAttributeNames {
		kept = without(kept, name)
	}
	out, err := c.aboutUser(ctx, q)
	if err == nil {
		q.pool.users.rename(u.Username, q.pool.names(kept))
	}
	return out, err
}

// updateUserAttributes is a signed-in user's own change. A new email is unverified until its code is entered; if the
// pool requires verification first, the user keeps the old one until then (API reference,
// UserAttributeUpdateSettingsType).
func (c *Cloud) updateUserAttributes(ctx context.Context, q *query) (any, error) {
	u, err := c.signedIn(ctx, q)
	if err != nil {
		return nil, err
	}
	through, _, err := c.client(ctx, q.token.ClientID)
	if err != nil {
		return nil, err
	}
	q.client = through
	changes := q.in.UserAttributes
	if err := q.pool.checkChange(changes); err != nil {
		return nil, err
	}
	if err := through.mayWrite(changes); err != nil {
		return nil, err
	}
	email := valueOf(changes, "email")
	isNew := email != "" && email != u.attribute("email")
	if isNew && slices.Contains(q.pool.verifyFirst, "email") {
		q.pool.users.change(u.Username, func(e *entry) { e.newEmail = email })
		changes = without(changes, "email")
	}
	if err := c.changeAttributes(ctx, q, u, changes); err != nil {
		return nil, err
	}
	return c.verifyNewEmail(ctx, q, u, email, isNew)
}

func (c *Cloud) verifyNewEmail(ctx context.Context, q *query, u *user, email string, isNew bool) (any, error) {
	sent := []deliveryDetails{}
	if isNew && slices.Contains(q.pool.autoVerified, "email") {
		message := codeMessage{source: "CustomMessage_UpdateUserAttribute", purpose: forEmail, to: email}
		if _, err := c.sendCode(ctx, q, u, message); err != nil {
			return nil, err
		}
		sent = append(sent, emailTo(email))
	}
	return map[string]any{"CodeDeliveryDetailsList": sent}, nil
}

// sendAttributeCode and verifyUserAttribute are unknown to moto.
func (c *Cloud) sendAttributeCode(ctx context.Context, q *query) (any, error) {
	u, err := c.signedIn(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.in.AttributeName != "email" || u.attribute("email") == "" {
		return nil, invalidParameter("User has no attribute %s to verify", q.in.AttributeName)
	}
	return c.sendCode(ctx, q, u, codeMessage{source: "CustomMessage_VerifyUserAttribute", purpose: forEmail})
}

func (c *Cloud) verifyUserAttribute(ctx context.Context, q *query) (any, error) {
	u, err := c.signedIn(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := c.checkCode(q.pool, u.Username, forEmail, q.in.Code); err != nil {
		return nil, err
	}
	c.useCode(q.pool, u.Username, forEmail)
	changes := []attribute{{"email_verified", "true"}}
	q.pool.users.change(u.Username, func(e *entry) {
		if e.newEmail != "" {
			changes = append(changes, attribute{"email", e.newEmail})
		}
		e.newEmail = ""
	})
	return nil, c.changeAttributes(ctx, q, u, changes)
}

// changeAttributes keeps moto and the index in step.
func (c *Cloud) changeAttributes(ctx context.Context, q *query, u *user, changes []attribute) error {
	if err := q.pool.checkChange(changes); err != nil {
		return err
	}
	saysVerified := has(changes, "email_verified")
	// moto mistakes a user's own email for another user's, so attributes that do not change are not sent.
	changes = slices.DeleteFunc(slices.Clone(changes), func(a attribute) bool {
		return has(u.UserAttributes, a.Name) && u.attribute(a.Name) == a.Value
	})
	// A new email is unverified unless the same call says otherwise (API reference, AdminUpdateUserAttributes).
	if has(changes, "email") && !saysVerified {
		changes = append(changes, attribute{"email_verified", "false"})
	}
	if len(changes) == 0 {
		return nil
	}
	merged := u.UserAttributes
	for _, a := range changes {
		merged = with(merged, a.Name, a.Value)
	}
	if !q.pool.users.rename(u.Username, q.pool.names(merged)) {
		return reject("AliasExistsException", "An account with the given email already exists.")
	}
	in := map[string]any{"UserPoolId": q.pool.id, "Username": u.Username, "UserAttributes": changes}
	return c.upstream.ask(ctx, q.pool.place, "AdminUpdateUserAttributes", in, nil)
}
