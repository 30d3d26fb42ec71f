package userpool_test

import (
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/userpool"
	"github.com/spaceport/user-migration/infra/rehearsal/cloud"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestResetEmail sends every kind of reset through the real trigger.
func TestResetEmail(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{Env: map[string]string{
		"RESET_EMAIL_SUBJECT": "Moved!", "RESET_URL": "https://spaceport.example/reset?a=1&b=2",
	}})
	ctx := t.Context()
	pool, err := s.Production.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &s.ProductionPool})
	require.NoError(t, err)
	triggers := pool.UserPool.LambdaConfig
	triggers.CustomMessage = triggers.UserMigration
	_, err = s.Production.UpdateUserPool(ctx, &cognito.UpdateUserPoolInput{
		UserPoolId: &s.ProductionPool, LambdaConfig: triggers,
		AutoVerifiedAttributes: pool.UserPool.AutoVerifiedAttributes, EmailConfiguration: pool.UserPool.EmailConfiguration,
		AdminCreateUserConfig:  pool.UserPool.AdminCreateUserConfig,
		AccountRecoverySetting: pool.UserPool.AccountRecoverySetting,
	})
	require.NoError(t, err)

	production := userpool.New(s.Production, s.ProductionPool)
	account := func(email, name, stagingSub string) (sub string) {
		attributes := map[userpool.Attribute]string{userpool.AttrEmail: email, "email_verified": "true",
			"preferred_username": email, "name": name}
		if stagingSub != "" {
			attributes[userpool.AttrStagingSub] = stagingSub
		}
		sub, err := production.Create(ctx, email, attributes)
		require.NoError(t, err)
		require.NoError(t, production.SetRandomPassword(ctx, sub))
		return sub
	}
	last := func(email string) cloud.Message {
		message, ok := s.Cloud.LastMessage(email)
		require.True(t, ok)
		require.NotEmpty(t, message.Code)
		require.Contains(t, message.Body, message.Code)
		return message
	}
	forgot := func(email string, metadata map[string]string) {
		_, err := s.App.ForgotPassword(ctx, &cognito.ForgotPasswordInput{ClientId: &s.ProductionApp, Username: &email,
			ClientMetadata: metadata})
		require.NoError(t, err)
	}
	ada := account("ada@example.com", "Ada <b>King</b>", "staging-sub-of-ada")
	nat := account("nat@example.com", "Nat", "")

	require.NoError(t, production.SendReset(ctx, ada))
	message := last("ada@example.com")
	assert.Equal(t, "Moved!", message.Subject)
	assert.True(t, strings.HasPrefix(message.Body, "<p>Hi Ada &lt;b&gt;King&lt;/b&gt;,</p>"), message.Body)
	assert.Contains(t, message.Body, `<a href="https://spaceport.example/reset?a=1&amp;b=2">`)
	require.NoError(t, s.ConfirmForgotPassword(ctx, "ada@example.com", message.Code, "Ada-Production-1"))
	_, err = s.SignIn(ctx, "ada@example.com", "Ada-Production-1")
	require.NoError(t, err, "the message's code lets her in")

	forgot("ada@example.com", nil)
	assert.NotEqual(t, "Moved!", last("ada@example.com").Subject, "her own reset has the pool's own text")
	_, err = s.Production.AdminResetUserPassword(ctx,
		&cognito.AdminResetUserPasswordInput{UserPoolId: &s.ProductionPool, Username: &ada})
	require.NoError(t, err)
	assert.NotEqual(t, "Moved!", last("ada@example.com").Subject, "so has an operator's")

	metadata := userpool.ResetMetadata()
	metadata["name"] = "Mallory"
	forgot("ada@example.com", metadata)
	message = last("ada@example.com")
	assert.Equal(t, "Moved!", message.Subject, "any caller can choose our wording for a user who was in staging")
	assert.NotContains(t, message.Body, "Mallory", "and nothing else")

	require.NoError(t, production.SendReset(ctx, nat))
	assert.NotEqual(t, "Moved!", last("nat@example.com").Subject, "who was not in staging is not told so")
}
