package check

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/stretchr/testify/assert"

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
	schema := productionDescription().SchemaAttributes
	schema[0].Required, schema[3] = aws.Bool(true), text("custom:plan", "3")
	username := text("preferred_username", "2048")
	username.Required = aws.Bool(true)
	schema = append(schema, username)
	s := Statistics{Lacking: attributeCounts{}, Unfit: attributeCounts{}, Dropped: attributeCounts{}}
	for _, u := range []userpool.User{
		stagingUser("ada@x.org", with("custom:plan", "pro"), with("custom:note", "n"), with("custom:empty", "")),
		stagingUser("Ada@x.org", with("custom:plan", "largest")),
		stagingUser("bob@x.org", with("name", "")),
	} {
		s.count(u, []string{"custom:plan"}, schema)
	}
	assert.Equal(t, attributeCounts{"name": 1}, s.Lacking, "preferred_username is set by the migration, sub by Cognito")
	assert.Equal(t, attributeCounts{"custom:plan": 1}, s.Unfit)
	assert.Equal(t, attributeCounts{"custom:note": 1}, s.Dropped)
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
