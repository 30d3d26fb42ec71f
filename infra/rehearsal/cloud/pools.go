package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
)

// pool is what the proxy knows of a user pool. Unless isRead, it is to be read from moto: when first needed, and after
// each change. The user index is kept.
type pool struct {
	account     string
	id          string
	usernames   []string // UsernameAttributes: "email", "phone_number"
	schema      map[string]schemaAttribute
	triggers    map[string]string // LambdaConfig: trigger → function name
	codeMessage template

	users  *userIndex
	isRead bool
}

// poolDescription is DescribeUserPool's answer, as far as it matters here.
type poolDescription struct {
	ID                          string `json:"Id"`
	UsernameAttributes          []string
	UsernameConfiguration       struct{ CaseSensitive *bool }
	SchemaAttributes            []schemaAttribute
	LambdaConfig                map[string]any
	VerificationMessageTemplate template
	EmailVerificationSubject    string
	EmailVerificationMessage    string
}

// ignoresCase: a pool made without the setting is case-sensitive (API reference, UsernameConfigurationType).
func (d poolDescription) ignoresCase() bool {
	return d.UsernameConfiguration.CaseSensitive != nil && !*d.UsernameConfiguration.CaseSensitive
}

// pools remembers pools and clients. The lock is held while one is read, so that settings from before a change are not
// kept after it.
type pools struct {
	mu      sync.Mutex
	known   map[string]*pool
	clients map[string]*client
}

// pool returns a pool, if the account has it; "" is any account.
func (c *Cloud) pool(ctx context.Context, account, id string) (*pool, error) {
	c.pools.mu.Lock()
	defer c.pools.mu.Unlock()
	known := c.pools.known[id]
	if known == nil || account != "" && known.account != account {
		return nil, reject("ResourceNotFoundException", "User pool %s does not exist.", id)
	}
	if known.isRead {
		return known, nil
	}
	var out struct{ UserPool poolDescription }
	err := c.upstream.ask(ctx, known.account, "DescribeUserPool", map[string]string{"UserPoolId": id}, &out)
	if err != nil {
		return nil, err
	}
	p := describedPool(out.UserPool)
	p.account, p.users, p.isRead = known.account, known.users, true
	c.pools.known[id] = p
	return p, nil
}

func (c *Cloud) createUserPool(ctx context.Context, q *query) (any, error) {
	out, err := c.forward(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	var created struct{ UserPool poolDescription }
	if err := json.Unmarshal(out, &created); err != nil {
		return nil, err
	}
	q.request.Resource = created.UserPool.ID
	c.pools.remember(q.request.Account, created.UserPool)
	return out, nil
}

func (c *Cloud) changeUserPool(ctx context.Context, q *query) (any, error) {
	defer c.pools.invalidate(q.pool.id)
	return c.forward(ctx, q, nil)
}

func describedPool(d poolDescription) *pool {
	p := &pool{
		id:        d.ID,
		usernames: d.UsernameAttributes,
		schema:    map[string]schemaAttribute{},
		triggers:  map[string]string{},
		codeMessage: template{
			EmailSubject: cmp.Or(d.EmailVerificationSubject, d.VerificationMessageTemplate.EmailSubject),
			EmailMessage: cmp.Or(d.EmailVerificationMessage, d.VerificationMessageTemplate.EmailMessage),
		},
	}
	for _, a := range d.SchemaAttributes {
		p.schema[a.Name] = a
	}
	for trigger, arn := range d.LambdaConfig {
		if arn, isText := arn.(string); isText && arn != "" {
			p.triggers[trigger] = lambdahost.FunctionName(arn)
		}
	}
	return p
}

// find returns the pool with an id without reading its settings.
func (s *pools) find(id string) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[id]
}

func (s *pools) remember(account string, d poolDescription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known, s.clients = map[string]*pool{}, map[string]*client{}
	}
	s.known[d.ID] = &pool{account: account, users: newUserIndex(d.ignoresCase())}
}

func (s *pools) invalidate(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[id].isRead = false
}

// clientOf returns a client of a pool, "" if there is none.
func (s *pools) clientOf(poolID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, known := range s.clients {
		if known.poolID == poolID {
			return id
		}
	}
	return ""
}
