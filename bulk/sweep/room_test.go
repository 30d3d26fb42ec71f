package sweep

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestTheLastPlaceIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(2)
		assert.True(t, r.take())
		r.keep()
		assert.True(t, r.take(), "by somebody who turns out to be in production")
		got := make(chan bool, 2)
		for range 2 {
			go func() { got <- r.take() }()
		}
		synctest.Wait()
		assert.Empty(t, got, "nobody is turned away yet")
		r.giveBack()
		assert.True(t, <-got)
		synctest.Wait()
		assert.Empty(t, got)
		r.keep()
		assert.False(t, <-got)
		assert.False(t, r.take())
	})
}

func TestNoLimit(t *testing.T) {
	r := newRoom(0)
	for range 100 {
		assert.True(t, r.take())
		r.keep()
	}
}
