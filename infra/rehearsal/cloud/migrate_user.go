package cloud

import (
	"context"
	"slices"
	"strings"
)

// moment is when Cognito asks for a user that the pool does not have.
type moment string

const (
	atSignIn         moment = "UserMigration_Authentication"
	atForgotPassword moment = "UserMigration_ForgotPassword"
)

// Cognito developer guide, Migrate user Lambda trigger parameters. The password is there at sign-in only; a sign-in's
// ClientMetadata comes as validationData, that of ForgotPassword as clientMetadata.
type migrationRequest struct {
	Password       string            `json:"password,omitempty"`
	ValidationData map[string]string `json:"validationData"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	UserAttributes map[string]string `json:"userAttributes"`
}

// migrationResponse is sent with null in every member.
type migrationResponse struct {
	UserAttributes         map[string]string `json:"userAttributes"`
	ForceAliasCreation     *bool             `json:"forceAliasCreation"`
	EnableSMSMFA           *bool             `json:"enableSMSMFA"`
	FinalUserStatus        *string           `json:"finalUserStatus"`
	MessageAction          *string           `json:"messageAction"`
	DesiredDeliveryMediums []string          `json:"desiredDeliveryMediums"`
}

// migrate asks the pool's trigger about an unknown user, and creates the user that it describes. It returns nil if
// there is no trigger or the trigger left its response unchanged: the user remains unknown.
func (c *Cloud) migrate(ctx context.Context, q *query, when moment, name, password string) (*user, error) {
	const trigger = "UserMigration"
	if q.pool.triggers[trigger] == "" {
		return nil, nil
	}
	request := migrationRequest{Password: password}
	if when == atSignIn {
		request.ValidationData = q.in.ClientMetadata
	} else {
		request.ClientMetadata = q.in.ClientMetadata
	}
	var said migrationResponse
	err := c.fire(ctx, q, trigger, string(when), name, request, &said)
	if err != nil || len(said.UserAttributes) == 0 {
		return nil, err
	}
	if detail := said.objection(); detail != "" {
		return nil, q.client.unknownUser(detail)
	}
	return c.importUser(ctx, q, when, said, name, password)
}

// objection says what is wrong with the values of a response. re:Post knowledge center,
// cognito-migration-lambda-trigger-errors, shows such texts under UserNotFoundException; a client that hides users
// always answers "Incorrect username or password."
func (r migrationResponse) objection() string {
	switch {
	case !oneOf(r.FinalUserStatus, confirmed, resetRequired):
		return "Exception during user migration: invalid finalUserStatus"
	case !oneOf(r.MessageAction, "SUPPRESS", "RESEND"):
		return "Exception during user migration: invalid messageAction"
	case slices.ContainsFunc(r.DesiredDeliveryMediums, func(m string) bool { return m != "EMAIL" && m != "SMS" }):
		return "Exception during user migration: invalid desiredDeliveryMediums"
	}
	return ""
}

// oneOf accepts null, which is the response as it was sent. An empty string is a value, and an invalid one.
func oneOf(value *string, allowed ...string) bool {
	return value == nil || slices.Contains(allowed, *value)
}

// importUser creates the user. The password policy is not enforced (Cognito developer guide, Migrate user,
// finalUserStatus).
func (c *Cloud) importUser(
	ctx context.Context, q *query, when moment, said migrationResponse, name, password string,
) (*user, error) {
	keepsPassword := when == atSignIn && said.FinalUserStatus != nil && *said.FinalUserStatus == confirmed
	if !keepsPassword {
		password = newPassword()
	}
	n, err := q.pool.importedUser(name, said.UserAttributes)
	if err != nil {
		return nil, q.client.unknownUser(asAPIError(err).message)
	}
	n.password = password
	username, _, err := c.create(ctx, q, n)
	if err != nil {
		if asAPIError(err).code == "UsernameExistsException" {
			err = q.client.unknownUser("Exception migrating user in app client " + q.client.id)
		}
		return nil, err
	}
	u, err := c.confirmImported(ctx, q, username, keepsPassword)
	if err == nil && said.MessageAction == nil {
		c.sendWelcome(q.pool, u, name)
	}
	return u, err
}

func (c *Cloud) confirmImported(ctx context.Context, q *query, username string, keepsPassword bool) (*user, error) {
	if err := c.askAbout(ctx, q.pool, username, "AdminConfirmSignUp", nil, nil); err != nil {
		return nil, err
	}
	u, err := c.lookUp(ctx, q.pool, username)
	if err != nil || keepsPassword {
		return u, err
	}
	if err := c.requireReset(ctx, q, u); err != nil {
		return nil, err
	}
	u.UserStatus = resetRequired
	return u, nil
}

// importedUser checks the attributes of a response against the pool. What a client may write does not matter: the
// trigger is not a client.
func (p *pool) importedUser(name string, given map[string]string) (*newUser, error) {
	attributes := make([]attribute, 0, len(given))
	for key, value := range given {
		attributes = append(attributes, attribute{Name: key, Value: value})
	}
	slices.SortFunc(attributes, func(a, b attribute) int { return strings.Compare(a.Name, b.Name) })
	if slices.Contains(p.usernames, "email") {
		if p.users.fold(given["email"]) != p.users.fold(name) {
			return nil, invalidParameter("Attributes did not conform to the schema: email: The attribute must be the user name")
		}
		name = given["email"]
	}
	return p.newUser(name, attributes)
}
