package attach

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// carryOver copies every field that both types have, by name. Whatever the SDK learns to describe and to update in later
// versions comes along by itself.
func carryOver(described, update any) error {
	raw, err := json.Marshal(described)
	if err != nil {
		return fmt.Errorf("copy settings: %w", err)
	}
	if err := json.Unmarshal(raw, update); err != nil {
		return fmt.Errorf("copy settings: %w", err)
	}
	return nil
}

// differ says in which setting two updates differ, if they do. Settings that were not set are passed over where Cognito may have filled
// in a default since.
func differ(was, is any, filled bool) error {
	before, now := settings(was), settings(is)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if filled && unset[text(before[name])] {
			continue
		}
		if was, is := text(before[name]), text(now[name]); was != is {
			return fmt.Errorf("its %s is %s, and was %s", name, is, was)
		}
	}
	return nil
}

var unset = map[string]bool{"null": true, `""`: true, "0": true, "false": true, "[]": true, "{}": true}

// unchanged tells whether what was read for the plan still stands.
func unchanged(was, is any) error {
	if err := differ(was, is, false); err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return nil
}

// arrived tells whether an update was taken as it was sent.
func arrived(sent, is any) error {
	if err := differ(sent, is, true); err != nil {
		return fmt.Errorf("after the update %w; set it right by hand", err)
	}
	return nil
}

func settings(update any) (all map[string]any) {
	_ = json.Unmarshal([]byte(text(update)), &all)
	return all
}

// text writes a setting. In no list of Cognito's settings does the order matter, and it need not be kept.
func text(setting any) string {
	if list, ok := setting.([]any); ok {
		setting = slices.SortedFunc(slices.Values(list), func(a, b any) int { return cmp.Compare(text(a), text(b)) })
	}
	raw, _ := json.Marshal(setting) // texts, numbers, and lists and maps of them
	return string(raw)
}
