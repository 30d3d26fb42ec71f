package bench

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// lab is both functions as deployed, which call a stand-in.
type lab struct {
	*spaceport.Spaceport
	aws           *standIn
	next          int // index of the user who signs in next
	trigger, hook subject
}

// subject is a function under measurement.
type subject struct {
	name              string // on the host
	init, first, warm []time.Duration
	peak              []int64 // memory after each invocation
}

// inLab starts the functions, a round trip away from the stand-in.
func inLab(ctx context.Context, aws *standIn, trip time.Duration, measure func(*lab) error) error {
	env, stop, err := serve(aws, trip)
	if err != nil {
		return err
	}
	defer stop()
	return within(ctx, spaceport.Options{Env: env}, func(s *spaceport.Spaceport) error {
		return measure(&lab{
			Spaceport: s, aws: aws, trigger: subject{name: spaceport.Trigger}, hook: subject{name: spaceport.Datamover},
		})
	})
}

// within starts a new Spaceport for each section, so that none sees the rows of another.
func within(ctx context.Context, o spaceport.Options, measure func(*spaceport.Spaceport) error) (err error) {
	s, err := spaceport.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return measure(s)
}

// rounds has users sign in: in each round one to a new environment of each function, and then warm more. The first
// round is not counted: it loads the binaries into the page cache.
func (l *lab) rounds(ctx context.Context, n, warm int) error {
	for round := range n + 1 {
		if round == 1 {
			l.trigger, l.hook = subject{name: l.trigger.name}, subject{name: l.hook.name}
		}
		l.Lambdas.Recycle(l.trigger.name)
		l.Lambdas.Recycle(l.hook.name)
		for range 1 + warm {
			if err := l.signIn(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// importNext has the trigger import the next user.
func (l *lab) importNext(ctx context.Context) (user, error) {
	u := testUser(l.next)
	l.next++
	event, err := migrateUser(u)
	if err == nil {
		err = l.trigger.invoke(ctx, l.Spaceport, event)
	}
	return u, err
}

// signIn imports the next user and moves their data.
func (l *lab) signIn(ctx context.Context) error {
	u, err := l.importNext(ctx)
	if err != nil {
		return err
	}
	return l.signInsOf(ctx, u, 1)
}

func (f *subject) invoke(ctx context.Context, s *spaceport.Spaceport, event []byte) error {
	inv, err := s.Lambdas.Invoke(ctx, f.name, event)
	if err == nil && inv.Error != nil {
		err = inv.Error
	}
	if err != nil {
		return fmt.Errorf("invoke %s: %w\n%s", f.name, err, s.Lambdas.Log(f.name))
	}
	if inv.Cold {
		f.init, f.first = append(f.init, inv.InitDuration), append(f.first, inv.Duration)
	} else {
		f.warm = append(f.warm, inv.Duration)
	}
	f.peak = append(f.peak, inv.MaxRSS)
	return nil
}

// serve starts STS, Cognito and DynamoDB as three hosts a round trip away, with TLS, and returns the variables that
// name them. Without a trip it is without TLS, since handshakes would take most of the time: smithy-go closes a
// request's body when the answer is there, and so the connection, if Go had not noticed the end of the body by then.
func serve(aws http.Handler, trip time.Duration) (env map[string]string, stop func(), err error) {
	folder, err := os.MkdirTemp("", "spaceport-bench-")
	if err != nil {
		return nil, nil, err
	}
	stops := []func(){func() { _ = os.RemoveAll(folder) }}
	stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	env = map[string]string{"STAGING_USER_POOL_ID": stagingPool, "PRODUCTION_USER_POOL_ID": productionPool}
	for _, service := range []string{"STS", "COGNITO_IDENTITY_PROVIDER", "DYNAMODB"} {
		server := httptest.NewUnstartedServer(aws)
		stops = append(stops, server.Close)
		if trip == 0 {
			server.Start()
		} else {
			server.Listener = far{server.Listener, trip}
			server.TLS = &tls.Config{SessionTicketsDisabled: true} // a ticket would take a round trip of its own
			server.StartTLS()
			env["AWS_CA_BUNDLE"] = filepath.Join(folder, "ca.pem") // the same for each
			certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
			err = errors.Join(err, os.WriteFile(env["AWS_CA_BUNDLE"], certificate, 0o600))
		}
		env["AWS_ENDPOINT_URL_"+service] = server.URL
	}
	return env, stop, err
}

// far accepts connections from a round trip away.
type far struct {
	net.Listener
	trip time.Duration
}

func (f far) Accept() (net.Conn, error) {
	conn, err := f.Listener.Accept()
	return &farConn{Conn: conn, trip: f.trip, connected: time.Now().Add(f.trip)}, err // after the handshake of TCP
}

// farConn takes a round trip for what it writes after it has read.
type farConn struct {
	net.Conn
	trip      time.Duration
	connected time.Time
	hasRead   atomic.Bool
}

func (c *farConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.hasRead.Store(true)
	}
	return n, err
}

func (c *farConn) Write(p []byte) (int, error) {
	if c.hasRead.Swap(false) {
		time.Sleep(max(0, time.Until(c.connected)) + c.trip)
	}
	return c.Conn.Write(p)
}
