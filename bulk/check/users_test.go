package check

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/users"
	"github.com/spaceport/user-migration/datamover/rows"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/datamover/userpool"
)

func stagingUser(email string, change ...func(*userpool.User)) userpool.User {
	u := userpool.User{Sub: email, Status: userpool.Confirmed, Enabled: true, Created: now}
	u.Attributes = map[userpool.Attribute]string{"sub": "s", "email": email, "email_verified": "true", "name": "N"}
	for _, c := range change {
		c(&u)
	}
	return u
}

func with(name userpool.Attribute, value string) func(*userpool.User) {
	return func(u *userpool.User) { u.Attributes[name] = value }
}

func TestCountAttributes(t *testing.T) {
	f := allOK()
	schema := f.Production.Value.SchemaAttributes
	schema[0].Required, schema[3] = aws.Bool(true), text("custom:plan", "3")
	username := text("preferred_username", "2048")
	username.Required = aws.Bool(true)
	f.Production.Value.SchemaAttributes = append(schema, username)
	s := newStatistics(f)
	for _, u := range []userpool.User{
		stagingUser("ada@x.org", with("custom:plan", "pro"), with("custom:note", "n"), with("custom:empty", "")),
		stagingUser("Ada@x.org", with("custom:plan", "largest")),
		stagingUser("bob@x.org", with("name", "")),
		stagingUser("eve@x.org", with("identities",
			`[{"userId": "1234567890", "providerName": "Google", "providerType": "Google"}]`)),
	} {
		s.count(u, f, users.NewEmailSet())
	}
	assert.Equal(t, attributeCounts{"name": 1}, s.Lacking, "preferred_username is set by the migration, sub by Cognito")
	assert.Equal(t, attributeCounts{"custom:plan": 1}, s.Unfit)
	assert.Equal(t, attributeCounts{"custom:note": 1}, s.Dropped)
	assert.Equal(t, 1, s.Linked)
}

// TestSignInNames: pools and users as others reported them, and their neighbors.
func TestSignInNames(t *testing.T) {
	type pool = types.UserPoolType
	const phone, preferred = userpool.AttrPhoneNumber, userpool.AttrPreferredUsername
	named := func(username string) func(*userpool.User) { return func(u *userpool.User) { u.Username = username } }
	usernames := func(names ...types.UsernameAttributeType) func(*pool) {
		return func(p *pool) { p.UsernameAttributes = names }
	}
	aliases := func(names ...types.AliasAttributeType) func(*pool) {
		return func(p *pool) { p.UsernameAttributes, p.AliasAttributes = nil, names }
	}
	sensitive := func(p *pool) { p.UsernameConfiguration.CaseSensitive = aws.Bool(true) }
	lena := stagingUser("lena@example.com", with(phone, "+15555550100"), with("phone_number_verified", "true"))
	luis := stagingUser("luis@example.com", with(phone, "+15555550100"), with("phone_number_verified", "true"))
	kim := stagingUser("kim@example.com", with(phone, "+15555550199"), with("phone_number_verified", "true"))
	someName := stagingUser("SomeName@Example.com", named("SomeName@Example.com"))
	for name, tt := range map[string]struct {
		staging, production func(*pool)
		users               []userpool.User
		check               string
		want                Level
		says                string
	}{
		"capitals in a case-sensitive staging pool": {func(p *pool) {
			p.UsernameAttributes = nil
			sensitive(p)
		}, nil, []userpool.User{someName, lena}, "staging pool/case", Warning,
			"1 user has an email with capitals, and can be migrated by signing in only with the exact spelling"},
		"only small letters there": {sensitive, nil, []userpool.User{lena}, "staging pool/case", Warning, "two users"},
		"capitals in a case-insensitive staging pool": {nil, nil, []userpool.User{someName}, "staging pool/case", OK,
			"same user"},
		"the address as typed": {nil, sensitive, []userpool.User{someName, lena}, "production pool/case", Failure,
			"(UsernameConfiguration: CaseSensitive true), but in staging 1 user has an email with capitals"},
		"case-sensitive production, no capitals": {nil, sensitive, []userpool.User{lena}, "production pool/case", Warning,
			"two users"},

		"by email": {nil, nil, []userpool.User{lena}, "users/user names", OK, "with their email"},
		"staging signs in by phone": {usernames("email", "phone_number"), nil, nil, "users/user names", Warning,
			"with phone_number (0 users) besides their email"},
		"users with a phone number": {usernames("email", "phone_number"), nil, []userpool.User{lena, luis, someName},
			"users/user names", Warning, "phone_number (2 users)"},
		"by phone alone": {usernames("phone_number"), nil, []userpool.User{lena}, "users/user names", Warning,
			"users sign in with phone_number (1 user), not with their email"},
		"by user name": {usernames(), nil, []userpool.User{stagingUser("ada@x.org", named("ada")), someName},
			"users/user names", Warning, "users sign in with user name (1 user), not with their email"},
		"by user names that are emails": {usernames(), nil, []userpool.User{someName}, "users/user names", OK,
			"which is their email"},
		"by user name or email": {aliases("email"), nil, []userpool.User{stagingUser("ada@x.org", named("ada"))},
			"users/user names", Warning, "with user name (1 user) besides their email"},
		"by a preferred user name": {aliases("email", "preferred_username"), nil,
			[]userpool.User{stagingUser("ada@x.org", named("ada@x.org"), with(preferred, "countess"))},
			"users/user names", Warning, "preferred_username (1 user), user name (0 users) besides their email"},

		"one phone number, not unique in production": {nil, nil, []userpool.User{lena, luis},
			"production pool/unique attributes", OK, "no attribute besides the email"},
		"two users, one phone number": {nil, usernames("email", "phone_number"), []userpool.User{lena, luis, kim},
			"production pool/unique attributes", Warning, "phone_number (2 users), such as +15555550100:"},
		"three users, one phone number": {nil, aliases("phone_number"), []userpool.User{lena, luis, lena, kim},
			"production pool/unique attributes", Warning, "phone_number (3 users), such as +15555550100:"},
		"every user another phone number": {nil, aliases("phone_number"), []userpool.User{lena, kim, someName, someName},
			"production pool/unique attributes", Warning, "staging users who share a value: phone_number (0 users)"},
		"one preferred user name": {nil, aliases("preferred_username"), []userpool.User{
			stagingUser("ada@x.org", with(preferred, "Countess")), stagingUser("eve@x.org", with(preferred, "countess")), kim,
		}, "production pool/unique attributes", Warning, "preferred_username (2 users), such as countess:"},
		"a preferred user name that is another's phone number": {nil, aliases("preferred_username", "phone_number"),
			[]userpool.User{stagingUser("ada@x.org", with(preferred, "+15555550199")), kim},
			"production pool/unique attributes", Warning, "phone_number (0 users), preferred_username (0 users)"},
		"preferred user names that are emails": {nil, aliases("preferred_username"), []userpool.User{lena, luis},
			"production pool/unique attributes", Warning, "preferred_username (0 users)"},
	} {
		t.Run(name, func(t *testing.T) {
			f := allOK()
			for p, change := range map[*pool]func(*pool){&f.Staging.Value: tt.staging, &f.Production.Value: tt.production} {
				if change != nil {
					change(p)
				}
			}
			f.Users.Value = newStatistics(f)
			for _, u := range tt.users {
				f.Users.Value.count(u, f, users.NewEmailSet())
			}
			i := slices.IndexFunc(Run(f).Findings, func(f Finding) bool { return f.Group+"/"+f.Check == tt.check })
			finding := Run(f).Findings[i]
			assert.Equal(t, tt.want, finding.Level)
			assert.Contains(t, finding.Found, tt.says)
			assert.Equal(t, tt.want != OK, finding.Remedy != "")
			assert.NotContains(t, finding.Found+finding.Remedy, "<nil>", "a $name without a value")
		})
	}
}

// TestListCapitals runs the command that lists users with capitals, with an aws that answers as the real one does.
func TestListCapitals(t *testing.T) {
	f := allOK()
	f.Staging.Value.UsernameConfiguration, f.Users.Value.Capitals = nil, 1
	i := slices.IndexFunc(Run(f).Findings, func(f Finding) bool { return f.Group+"/"+f.Check == "staging pool/case" })
	_, command, found := strings.Cut(Run(f).Findings[i].Remedy, "credentials: ")
	require.True(t, found)
	aws := `aws() { echo "$@" >&2; printf 'SomeName@example.com\nlena@example.com\n'; }; `
	cmd := exec.Command("bash", "-c", aws+command)
	var asked strings.Builder
	cmd.Stderr = &asked
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Equal(t, "SomeName@example.com\n", string(out))
	query := "--query Users[].[Attributes[?Name=='email'].Value | [0]]"
	assert.Contains(t, asked.String(), "--user-pool-id us-west-2_staging "+query)
}

// TestSameEmail: two users whom production cannot tell apart, and three.
func TestSameEmail(t *testing.T) {
	same := func(email, sub string) userpool.User {
		return stagingUser(email, func(u *userpool.User) { u.Sub, u.Username = sub, sub+" name" })
	}
	f := allOK()
	f.Users.Value.SameEmail = map[string][]userpool.User{
		"ann.lee@example.com": {same("Ann.Lee@example.com", "1"), same("ann.lee@example.com", "2")},
		"bob@example.com":     {same("bob@example.com", "5"), same("bob@example.com", "4"), same("BOB@example.com", "3")},
		"gone@example.com":    nil, // deleted while it was read
	}
	r := Run(f)
	var found []string
	for _, finding := range r.Findings {
		if finding.Check == "same address" {
			assert.Equal(t, Warning, finding.Level)
			found = append(found, finding.Found)
			if _, command, named := strings.Cut(finding.Remedy, "staging's credentials: "); named {
				found = append(found, command)
			}
		}
	}
	disable := "aws cognito-idp admin-disable-user --region us-west-2 --user-pool-id us-west-2_staging --username "
	assert.Equal(t, []string{
		"3 emails are shared by several users, in whatever case: only one of them can be migrated",
		"Ann.Lee@example.com (1) is migrated, and ann.lee@example.com (2) is not", disable + "'2 name'",
		"bob@example.com (5) is migrated, and bob@example.com (4) is not", disable + "'4 name'",
		"bob@example.com (5) is migrated, and BOB@example.com (3) is not", disable + "'3 name'",
	}, found)
}

// TestIndexKeys has what DynamoDB rejects as the key of an index, and what it accepts.
func TestIndexKeys(t *testing.T) {
	type value = dynamotypes.AttributeValue
	key := func(name string, keyType dynamotypes.KeyType) []dynamotypes.KeySchemaElement {
		return []dynamotypes.KeySchemaElement{{AttributeName: &name, KeyType: keyType}}
	}
	pair := TablePair{From: table("P", "userSub", "S", "projectId", "S"),
		To: table("P", "userSub", "S", "projectId", "S", "s", "S", "n", "N", "b", "B", "local", "S")}
	for _, name := range []string{"s", "n", "b"} {
		pair.To.Value.GlobalSecondaryIndexes = append(pair.To.Value.GlobalSecondaryIndexes,
			dynamotypes.GlobalSecondaryIndexDescription{IndexName: &name, KeySchema: key(name, dynamotypes.KeyTypeHash)})
	}
	pair.To.Value.LocalSecondaryIndexes = []dynamotypes.LocalSecondaryIndexDescription{{IndexName: aws.String("recent"),
		KeySchema: slices.Concat(key("userSub", dynamotypes.KeyTypeHash), key("local", dynamotypes.KeyTypeRange))}}
	long := func(n int) value { return str(strings.Repeat("x", n)) }
	number, null := &dynamotypes.AttributeValueMemberN{Value: "1"}, &dynamotypes.AttributeValueMemberNULL{Value: true}
	binary := func(n int) value { return &dynamotypes.AttributeValueMemberB{Value: make([]byte, n)} }
	for name, tt := range map[string]struct {
		attribute string
		value     value
		want      string
	}{
		"a text":           {"s", str("x"), ""},
		"none":             {"s", nil, ""},
		"an empty text":    {"s", str(""), "index s, s (S)"},
		"null":             {"s", null, "index s, s (S)"},
		"a number":         {"s", number, "index s, s (S)"},
		"a set of texts":   {"s", &dynamotypes.AttributeValueMemberSS{Value: []string{"x"}}, "index s, s (S)"},
		"the longest text": {"s", long(2048), ""},
		"too long":         {"s", long(2049), "index s, s (S)"},
		"number":           {"n", number, ""},
		"a number as text": {"n", str("1"), "index n, n (N)"},
		"binary":           {"b", binary(2048), ""},
		"empty binary":     {"b", binary(0), "index b, b (B)"},
		"a boolean":        {"b", &dynamotypes.AttributeValueMemberBOOL{Value: true}, "index b, b (B)"},
		"local":            {"local", long(1024), ""},
		"local, null":      {"local", null, "index recent, local (S)"},
		"local, too long":  {"local", long(1025), "index recent, local (S)"},
		"another":          {"other", null, ""},
	} {
		s := Sample{Buckets: map[string]int{}, Rejected: map[string]int{}}
		row := rows.Row{"userSub": str("u"), "projectId": str("p")}
		if tt.value != nil {
			row[tt.attribute] = tt.value
		}
		s.add(pair, row)
		if tt.want == "" {
			assert.Empty(t, s.Rejected, name)
			continue
		}
		assert.Equal(t, map[string]int{tt.want: 1}, s.Rejected, name)
		assert.Equal(t, "userSub=u, projectId=p", s.Example, name)
	}
}

func TestFits(t *testing.T) {
	limited := func(dataType types.AttributeDataType, least, most *string) types.SchemaAttributeType {
		return types.SchemaAttributeType{AttributeDataType: dataType,
			StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: least, MaxLength: most},
			NumberAttributeConstraints: &types.NumberAttributeConstraintsType{MinValue: least, MaxValue: most}}
	}
	for _, tt := range []struct {
		a     types.SchemaAttributeType
		value string
		want  bool
	}{
		{limited("String", nil, aws.String("3")), "äöü", true},
		{limited("String", nil, aws.String("3")), "four", false},
		{limited("String", aws.String("2"), nil), "1", false},
		{types.SchemaAttributeType{AttributeDataType: "String"}, "x", true},
		{limited("Number", nil, aws.String("10")), "9.5", true},
		{limited("Number", nil, aws.String("10")), "11", false},
		{limited("Number", aws.String("10"), nil), "9", false},
		{types.SchemaAttributeType{AttributeDataType: "Number"}, "eleven", false},
		{types.SchemaAttributeType{AttributeDataType: "Boolean"}, "true", true},
		{types.SchemaAttributeType{AttributeDataType: "Boolean"}, "yes", false},
		{types.SchemaAttributeType{AttributeDataType: "DateTime"}, "any", true},
	} {
		assert.Equal(t, tt.want, fits(tt.a, tt.value), "%s %s", tt.a.AttributeDataType, tt.value)
	}
}

func TestBucketsIn(t *testing.T) {
	for text, want := range map[string][]string{
		"s3://spaceport-uploads/u/1.zip":                          {"spaceport-uploads"},
		"arn:aws:s3:::my.bucket/key":                              {"my.bucket"},
		"https://photos.s3.amazonaws.com/1.png":                   {"photos"},
		"https://photos.s3.us-west-2.amazonaws.com/1.png?X-Amz=1": {"photos"},
		"https://photos.s3-us-west-2.amazonaws.com/1.png":         {"photos"},
		"https://a.b.s3.dualstack.us-west-2.amazonaws.com/1":      {"a.b"},
		"https://photos.s3-accelerate.amazonaws.com/1":            {"photos"},
		"https://s3.us-west-2.amazonaws.com/photos/1.png":         {"photos"},
		"https://s3.amazonaws.com/photos/1.png":                   {"photos"},
		"see s3://one/a and s3://two/b, and s3://one/c once more": {"one", "two"},
		"https://example.com/s3/photos":                           nil,
		"s3 is a service":                                         nil,
		"":                                                        nil,
	} {
		assert.Equal(t, want, slices.Sorted(maps.Keys(bucketsIn(text))), text)
	}
}

// TestOldIDs has keys and values that contain the owner's id: they stay as they are.
func TestOldIDs(t *testing.T) {
	const owner = "13689004-2715-599e-9960-3e8838709aa2"
	text := func(s string) dynamotypes.AttributeValue { return &dynamotypes.AttributeValueMemberS{Value: s} }
	s := Sample{Buckets: map[string]int{}, Inside: map[string]int{}, Rejected: map[string]int{}}
	pair := TablePair{Table: settings.Table{Source: "P-staging", Target: "P-prod", OwnerKey: "userSub"}}
	s.add(pair, rows.Row{"userSub": text(owner), "projectId": text("PROJECT#" + owner + "#1"), "createdBy": text(owner)})
	assert.Equal(t, map[string]int{"projectId": 1}, s.Inside)
}
