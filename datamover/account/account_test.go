package account

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/spaceport/user-migration/datamover/settings"
)

// endpoint is an AWS that answers with these errors, one after the other, and then well.
func endpoint(t *testing.T, codes ...string) (calls *atomic.Int32) {
	t.Helper()
	calls = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := int(calls.Add(1)); n <= len(codes) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s"}`, codes[n-1])
			return
		}
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-west-2",
	} {
		t.Setenv(name, value)
	}
	return calls
}

// TestRetriedErrors: a row that a transaction holds is free in a moment; a condition that fails stays so.
func TestRetriedErrors(t *testing.T) {
	for code, want := range map[string]int32{
		"TransactionConflictException": 2, "ProvisionedThroughputExceededException": 2, "ConditionalCheckFailedException": 1,
	} {
		t.Run(code, func(t *testing.T) {
			calls := endpoint(t, code)
			cfg, err := Production(t.Context(), Limits{Attempts: 3, MaxBackoff: time.Millisecond, Attempt: time.Second})
			require.NoError(t, err)
			_, err = dynamodb.NewFromConfig(cfg).PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: aws.String("T"), Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "u"}},
			})
			assert.Equal(t, want == 1, err != nil, err)
			assert.Equal(t, want, calls.Load())
		})
	}
}

// TestStagingsRoleTakesItsTime: its limit is its own, whatever production's calls have.
func TestStagingsRoleTakesItsTime(t *testing.T) {
	production := aws.Config{Region: "us-west-2", Credentials: aws.AnonymousCredentials{}}
	s := settings.Settings{StagingUserPoolID: "eu-west-1_s", StagingRoleARN: "arn:aws:iam::111111111111:role/r"}
	staging := Staging(production, s, "test", Limits{Role: 30 * time.Second})
	assert.Equal(t, "eu-west-1", staging.Region)
	role, ok := staging.Credentials.(*refreshAhead)
	require.True(t, ok)
	assert.Equal(t, 30*time.Second, role.timeout)
	assert.Equal(t, production.Credentials, role.base)
}

// TestConnectionsAreKept: more calls at once than the SDK keeps idle connections, which is 100, and the same again.
func TestConnectionsAreKept(t *testing.T) {
	const atOnce = 150
	var opened atomic.Int32
	var arrived sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		arrived.Wait()
		fmt.Fprint(w, "{}")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	endpoint(t)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	cfg, err := Production(t.Context(), Limits{Attempts: 1, Attempt: 30 * time.Second, Parallel: atOnce})
	require.NoError(t, err)
	for range 3 {
		arrived.Add(atOnce)
		var calls errgroup.Group
		for range atOnce {
			calls.Go(func() error { return get(t.Context(), cfg) })
		}
		require.NoError(t, calls.Wait())
	}
	assert.LessOrEqual(t, opened.Load(), int32(atOnce*11/10))
}
