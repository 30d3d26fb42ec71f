package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
)

// pool is what the proxy knows of a user pool. It is read from moto when first needed and after each change.
type pool struct {
	place
	id            string
	caseSensitive bool
	usernames     []string // UsernameAttributes: "email", "phone_number"
	aliases       []string // AliasAttributes
	schema        map[string]schemaAttribute
	triggers      map[string]string // LambdaConfig: trigger → function name
	policy        passwordPolicy
	adminOnly     bool
	autoVerified  []string
	verifyFirst   []string // AttributesRequireVerificationBeforeUpdate
	codeMessage   template
	inviteMessage template
	atCreation    map[string]json.RawMessage // settings that can only be set at creation

	users *userIndex
}

// poolDescription is DescribeUserPool's answer, as far as it matters here.
type poolDescription struct {
	ID                    string `json:"Id"`
	ARN                   string `json:"Arn"`
	UsernameAttributes    []string
	AliasAttributes       []string
	UsernameConfiguration struct{ CaseSensitive *bool }
	SchemaAttributes      []schemaAttribute
	LambdaConfig          map[string]any
	Policies              struct{ PasswordPolicy passwordPolicy }
	AdminCreateUserConfig struct {
		AllowAdminCreateUserOnly bool
		InviteMessageTemplate    struct{ EmailSubject, EmailMessage string }
	}
	AutoVerifiedAttributes      []string
	UserAttributeUpdateSettings struct {
		AttributesRequireVerificationBeforeUpdate []string
	}
	VerificationMessageTemplate struct{ EmailSubject, EmailMessage string }
	EmailVerificationSubject    string
	EmailVerificationMessage    string
}

// pools remembers pools and clients. A user index outlives what is known of its pool's settings.
type pools struct {
	mu      sync.Mutex
	known   map[string]*knownPool
	clients map[string]*knownClient
}

type knownPool struct {
	place
	users    *userIndex
	settings *pool // nil: to be read again
	changes  int   // so that settings read before a change are not kept after it
}

type knownClient struct {
	poolID       string
	implicitRead bool    // ReadAttributes were not given; moto was given all of them
	settings     *client // nil: to be read again
}

func (c *Cloud) pool(ctx context.Context, account, id string) (*pool, error) {
	c.pools.mu.Lock()
	known := c.pools.known[id]
	var settings *pool
	var changes int
	if known != nil {
		settings, changes = known.settings, known.changes
	}
	c.pools.mu.Unlock()
	if known == nil || account != "" && known.account != account {
		return nil, reject("ResourceNotFoundException", "User pool %s does not exist.", id)
	}
	if settings != nil {
		return settings, nil
	}
	return c.readPool(ctx, id, known, changes)
}

func (c *Cloud) readPool(ctx context.Context, id string, known *knownPool, changes int) (*pool, error) {
	var raw struct{ UserPool json.RawMessage }
	if err := c.upstream.ask(ctx, known.place, "DescribeUserPool", map[string]string{"UserPoolId": id}, &raw); err != nil {
		return nil, err
	}
	p, err := decodePool(raw.UserPool)
	if err != nil {
		return nil, err
	}
	p.place, p.users = known.place, known.users
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	if known.changes == changes {
		known.settings = p
	}
	return p, nil
}

func decodePool(raw json.RawMessage) (*pool, error) {
	var d poolDescription
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, err
	}
	p := &pool{
		id:            d.ID,
		usernames:     d.UsernameAttributes,
		aliases:       d.AliasAttributes,
		schema:        map[string]schemaAttribute{},
		triggers:      map[string]string{},
		policy:        d.Policies.PasswordPolicy,
		adminOnly:     d.AdminCreateUserConfig.AllowAdminCreateUserOnly,
		autoVerified:  d.AutoVerifiedAttributes,
		verifyFirst:   d.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate,
		inviteMessage: template(d.AdminCreateUserConfig.InviteMessageTemplate),
		codeMessage: template{
			EmailSubject: cmp.Or(d.EmailVerificationSubject, d.VerificationMessageTemplate.EmailSubject),
			EmailMessage: cmp.Or(d.EmailVerificationMessage, d.VerificationMessageTemplate.EmailMessage),
		},
	}
	// API reference, UsernameConfigurationType: a pool made without it is case-sensitive.
	p.caseSensitive = d.UsernameConfiguration.CaseSensitive == nil || *d.UsernameConfiguration.CaseSensitive
	for _, a := range d.SchemaAttributes {
		p.schema[a.Name] = a
	}
	for trigger, arn := range d.LambdaConfig {
		if arn, isText := arn.(string); isText && arn != "" {
			p.triggers[trigger] = functionName(arn)
		}
	}
	p.atCreation = onlyMembers(raw, "UsernameAttributes", "AliasAttributes", "UsernameConfiguration")
	return p, nil
}

func onlyMembers(raw json.RawMessage, names ...string) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(raw, &all) // raw has been decoded before
	kept := map[string]json.RawMessage{}
	for _, name := range names {
		if value, ok := all[name]; ok && string(value) != "null" {
			kept[name] = value
		}
	}
	return kept
}

// find returns the pool with an id without reading its settings.
func (s *pools) find(id string) *knownPool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[id]
}

func (s *pools) remember(p place, d poolDescription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known, s.clients = map[string]*knownPool{}, map[string]*knownClient{}
	}
	folds := d.UsernameConfiguration.CaseSensitive != nil && !*d.UsernameConfiguration.CaseSensitive
	s.known[d.ID] = &knownPool{place: p, users: newUserIndex(folds)}
}

func (s *pools) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, id)
	for clientID, known := range s.clients {
		if known.poolID == id {
			delete(s.clients, clientID)
		}
	}
}

func (s *pools) invalidate(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[id]; known != nil {
		known.settings = nil
		known.changes++
	}
}
