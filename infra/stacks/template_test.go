package stacks

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTemplateLanguage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
Parameters:
  Name: {Type: String}
  Size: {Type: Number, Default: 5}
  Many: {Type: CommaDelimitedList, Default: "a,b"}
Conditions:
  Big: !Not [!Equals [!Ref Size, 5]]
  Both: !And [!Condition Big, !Equals [!Ref Name, x]]
  Either: !Or [!Condition Big, !Equals [!Select [0, !Ref Many], a]]
Resources:
  Thing:
    Type: A::Thing
    Condition: Either
    Properties:
      Name: !Sub "${AWS::Region}/${Name}/${Other.Arn}"
      Own: !Sub ["${x}-${Size}", {x: !If [Big, big, small]}]
      Size: !Ref Size
      List: [!If [Big, 1, !Ref AWS::NoValue], !Ref Name]
      Many: !Split [",", !Join [",", [!Join [",", !Ref Many], c]]]
      Gone: !If [Big, 1, !Ref AWS::NoValue]
      Yes: true
  Never: {Type: A::Thing, Condition: Both}
Outputs:
  Arn: {Value: !GetAtt Thing.Arn}
  Late: {Condition: Both, Value: x}
`), 0o600))
	template, err := Read(path)
	require.NoError(t, err)

	_, err = template.With(map[string]string{"Nome": "x"}, nil)
	assert.EqualError(t, err, "parameter Name has no value\nunknown parameter Nome")

	s, err := template.With(map[string]string{"Name": "n"}, map[string]string{"AWS::Region": "here", "Thing.Arn": "arn"})
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, s.Properties("Thing", &got))
	assert.Equal(t, map[string]any{
		"Name": "here/n/<Other.Arn>", "Own": "small-5", "Size": 5.0, "List": []any{"n"},
		"Many": []any{"a", "b", "c"}, "Yes": true,
	}, got)
	resources, err := s.Resources()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Thing": "A::Thing"}, resources)
	outputs, err := s.Outputs()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Arn": "arn"}, outputs)
}

// Resources returns the types of the resources that these parameters create, by logical id.
func (s *Stack) Resources() (map[string]string, error) {
	types := map[string]string{}
	for id, r := range s.template.Resources {
		if s.holds(r.Condition) {
			types[id] = r.Type
		}
	}
	return types, s.takeError()
}
