package survey

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/spaceport/user-migration/bulk/check"
)

type poolAPI interface {
	DescribeUserPool(context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolOutput, error)
	ListUserPoolClients(context.Context, *cognito.ListUserPoolClientsInput, ...func(*cognito.Options)) (*cognito.ListUserPoolClientsOutput, error)
	DescribeUserPoolClient(context.Context, *cognito.DescribeUserPoolClientInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error)
	ListGroups(context.Context, *cognito.ListGroupsInput, ...func(*cognito.Options)) (*cognito.ListGroupsOutput, error)
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
	userWriter
	poolWriter
}

type identityAPI interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

type policyAPI interface {
	GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error)
}

// identity is who the account takes us for. In staging this assumes the role. The error is not put into other words, since
// there may be advice about it.
func (e end) identity(ctx context.Context) check.Seen[check.Identity] {
	out, err := e.who.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return check.Seen[check.Identity]{Err: err}
	}
	return check.Seen[check.Identity]{Value: check.Identity{ARN: aws.ToString(out.Arn), Account: aws.ToString(out.Account)}}
}

// policy is a function's resource policy.
func (s *Survey) policy(ctx context.Context, function string) check.Seen[string] {
	out, err := s.functions.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &function})
	if err != nil {
		return check.Seen[string]{Err: translate(err)}
	}
	return check.Seen[string]{Value: aws.ToString(out.Policy)}
}

func (e end) pool(ctx context.Context) check.Seen[check.Pool] {
	out, err := e.pools.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &e.poolID})
	if err != nil {
		return check.Seen[check.Pool]{Err: translate(err)}
	}
	return check.Seen[check.Pool]{Value: describe(*out.UserPool)}
}

func describe(p types.UserPoolType) check.Pool {
	described := check.Pool{
		ID: aws.ToString(p.Id), Name: aws.ToString(p.Name), ARN: aws.ToString(p.Arn), Users: int(p.EstimatedNumberOfUsers),
		// A pool made by API or template is case-sensitive unless it says otherwise ("Amazon Cognito API reference,
		// UsernameConfigurationType").
		CaseSensitive:      p.UsernameConfiguration == nil || aws.ToBool(p.UsernameConfiguration.CaseSensitive),
		UsernameAttributes: words(p.UsernameAttributes), Aliases: words(p.AliasAttributes), AutoVerified: words(p.AutoVerifiedAttributes),
		Schema: schema(p.SchemaAttributes), Triggers: attached(p.LambdaConfig),
		SelfSignUp: p.AdminCreateUserConfig == nil || !p.AdminCreateUserConfig.AllowAdminCreateUserOnly,
		MFA:        string(p.MfaConfiguration),
		Protected:  p.DeletionProtection == types.DeletionProtectionTypeActive,
	}
	if p.UserAttributeUpdateSettings != nil {
		described.VerifyBeforeUpdate = words(p.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate)
	}
	if p.EmailConfiguration != nil {
		described.OwnSender = p.EmailConfiguration.EmailSendingAccount == types.EmailSendingAccountTypeDeveloper
	}
	if p.Policies != nil && p.Policies.PasswordPolicy != nil {
		policy := p.Policies.PasswordPolicy
		described.Passwords = check.PasswordPolicy{
			MinimumLength: int(aws.ToInt32(policy.MinimumLength)), Lower: policy.RequireLowercase, Upper: policy.RequireUppercase,
			Numbers: policy.RequireNumbers, Symbols: policy.RequireSymbols,
		}
	}
	described.Recovery = recovery(p.AccountRecoverySetting)
	return described
}

func words[T ~string](values []T) []string {
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

func recovery(setting *types.AccountRecoverySettingType) []string {
	if setting == nil {
		return nil
	}
	byPriority := slices.SortedFunc(slices.Values(setting.RecoveryMechanisms), func(a, b types.RecoveryOptionType) int {
		return int(aws.ToInt32(a.Priority) - aws.ToInt32(b.Priority))
	})
	var names []string
	for _, mechanism := range byPriority {
		names = append(names, string(mechanism.Name))
	}
	return names
}

// attached names every trigger that has a function and matters here.
func attached(config *types.LambdaConfigType) map[string]string {
	if config == nil {
		config = &types.LambdaConfigType{}
	}
	triggers := map[string]*string{
		"UserMigration": config.UserMigration, "PostConfirmation": config.PostConfirmation, "PostAuthentication": config.PostAuthentication,
		"PreSignUp": config.PreSignUp, "PreAuthentication": config.PreAuthentication, "PreTokenGeneration": config.PreTokenGeneration,
		"CustomMessage": config.CustomMessage,
	}
	// These hold their function one level down.
	if newer := config.PreTokenGenerationConfig; newer != nil {
		triggers["PreTokenGeneration"] = newer.LambdaArn
	}
	if sender := config.CustomEmailSender; sender != nil {
		triggers["CustomEmailSender"] = sender.LambdaArn
	}
	functions := map[string]string{}
	for name, function := range triggers {
		if aws.ToString(function) != "" {
			functions[name] = *function
		}
	}
	return functions
}

func schema(attributes []types.SchemaAttributeType) map[string]check.Attribute {
	all := map[string]check.Attribute{}
	for _, a := range attributes {
		one := check.Attribute{
			Type: string(a.AttributeDataType), Mutable: aws.ToBool(a.Mutable), Required: aws.ToBool(a.Required),
		}
		if limits := a.StringAttributeConstraints; limits != nil {
			one.Min, one.Max = limit(limits.MinLength), limit(limits.MaxLength)
		}
		if limits := a.NumberAttributeConstraints; limits != nil {
			one.Min, one.Max = limit(limits.MinValue), limit(limits.MaxValue)
		}
		all[aws.ToString(a.Name)] = one
	}
	return all
}

func limit(text *string) *float64 {
	value, err := strconv.ParseFloat(aws.ToString(text), 64)
	if err != nil {
		return nil
	}
	return &value
}

// clients reads every app client of the pool.
func (e end) clients(ctx context.Context) (all check.Seen[[]check.Client]) {
	in := &cognito.ListUserPoolClientsInput{UserPoolId: &e.poolID, MaxResults: aws.Int32(60)}
	pages := cognito.NewListUserPoolClientsPaginator(e.pools, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			all.Err = translate(err)
			return all
		}
		for _, c := range page.UserPoolClients {
			one := e.client(ctx, aws.ToString(c.ClientId))
			if one.Err != nil {
				all.Err = one.Err
				return all
			}
			all.Value = append(all.Value, one.Value)
		}
	}
	return all
}

func (e end) client(ctx context.Context, id string) check.Seen[check.Client] {
	out, err := e.pools.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &e.poolID, ClientId: &id})
	if err != nil {
		return check.Seen[check.Client]{Err: translate(err)}
	}
	c := out.UserPoolClient
	return check.Seen[check.Client]{Value: check.Client{
		ID: id, Name: aws.ToString(c.ClientName), Flows: words(c.ExplicitAuthFlows), Writes: c.WriteAttributes,
		HidesUsers: c.PreventUserExistenceErrors == types.PreventUserExistenceErrorTypesEnabled,
		HasASecret: aws.ToString(c.ClientSecret) != "",
	}}
}

func (e end) groups(ctx context.Context) (names check.Seen[[]string]) {
	pages := cognito.NewListGroupsPaginator(e.pools, &cognito.ListGroupsInput{UserPoolId: &e.poolID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			names.Err = translate(err)
			return names
		}
		for _, g := range page.Groups {
			names.Value = append(names.Value, aws.ToString(g.GroupName))
		}
	}
	return names
}
