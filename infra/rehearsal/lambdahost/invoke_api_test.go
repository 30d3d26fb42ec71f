package lambdahost

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newClient(t *testing.T, h *Host) *lambda.Client {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return lambda.New(lambda.Options{
		BaseEndpoint:     aws.String(server.URL),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("key", "secret", ""),
		RetryMaxAttempts: 1,
	})
}

func TestInvokeAPI(t *testing.T) {
	h := newHost(t, Options{})
	client := newClient(t, h)

	for _, name := range []string{
		"fn", "fn:$LATEST", "123456789012:function:fn",
		"arn:aws:lambda:us-east-1:123456789012:function:fn",
		"arn:aws:lambda:us-east-1:123456789012:function:fn:live",
	} {
		out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String(name), Payload: []byte(`{"Echo":"sdk"}`),
		})
		require.NoError(t, err, name)
		assert.EqualValues(t, 200, out.StatusCode)
		assert.Equal(t, "$LATEST", *out.ExecutedVersion)
		assert.Nil(t, out.FunctionError)
		assert.Contains(t, string(out.Payload), `"Echo":"sdk"`)
	}

	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("fn"), Payload: []byte(`{"Do":"fail"}`),
	})
	require.NoError(t, err)
	assert.EqualValues(t, 200, out.StatusCode)
	assert.Equal(t, "Unhandled", *out.FunctionError)
	assert.JSONEq(t, `{"errorMessage":"named","errorType":"namedError"}`, string(out.Payload))

	before := len(h.Invocations())
	out, err = client.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("fn"), InvocationType: types.InvocationTypeEvent,
	})
	require.NoError(t, err)
	assert.EqualValues(t, 202, out.StatusCode)
	assert.Empty(t, out.Payload)
	require.NoError(t, h.Idle(t.Context()))
	require.Len(t, h.Invocations(), before+1)
	assert.Equal(t, "{}", string(h.Invocations()[before].Payload))
}

func TestInvokeAPIErrors(t *testing.T) {
	h := newHost(t, Options{Concurrency: 1})
	client := newClient(t, h)

	for _, kind := range []types.InvocationType{types.InvocationTypeEvent, types.InvocationTypeRequestResponse} {
		_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("other"), InvocationType: kind})
		var notFound *types.ResourceNotFoundException
		require.ErrorAs(t, err, &notFound, kind)
		assert.Equal(t, "Function not found: arn:aws:lambda:us-east-1:123456789012:function:other", notFound.ErrorMessage())
	}

	require.NoError(t, h.InvokeEvent("fn", []byte(`{"Echo":"busy","Sleep":3600000000000}`)))
	running(t, h, "busy")
	begin := time.Now()
	_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("fn")})
	var throttled *types.TooManyRequestsException
	require.ErrorAs(t, err, &throttled)
	assert.Less(t, time.Since(begin), 5*time.Second)
}
