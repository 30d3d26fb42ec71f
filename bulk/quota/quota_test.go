package quota

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func count(t *testing.T, l *Limits, c Category, d time.Duration, f func() error) (done int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for l.Do(ctx, c, f) == nil {
		done++
	}
	return done
}

func ok() error { return nil }

func TestShareOfTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0.8, map[Category]float64{UserCreation: 100})
		assert.InDelta(t, 240, count(t, l, UserAccountRecovery, 10*time.Second, ok), 2)
		assert.InDelta(t, 800, count(t, l, UserCreation, 10*time.Second, ok), 2, "raised by the operator")
		assert.InDelta(t, 24, l.PerSecond(UserList), 0.01)
	})
}

func TestThrottlingSlowsDownAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1, nil)
		until := time.Now().Add(10 * time.Second)
		calls := 0
		busy := func() error {
			calls++
			if time.Now().Before(until) {
				return ErrThrottled
			}
			return nil
		}
		require.NoError(t, l.Do(t.Context(), UserList, busy), "throttling is a wait, not a failure")
		assert.Less(t, calls, 80, "of 300 at full speed")
		assert.Less(t, count(t, l, UserList, 5*time.Second, ok), 100, "slow at first")
		time.Sleep(fullAgain)
		assert.InDelta(t, 300, count(t, l, UserList, 10*time.Second, ok), 3, "then as before")
	})
}

func TestOtherErrorsAreTheCallers(t *testing.T) {
	no := errors.New("no")
	assert.Equal(t, no, New(1, nil).Do(t.Context(), UserList, func() error { return no }))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, New(1, nil).Do(ctx, UserList, ok), context.Canceled)
}
