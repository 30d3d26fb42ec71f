// Package stacks reads the two CloudFormation templates, as far as they use the template language. The rehearsal takes
// pools, functions and permissions from them, so that it cannot differ from what is deployed.
package stacks

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is a template before its parameters are set.
type Template struct {
	Parameters map[string]Parameter
	Conditions map[string]any
	Resources  map[string]Resource
	Outputs    map[string]Output
}

// Parameter is a template parameter. Default is nil if there is none.
type Parameter struct {
	Type           string
	Default        *string
	AllowedPattern string
	AllowedValues  []string
}

// Resource is a resource before its functions are resolved.
type Resource struct {
	Type                string
	Condition           string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          any
}

// Output is an output before its functions are resolved.
type Output struct {
	Description string
	Condition   string
	Value       any
}

// Read reads a template.
func Read(path string) (*Template, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return nil, fmt.Errorf("read template %s: %w", path, err)
	}
	plain, err := untag(root.Content[0])
	if err != nil {
		return nil, fmt.Errorf("read template %s: %w", path, err)
	}
	var t Template
	if err := convert(plain, &t); err != nil {
		return nil, fmt.Errorf("read template %s: %w", path, err)
	}
	return &t, nil
}

// untag replaces CloudFormation's short forms by the long forms: !Ref x becomes {Ref: x}, !Sub x becomes {Fn::Sub: x}.
func untag(n *yaml.Node) (value any, err error) {
	switch n.Kind {
	case yaml.MappingNode:
		members := map[string]any{}
		for i := 0; i < len(n.Content) && err == nil; i += 2 {
			members[n.Content[i].Value], err = untag(n.Content[i+1])
		}
		value = members
	case yaml.SequenceNode:
		elements := make([]any, len(n.Content))
		for i := 0; i < len(n.Content) && err == nil; i++ {
			elements[i], err = untag(n.Content[i])
		}
		value = elements
	case yaml.ScalarNode:
		value = n.Value
		if n.ShortTag() == "!!bool" || n.ShortTag() == "!!int" {
			err = n.Decode(&value)
		}
	default:
		err = fmt.Errorf("line %d: not a map, a list or a value", n.Line)
	}
	tag, short := strings.CutPrefix(n.Tag, "!")
	if err != nil || !short || strings.HasPrefix(tag, "!") {
		return value, err
	}
	switch tag {
	case "Ref", "Condition":
		return map[string]any{tag: value}, nil
	case "GetAtt":
		resource, attribute, _ := strings.Cut(n.Value, ".")
		value = []any{resource, attribute}
	}
	return map[string]any{"Fn::" + tag: value}, nil
}

// convert goes through JSON, since it has CloudFormation's names.
func convert(from, to any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, to)
}

// UnmarshalJSON reads Default and AllowedValues as strings, even if they are written as numbers.
func (p *Parameter) UnmarshalJSON(raw []byte) error {
	var raws struct {
		Type, AllowedPattern string
		Default              any
		AllowedValues        []any
	}
	if err := json.Unmarshal(raw, &raws); err != nil {
		return err
	}
	*p = Parameter{Type: raws.Type, AllowedPattern: raws.AllowedPattern}
	if raws.Default != nil {
		text := fmt.Sprint(raws.Default)
		p.Default = &text
	}
	for _, v := range raws.AllowedValues {
		p.AllowedValues = append(p.AllowedValues, fmt.Sprint(v))
	}
	return nil
}

// Stack is a template with its parameters set.
type Stack struct {
	template   *Template
	parameters map[string]string
	known      map[string]string
	err        error
}

// With sets parameters; the others have their defaults. known are values that exist only after a deployment: pseudo
// parameters such as AWS::Region, physical ids by logical id, and attributes such as Trigger.Arn. An unknown attribute
// resolves to <Trigger.Arn>.
func (t *Template) With(parameters, known map[string]string) (*Stack, error) {
	s := &Stack{template: t, parameters: map[string]string{}, known: maps.Clone(known)}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		value, ok := parameters[name]
		switch p := t.Parameters[name]; {
		case ok:
			s.parameters[name] = value
		case p.Default != nil:
			s.parameters[name] = *p.Default
		default:
			problems = append(problems, fmt.Errorf("parameter %s has no value", name))
		}
	}
	for name := range parameters {
		if _, ok := t.Parameters[name]; !ok {
			problems = append(problems, fmt.Errorf("unknown parameter %s", name))
		}
	}
	return s, errors.Join(problems...)
}

// Properties decodes a resource's properties into into. AWS uses the same names in CloudFormation and in the SDK.
func (s *Stack) Properties(id string, into any) error {
	r, ok := s.template.Resources[id]
	if !ok {
		return fmt.Errorf("unknown resource %s", id)
	}
	value := s.resolve(r.Properties)
	if err := errors.Join(s.takeError(), convert(value, into)); err != nil {
		return fmt.Errorf("resource %s: %w", id, err)
	}
	return nil
}

// Outputs returns the values of the stack's outputs.
func (s *Stack) Outputs() (map[string]string, error) {
	outputs := map[string]string{}
	for name, o := range s.template.Outputs {
		if s.holds(o.Condition) {
			outputs[name] = fmt.Sprint(s.resolve(o.Value))
		}
	}
	return outputs, s.takeError()
}

// fail keeps the first error, so that what resolves checks it only once.
func (s *Stack) fail(format string, args ...any) any {
	s.err = cmp.Or(s.err, fmt.Errorf(format, args...))
	return nil
}

func (s *Stack) takeError() (err error) {
	s.err, err = nil, s.err
	return err
}

func (s *Stack) holds(condition string) bool {
	if condition == "" {
		return true
	}
	expression, ok := s.template.Conditions[condition]
	if !ok {
		s.fail("unknown condition %s", condition)
	}
	yes, _ := s.resolve(expression).(bool)
	return yes
}

// noValue is the value of AWS::NoValue: maps and lists omit it.
type noValue struct{}

func (s *Stack) resolve(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::") {
					return s.call(name, argument)
				}
			}
		}
		return s.members(v)
	case []any:
		return s.elements(v)
	}
	return value
}

func (s *Stack) members(values map[string]any) map[string]any {
	resolved := map[string]any{}
	for name, value := range values {
		if value := s.resolve(value); value != (noValue{}) {
			resolved[name] = value
		}
	}
	return resolved
}

func (s *Stack) elements(values []any) []any {
	resolved := []any{}
	for _, value := range values {
		if value := s.resolve(value); value != (noValue{}) {
			resolved = append(resolved, value)
		}
	}
	return resolved
}

func (s *Stack) call(name string, argument any) any {
	switch name {
	case "Ref":
		return s.ref(argument.(string))
	case "Condition":
		return s.holds(argument.(string))
	case "Fn::GetAtt":
		at := argument.([]any)
		return s.knownOr(fmt.Sprintf("%s.%s", at[0], at[1]))
	case "Fn::If":
		arms := argument.([]any)
		if s.holds(arms[0].(string)) {
			return s.resolve(arms[1])
		}
		return s.resolve(arms[2])
	case "Fn::Sub":
		return s.sub(argument)
	}
	return s.apply(name, s.elements(argument.([]any)))
}

// apply evaluates a function that depends on its arguments only.
func (s *Stack) apply(name string, arguments []any) any {
	switch name {
	case "Fn::Equals":
		return fmt.Sprint(arguments[0]) == fmt.Sprint(arguments[1])
	case "Fn::Not":
		return arguments[0] != any(true)
	case "Fn::And":
		return !slices.Contains(arguments, any(false))
	case "Fn::Or":
		return slices.Contains(arguments, any(true))
	case "Fn::Select":
		index, err := strconv.Atoi(fmt.Sprint(arguments[0]))
		list, isList := arguments[1].([]any)
		if err != nil || !isList || index >= len(list) {
			return s.fail("%s: no element %v", name, arguments[0])
		}
		return list[index]
	case "Fn::Split":
		return split(arguments[1].(string), arguments[0].(string))
	case "Fn::Join":
		var texts []string
		for _, element := range arguments[1].([]any) {
			texts = append(texts, fmt.Sprint(element))
		}
		return strings.Join(texts, arguments[0].(string))
	}
	return s.fail("unsupported function %s", name)
}

func split(text, separator string) []any {
	var elements []any
	for element := range strings.SplitSeq(text, separator) {
		elements = append(elements, element)
	}
	return elements
}

func (s *Stack) ref(name string) any {
	if name == "AWS::NoValue" {
		return noValue{}
	}
	value, ok := s.parameters[name]
	if !ok {
		return s.knownOr(name)
	}
	switch s.template.Parameters[name].Type {
	case "Number":
		return json.Number(value)
	case "CommaDelimitedList":
		return split(value, ",")
	}
	return value
}

func (s *Stack) knownOr(name string) string {
	if value, ok := s.known[name]; ok {
		return value
	}
	return "<" + name + ">"
}

func (s *Stack) sub(argument any) string {
	text, isText := argument.(string)
	own := map[string]any{}
	if !isText {
		both := argument.([]any)
		text, own = both[0].(string), s.members(both[1].(map[string]any))
	}
	return variable.ReplaceAllStringFunc(text, func(written string) string {
		name := written[2 : len(written)-1]
		if value, ok := own[name]; ok {
			return fmt.Sprint(value)
		}
		return fmt.Sprint(s.ref(name))
	})
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)
