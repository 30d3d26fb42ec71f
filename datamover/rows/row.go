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
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/spaceport/user-migration/datamover/settings"
)

// Row is one item. Only its keys are read, and only its owner is changed.
type Row map[string]types.AttributeValue

// OwnedBy returns a copy of the row as another user's.
func (r Row) OwnedBy(t settings.Table, owner string) Row {
	r = maps.Clone(r)
	r[t.OwnerKey] = &types.AttributeValueMemberS{Value: owner}
	return r
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
