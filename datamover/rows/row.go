// Package rows is the adapter for the DynamoDB tables that move. It reads a staging user's rows and writes them to
// production.
package rows

import (
	"bytes"
	"encoding/base64"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/settings"
)

// Row is one item. Only its keys are read, and only the id of its owner is changed.
type Row map[string]types.AttributeValue

// OwnedBy returns a copy of the row as another user's: every value that equals the owner's id, at any depth, becomes
// the other's. Values that merely contain it stay, since files stay where they are.
func (r Row) OwnedBy(t settings.Table, owner string) Row {
	from := r.Text(t.OwnerKey)
	row := make(Row, len(r))
	for name, value := range r {
		if row[name] = value; from != "" && !slices.Contains(t.Keep, name) {
			row[name] = replaced(value, from, owner)
		}
	}
	row[t.OwnerKey] = &types.AttributeValueMemberS{Value: owner}
	return row
}

// replaced returns the value with from replaced by to. What does not change is not copied.
func replaced(value types.AttributeValue, from, to string) types.AttributeValue {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		if v.Value == from {
			return &types.AttributeValueMemberS{Value: to}
		}
	case *types.AttributeValueMemberSS:
		if slices.Contains(v.Value, from) { // a set that has both ids has one afterwards
			others := slices.DeleteFunc(slices.Clone(v.Value), func(s string) bool { return s == from || s == to })
			return &types.AttributeValueMemberSS{Value: append(others, to)}
		}
	case *types.AttributeValueMemberM:
		var copied map[string]types.AttributeValue
		for name, old := range v.Value {
			if changed := replaced(old, from, to); changed != old {
				if copied == nil {
					copied = maps.Clone(v.Value)
				}
				copied[name] = changed
			}
		}
		if copied != nil {
			return &types.AttributeValueMemberM{Value: copied}
		}
	case *types.AttributeValueMemberL:
		var copied []types.AttributeValue
		for i, old := range v.Value {
			if changed := replaced(old, from, to); changed != old {
				if copied == nil {
					copied = slices.Clone(v.Value)
				}
				copied[i] = changed
			}
		}
		if copied != nil {
			return &types.AttributeValueMemberL{Value: copied}
		}
	}
	return value
}

// Containing returns the attributes that hold an id as a part of a longer value, at any depth, or in a map's key. They
// stay as they are.
func (r Row) Containing(id string) (names []string) {
	for name, value := range r {
		if id != "" && contains(value, id) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func contains(value types.AttributeValue, id string) bool {
	part := func(s string) bool { return s != id && strings.Contains(s, id) }
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return part(v.Value)
	case *types.AttributeValueMemberSS:
		return slices.ContainsFunc(v.Value, part)
	case *types.AttributeValueMemberM:
		for name, value := range v.Value {
			if strings.Contains(name, id) || contains(value, id) {
				return true
			}
		}
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, func(value types.AttributeValue) bool { return contains(value, id) })
	}
	return false
}

// expired reports whether DynamoDB may delete the row at any moment: the attribute is a number of seconds, in the past
// and at most five years ago ("Amazon DynamoDB developer guide, Using time to live").
func (r Row) expired(attribute string, now time.Time) bool {
	n, ok := r[attribute].(*types.AttributeValueMemberN)
	if !ok {
		return false
	}
	seconds, err := strconv.ParseFloat(n.Value, 64)
	return err == nil && seconds < float64(now.Unix()) && seconds >= float64(now.AddDate(-5, 0, 0).Unix())
}

// Text returns a key attribute as text, a binary one in base64.
func (r Row) Text(name string) string {
	switch v := r[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return base64.StdEncoding.EncodeToString(v.Value)
	}
	return ""
}

// Equal reports whether two rows are the same. Sets have no order in DynamoDB; everything else must match exactly.
func Equal(a, b Row) bool {
	if len(a) != len(b) {
		return false
	}
	for name, value := range a {
		other, ok := b[name]
		if !ok || !equal(value, other) {
			return false
		}
	}
	return true
}

func equal(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && Equal(a.Value, b.Value)
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && slices.EqualFunc(a.Value, b.Value, equal)
	case *types.AttributeValueMemberSS:
		b, ok := b.(*types.AttributeValueMemberSS)
		return ok && slices.Equal(slices.Sorted(slices.Values(a.Value)), slices.Sorted(slices.Values(b.Value)))
	case *types.AttributeValueMemberNS:
		b, ok := b.(*types.AttributeValueMemberNS)
		return ok && slices.Equal(slices.Sorted(slices.Values(a.Value)), slices.Sorted(slices.Values(b.Value)))
	case *types.AttributeValueMemberBS:
		b, ok := b.(*types.AttributeValueMemberBS)
		return ok && slices.EqualFunc(
			slices.SortedFunc(slices.Values(a.Value), bytes.Compare),
			slices.SortedFunc(slices.Values(b.Value), bytes.Compare), bytes.Equal)
	}
	return reflect.DeepEqual(a, b)
}
