package attach

import (
	"cmp"
	"context"
	"fmt"

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
	before, err := poolUpdate(pool)
	if err != nil {
		return err
	}
	in, err := poolUpdate(pool)
	if err != nil {
		return err
	}
	if in.LambdaConfig == nil {
		in.LambdaConfig = &types.LambdaConfigType{}
	}
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
			changes = append(changes, Change{Where: "pool", What: fmt.Sprintf("%s: %s -> %s", s.name, cmp.Or(s.now, "none"), cmp.Or(next, "none"))})
			*field = nil
			if next != "" {
				*field = &next
			}
		}
	}
	if len(changes) > 0 {
		// One call for all of them: the pool never has some of our triggers only.
		last := &changes[len(changes)-1]
		last.make = func(ctx context.Context) error {
			if err := o.compare(ctx, before, unchanged); err != nil {
				return err
			}
			_, err := o.api.UpdateUserPool(ctx, in)
			return err
		}
		last.check = func(ctx context.Context) error { return o.compare(ctx, in, arrived) }
	}
	plan.Changes = append(plan.Changes, changes...)
	return nil
}

// compare reads the pool and holds it against an update.
func (o *Operator) compare(ctx context.Context, update *cognito.UpdateUserPoolInput, by func(was, is any) error) error {
	pool, err := o.describe(ctx)
	if err != nil {
		return err
	}
	now, err := poolUpdate(pool)
	if err != nil {
		return err
	}
	return by(update, now)
}
