package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/rows"
)

// item is a row as DynamoDB's own exports write it, with every type: {"Item":{"id":{"S":"…"}}}. DynamoDB imports such files
// as they are ("Amazon DynamoDB developer guide, DynamoDB data import formats").
type item struct {
	Item map[string]*value `json:"Item"`
}

// value is one attribute: exactly one field is set.
type value struct {
	S    *string           `json:"S,omitempty"`
	N    *string           `json:"N,omitempty"`
	B    *[]byte           `json:"B,omitempty"`
	BOOL *bool             `json:"BOOL,omitempty"`
	NULL *bool             `json:"NULL,omitempty"`
	SS   []string          `json:"SS,omitempty"`
	NS   []string          `json:"NS,omitempty"`
	BS   [][]byte          `json:"BS,omitempty"`
	M    *map[string]value `json:"M,omitempty"`
	L    *[]value          `json:"L,omitempty"`
}

func itemOf(row rows.Row) (item, error) {
	out := item{Item: make(map[string]*value, len(row))}
	for name, attribute := range row {
		v, err := valueOf(attribute)
		if err != nil {
			return item{}, fmt.Errorf("attribute %s: %w", name, err)
		}
		out.Item[name] = &v
	}
	return out, nil
}

func valueOf(attribute types.AttributeValue) (value, error) {
	switch a := attribute.(type) {
	case *types.AttributeValueMemberS:
		return value{S: &a.Value}, nil
	case *types.AttributeValueMemberN:
		return value{N: &a.Value}, nil
	case *types.AttributeValueMemberB:
		raw := a.Value
		if raw == nil {
			raw = []byte{} // null would say that there is none
		}
		return value{B: &raw}, nil
	case *types.AttributeValueMemberBOOL:
		return value{BOOL: &a.Value}, nil
	case *types.AttributeValueMemberNULL:
		return value{NULL: &a.Value}, nil
	case *types.AttributeValueMemberSS:
		return value{SS: a.Value}, nil
	case *types.AttributeValueMemberNS:
		return value{NS: a.Value}, nil
	case *types.AttributeValueMemberBS:
		return value{BS: a.Value}, nil
	case *types.AttributeValueMemberM:
		return mapOf(a.Value)
	case *types.AttributeValueMemberL:
		return listOf(a.Value)
	}
	return value{}, fmt.Errorf("unknown type %T", attribute)
}

func mapOf(members map[string]types.AttributeValue) (value, error) {
	all := make(map[string]value, len(members))
	for name, member := range members {
		v, err := valueOf(member)
		if err != nil {
			return value{}, err
		}
		all[name] = v
	}
	return value{M: &all}, nil
}

func listOf(members []types.AttributeValue) (value, error) {
	all := make([]value, len(members))
	for i, member := range members {
		v, err := valueOf(member)
		if err != nil {
			return value{}, err
		}
		all[i] = v
	}
	return value{L: &all}, nil
}

var (
	errNotOneType = errors.New("an attribute has not exactly one type")
	errEmpty      = errors.New("an item has no attributes")
)

// decodeRow reads back what was written, and refuses all else.
func decodeRow(line []byte) (rows.Row, error) {
	var in item
	if err := strictly(line, &in); err != nil {
		return nil, err
	}
	if len(in.Item) == 0 {
		return nil, errEmpty
	}
	row := make(rows.Row, len(in.Item))
	for name, v := range in.Item {
		if v == nil {
			return nil, errNotOneType
		}
		attribute, err := v.attribute()
		if err != nil {
			return nil, err
		}
		row[name] = attribute
	}
	return row, nil
}

func (v value) attribute() (types.AttributeValue, error) {
	var found []types.AttributeValue
	add := func(is bool, attribute func() types.AttributeValue) {
		if is {
			found = append(found, attribute())
		}
	}
	add(v.S != nil, func() types.AttributeValue { return &types.AttributeValueMemberS{Value: *v.S} })
	add(v.N != nil, func() types.AttributeValue { return &types.AttributeValueMemberN{Value: *v.N} })
	add(v.B != nil, func() types.AttributeValue { return &types.AttributeValueMemberB{Value: *v.B} })
	add(v.BOOL != nil, func() types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: *v.BOOL} })
	add(v.NULL != nil, func() types.AttributeValue { return &types.AttributeValueMemberNULL{Value: *v.NULL} })
	add(v.SS != nil, func() types.AttributeValue { return &types.AttributeValueMemberSS{Value: v.SS} })
	add(v.NS != nil, func() types.AttributeValue { return &types.AttributeValueMemberNS{Value: v.NS} })
	add(v.BS != nil, func() types.AttributeValue { return &types.AttributeValueMemberBS{Value: v.BS} })
	var err error
	add(v.M != nil, func() types.AttributeValue {
		members := make(map[string]types.AttributeValue, len(*v.M))
		for name, member := range *v.M {
			a, e := member.attribute()
			members[name], err = a, errors.Join(err, e)
		}
		return &types.AttributeValueMemberM{Value: members}
	})
	add(v.L != nil, func() types.AttributeValue {
		members := make([]types.AttributeValue, len(*v.L))
		for i, member := range *v.L {
			a, e := member.attribute()
			members[i], err = a, errors.Join(err, e)
		}
		return &types.AttributeValueMemberL{Value: members}
	})
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, errNotOneType
	}
	return found[0], nil
}

// strictly decodes one JSON document and nothing beside it.
func strictly(line []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one document in a line")
	}
	return nil
}
