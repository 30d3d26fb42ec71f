package cloud

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The two accounts. Production is moto's own default account; staging is reached only by assuming a role.
const (
	ProductionAccount = "123456789012"
	StagingAccount    = "111111111111"
	defaultRegion     = "us-east-1"
)

// Options of a Cloud. Only Moto is required.
type Options struct {
	Moto string // path of moto_server
	Seed uint64 // for faults with a Rate; the same seed hits the same requests

	Now            func() time.Time // for codes; default time.Now
	TriggerTimeout time.Duration    // for one attempt at a pool trigger; default Cognito's 5 s
}

// Cloud is the running local cloud.
type Cloud struct {
	now            func() time.Time
	triggerTimeout time.Duration

	upstream *upstream
	tables   sync.Mutex // one operation at a time, see perform
	server   *http.Server
	url      string
	moto     *motoProcess

	functions  atomic.Pointer[Invoker]
	identities sync.Map // of *identity, by access key
	roles      sync.Map // of Role, by ARN
	pools      pools
	stack      stack
	log        requestLog
	faults     faults
	quotas     quotas
	mailbox    mailbox
	grants     grants
	reset      atomic.Int32 // a ResetAnswer
}

// Start runs moto and the proxy, and returns when both answer.
func Start(ctx context.Context, o Options) (*Cloud, error) {
	process, err := startMoto(ctx, o.Moto)
	if err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	c := newCloud(o, process)
	if err := c.listen(); err != nil {
		return nil, errors.Join(fmt.Errorf("start proxy: %w", err), process.stop())
	}
	return c, nil
}

func newCloud(o Options, process *motoProcess) *Cloud {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TriggerTimeout == 0 {
		o.TriggerTimeout = 5 * time.Second
	}
	c := &Cloud{
		now:            o.Now,
		triggerTimeout: o.TriggerTimeout,
		moto:           process,
		upstream:       newUpstream(process.address),
	}
	c.faults.dice = rand.New(rand.NewPCG(o.Seed, o.Seed))
	for _, admin := range []*identity{
		{name: "staging-admin", account: StagingAccount, allow: []string{"*"}, key: stagingAdminKey},
		{name: "production-admin", account: ProductionAccount, allow: []string{"*"}, key: productionAdminKey},
	} {
		c.identities.Store(admin.key, admin)
	}
	return c
}

func (c *Cloud) listen() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.url = "http://" + listener.Addr().String()
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(listener) }()
	return nil
}

// URL is what AWS_ENDPOINT_URL should hold.
func (c *Cloud) URL() string { return c.url }

// Region is where every resource of the rehearsal lives.
func (c *Cloud) Region() string { return defaultRegion }

// SetFunctions sets what runs Lambda functions: they need the URL in their environment, so it is called after Start.
func (c *Cloud) SetFunctions(i Invoker) { c.functions.Store(&i) }

// Close stops the proxy and moto. Nothing is left running; a second call does nothing.
func (c *Cloud) Close() error {
	return errors.Join(c.server.Close(), c.moto.stop())
}

// StagingAdmin may do everything in the staging account: for seeding it.
func (c *Cloud) StagingAdmin() aws.Credentials { return credentialsFor(stagingAdminKey) }

// ProductionAdmin may do everything in the production account: for seeding it.
func (c *Cloud) ProductionAdmin() aws.Credentials { return credentialsFor(productionAdminKey) }
