// Package stacks reads the two CloudFormation templates beside it, as far as they use the language. The rehearsal takes pools,
// functions and permissions from there, so that what is rehearsed cannot drift away from what is deployed.
package stacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is one template as it is written.
type Template struct {
	Parameters map[string]Parameter
	Conditions map[string]any
	Resources  map[string]Resource
	Outputs    map[string]Output
}

// Parameter is what can be chosen at deployment. Default is nil where there is none.
type Parameter struct {
	Type           string
	Default        *string
	AllowedPattern string
	AllowedValues  []string
}

// Resource is one resource as it is written.
type Resource struct {
	Type                string
	Condition           string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          any
}

// Output is one output as it is written.
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

// untag puts CloudFormation's short forms into their long ones: !Ref x becomes {Ref: x}, !Sub x {Fn::Sub: x}.
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
		err = fmt.Errorf("line %d: neither a map, a list nor a value", n.Line)
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

// convert goes by JSON, whose names are CloudFormation's. Parameters' defaults are texts, however they are written.
func convert(from, to any) error {
	raw, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, to)
}

// UnmarshalJSON takes numbers for texts in Default and AllowedValues.
func (p *Parameter) UnmarshalJSON(raw []byte) error {
	var written struct {
		Type, AllowedPattern string
		Default              any
		AllowedValues        []any
	}
	if err := json.Unmarshal(raw, &written); err != nil {
		return err
	}
	*p = Parameter{Type: written.Type, AllowedPattern: written.AllowedPattern}
	if written.Default != nil {
		text := fmt.Sprint(written.Default)
		p.Default = &text
	}
	for _, v := range written.AllowedValues {
		p.AllowedValues = append(p.AllowedValues, fmt.Sprint(v))
	}
	return nil
}

// Stack is a template with its parameters chosen.
type Stack struct {
	template   *Template
	parameters map[string]string
	known      map[string]string
}

// With chooses parameters; the others have their defaults. known are values that only a deployment has: pseudo parameters
// such as AWS::Region, physical ids by logical id, and attributes such as Trigger.Arn. What is not known reads <Trigger.Arn>.
func (t *Template) With(parameters, known map[string]string) (*Stack, error) {
	s := &Stack{template: t, parameters: map[string]string{}, known: maps.Clone(known)}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		value, chosen := parameters[name]
		switch p := t.Parameters[name]; {
		case chosen:
			s.parameters[name] = value
		case p.Default != nil:
			s.parameters[name] = *p.Default
		default:
			problems = append(problems, fmt.Errorf("parameter %s has no value", name))
		}
	}
	for name := range parameters {
		if _, there := t.Parameters[name]; !there {
			problems = append(problems, fmt.Errorf("there is no parameter %s", name))
		}
	}
	return s, errors.Join(problems...)
}

// Resources are the logical ids and types of what these parameters make.
func (s *Stack) Resources() (map[string]string, error) {
	made := map[string]string{}
	for id, r := range s.template.Resources {
		yes, err := s.holds(r.Condition)
		if err != nil {
			return nil, err
		}
		if yes {
			made[id] = r.Type
		}
	}
	return made, nil
}

// Properties fills into with a resource's properties. AWS's own names are the same in CloudFormation and in the SDK.
func (s *Stack) Properties(id string, into any) error {
	r, there := s.template.Resources[id]
	if !there {
		return fmt.Errorf("there is no resource %s", id)
	}
	value, err := s.resolve(r.Properties)
	if err != nil {
		return fmt.Errorf("resource %s: %w", id, err)
	}
	if err := convert(value, into); err != nil {
		return fmt.Errorf("resource %s: %w", id, err)
	}
	return nil
}

// Outputs are the values that the deployed stack tells.
func (s *Stack) Outputs() (map[string]string, error) {
	told := map[string]string{}
	for name, o := range s.template.Outputs {
		yes, err := s.holds(o.Condition)
		if err != nil {
			return nil, err
		}
		if !yes {
			continue
		}
		value, err := s.resolve(o.Value)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		told[name] = fmt.Sprint(value)
	}
	return told, nil
}

func (s *Stack) holds(condition string) (bool, error) {
	if condition == "" {
		return true, nil
	}
	written, there := s.template.Conditions[condition]
	if !there {
		return false, fmt.Errorf("there is no condition %s", condition)
	}
	value, err := s.resolve(written)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", condition, err)
	}
	yes, _ := value.(bool)
	return yes, nil
}

// nothing is what AWS::NoValue stands for: it is left out of maps and lists.
type nothing struct{}

func (s *Stack) resolve(value any) (any, error) {
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
	return value, nil
}

func (s *Stack) members(written map[string]any) (any, error) {
	resolved := map[string]any{}
	for name, value := range written {
		value, err := s.resolve(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if value != (nothing{}) {
			resolved[name] = value
		}
	}
	return resolved, nil
}

func (s *Stack) elements(written []any) (any, error) {
	resolved := []any{}
	for _, value := range written {
		value, err := s.resolve(value)
		if err != nil {
			return nil, err
		}
		if _, left := value.(nothing); !left {
			resolved = append(resolved, value)
		}
	}
	return resolved, nil
}

func (s *Stack) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return s.ref(argument.(string)), nil
	case "Condition":
		return s.holds(argument.(string))
	case "Fn::GetAtt":
		at := argument.([]any)
		return s.knownOr(fmt.Sprintf("%s.%s", at[0], at[1])), nil
	case "Fn::If":
		arms := argument.([]any)
		yes, err := s.holds(arms[0].(string))
		if err != nil {
			return nil, err
		}
		if yes {
			return s.resolve(arms[1])
		}
		return s.resolve(arms[2])
	case "Fn::Sub":
		return s.sub(argument)
	}
	resolved, err := s.elements(argument.([]any))
	if err != nil {
		return nil, err
	}
	return apply(name, resolved.([]any))
}

// apply is what needs nothing of the stack.
func apply(name string, arguments []any) (any, error) {
	switch name {
	case "Fn::Equals":
		return fmt.Sprint(arguments[0]) == fmt.Sprint(arguments[1]), nil
	case "Fn::Not":
		return arguments[0] != any(true), nil
	case "Fn::And":
		return !slices.Contains(arguments, any(false)), nil
	case "Fn::Or":
		return slices.Contains(arguments, any(true)), nil
	case "Fn::Select":
		index, err := strconv.Atoi(fmt.Sprint(arguments[0]))
		list, isList := arguments[1].([]any)
		if err != nil || !isList || index >= len(list) {
			return nil, fmt.Errorf("%s: nothing at %v", name, arguments[0])
		}
		return list[index], nil
	case "Fn::Split":
		return split(arguments[1].(string), arguments[0].(string)), nil
	case "Fn::Join":
		var texts []string
		for _, element := range arguments[1].([]any) {
			texts = append(texts, fmt.Sprint(element))
		}
		return strings.Join(texts, arguments[0].(string)), nil
	}
	return nil, fmt.Errorf("%s is not known here", name)
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
		return nothing{}
	}
	value, chosen := s.parameters[name]
	if !chosen {
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
	if value, known := s.known[name]; known {
		return value
	}
	return "<" + name + ">"
}

func (s *Stack) sub(argument any) (string, error) {
	text, isText := argument.(string)
	own := map[string]any{}
	if !isText {
		both := argument.([]any)
		text = both[0].(string)
		resolved, err := s.members(both[1].(map[string]any))
		if err != nil {
			return "", err
		}
		own = resolved.(map[string]any)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("Fn::Sub: ${%s is not closed", rest)
		}
		if value, given := own[name]; given {
			fmt.Fprint(&b, value)
		} else {
			fmt.Fprint(&b, s.ref(name))
		}
		text = after
	}
}
