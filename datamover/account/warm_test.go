package account

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// far is a TLS endpoint that counts connections and requests. It shakes no hand before so many connections are there.
type far struct {
	*httptest.Server
	connections, shaken, requests atomic.Int32
	all                           chan struct{}
}

type waiting struct {
	net.Listener
	all chan struct{}
}

func (w waiting) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	return reader{conn, w.all}, err
}

type reader struct {
	net.Conn
	all chan struct{}
}

func (r reader) Read(b []byte) (int, error) {
	<-r.all
	return r.Conn.Read(b)
}

func newFar(t *testing.T, connections int32) *far {
	t.Helper()
	f := &far{all: make(chan struct{})}
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.requests.Add(1)
		w.Header().Set("X-Amz-Crc32", "2745614147")
		_, _ = w.Write([]byte("{}"))
	}))
	f.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew && f.connections.Add(1) == connections {
			close(f.all)
		}
	}
	f.Listener = waiting{f.Listener, f.all}
	f.TLS = &tls.Config{VerifyConnection: func(tls.ConnectionState) error {
		f.shaken.Add(1)
		return nil
	}}
	f.StartTLS()
	t.Cleanup(f.Close)
	return f
}

// waitFor waits until so many handshakes are done, and a while for this end to notice the last.
func (f *far) waitFor(t *testing.T, connections int32) {
	t.Helper()
	require.Eventually(t, func() bool { return f.shaken.Load() == connections }, 20*time.Second, time.Millisecond)
	time.Sleep(300 * time.Millisecond)
}

// in opens the account at the endpoint, whose certificate it trusts.
func (f *far) in(t *testing.T) aws.Config {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": f.URL, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-west-2",
	} {
		t.Setenv(name, value)
	}
	cfg, err := Production(t.Context(), Limits{Attempts: 1, Attempt: time.Second, Parallel: 4})
	require.NoError(t, err)
	cfg.HTTPClient = cfg.HTTPClient.(*awshttp.BuildableClient).WithTransportOptions(func(tr *http.Transport) {
		tr.TLSClientConfig.RootCAs = f.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	})
	return cfg
}

func get(ctx context.Context, cfg aws.Config) error {
	_, err := dynamodb.NewFromConfig(cfg).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("T")})
	return err
}

// TestWarming: the connections are there, nothing was sent, and later calls use them.
func TestWarming(t *testing.T) {
	f := newFar(t, 2)
	cfg := f.in(t)
	require.ErrorIs(t, get(t.Context(), Warming(cfg, 2)), errWarming)
	f.waitFor(t, 2)
	assert.Zero(t, f.requests.Load(), "nothing is sent")
	for range 5 {
		require.NoError(t, get(t.Context(), cfg))
	}
	assert.EqualValues(t, 5, f.requests.Load())
	assert.EqualValues(t, 2, f.connections.Load(), "no other connection was needed")
}

// TestWarmingSendsNothing, also if a connection is there already: another is opened.
func TestWarmingSendsNothing(t *testing.T) {
	f := newFar(t, 1)
	cfg := f.in(t)
	require.NoError(t, get(t.Context(), cfg))
	require.ErrorIs(t, get(t.Context(), Warming(cfg, 1)), errWarming)
	f.waitFor(t, 2)
	require.NoError(t, get(t.Context(), cfg))
	assert.EqualValues(t, 2, f.requests.Load())
}

type hosts []string

func (h *hosts) Do(r *http.Request) (*http.Response, error) {
	*h = append(*h, r.URL.Host)
	return nil, errWarming
}

// TestWarmingKnowsTheHost: a role's credentials name its account, and a call with them goes where the connection is.
func TestWarmingKnowsTheHost(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": "",
	} {
		t.Setenv(name, value)
	}
	cfg, err := Production(t.Context(), Limits{Attempts: 1, Attempt: time.Second, Parallel: 4})
	require.NoError(t, err)
	var called hosts
	cfg.HTTPClient = &called
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s", AccountID: "111111111111"}, nil
	})
	require.Error(t, get(t.Context(), cfg))
	cfg.Credentials = aws.AnonymousCredentials{}
	require.Error(t, get(t.Context(), cfg))
	assert.Equal(t, hosts{"dynamodb.us-west-2.amazonaws.com", "dynamodb.us-west-2.amazonaws.com"}, called)
}

// TestWarmingHarmsNothing: an endpoint that does not answer, or has closed the connection since, costs later calls
// nothing.
func TestWarmingHarmsNothing(t *testing.T) {
	f := newFar(t, 2)
	cfg := f.in(t)
	require.ErrorIs(t, get(t.Context(), Warming(cfg, 2)), errWarming)
	f.waitFor(t, 2)
	f.CloseClientConnections()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, get(t.Context(), cfg))

	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never shakes hands
	require.NoError(t, err)
	defer silent.Close()
	dead := cfg.Copy()
	dead.BaseEndpoint = aws.String("https://" + silent.Addr().String())
	began := time.Now()
	require.ErrorIs(t, get(t.Context(), Warming(dead, 2)), errWarming)
	require.NoError(t, get(t.Context(), cfg))
	assert.Less(t, time.Since(began), time.Second, "nothing waits for it")
}
