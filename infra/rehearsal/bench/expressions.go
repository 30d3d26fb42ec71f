package bench

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// errUnknown rejects what the stand-in does not support.
var errUnknown = errors.New("unknown table or expression")

// conditionFailed has the existing row, if it was requested.
type conditionFailed struct{ item item }

func (e *conditionFailed) Error() string { return "The conditional request failed" }

func (in rowCall) name(written string) string {
	if name, ok := in.Names[written]; ok {
		return name
	}
	return written
}

// allowed evaluates the condition: clauses of which all must be true. One can be two clauses with OR.
func (in rowCall) allowed(have item) error {
	for clause := range strings.SplitSeq(in.ConditionExpression, " AND ") {
		met, err := in.meets(clause, have)
		if err != nil {
			return err
		}
		if !met {
			no := &conditionFailed{}
			if in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
				no.item = have
			}
			return no
		}
	}
	return nil
}

func (in rowCall) meets(clause string, have item) (bool, error) {
	if either, or, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(clause, "("), ")"), " OR "); ok {
		one, err := in.meets(either, have)
		other, errOther := in.meets(or, have)
		return one || other, errors.Join(err, errOther)
	}
	if name, ok := argument(clause, "attribute_exists"); ok {
		return have[in.name(name)] != nil, nil
	}
	if name, ok := argument(clause, "attribute_not_exists"); ok {
		return have[in.name(name)] == nil, nil
	}
	if name, values, ok := strings.Cut(clause, " IN "); ok {
		return slices.ContainsFunc(strings.Split(strings.Trim(values, "()"), ", "), func(value string) bool {
			return bytes.Equal(have[in.name(name)], in.Values[value])
		}), nil
	}
	if name, value, ok := strings.Cut(clause, " <= "); ok && in.Values[value] != nil { // of texts
		return bytes.Compare(have[in.name(name)], in.Values[value]) <= 0, nil
	}
	name, value, ok := strings.Cut(clause, " = ")
	if !ok || in.Values[value] == nil {
		return false, errUnknown
	}
	return bytes.Equal(have[in.name(name)], in.Values[value]), nil
}

func argument(clause, function string) (name string, ok bool) {
	inside, ok := strings.CutPrefix(clause, function+"(")
	return strings.TrimSuffix(inside, ")"), ok
}

// change applies SET a = :a, … REMOVE b, …
func (in rowCall) change(i item) error {
	set, remove, removes := strings.Cut(" "+in.UpdateExpression, " REMOVE ")
	set, sets := strings.CutPrefix(set, " SET ")
	if !sets && set != "" {
		return errUnknown
	}
	for _, part := range strings.Fields(strings.ReplaceAll(set, " = ", "=")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(part, ","), "=")
		if in.Values[value] == nil {
			return errUnknown
		}
		i[in.name(name)] = in.Values[value]
	}
	if removes {
		for name := range strings.SplitSeq(remove, ", ") {
			delete(i, in.name(name))
		}
	}
	return nil
}
