package progress

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// clock moves when it is told to.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) forward(d time.Duration) { c.t = c.t.Add(d) }

func newMeter(terminal bool) (*Meter, *bytes.Buffer, *clock) {
	c := &clock{time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	var b bytes.Buffer
	return New(&b, Options{Terminal: terminal, Width: 79, Now: c.now}), &b, c
}

func TestPipedGetsALineNowAndThen(t *testing.T) {
	m, out, clock := newMeter(false)
	task := m.Start("Reading staging", "users", 3000)
	for range 25 {
		clock.forward(time.Second)
		task.Add(100)
	}
	m.Println("a word in between")
	task.End()
	assert.Equal(t, `Reading staging: 1,000 of 3,000 users, 100/s, 20 s left
Reading staging: 2,000 of 3,000 users, 100/s, 10 s left
a word in between
Reading staging: 2,500 users in 25 s
`, out.String())
}

func TestOneIsNotMany(t *testing.T) {
	m, out, clock := newMeter(false)
	task := m.Start("Reading the ledger", "lines", 1)
	clock.forward(time.Second)
	task.Add(1)
	task.End()
	assert.Equal(t, "Reading the ledger: 1 line in 1.0 s\n", out.String())
}

func TestTerminalGetsABar(t *testing.T) {
	m, out, clock := newMeter(true)
	task := m.Start("Sweeping", "users", 1000)
	clock.forward(10 * time.Second)
	task.Add(250)
	task.Add(1) // too soon to draw again
	m.Println("a word above it")
	task.End()
	shown := strings.Split(out.String(), "\r\x1b[K")
	assert.Equal(t, []string{
		"",
		"Sweeping [........................] 0 of 1,000 users",
		"Sweeping [######..................] 250 of 1,000 users, 25/s, 30 s left",
		"a word above it\n",
		"Sweeping [######..................] 251 of 1,000 users, 25/s, 29 s left",
		"Sweeping: 251 users in 10 s\n",
	}, shown)
}

func TestUnfinishedBarIsTakenAway(t *testing.T) {
	m, out, _ := newMeter(true)
	m.Start("Sweeping", "users", 10)
	m.Clear()
	assert.True(t, strings.HasSuffix(out.String(), "\r\x1b[K"))
}

func TestBarNeverWraps(t *testing.T) {
	m, out, _ := newMeter(true)
	m.Start(strings.Repeat("ä", 200), "users", 0)
	assert.Equal(t, 78, strings.Count(out.String(), "ä"))
}

func TestMoreThanEstimated(t *testing.T) {
	m, out, clock := newMeter(false)
	task := m.Start("Reading", "users", 10)
	clock.forward(time.Minute)
	task.Add(60)
	assert.Equal(t, "Reading: 60 of 60 users, 1.0/s\n", out.String())
}

func TestNoMeterShowsNothing(t *testing.T) {
	var m *Meter
	task := m.Start("x", "y", 1)
	task.Add(1)
	task.End()
	m.Println("x")
	m.Clear()
}

func TestManyAtOnce(t *testing.T) {
	m, out, _ := newMeter(false)
	task := m.Start("Reading", "users", 0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				task.Add(1)
			}
		})
	}
	wg.Wait()
	task.End()
	assert.Equal(t, "Reading: 800 users in 0.0 s\n", out.String())
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		assert.Equal(t, want, Count(n))
	}
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0.4 s", 12 * time.Second: "12 s", 200 * time.Second: "3 min 20 s", 125 * time.Minute: "2 h 5 min",
	} {
		assert.Equal(t, want, Duration(d))
	}
}
