package stacks

import (
	"cmp"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/settings"
)

// document returns a document, by its path in the repository.
func document(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile("../../" + path)
	require.NoError(t, err)
	return string(raw)
}

// setInDocument returns what the datamover's document sets a variable or parameter to, in the one place where it does.
func setInDocument(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(`\b`+name+`=(?:'([^']+)'|(\S+))`).FindAllStringSubmatch(document(t,
		"datamover/README.md"), -1)
	require.Len(t, found, 1, name)
	return cmp.Or(found[0][1], found[0][2])
}

// TestFurtherTable: the document's example of a further table is accepted as printed, the functions and bulk can use
// it, and the descriptions of the parameters have the same example.
func TestFurtherTable(t *testing.T) {
	forStaging := map[string]string{"MoreTableArns": setInDocument(t, "MoreTableArns")}
	forProduction := map[string]string{
		"MoreTables": setInDocument(t, "MoreTables"), "MoreTargetTableArns": setInDocument(t, "MoreTargetTableArns"),
	}
	inStaging, inProduction := staging(t, forStaging), production(t, forProduction)
	for file, given := range map[string]map[string]string{
		"staging.yaml": forStaging, "production.yaml": forProduction,
	} {
		raw, err := os.ReadFile("../" + file)
		require.NoError(t, err)
		template, err := Read("../" + file)
		require.NoError(t, err)
		for name, value := range given {
			assert.Regexp(t, "^(?:"+template.Parameters[name].AllowedPattern+")$", value, name)
			assert.Contains(t, string(raw), "      "+value, "the description of %s", name)
		}
	}

	outputs, err := inProduction.Outputs()
	require.NoError(t, err)
	want := settings.Table{
		Source: "Spaceport-BetaAccessPermissions-staging", Target: "Spaceport-BetaAccessPermissions-prod",
		OwnerKey: "user_id",
	}
	defaults, err := settings.Read(func(string) string { return "" })
	require.NoError(t, err)
	for what, tables := range map[string]string{
		"output": outputs["MigrationTables"], "without a stack": setInDocument(t, "MIGRATION_TABLES"),
		"hook":       properties[Function](t, inProduction, "Datamover").Environment.Variables["MIGRATION_TABLES"],
		"background": properties[Function](t, inProduction, "Background").Environment.Variables["MIGRATION_TABLES"],
	} {
		set := map[string]string{"MIGRATION_TABLES": tables}
		got, err := settings.Read(func(name string) string { return set[name] })
		require.NoError(t, err, what)
		assert.Equal(t, append(slices.Clone(defaults.Tables), want), got.Tables, what)
	}

	for _, role := range []string{"DatamoverRole", "OperatorRole"} {
		assert.True(t, mayUse(t, inStaging, role, forStaging["MoreTableArns"], want.Source), role)
		assert.True(t, mayUse(t, inProduction, role, forProduction["MoreTargetTableArns"], want.Target), role)
	}

	s := newScript(t, map[string]string{"bucket": "own", "staging": stagingOutputs})
	given := []string{"CONFIRM=yes"}
	for name, value := range forProduction {
		given = append(given, name+"="+value)
	}
	output, code := s.run("production", given...)
	require.Zero(t, code, output)
	for name, value := range forProduction {
		assert.Equal(t, value, s.overrides()[name], name)
	}
}

// mayUse reports whether a role may use the resource with this ARN, which is that of the table.
func mayUse(t *testing.T, s *Stack, role, arn, table string) bool {
	names := func(st Statement) bool { return slices.Contains(st.Resource, arn) }
	return strings.HasSuffix(arn, ":table/"+table) && slices.ContainsFunc(statements(t, s)[role], names)
}

// TestGitHubSecrets: the document sets them to outputs that the stack has.
func TestGitHubSecrets(t *testing.T) {
	outputs, err := production(t).Outputs()
	require.NoError(t, err)
	secrets, command := map[string]string{}, regexp.MustCompile(`gh secret set (\w+) --body "\$\(output (\w+)\)"`)
	for _, found := range command.FindAllStringSubmatch(document(t, "infra/README.md"), -1) {
		secrets[found[1]] = found[2]
		assert.Contains(t, outputs, found[2])
	}
	assert.Equal(t, map[string]string{
		"COGNITO_USER_POOL_ID_PROD": "ProductionUserPoolId", "COGNITO_USER_POOL_CLIENT_ID_PROD": "WebClientId",
	}, secrets)
}
