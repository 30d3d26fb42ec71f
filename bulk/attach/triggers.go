package attach

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// slot is one trigger of ours: its name, where it stands in the pool, and what stands there.
type slot struct {
	name string
	at   func(*types.LambdaConfigType) **string
	ours func(Functions) string
	now  string
}

var slots = []slot{
	{"UserMigration", func(c *types.LambdaConfigType) **string { return &c.UserMigration }, func(f Functions) string { return f.Trigger }, ""},
	{"PostConfirmation", func(c *types.LambdaConfigType) **string { return &c.PostConfirmation }, func(f Functions) string { return f.Datamover }, ""},
	{"PostAuthentication", func(c *types.LambdaConfigType) **string { return &c.PostAuthentication }, func(f Functions) string { return f.Datamover }, ""},
	{"CustomMessage", func(c *types.LambdaConfigType) **string { return &c.CustomMessage }, func(f Functions) string { return f.Trigger }, ""},
}

// tag is where a displaced trigger is kept: on the pool itself, written by the same call that displaces it.
func (s slot) tag() string { return "spaceport-migration:displaced:" + s.name }

// attached is what is to stand in a slot. A trigger that gives way is kept in tags.
func attached(s slot, f Functions, tags map[string]string, displace bool) (string, error) {
	ours := s.ours(f)
	switch {
	case s.now == ours:
		return s.now, nil
	case s.now == "":
		return ours, nil
	case !displace:
		return "", fmt.Errorf("%w: %s is %s", ErrDisplaces, s.name, s.now)
	}
	tags[s.tag()] = s.now
	return ours, nil
}

// detached is what stood in a slot before ours. What is not ours is left alone.
func detached(s slot, f Functions, tags map[string]string) string {
	before := tags[s.tag()]
	delete(tags, s.tag())
	if s.now == "" || s.now != s.ours(f) {
		return s.now
	}
	return before
}

// setTriggers plans one UpdateUserPool that puts into each slot what choose says.
func (o *Operator) setTriggers(plan *Plan, pool *types.UserPoolType, choose func(slot, map[string]string) (string, error)) error {
	in, err := poolUpdate(pool)
	if err != nil {
		return err
	}
	if in.LambdaConfig == nil {
		in.LambdaConfig = &types.LambdaConfigType{}
	}
	in.UserPoolTags = maps.Clone(in.UserPoolTags)
	if in.UserPoolTags == nil {
		in.UserPoolTags = map[string]string{}
	}
	var changes []Change
	for _, s := range slots {
		field := s.at(in.LambdaConfig)
		s.now = aws.ToString(*field)
		next, err := choose(s, in.UserPoolTags)
		if err != nil {
			return err
		}
		if next != s.now {
			changes = append(changes, Change{Where: "pool", What: fmt.Sprintf("%s: %s -> %s", s.name, orNone(s.now), orNone(next))})
			*field = nil
			if next != "" {
				*field = &next
			}
		}
	}
	if len(changes) > 0 {
		// One call for all of them: the pool never has some of our triggers only.
		changes[len(changes)-1].make = func(ctx context.Context) error {
			_, err := o.api.UpdateUserPool(ctx, in)
			return err
		}
	}
	plan.Changes = append(plan.Changes, changes...)
	plan.check = func(ctx context.Context) error { return o.nothingElse(ctx, in) }
	return nil
}

func orNone(arn string) string {
	if arn == "" {
		return "none"
	}
	return arn
}

// nothingElse reads the pool again and holds it against what was sent.
func (o *Operator) nothingElse(ctx context.Context, sent *cognito.UpdateUserPoolInput) error {
	pool, err := o.describe(ctx)
	if err != nil {
		return err
	}
	now, err := poolUpdate(pool)
	if err != nil {
		return err
	}
	want, got := settings(sent), settings(now)
	for name, value := range want {
		if string(got[name]) != string(value) {
			return fmt.Errorf("after the update the pool's %s is %s, and was %s: set it right by hand", name, got[name], value)
		}
	}
	return nil
}

func settings(in *cognito.UpdateUserPoolInput) map[string]json.RawMessage {
	raw, _ := json.Marshal(in) // a struct of strings and numbers
	all := map[string]json.RawMessage{}
	_ = json.Unmarshal(raw, &all)
	return all
}
