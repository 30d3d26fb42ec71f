package lambdahost

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEventRetried(t *testing.T) {
	h := newHost(t, Options{RetryDelays: [2]time.Duration{10 * time.Millisecond, 200 * time.Millisecond}})
	require.NoError(t, h.InvokeEvent("fn", []byte(`{"Do":"fail"}`)))
	require.NoError(t, h.Idle(t.Context()))
	all := h.Invocations()
	require.Len(t, all, 3)
	for i, inv := range all {
		assert.Equal(t, i+1, inv.Attempt)
		assert.Equal(t, all[0].RequestID, inv.RequestID)
		assert.Equal(t, "namedError", inv.Error.Type)
	}
	assert.GreaterOrEqual(t, all[2].Start.Sub(all[1].Start), 200*time.Millisecond)
	assert.Equal(t, all[2:], h.DeadLetters())
}

func TestEventSucceedsLater(t *testing.T) {
	h := newHost(t, Options{})
	require.NoError(t, h.InvokeEvent("fn", []byte(`{"Echo":"again","Sleep":500000000}`)))
	running(t, h, "again")
	h.Kill("fn")
	require.NoError(t, h.Idle(t.Context()))
	all := h.Invocations()
	require.Len(t, all, 2)
	assert.Equal(t, "Runtime.ExitError", all[0].Error.Type)
	assert.True(t, all[1].Event)
	assert.Equal(t, "again", decode(t, all[1]).Echo)
	assert.Empty(t, h.DeadLetters())
}

func TestIdleGivesUp(t *testing.T) {
	h := newHost(t, Options{})
	require.NoError(t, h.InvokeEvent("fn", []byte(`{"Sleep":3600000000000}`)))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, h.Idle(ctx), context.DeadlineExceeded)
}
