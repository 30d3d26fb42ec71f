package cloud

import "context"

// operation is how one Cognito operation is served, and what must be found first.
type operation struct {
	serve func(*Cloud, context.Context, *query) (any, error)
	needs need
}

type need int

const (
	nothing need = iota
	aPool        // UserPoolId, in the caller's account
	aClient      // ClientId, in either account
	aClientOfPool
	aToken // AccessToken
)

// isPublic says that an operation needs no signature: the API reference says of each that Cognito evaluates no IAM
// policies for it.
func (o operation) isPublic() bool { return o.needs == aClient || o.needs == aToken }

// operations are those that this cloud serves; any other is an error that says so.
var operations = map[string]operation{
	"CreateUserPool":       {(*Cloud).createUserPool, nothing},
	"UpdateUserPool":       {(*Cloud).changeUserPool, aPool},
	"AddCustomAttributes":  {(*Cloud).changeUserPool, aPool},
	"SetUserPoolMfaConfig": {(*Cloud).changeUserPool, aPool},

	"CreateUserPoolClient":   {(*Cloud).setUserPoolClient, aPool},
	"UpdateUserPoolClient":   {(*Cloud).setUserPoolClient, aClientOfPool},
	"DescribeUserPoolClient": {(*Cloud).passOn, aClientOfPool},

	"InitiateAuth":              {(*Cloud).initiateAuth, aClient},
	"RespondToAuthChallenge":    {(*Cloud).respondToChallenge, aClient},
	"AdminInitiateAuth":         {(*Cloud).adminInitiateAuth, aClientOfPool},
	"GetTokensFromRefreshToken": {(*Cloud).getTokensFromRefreshToken, aClient},
	"RevokeToken":               {(*Cloud).revokeToken, aClient},
	"ForgotPassword":            {(*Cloud).forgotPassword, aClient},
	"ConfirmForgotPassword":     {(*Cloud).confirmForgotPassword, aClient},
	"GetUser":                   {(*Cloud).getUser, aToken},
	"GlobalSignOut":             {(*Cloud).passOn, aToken},
	"ChangePassword":            {(*Cloud).passOn, aToken},
	"AssociateSoftwareToken":    {(*Cloud).passOn, aToken},
	"VerifySoftwareToken":       {(*Cloud).passOn, aToken},
	"SetUserMFAPreference":      {(*Cloud).passOn, aToken},

	"AdminCreateUser":           {(*Cloud).adminCreateUser, aPool},
	"AdminResetUserPassword":    {(*Cloud).adminResetUserPassword, aPool},
	"AdminSetUserPassword":      {(*Cloud).adminSetUserPassword, aPool},
	"AdminDeleteUser":           {(*Cloud).adminDeleteUser, aPool},
	"AdminGetUser":              {(*Cloud).adminGetUser, aPool},
	"AdminUpdateUserAttributes": {(*Cloud).adminUpdateUserAttributes, aPool},
	"AdminDisableUser":          {(*Cloud).aboutUser, aPool},
	"AdminEnableUser":           {(*Cloud).aboutUser, aPool},
	"AdminAddUserToGroup":       {(*Cloud).aboutUser, aPool},
	"AdminRemoveUserFromGroup":  {(*Cloud).aboutUser, aPool},
	"AdminListGroupsForUser":    {(*Cloud).aboutUser, aPool},
	"ListUsers":                 {(*Cloud).listUsers, aPool},

	"ListUserPools":        {(*Cloud).passOn, nothing},
	"DescribeUserPool":     {(*Cloud).passOn, nothing},
	"GetUserPoolMfaConfig": {(*Cloud).passOn, nothing},
	"ListUserPoolClients":  {(*Cloud).passOn, nothing},
	"CreateGroup":          {(*Cloud).passOn, nothing},
	"ListGroups":           {(*Cloud).passOn, nothing},
	"ListUsersInGroup":     {(*Cloud).passOn, nothing},
}
