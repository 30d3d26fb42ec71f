package cloud

import (
	"sync"
	"time"
)

// DefaultQuotas are requests a second, per account and category (Cognito developer guide, Quotas).
func DefaultQuotas() map[string]float64 {
	return map[string]float64{
		"UserAuthentication": 120, "UserCreation": 50, "UserAccountRecovery": 30, "UserRead": 120, "UserUpdate": 25,
		"UserList": 30, "UserResourceRead": 50, "UserResourceUpdate": 25, "UserPoolRead": 15, "UserPoolUpdate": 15, "UserPoolClientRead": 15, "UserPoolClientUpdate": 15,
		"UserToken": 120,
	}
}

// EnforceQuotas rejects requests above the quotas from now on; nil means DefaultQuotas, an empty map no quotas. A
// bucket holds the requests of one second. A trigger's own work inside Cognito does not count; its calls from outside
// do.
func (c *Cloud) EnforceQuotas(perSecond map[string]float64) {
	if perSecond == nil {
		perSecond = DefaultQuotas()
	}
	c.quotas.mu.Lock()
	defer c.quotas.mu.Unlock()
	c.quotas.perSecond, c.quotas.buckets = perSecond, map[string]*bucket{}
}

type quotas struct {
	mu        sync.Mutex
	perSecond map[string]float64
	buckets   map[string]*bucket
}

type bucket struct {
	tokens float64
	filled time.Time
}

// take uses real time, not the injected clock: a rate has no meaning on a clock that does not move.
func (q *quotas) take(r Request) bool {
	category := quotaCategories[r.Operation]
	if r.Service != "cognito-idp" || category == "" {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	rate, limited := q.perSecond[category]
	if !limited {
		return true
	}
	b := q.bucket(r.Account+"/"+category, rate)
	now := time.Now()
	b.tokens = min(rate, b.tokens+rate*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (q *quotas) bucket(name string, rate float64) *bucket {
	b := q.buckets[name]
	if b == nil {
		b = &bucket{tokens: rate, filled: time.Now()}
		q.buckets[name] = b
	}
	return b
}

// Cognito developer guide, Quotas: operation categories.
var quotaCategories = map[string]string{
	"InitiateAuth": "UserAuthentication", "AdminInitiateAuth": "UserAuthentication",
	"RespondToAuthChallenge": "UserAuthentication", "AdminRespondToAuthChallenge": "UserAuthentication",

	"SignUp": "UserCreation", "ConfirmSignUp": "UserCreation",
	"AdminCreateUser": "UserCreation", "AdminConfirmSignUp": "UserCreation",

	"ForgotPassword": "UserAccountRecovery", "ConfirmForgotPassword": "UserAccountRecovery",
	"ChangePassword": "UserAccountRecovery", "AdminResetUserPassword": "UserAccountRecovery",
	"AdminSetUserPassword": "UserAccountRecovery",

	"AdminGetUser": "UserRead", "GetUser": "UserRead",

	"AdminUpdateUserAttributes": "UserUpdate", "AdminDeleteUserAttributes": "UserUpdate", "AdminDeleteUser": "UserUpdate",
	"AdminDisableUser": "UserUpdate", "AdminEnableUser": "UserUpdate", "UpdateUserAttributes": "UserUpdate",
	"DeleteUser": "UserUpdate", "VerifyUserAttribute": "UserUpdate", "AdminUserGlobalSignOut": "UserUpdate",
	"AdminSetUserMFAPreference": "UserUpdate", "SetUserMFAPreference": "UserUpdate",

	"ListUsers": "UserList", "ListUsersInGroup": "UserList",

	"AdminListGroupsForUser": "UserResourceRead",
	"AdminAddUserToGroup":    "UserResourceUpdate", "AdminRemoveUserFromGroup": "UserResourceUpdate",

	"RevokeToken": "UserToken", "GlobalSignOut": "UserToken",

	"DescribeUserPool": "UserPoolRead", "ListUserPools": "UserPoolRead", "GetUserPoolMfaConfig": "UserPoolRead",
	"CreateUserPool": "UserPoolUpdate", "UpdateUserPool": "UserPoolUpdate", "DeleteUserPool": "UserPoolUpdate",
	"AddCustomAttributes":    "UserPoolUpdate",
	"DescribeUserPoolClient": "UserPoolClientRead", "ListUserPoolClients": "UserPoolClientRead",
	"CreateUserPoolClient": "UserPoolClientUpdate", "UpdateUserPoolClient": "UserPoolClientUpdate",
	"DeleteUserPoolClient": "UserPoolClientUpdate",
}
