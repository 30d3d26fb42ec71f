package cloud

import (
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/require"
)

func (w *world) update(name string, pairs ...string) error {
	_, err := w.idp.AdminUpdateUserAttributes(w.t.Context(), &cognito.AdminUpdateUserAttributesInput{
		UserPoolId: &w.pool, Username: &name, UserAttributes: attributes(pairs...),
	})
	return err
}

func TestUserNames(t *testing.T) {
	t.Run("email as user name", func(t *testing.T) {
		w := newWorld(t, emailAsUsername)
		username := w.create("Ann@Example.com")
		for _, name := range []string{"ann@example.com", "ANN@EXAMPLE.COM", username} {
			u, err := w.get(name)
			require.NoError(t, err, name)
			require.Equal(t, username, *u.Username)
			require.Equal(t, username, attr(u.UserAttributes, "sub"))
		}
		rejectedWith(t, w.tryCreate("ann@example.com"), "UsernameExistsException")
		rejectedWith(t, w.tryCreate("ann"), "InvalidParameterException")
	})
	t.Run("case-sensitive by default", func(t *testing.T) {
		w := newWorld(t)
		w.create("ann")
		rejectedWith(t, w.find("Ann"), "UserNotFoundException")
		require.NoError(t, w.tryCreate("Ann"))
	})
	t.Run("a changed email is found, though unverified", func(t *testing.T) {
		w := newWorld(t, emailAsUsername)
		w.confirm("ann@example.com", "email_verified", "true")
		w.confirm("bob@example.com", "email_verified", "true")
		rejectedWith(t, w.update("ann@example.com", "email", "BOB@example.com"), "AliasExistsException")
		require.NoError(t, w.update("ann@example.com", "email", "eve@example.com"))
		u, err := w.get("eve@example.com")
		require.NoError(t, err)
		require.Equal(t, "false", attr(u.UserAttributes, "email_verified"))
		rejectedWith(t, w.find("ann@example.com"), "UserNotFoundException")
		require.NoError(t, w.update("eve@example.com", "email", "eve@example.com"), "moto mistakes it for another user's")
		w.create("ann@example.com")
		rejectedWith(t, w.tryCreate("eve@example.com"), "UsernameExistsException")
	})
	t.Run("a deleted name is free", func(t *testing.T) {
		w := newWorld(t, emailAsUsername)
		w.create("ann@example.com")
		_, err := w.idp.AdminDeleteUser(t.Context(),
			&cognito.AdminDeleteUserInput{UserPoolId: &w.pool, Username: aws.String("ann@example.com")})
		require.NoError(t, err)
		rejectedWith(t, w.find("ann@example.com"), "UserNotFoundException")
		w.create("ann@example.com")
	})
}

func TestConcurrentCreation(t *testing.T) {
	w := newWorld(t, emailAsUsername)
	errs := make([]error, 8)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = w.tryCreate([]string{"ann@example.com", "Ann@example.com"}[i%2]) })
	}
	wait.Wait()
	exist := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	require.Len(t, exist, 7)
	for _, err := range exist {
		rejectedWith(t, err, "UsernameExistsException")
	}
}

func TestSchema(t *testing.T) {
	w := newWorld(t, emailAsUsername, productionSchema)
	tests := map[string]struct {
		pairs   []string // besides the preferred user name
		message string   // "": created
	}{
		"all required":      {[]string{"custom:staging_sub", "1"}, ""},
		"not in the schema": {[]string{"custom:x", "1"}, "custom:x: Attribute does not exist in the schema."},
		"sub":               {[]string{"sub", "1"}, "sub"},
		"phone number":      {[]string{"phone_number", "+15555550100", "phone_number_verified", "true"}, ""},
		"flag alone":        {[]string{"phone_number_verified", "true"}, "phone_number is required"},
		"identities":        {[]string{"identities", "[]"}, "identities"},
	}
	rejectedWith(t, w.tryCreate("ann@example.com"), "InvalidParameterException",
		"preferred_username: The attribute is required")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := w.tryCreate(name[:3]+"@example.com", append(test.pairs, "preferred_username", "ann")...)
			if test.message == "" {
				require.NoError(t, err)
				return
			}
			rejectedWith(t, err, "InvalidParameterException", test.message)
		})
	}
	rejectedWith(t, w.update("all@example.com", "custom:staging_sub", "2"), "InvalidParameterException",
		"cannot be updated")
	require.NoError(t, w.update("all@example.com", "custom:plan", "free"))

	described, err := w.idp.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &w.pool})
	require.NoError(t, err)
	require.Len(t, described.UserPool.SchemaAttributes, 22)
}

func TestPasswordPolicy(t *testing.T) {
	w := newWorld(t, func(p *cognito.CreateUserPoolInput, _ *cognito.CreateUserPoolClientInput) {
		p.Policies = &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(6)}}
	})
	require.NoError(t, w.tryCreate("ann"))
	w.setPassword("ann", "simple") // what a policy does not name, it does not require
	rejectedWith(t, w.trySetPassword("ann", "short", true), "InvalidPasswordException")
	require.NoError(t, w.signIn("ann", "simple"))
}

func TestListUsersLimit(t *testing.T) {
	w := newWorld(t)
	_, err := w.idp.ListUsers(t.Context(), &cognito.ListUsersInput{UserPoolId: &w.pool, Limit: aws.Int32(61)})
	rejectedWith(t, err, "InvalidParameterException")
}
