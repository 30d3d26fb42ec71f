package trigger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Sources of Cognito's Migrate user trigger, and of its Custom message trigger.
const (
	sourceAuthentication = "UserMigration_Authentication"
	sourceForgotPassword = "UserMigration_ForgotPassword"

	sourcesOfMessages = "CustomMessage_"
	sourceReset       = sourcesOfMessages + "ForgotPassword"
)

// event is Cognito's event as it came. It is never decoded and encoded as a whole, since what comes back must be what was
// sent: an all-null response means "unknown user", and aws-lambda-go's type turns null into "" and false.
type event struct {
	raw                      []byte
	source, userName         string
	password                 string
	request, response        json.RawMessage
	responseFrom, responseTo int // where in raw the response stands
}

var errNotAnEvent = errors.New("not an event of Cognito's shape")

func parseEvent(raw []byte) (event, error) {
	if !json.Valid(raw) {
		return event{}, errNotAnEvent
	}
	e := event{raw: raw}
	into := map[string]any{
		"triggerSource": &e.source, "userName": &e.userName, "request": &e.request, "response": &e.response,
	}
	err := eachMember(raw, func(name string, value json.RawMessage, to int) error {
		if name == "response" {
			e.responseFrom, e.responseTo = to-len(value), to
		}
		if target, ok := into[name]; ok {
			return json.Unmarshal(value, target)
		}
		return nil
	})
	var request struct {
		Password string `json:"password"`
	}
	if err == nil && e.request != nil {
		err = json.Unmarshal(e.request, &request)
	}
	if err != nil {
		// The decoder's own text may quote the event, password and all.
		return event{}, errNotAnEvent
	}
	e.password = request.Password
	return e, nil
}

// eachMember calls f for every member of the JSON object raw, with the offset at which its value ends.
func eachMember(raw []byte, f func(name string, value json.RawMessage, to int) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errNotAnEvent
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if err := f(name.(string), value, int(dec.InputOffset())); err != nil {
			return err
		}
	}
	return nil
}

// imported returns the event with a filled response: user attributes, no invitation, and CONFIRMED where the password
// stays. Where it does not, finalUserStatus is left as it came, and Cognito then sets RESET_REQUIRED.
func (e event) imported(userAttributes map[string]string, keep bool) ([]byte, error) {
	members := map[string]any{"userAttributes": userAttributes, "messageAction": "SUPPRESS"}
	if keep {
		members["finalUserStatus"] = "CONFIRMED"
	}
	return e.filled(members)
}

// filled returns the event with these members of its response set. All else is as it came: the rest of the response in
// meaning, and what is around it byte for byte.
func (e event) filled(members map[string]any) ([]byte, error) {
	response := map[string]json.RawMessage{}
	if err := json.Unmarshal(e.response, &response); err != nil || response == nil {
		return nil, errNotAnEvent
	}
	for name, value := range members {
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		response[name] = encoded
	}
	filled, err := json.Marshal(response)
	if err != nil {
		return nil, fmt.Errorf("encode response: %w", err)
	}
	return bytes.Join([][]byte{e.raw[:e.responseFrom], filled, e.raw[e.responseTo:]}, nil), nil
}
