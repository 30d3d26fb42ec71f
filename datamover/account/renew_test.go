package account

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeSTS takes its time and gives credentials for an hour, as role chaining does.
type fakeSTS struct {
	calls   atomic.Int32
	latency time.Duration
	err     error
	life    time.Duration
}

func (f *fakeSTS) Retrieve(ctx context.Context) (aws.Credentials, error) {
	f.calls.Add(1)
	select {
	case <-time.After(f.latency):
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
	if f.err != nil {
		return aws.Credentials{}, f.err
	}
	return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(f.life)}, nil
}

func TestWarmInvocationNeverWaitsForTheRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := &fakeSTS{latency: 50 * time.Millisecond, life: time.Hour}
		r := &refreshAhead{source: sts, timeout: time.Minute, now: time.Now}
		_, err := r.Retrieve(t.Context())
		require.NoError(t, err)
		for range 24 * 60 { // a day of one invocation a minute
			time.Sleep(time.Minute)
			began := time.Now()
			got, err := r.Retrieve(t.Context())
			require.NoError(t, err)
			require.Zero(t, time.Since(began))
			require.True(t, got.Expires.After(time.Now()))
		}
		assert.Less(t, int(sts.calls.Load()), 32, "about one an hour")
	})
}

func TestColdCallersShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := &fakeSTS{latency: time.Second, life: time.Hour}
		r := &refreshAhead{source: sts, timeout: time.Minute, now: time.Now}
		for range 5 {
			go func() {
				_, err := r.Retrieve(t.Context())
				assert.NoError(t, err)
			}()
		}
		time.Sleep(2 * time.Second)
		assert.EqualValues(t, 1, sts.calls.Load())
	})
}

func TestExpiredAfterAPauseIsRenewedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := &fakeSTS{latency: 50 * time.Millisecond, life: time.Hour}
		r := &refreshAhead{source: sts, timeout: time.Minute, now: time.Now}
		_, _ = r.Retrieve(t.Context())
		time.Sleep(3 * time.Hour)
		got, err := r.Retrieve(t.Context())
		require.NoError(t, err)
		assert.True(t, got.Expires.After(time.Now()))
	})
}

func TestRefusedRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := errors.New("AccessDenied")
		r := &refreshAhead{source: &fakeSTS{err: denied}, timeout: time.Minute, now: time.Now}
		_, err := r.Retrieve(t.Context())
		require.ErrorIs(t, err, denied)
		assert.ErrorContains(t, err, "assume staging role")
	})
}

func TestCallersDeadlineIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &refreshAhead{source: &fakeSTS{latency: time.Hour}, timeout: time.Minute, now: time.Now}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := r.Retrieve(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		time.Sleep(r.timeout) // the renewal itself ends too
	})
}

func TestWrongClockIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &refreshAhead{source: &fakeSTS{life: -time.Hour}, timeout: time.Minute, now: time.Now}
		_, err := r.Retrieve(t.Context())
		assert.ErrorContains(t, err, "clock")
	})
}

// TestRefusedConnectionIsNotTriedAgain: the SDK has done that, and no frozen environment explains it.
func TestRefusedConnectionIsNotTriedAgain(t *testing.T) {
	sts := &fakeSTS{err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)}
	r := &refreshAhead{source: sts, timeout: time.Minute, now: time.Now}
	_, err := r.Retrieve(t.Context())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.EqualValues(t, 1, sts.calls.Load())
}

// TestTheRoleWaitsForProductionsCredentials, which a person may have to type a code for: that takes the time it takes.
func TestTheRoleWaitsForProductionsCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		code := aws.NewCredentialsCache(&fakeSTS{latency: 10 * time.Minute, life: time.Hour})
		sts := &fakeSTS{latency: time.Second, life: time.Hour}
		r := &refreshAhead{base: code, source: signing{sts, code}, timeout: 30 * time.Second, now: time.Now}
		_, err := r.Retrieve(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 1, sts.calls.Load())

		denied := errors.New("wrong code")
		r = &refreshAhead{base: &fakeSTS{err: denied}, source: sts, timeout: time.Minute, now: time.Now}
		_, err = r.Retrieve(t.Context())
		require.ErrorIs(t, err, denied)
		assert.EqualValues(t, 1, sts.calls.Load(), "without them, no role is assumed")
	})
}

// signing signs with base before it answers, as an STS client does.
type signing struct {
	aws.CredentialsProvider
	base aws.CredentialsProvider
}

func (s signing) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if _, err := s.base.Retrieve(ctx); err != nil {
		return aws.Credentials{}, err
	}
	return s.CredentialsProvider.Retrieve(ctx)
}
