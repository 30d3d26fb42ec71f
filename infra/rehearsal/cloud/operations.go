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

// publicOperations need no signature: the API reference says of each that Cognito evaluates no IAM policies for it.
var publicOperations = map[string]bool{
	"InitiateAuth": true, "RespondToAuthChallenge": true, "SignUp": true, "ConfirmSignUp": true,
	"ResendConfirmationCode": true, "ForgotPassword": true, "ConfirmForgotPassword": true, "ChangePassword": true,
	"GetUser": true, "UpdateUserAttributes": true, "DeleteUser": true, "DeleteUserAttributes": true,
	"GetUserAttributeVerificationCode": true, "VerifyUserAttribute": true, "GlobalSignOut": true, "RevokeToken": true,
	"AssociateSoftwareToken": true, "VerifySoftwareToken": true, "SetUserMFAPreference": true,
	"GetTokensFromRefreshToken": true, "GetUserAuthFactors": true, "SetUserSettings": true,
	"ConfirmDevice": true, "ForgetDevice": true, "GetDevice": true, "ListDevices": true, "UpdateDeviceStatus": true,
	"StartWebAuthnRegistration": true, "CompleteWebAuthnRegistration": true, "ListWebAuthnCredentials": true,
	"DeleteWebAuthnCredential": true,
}

// operations are those that this cloud serves; any other is an error that says so.
var operations = map[string]operation{
	"CreateUserPool":       {(*Cloud).createUserPool, nothing},
	"UpdateUserPool":       {(*Cloud).updateUserPool, aPool},
	"DeleteUserPool":       {(*Cloud).deleteUserPool, aPool},
	"AddCustomAttributes":  {(*Cloud).changePool, aPool},
	"SetUserPoolMfaConfig": {(*Cloud).changePool, aPool},

	"CreateUserPoolClient":   {(*Cloud).createUserPoolClient, aPool},
	"UpdateUserPoolClient":   {(*Cloud).updateUserPoolClient, aClientOfPool},
	"DescribeUserPoolClient": {(*Cloud).describeUserPoolClient, aClientOfPool},
	"DeleteUserPoolClient":   {(*Cloud).deleteUserPoolClient, aClientOfPool},

	"InitiateAuth":                {(*Cloud).initiateAuth, aClient},
	"AdminInitiateAuth":           {(*Cloud).adminInitiateAuth, aClientOfPool},
	"RespondToAuthChallenge":      {(*Cloud).respondToChallenge, aClient},
	"AdminRespondToAuthChallenge": {(*Cloud).respondToChallenge, aClientOfPool},
	"GetTokensFromRefreshToken":   {(*Cloud).getTokensFromRefreshToken, aClient},
	"RevokeToken":                 {(*Cloud).revokeToken, aClient},

	"SignUp":                 {(*Cloud).signUp, aClient},
	"ConfirmSignUp":          {(*Cloud).confirmSignUp, aClient},
	"AdminConfirmSignUp":     {(*Cloud).adminConfirmSignUp, aPool},
	"ResendConfirmationCode": {(*Cloud).resendConfirmationCode, aClient},
	"ForgotPassword":         {(*Cloud).forgotPassword, aClient},
	"ConfirmForgotPassword":  {(*Cloud).confirmForgotPassword, aClient},

	"AdminCreateUser":        {(*Cloud).adminCreateUser, aPool},
	"AdminResetUserPassword": {(*Cloud).adminResetUserPassword, aPool},
	"AdminSetUserPassword":   {(*Cloud).adminSetUserPassword, aPool},
	"AdminDeleteUser":        {(*Cloud).adminDeleteUser, aPool},
	"AdminGetUser":           {(*Cloud).adminGetUser, aPool},
	"ListUsers":              {(*Cloud).listUsers, aPool},

	"AdminUpdateUserAttributes": {(*Cloud).adminUpdateUserAttributes, aPool},
	"AdminDeleteUserAttributes": {(*Cloud).adminDeleteUserAttributes, aPool},
	"AdminDisableUser":          {(*Cloud).aboutUser, aPool},
	"AdminEnableUser":           {(*Cloud).aboutUser, aPool},
	"AdminUserGlobalSignOut":    {(*Cloud).aboutUser, aPool},
	"AdminAddUserToGroup":       {(*Cloud).aboutUser, aPool},
	"AdminRemoveUserFromGroup":  {(*Cloud).aboutUser, aPool},
	"AdminListGroupsForUser":    {(*Cloud).aboutUser, aPool},
	"AdminSetUserMFAPreference": {(*Cloud).aboutUser, aPool},

	"GetUser":                          {(*Cloud).getUser, aToken},
	"UpdateUserAttributes":             {(*Cloud).updateUserAttributes, aToken},
	"GetUserAttributeVerificationCode": {(*Cloud).sendAttributeCode, aToken},
	"VerifyUserAttribute":              {(*Cloud).verifyUserAttribute, aToken},
	"ChangePassword":                   {(*Cloud).changePassword, aToken},
	"DeleteUser":                       {(*Cloud).deleteUser, aToken},
	"GlobalSignOut":                    {(*Cloud).passOn, aToken},
	"SetUserMFAPreference":             {(*Cloud).passOn, aToken},
	"AssociateSoftwareToken":           {(*Cloud).passOn, aToken},
	"VerifySoftwareToken":              {(*Cloud).verifySoftwareToken, aToken},

	"ListUserPools":        {(*Cloud).passOn, nothing},
	"DescribeUserPool":     {(*Cloud).passOn, nothing},
	"GetUserPoolMfaConfig": {(*Cloud).passOn, nothing},
	"ListUserPoolClients":  {(*Cloud).passOn, nothing},
	"CreateGroup":          {(*Cloud).passOn, nothing},
	"GetGroup":             {(*Cloud).passOn, nothing},
	"ListGroups":           {(*Cloud).passOn, nothing},
	"UpdateGroup":          {(*Cloud).passOn, nothing},
	"DeleteGroup":          {(*Cloud).passOn, nothing},
	"ListUsersInGroup":     {(*Cloud).passOn, nothing},
}
