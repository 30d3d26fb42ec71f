package cloud

import (
	"sync"

	"golang.org/x/time/rate"
)

// DefaultQuotas are requests a second, per account and category (Cognito developer guide, Quotas).
func DefaultQuotas() map[string]float64 {
	return map[string]float64{
		"UserAuthentication": 120, "UserCreation": 50, "UserAccountRecovery": 30, "UserRead": 120, "UserUpdate": 25,
		"UserList": 30, "UserResourceRead": 50, "UserResourceUpdate": 25, "UserPoolRead": 15, "UserPoolUpdate": 15,
		"UserPoolClientRead": 15, "UserPoolClientUpdate": 15, "UserToken": 120,
	}
}

// EnforceQuotas rejects requests above the quotas from now on; nil means DefaultQuotas, an empty map no quotas. A
// second's requests can come at once. A trigger's own work inside Cognito does not count; its calls from outside do.
func (c *Cloud) EnforceQuotas(perSecond map[string]float64) {
	if perSecond == nil {
		perSecond = DefaultQuotas()
	}
	c.quotas.mu.Lock()
	defer c.quotas.mu.Unlock()
	c.quotas.perSecond, c.quotas.limiters = perSecond, map[string]*rate.Limiter{}
}

type quotas struct {
	mu        sync.Mutex
	perSecond map[string]float64
	limiters  map[string]*rate.Limiter // by account and category
}

// take uses real time, not the injected clock: a rate has no meaning on a clock that does not move.
func (q *quotas) take(r Request) bool {
	category := quotaCategories[r.Operation]
	q.mu.Lock()
	defer q.mu.Unlock()
	perSecond, limited := q.perSecond[category]
	if r.Service != "cognito-idp" || !limited {
		return true
	}
	name := r.Account + "/" + category
	if q.limiters[name] == nil {
		q.limiters[name] = rate.NewLimiter(rate.Limit(perSecond), int(perSecond))
	}
	return q.limiters[name].Allow()
}

// Cognito developer guide, Quotas: operation categories.
var quotaCategories = map[string]string{
	"InitiateAuth": "UserAuthentication", "AdminInitiateAuth": "UserAuthentication",
	"AdminCreateUser": "UserCreation",

	"ForgotPassword": "UserAccountRecovery", "ConfirmForgotPassword": "UserAccountRecovery",
	"AdminResetUserPassword": "UserAccountRecovery", "AdminSetUserPassword": "UserAccountRecovery",

	"AdminGetUser": "UserRead", "GetUser": "UserRead",

	"AdminUpdateUserAttributes": "UserUpdate", "AdminDeleteUser": "UserUpdate", "AdminDisableUser": "UserUpdate",
	"AdminEnableUser": "UserUpdate",

	"ListUsers": "UserList", "ListUsersInGroup": "UserList",

	"AdminListGroupsForUser": "UserResourceRead",
	"AdminAddUserToGroup":    "UserResourceUpdate", "AdminRemoveUserFromGroup": "UserResourceUpdate",

	"RevokeToken": "UserToken", "GlobalSignOut": "UserToken",

	"DescribeUserPool": "UserPoolRead", "ListUserPools": "UserPoolRead", "GetUserPoolMfaConfig": "UserPoolRead",
	"CreateUserPool": "UserPoolUpdate", "UpdateUserPool": "UserPoolUpdate", "AddCustomAttributes": "UserPoolUpdate",
	"DescribeUserPoolClient": "UserPoolClientRead", "ListUserPoolClients": "UserPoolClientRead",
	"CreateUserPoolClient": "UserPoolClientUpdate", "UpdateUserPoolClient": "UserPoolClientUpdate",
}
