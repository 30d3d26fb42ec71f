package cloud_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// The index must not find deleted users, nor miss changed ones.
func TestIndexedMoto(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	add := func(email string) error {
		_, err := s.Add(t.Context(), spaceport.User{Name: "Ann", Email: email, Password: "Secret-Passw0rd"})
		return err
	}
	update := func(from, to string) error {
		_, err := s.Staging.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{
			UserPoolId: &s.StagingPool, Username: &from, UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &to}},
		})
		return err
	}
	require.NoError(t, add("ann@example.com"))
	require.Equal(t, "UsernameExistsException", spaceport.Code(add("ann@example.com")))
	require.NoError(t, update("ann@example.com", "anna@example.com"))
	require.NoError(t, add("ann@example.com"), "the address is free again")
	require.Equal(t, "UsernameExistsException", spaceport.Code(add("anna@example.com")))
	deleted := "anna@example.com"
	_, err := s.Staging.AdminDeleteUser(t.Context(), &cognito.AdminDeleteUserInput{
		UserPoolId: &s.StagingPool, Username: &deleted,
	})
	require.NoError(t, err)
	require.NoError(t, add("anna@example.com"))
	_, err = s.SignIn(t.Context(), "anna@example.com", "Secret-Passw0rd")
	require.NoError(t, err, "and the triggers run as usual")
}
