package trigger

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spaceport/user-migration/datamover/userpool"
)

// Sources of Cognito's Migrate user trigger, and of its Custom message trigger.
const (
	sourceAuthentication = "UserMigration_Authentication"
	sourceForgotPassword = "UserMigration_ForgotPassword"

	sourceCustomMessage = "CustomMessage_" // the prefix of all of them
	sourceResetMessage  = sourceCustomMessage + "ForgotPassword"
)

// event is Cognito's event as received. It is never decoded and encoded as a whole, since the answer must be what was
// sent: an all-null response means "unknown user", and aws-lambda-go's type turns null into "" and false.
type event struct {
	raw                      []byte
	source, userName         string
	password                 userpool.Password
	request, response        json.RawMessage
	responseFrom, responseTo int // where the response is in raw
}

func parseEvent(raw []byte) (event, error) {
	if !json.Valid(raw) {
		return event{}, errMalformedEvent
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
		Password userpool.Password `json:"password"`
	}
	if err == nil && e.request != nil {
		err = json.Unmarshal(e.request, &request)
	}
	if err != nil {
		// The decoder's own text may quote the event, password included.
		return event{}, errMalformedEvent
	}
	e.password = request.Password
	return e, nil
}

// eachMember calls f for every member of the object raw, which is valid JSON, with the offset at which its value ends.
func eachMember(raw []byte, f func(name string, value json.RawMessage, to int) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errMalformedEvent
	}
	for dec.More() {
		var value json.RawMessage
		name, _ := dec.Token() // no error: raw is valid JSON
		_ = dec.Decode(&value)
		if err := f(name.(string), value, int(dec.InputOffset())); err != nil {
			return err
		}
	}
	return nil
}

// imported returns the event with a filled response: user attributes, no invitation, and CONFIRMED if the password is
// kept. Otherwise finalUserStatus is left as received, and Cognito then sets RESET_REQUIRED.
func (e event) imported(userAttributes map[userpool.Attribute]string, keepPassword bool) ([]byte, error) {
	members := map[string]any{"userAttributes": userAttributes, "messageAction": "SUPPRESS"}
	if keepPassword {
		members["finalUserStatus"] = "CONFIRMED"
	}
	return e.filled(members)
}

// filled returns the event with these members of its response set. Everything else is as received: the rest of the
// response in meaning, and what is around it byte for byte.
func (e event) filled(members map[string]any) ([]byte, error) {
	response := map[string]json.RawMessage{}
	if err := json.Unmarshal(e.response, &response); err != nil || response == nil {
		return nil, errMalformedEvent
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
