package stacks

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/trigger"
)

const (
	stagingAccount    = "111111111111"
	productionAccount = "222222222222"
)

// Required parameters, and values that exist only after a deployment.
var (
	stagingRequired = map[string]string{"StagingUserPoolId": "us-east-1_Staging", "ProductionAccountId": productionAccount}
	stagingKnown    = map[string]string{
		"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": stagingAccount,
		"AWS::URLSuffix": "amazonaws.com",
	}
	productionRequired = map[string]string{
		"StagingUserPoolId": "us-east-1_Staging", "StagingClientId": "client",
		"StagingTriggerRoleArn":   "arn:aws:iam::111111111111:role/Spaceport-Migration-staging-trigger",
		"StagingDatamoverRoleArn": "arn:aws:iam::111111111111:role/Spaceport-Migration-staging-datamover",
		"StagingOperatorRoleArn":  "arn:aws:iam::111111111111:role/Spaceport-Migration-staging-operator",
	}
	productionKnown = map[string]string{
		"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": productionAccount,
		"AWS::URLSuffix":   "amazonaws.com",
		"AWS::StackName":   "spaceport-migration",
		"UserPool.Arn":     "arn:aws:cognito-idp:us-east-1:222222222222:userpool/us-east-1_Production",
		"Trigger":          "Spaceport-Migration-trigger",
		"Datamover":        "Spaceport-Migration-datamover",
		"Background":       "Spaceport-Migration-datamover-background",
		"Trigger.Arn":      "arn:aws:lambda:us-east-1:222222222222:function:Spaceport-Migration-trigger",
		"Datamover.Arn":    "arn:aws:lambda:us-east-1:222222222222:function:Spaceport-Migration-datamover",
		"TriggerLog.Arn":   "arn:aws:logs:us-east-1:222222222222:log-group:/aws/lambda/Spaceport-Migration-trigger:*",
		"DatamoverLog.Arn": "arn:aws:logs:us-east-1:222222222222:log-group:/aws/lambda/Spaceport-Migration-datamover:*",
		"BackgroundLog.Arn": "arn:aws:logs:us-east-1:222222222222:log-group:/aws/lambda/Spaceport-Migration-datamover-" +
			"background:*",
		"DeadLetters.Arn": "arn:aws:sqs:us-east-1:222222222222:Spaceport-Migration-dead-letters",
	}
)

// stagingEverything and productionEverything set every optional parameter. Tests of permissions use the templates with
// and without them.
var (
	stagingEverything = map[string]string{
		"MoreTableArns":        "arn:aws:dynamodb:us-east-1:111111111111:table/More-staging",
		"TablesKeyArn":         "arn:aws:kms:us-east-1:111111111111:key/k",
		"OperatorPrincipalArn": "arn:aws:iam::222222222222:role/admin",
		"MigrateGroups":        "beta",
	}
	productionEverything = map[string]string{
		"StagingCutoff": "2026-01-31T12:00:00Z", "MfaUsers": "refuse",
		"CustomAttribute1": "plan", "CustomAttribute3": "color", "MigrateGroups": "beta, testers",
		"EmailSourceArn": "arn:aws:ses:us-east-1:222222222222:identity/spaceport.example",
		"EmailFrom":      "hello@spaceport.example", "EmailReplyTo": "help@spaceport.example",
		"PoolMfa": "OFF", "PasswordFlow": "no", "Triggers": "detached", "PoolTier": "LITE",
		"CreateTables": "yes", "MoreTables": `{"source":"More-staging","target":"More-prod","ownerKey":"userSub"}`,
		"MoreTargetTableArns": "arn:aws:dynamodb:us-east-1:222222222222:table/More-prod",
		"TablesKeyArn":        "arn:aws:kms:us-east-1:222222222222:key/k",
		"Architecture":        "x86_64", "TriggerConcurrency": "50", "LogRetentionDays": "30",
		"ResetEmailSubject": "Your account", "ResetEmailText": "Code: {####}",
		"ResetUrl":         "https://spaceport.example/reset?from=email&lang=en",
		"OperatorTrustArn": "arn:aws:iam::222222222222:role/admin", "OperatorMfa": "yes",
		"AlarmEmail": "ops@spaceport.example", "BackgroundConcurrency": "20",
		"ExpectedUsers": "10000",
	}
	existingPool = map[string]string{
		"ExistingUserPoolId": "us-east-1_Existing", "PoolSmsRoleArn": "arn:aws:iam::222222222222:role/sms",
		"CreateLedger": "no",
	}
)

func template(t *testing.T, file string) *Template {
	t.Helper()
	read, err := Read("../" + file)
	require.NoError(t, err)
	return read
}

func stack(t *testing.T, file string, known map[string]string, parameters ...map[string]string) *Stack {
	t.Helper()
	all := map[string]string{}
	for _, p := range parameters {
		maps.Copy(all, p)
	}
	s, err := template(t, file).With(all, known)
	require.NoError(t, err)
	return s
}

func staging(t *testing.T, parameters ...map[string]string) *Stack {
	return stack(t, "staging.yaml", stagingKnown, append(parameters, stagingRequired)...)
}

func production(t *testing.T, parameters ...map[string]string) *Stack {
	return stack(t, "production.yaml", productionKnown, append(parameters, productionRequired)...)
}

// variants returns both stacks with different parameters.
func variants(t *testing.T) map[string]*Stack {
	return map[string]*Stack{
		"staging": staging(t), "staging with everything": staging(t, stagingEverything),
		"production": production(t), "production with everything": production(t, productionEverything),
		"existing pool":                 production(t, existingPool),
		"existing pool with everything": production(t, productionEverything, existingPool),
	}
}

func properties[T any](t *testing.T, s *Stack, id string) (p T) {
	t.Helper()
	require.NoError(t, s.Properties(id, &p))
	return p
}

func ofType(t *testing.T, s *Stack, kind string) (ids []string) {
	t.Helper()
	resources, err := s.Resources()
	require.NoError(t, err)
	for id, resource := range resources {
		if resource == kind {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// statements returns those of all policies, by the logical id of the role or policy.
func statements(t *testing.T, s *Stack) map[string][]Statement {
	t.Helper()
	all := map[string][]Statement{}
	for _, id := range ofType(t, s, "AWS::IAM::Role") {
		all[id] = properties[Role](t, s, id).Statements()
	}
	for _, id := range ofType(t, s, "AWS::IAM::Policy") {
		all[id] = properties[ManagedPolicy](t, s, id).PolicyDocument.Statement
	}
	return all
}

// TestPoliciesHaveNoWildcards: every action and every resource is named in full.
func TestPoliciesHaveNoWildcards(t *testing.T) {
	for variant, s := range variants(t) {
		for id, all := range statements(t, s) {
			require.NotEmpty(t, all, "%s: %s", variant, id)
			for _, st := range all {
				assert.Equal(t, "Allow", st.Effect, "%s: %s/%s", variant, id, st.Sid)
				assert.NotEmpty(t, st.Resource, "%s: %s/%s", variant, id, st.Sid)
				for _, action := range st.Action {
					assert.Regexp(t, `^[a-z-]+:[A-Z][A-Za-z]+$`, action, "%s: %s/%s", variant, id, st.Sid)
				}
				if slices.Equal(st.Action, Texts{"ses:GetAccount"}) { // which has no resource
					assert.Equal(t, Texts{"*"}, st.Resource)
					continue
				}
				for _, resource := range st.Resource {
					switch st.Sid { // ARNs that must end with a wildcard
					case "Log", "Logs": // a log group's ARN, which includes its streams
						resource = strings.TrimSuffix(resource, ":*")
					case "Stack": // CloudFormation generates the rest
						resource = strings.TrimSuffix(resource, "/*")
					}
					assert.Regexp(t, `^arn:aws:[a-z-]+:[a-z0-9-]*:[0-9]{12}:[^*?<>]+$`, resource, "%s: %s/%s", variant, id, st.Sid)
				}
			}
		}
	}
}

// TestParametersRejectWildcards: no parameter that is part of a policy can name more than one resource or role.
func TestParametersRejectWildcards(t *testing.T) {
	arns := 0
	for _, s := range []*Stack{staging(t, stagingEverything), production(t, productionEverything, existingPool)} {
		for name, p := range s.template.Parameters {
			if !strings.Contains(name, "Arn") {
				continue
			}
			arns++
			require.NotEmpty(t, p.AllowedPattern, name)
			allowed := regexp.MustCompile("^(?:" + p.AllowedPattern + ")$") // each element of a list must match it
			arn := s.parameters[name]
			require.Regexp(t, allowed, arn)
			account, rest := arn[:strings.LastIndex(arn, ":")+1], arn[strings.LastIndex(arn, ":")+1:]
			for _, wildcard := range []string{
				"*", arn + "*", arn + "?", account + "*", strings.Replace(arn, rest, rest[:4]+"*"+rest[4:], 1),
				regexp.MustCompile(`[0-9]{12}`).ReplaceAllString(arn, "*"), arn + ",*", strings.Replace(arn, rest, "role/*", 1),
				arn + "${aws:username}",
			} {
				if name == "EmailSourceArn" && strings.HasSuffix(wildcard, "}") {
					continue // not part of a policy
				}
				assert.NotRegexp(t, allowed, wildcard, name)
			}
		}
	}
	assert.Equal(t, 11, arns)
}

// TestTrust: only Lambda may assume the functions' roles, and people the operator role. Each staging role trusts one
// production role, by name and with the external id.
func TestTrust(t *testing.T) {
	type conditions = map[string]map[string]Texts
	const own = "arn:aws:iam::222222222222:role/Spaceport-Migration-"
	admin := "arn:aws:iam::222222222222:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef"
	account := map[string]Texts{"AWS": {"arn:aws:iam::222222222222:root"}}
	lambda := map[string]Texts{"Service": {"lambda.amazonaws.com"}}
	mfa := map[string]Texts{"aws:MultiFactorAuthPresent": {"true"}}
	is := func(arn string) map[string]Texts { return map[string]Texts{"aws:PrincipalArn": {arn}} }
	from := func(arn string) conditions {
		return conditions{"StringEquals": {"sts:ExternalId": {"spaceport-migration"}}, "ArnEquals": is(arn)}
	}
	for _, tt := range []struct {
		stack      *Stack
		role       string
		principal  map[string]Texts
		conditions conditions
	}{
		{production(t), "TriggerRole", lambda, nil},
		{production(t), "DatamoverRole", lambda, nil},
		{production(t), "OperatorRole", account, nil},
		{production(t, map[string]string{"OperatorTrustArn": admin}), "OperatorRole", account,
			conditions{"ArnEquals": is(admin)}},
		{production(t, map[string]string{"OperatorMfa": "yes"}), "OperatorRole", account, conditions{"Bool": mfa}},
		{production(t, map[string]string{"OperatorTrustArn": admin, "OperatorMfa": "yes"}), "OperatorRole", account,
			conditions{"ArnEquals": is(admin), "Bool": mfa}},
		{staging(t), "TriggerRole", account, from(own + "trigger")},
		{staging(t), "DatamoverRole", account, from(own + "datamover")},
		{staging(t), "OperatorRole", account, from(own + "operator")},
		{staging(t, stagingEverything), "OperatorRole", account, from(stagingEverything["OperatorPrincipalArn"])},
	} {
		assert.Equal(t, Policy{[]Statement{{Effect: "Allow", Action: Texts{"sts:AssumeRole"}, Principal: tt.principal,
			Condition: tt.conditions}}}, properties[Role](t, tt.stack, tt.role).AssumeRolePolicyDocument, tt.role)
	}
	for id, name := range map[string]string{"TriggerRole": "trigger", "DatamoverRole": "datamover",
		"OperatorRole": "operator"} {
		assert.Equal(t, "Spaceport-Migration-"+name, properties[Role](t, production(t), id).RoleName)
	}
}

// TestOnePool: only the production pool may invoke the functions, and it is the only one that the datamover reads.
func TestOnePool(t *testing.T) {
	for pool, s := range map[string]*Stack{
		"us-east-1_Production": production(t), "us-east-1_Existing": production(t, existingPool),
	} {
		arn := "arn:aws:cognito-idp:us-east-1:222222222222:userpool/" + pool
		type permission struct{ FunctionName, Action, Principal, SourceAccount, SourceArn string }
		var invoked []string
		for _, id := range ofType(t, s, "AWS::Lambda::Permission") {
			p := properties[permission](t, s, id)
			invoked = append(invoked, p.FunctionName)
			assert.Equal(t, permission{p.FunctionName, "lambda:InvokeFunction", "cognito-idp.amazonaws.com", productionAccount,
				arn}, p)
		}
		assert.Equal(t, []string{"Spaceport-Migration-datamover", "Spaceport-Migration-trigger"}, invoked)

		assert.Equal(t, []string{"<DatamoverRole>"}, properties[struct{ Roles []string }](t, s, "UseProductionPool").Roles)
		read := statements(t, s)["UseProductionPool"]
		require.Len(t, read, 1)
		assert.Equal(t, Texts{"cognito-idp:AdminGetUser"}, read[0].Action)
		assert.Equal(t, Texts{arn}, read[0].Resource)
	}
}

// TestGroupRights: the rights that a role has only where groups are copied.
func TestGroupRights(t *testing.T) {
	groups := map[string]string{"MigrateGroups": "beta"}
	for name, tt := range map[string]struct {
		without, with *Stack
		want          map[string][]string
	}{
		"staging": {staging(t), staging(t, groups), map[string][]string{
			"DatamoverRole": {"cognito-idp:AdminListGroupsForUser"}, "OperatorRole": {"cognito-idp:AdminListGroupsForUser"},
		}},
		"production": {production(t), production(t, groups), map[string][]string{
			"UseProductionPool": {"cognito-idp:AdminAddUserToGroup"},
			"OperatorRole":      {"cognito-idp:AdminAddUserToGroup", "cognito-idp:ListGroups"},
		}},
	} {
		actions := func(all []Statement) (actions []string) {
			for _, statement := range all {
				actions = append(actions, statement.Action...)
			}
			return actions
		}
		without := statements(t, tt.without)
		for role, all := range statements(t, tt.with) {
			before := actions(without[role])
			added := slices.DeleteFunc(actions(all), func(action string) bool { return slices.Contains(before, action) })
			assert.ElementsMatch(t, tt.want[role], added, "%s: %s", name, role)
		}
	}
}

// TestCreateTables: each table can be created alone, since one can outlive a deployment that failed.
func TestCreateTables(t *testing.T) {
	for create, want := range map[string][]string{
		"no": {"Ledger"}, "yes": {"Ledger", "Projects", "Users"}, "users": {"Ledger",
			"Users"}, "projects": {"Ledger", "Projects"},
	} {
		assert.Equal(t, want, ofType(t, production(t, map[string]string{"CreateTables": create}),
			"AWS::DynamoDB::Table"), create)
	}
}

// TestOperatorSimulatesOnlyItself: bulk check asks what the operator role may do, and no role may ask about another.
func TestOperatorSimulatesOnlyItself(t *testing.T) {
	for variant, s := range variants(t) {
		for id, all := range statements(t, s) {
			for _, st := range all {
				if slices.Contains(st.Action, "iam:SimulatePrincipalPolicy") {
					assert.Equal(t, "OperatorRole", id, variant)
					assert.Equal(t, Texts{"iam:SimulatePrincipalPolicy"}, st.Action, variant)
					assert.Equal(t, Texts{"arn:aws:iam::222222222222:role/Spaceport-Migration-operator"}, st.Resource, variant)
				}
			}
		}
	}
}

// TestTimeouts: Cognito waits 5 s, and Lambda stops a trigger or hook that takes longer. The hook has its own budget;
// what does not fit into it may take as long as Lambda allows, in a function of its own.
func TestTimeouts(t *testing.T) {
	s := production(t)
	datamover := properties[Function](t, s, "Datamover")
	for id, timeout := range map[string]int{"Trigger": 5, "Datamover": 5, "Background": 900} {
		f := properties[Function](t, s, id)
		assert.Equal(t, timeout, f.Timeout, id)
		assert.Equal(t, "provided.al2023", f.Runtime)
		assert.Equal(t, []string{"arm64"}, f.Architectures)
	}

	budget, err := time.ParseDuration(datamover.Environment.Variables["HOOK_BUDGET"])
	require.NoError(t, err)
	const invocation = 700 * time.Millisecond // of the background move
	assert.Less(t, budget+invocation, 5*time.Second)

	allowed := regexp.MustCompile("^(?:" + s.template.Parameters["HookBudget"].AllowedPattern + ")$")
	for _, text := range []string{
		"0s", "1.5s", "3s", "3.5s", "3.51s", "3.6s", "4s", "900ms", "3500ms", "3501ms", "12s", "-1s", "3",
	} {
		_, err := settings.Read(func(name string) string {
			return map[string]string{"HOOK_BUDGET": text}[name]
		})
		assert.Equal(t, err == nil, allowed.MatchString(text), text)
	}

	retries := properties[struct {
		FunctionName         string
		MaximumRetryAttempts int
	}](t, s, "BackgroundRetries")
	assert.Equal(t, productionKnown["Background"], retries.FunctionName)
	assert.Equal(t, 2, retries.MaximumRetryAttempts)
}

// TestBackgroundFunction: it is the hook's code and role, with the hook's settings, but with a concurrency and a log of
// its own, and with a dead-letter queue.
func TestBackgroundFunction(t *testing.T) {
	type function struct {
		Function
		Code, Role                   string
		ReservedConcurrentExecutions *int
		DeadLetterConfig             struct{ TargetArn string }
		LoggingConfig                struct{ LogGroup string }
	}
	for variant, s := range variants(t) {
		if strings.HasPrefix(variant, "staging") {
			continue
		}
		hook, background := properties[function](t, s, "Datamover"), properties[function](t, s, "Background")
		assert.Equal(t, "../dist/datamover.zip", background.Code)
		assert.Equal(t, hook.Code, background.Code)
		assert.Equal(t, hook.Role, background.Role)
		assert.Equal(t, hook.MemorySize, background.MemorySize)
		assert.Equal(t, productionKnown["DeadLetters.Arn"], background.DeadLetterConfig.TargetArn)
		assert.Equal(t, "<BackgroundLog>", background.LoggingConfig.LogGroup)
		assert.Nil(t, hook.ReservedConcurrentExecutions, variant)

		want := maps.Clone(hook.Environment.Variables)
		assert.Equal(t, background.FunctionName, want["BACKGROUND_FUNCTION"])
		delete(want, "BACKGROUND_FUNCTION") // it continues itself
		delete(want, "HOOK_BUDGET")         // no user waits for it
		pool := background.Environment.Variables["PRODUCTION_USER_POOL_ID"]
		assert.NotEmpty(t, pool)
		want["PRODUCTION_USER_POOL_ID"] = pool // only it reads production users
		assert.Equal(t, want, background.Environment.Variables, variant)

		outputs, err := s.Outputs()
		require.NoError(t, err)
		assert.Equal(t, outputs["MigrationTables"], hook.Environment.Variables["MIGRATION_TABLES"], variant)
		assert.Equal(t, outputs["ProductionUserPoolId"], pool, variant)
	}
	reserved := func(s *Stack) *int { return properties[function](t, s, "Background").ReservedConcurrentExecutions }
	assert.Nil(t, reserved(production(t)), "0 is no limit of its own")
	require.NotNil(t, reserved(production(t, productionEverything)))
	assert.Equal(t, 20, *reserved(production(t, productionEverything)))
}

// TestFunctionsUnderstandTheirEnvironment: no variable is misspelled, and every function can read its settings.
func TestFunctionsUnderstandTheirEnvironment(t *testing.T) {
	known := map[string]bool{"RESET_EMAIL_SUBJECT": true, "RESET_EMAIL_TEXT": true, "RESET_URL": true}
	for _, v := range settings.Variables {
		known[v.Name] = true
	}
	for _, s := range []*Stack{production(t), production(t, productionEverything)} {
		trigger, datamover := properties[Function](t, s, "Trigger"), properties[Function](t, s, "Datamover")
		for _, f := range []Function{trigger, datamover, properties[Function](t, s, "Background")} {
			for name := range f.Environment.Variables {
				assert.True(t, known[name], "%s: %s", f.FunctionName, name)
			}
			_, err := settings.Read(func(name string) string { return f.Environment.Variables[name] })
			require.NoError(t, err)
		}
		for _, required := range []string{"STAGING_USER_POOL_ID", "STAGING_CLIENT_ID"} {
			assert.NotEmpty(t, trigger.Environment.Variables[required])
		}
		assert.Equal(t, trigger.Environment.Variables["LEDGER_TABLE"], datamover.Environment.Variables["LEDGER_TABLE"])
	}
}

// TestResetURL: the stack accepts a URL if the trigger does, which does not start with another one.
func TestResetURL(t *testing.T) {
	s := production(t, productionEverything)
	f := properties[Function](t, s, "Trigger")
	assert.Equal(t, productionEverything["ResetUrl"], f.Environment.Variables["RESET_URL"])
	allowed := regexp.MustCompile("^(?:" + s.template.Parameters["ResetUrl"].AllowedPattern + ")$")
	for want, urls := range map[bool][]string{
		true: {
			"", productionEverything["ResetUrl"], "https://spaceport.example", "https://localhost:8443/#reset",
			"https://spaceport.example/a%20b;c=(d),e!f*g+h~i_j@k",
		},
		false: {
			"http://spaceport.example", "https://", "https:///reset", "https://ada@spaceport.example",
			"javascript:alert(1)", `https://spaceport.example/"`, "https://spaceport.example/'", "https://spaceport.example/<b>",
			"https://spaceport.example/a b", "https://spaceport.example?{####}",
		},
	} {
		for _, url := range urls {
			assert.Equal(t, want, allowed.MatchString(url), url)
			_, err := trigger.NewResetEmail("", "", url)
			assert.Equal(t, want, err == nil, url)
		}
	}
}

// TestOutputsAreBulksEnvironment: bulk --stack finds each variable among the outputs, by its name without underscores.
func TestOutputsAreBulksEnvironment(t *testing.T) {
	s := production(t, productionEverything)
	outputs, err := s.Outputs()
	require.NoError(t, err)
	variables := map[string]string{}
	for name, value := range outputs {
		variable, _, _ := strings.Cut(s.template.Outputs[name].Description, " ")
		variables[variable] = value
		if strings.Contains(variable, "_") {
			assert.True(t, strings.EqualFold(name, strings.ReplaceAll(variable, "_", "")), name)
		}
	}
	for _, v := range settings.Variables {
		assert.NotEmpty(t, variables[v.Name], v.Name)
	}
	assert.Equal(t, productionRequired["StagingOperatorRoleArn"], variables["STAGING_ROLE_ARN"],
		"the operator's role, not a function's")
	got, err := settings.Read(func(name string) string { return variables[name] })
	require.NoError(t, err)
	assert.Len(t, got.Tables, 3)
	assert.Equal(t, []string{"custom:plan", "custom:color"}, got.CustomAttributes)
	assert.Equal(t, []string{"beta", "testers"}, got.Groups)

	plain, err := production(t).Outputs()
	require.NoError(t, err)
	for name, value := range plain {
		assert.NotEmpty(t, value, name) // CloudFormation rejects empty outputs
	}
	defaults, err := settings.Read(func(string) string { return "" })
	require.NoError(t, err)
	var tables []settings.Table
	require.NoError(t, json.Unmarshal([]byte(plain["MigrationTables"]), &tables))
	assert.Equal(t, defaults.Tables, tables)
	assert.Equal(t, defaults.LedgerTable, plain["LedgerTable"])
	assert.Equal(t, string(defaults.MFAUsers), plain["MfaUsers"])
	assert.Equal(t, defaults.HookBudget.String(), plain["HookBudget"])
}

// TestPoolSettings holds the settings that the migration's security depends on.
func TestPoolSettings(t *testing.T) {
	s := production(t)
	pool := properties[cognito.CreateUserPoolInput](t, s, "UserPool")
	assert.True(t, pool.AdminCreateUserConfig.AllowAdminCreateUserOnly)
	assert.False(t, *pool.UsernameConfiguration.CaseSensitive)
	assert.Equal(t, []types.UsernameAttributeType{"email"}, pool.UsernameAttributes)
	assert.Equal(t, []types.VerifiedAttributeType{"email"}, pool.AutoVerifiedAttributes)
	assert.Equal(t, []types.VerifiedAttributeType{"email"},
		pool.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate)
	assert.Equal(t, types.DeletionProtectionTypeActive, pool.DeletionProtection)
	require.Len(t, pool.AccountRecoverySetting.RecoveryMechanisms, 1)
	assert.Equal(t, types.RecoveryOptionNameTypeVerifiedEmail, pool.AccountRecoverySetting.RecoveryMechanisms[0].Name)
	assert.Equal(t, productionKnown["Trigger.Arn"], *pool.LambdaConfig.UserMigration)
	assert.Equal(t, productionKnown["Datamover.Arn"], *pool.LambdaConfig.PostConfirmation)
	assert.Equal(t, productionKnown["Datamover.Arn"], *pool.LambdaConfig.PostAuthentication)
	assert.Nil(t, pool.LambdaConfig.CustomMessage, "Cognito's default sender ignores custom text")
	for _, a := range pool.Schema { // a schema can never be corrected
		assert.True(t, *a.Mutable, *a.Name)
		if a.AttributeDataType == types.AttributeDataTypeString && assert.NotNil(t, a.StringAttributeConstraints, *a.Name) {
			assert.Equal(t, "0", *a.StringAttributeConstraints.MinLength, *a.Name)
			assert.Equal(t, "2048", *a.StringAttributeConstraints.MaxLength, *a.Name)
		}
	}

	client := properties[cognito.CreateUserPoolClientInput](t, s, "WebClient")
	assert.Equal(t, types.PreventUserExistenceErrorTypesEnabled, client.PreventUserExistenceErrors)
	assert.NotEmpty(t, client.WriteAttributes, "an empty list lets the client write everything")
	assert.NotContains(t, client.WriteAttributes, "custom:staging_sub")
	assert.Contains(t, client.ReadAttributes, "custom:staging_sub")
	assert.Equal(t, []types.ExplicitAuthFlowsType{
		"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
	}, client.ExplicitAuthFlows)
	assert.Contains(t, s.template.Parameters["ClientWriteAttributes"].AllowedPattern, "(?!custom:staging_sub$)")

	trigger := properties[cognito.CreateUserPoolClientInput](t, staging(t), "TriggerClient")
	assert.Equal(t, []types.ExplicitAuthFlowsType{"ALLOW_ADMIN_USER_PASSWORD_AUTH"}, trigger.ExplicitAuthFlows)
	assert.False(t, trigger.GenerateSecret)
	assert.Equal(t, int32(5), *trigger.AccessTokenValidity)
}

func TestPoolWithEverything(t *testing.T) {
	s := production(t, productionEverything)
	pool := properties[cognito.CreateUserPoolInput](t, s, "UserPool")
	assert.Equal(t, &types.LambdaConfigType{}, pool.LambdaConfig, "detached")
	assert.Equal(t, types.EmailSendingAccountTypeDeveloper, pool.EmailConfiguration.EmailSendingAccount)
	var custom []string
	for _, a := range pool.Schema[3:] {
		custom = append(custom, *a.Name)
	}
	assert.Equal(t, []string{"plan", "color"}, custom)
	client := properties[cognito.CreateUserPoolClientInput](t, s, "WebClient")
	assert.Equal(t, []string{"custom:staging_sub", "custom:plan", "custom:color"},
		client.ReadAttributes[len(client.ReadAttributes)-3:])
	assert.NotContains(t, client.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowUserPasswordAuth)

	ses := production(t, map[string]string{"EmailSourceArn": productionEverything["EmailSourceArn"]})
	pool = properties[cognito.CreateUserPoolInput](t, ses, "UserPool")
	assert.Equal(t, productionKnown["Trigger.Arn"], *pool.LambdaConfig.CustomMessage)
}

// TestRetainedResources: pool, client, ledger and tables are kept when the stack is deleted.
func TestRetainedResources(t *testing.T) {
	s := production(t, productionEverything)
	for _, id := range []string{"UserPool", "WebClient", "Ledger", "Users", "Projects"} {
		assert.Equal(t, "Retain", s.template.Resources[id].DeletionPolicy, id)
		assert.Equal(t, "Retain", s.template.Resources[id].UpdateReplacePolicy, id)
	}
	for _, id := range []string{"Ledger", "Users", "Projects"} {
		table := properties[map[string]any](t, s, id)
		assert.Equal(t, "PAY_PER_REQUEST", table["BillingMode"])
		assert.Equal(t, true, table["DeletionProtectionEnabled"])
		assert.Equal(t, map[string]any{"PointInTimeRecoveryEnabled": true}, table["PointInTimeRecoverySpecification"])
		assert.Equal(t, map[string]any{"SSEEnabled": true}, table["SSESpecification"])
	}
	for _, id := range ofType(t, s, "AWS::Logs::LogGroup") {
		assert.Equal(t, 30.0, properties[map[string]any](t, s, id)["RetentionInDays"])
	}
}

// TestParametersAreDescribed: each has a description, and a name that is unlikely to be set in a shell's environment.
func TestParametersAreDescribed(t *testing.T) {
	for _, file := range []string{"staging.yaml", "production.yaml"} {
		for name := range template(t, file).Parameters {
			described := regexp.MustCompile(`(?m)^  ` + name + `:\n    Type: .*\n    Description: .+`)
			assert.True(t, described.MatchString(document(t, "infra/"+file)), "%s in %s", name, file)
			assert.Regexp(t, `^([A-Z][a-z0-9]+){2,}$|^Triggers$|^Architecture$`, name)
		}
	}
}
