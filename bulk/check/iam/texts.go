// Package iam reads what a policy document leaves open.
package iam

import "encoding/json"

// Texts is a text or a list of texts.
type Texts []string

// UnmarshalJSON reads either.
func (t *Texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = Texts{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(raw, &many)
	*t = many
	return err
}
