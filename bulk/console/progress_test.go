package console

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clock is moved by hand.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) forward(d time.Duration) { c.t = c.t.Add(d) }

func newProgress(terminal bool) (*Progress, *bytes.Buffer, *clock) {
	c := &clock{time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	var b bytes.Buffer
	return NewProgress(&b, terminal, 0, c.now), &b, c
}

func TestPlainLines(t *testing.T) {
	p, out, clock := newProgress(false)
	task := p.Start("Reading staging", "users", 3000)
	for range 25 {
		clock.forward(time.Second)
		task.Add(100)
	}
	p.Println("a line in between")
	task.End()
	assert.Equal(t, `Reading staging: 1,000 of 3,000 users, 100/s, 20 s left
Reading staging: 2,000 of 3,000 users, 100/s, 10 s left
a line in between
Reading staging: 2,500 users in 25 s
`, out.String())
}

func TestSingular(t *testing.T) {
	p, out, clock := newProgress(false)
	task := p.Start("Reading the ledger", "records", 1)
	clock.forward(time.Second)
	task.Add(1)
	task.End()
	assert.Equal(t, "Reading the ledger: 1 record in 1.0 s\n", out.String())
}

// shown is what a terminal shows in its last line, and the lines above it.
func shown(out string) (above []string, last string) {
	lines := strings.Split(out, "\n")
	for i, line := range lines {
		at := strings.LastIndex(line, "\r")
		lines[i] = strings.TrimRight(line[at+1:], " ")
	}
	return lines[:len(lines)-1], lines[len(lines)-1]
}

func TestBar(t *testing.T) {
	p, out, clock := newProgress(true)
	task := p.Start("Sweeping", "users", 1000)
	_, last := shown(out.String())
	assert.Equal(t, "Sweeping: 0 of 1,000 users, 0.0/s |                                           |", last)
	clock.forward(10 * time.Second)
	task.Add(250)
	_, last = shown(out.String())
	assert.Equal(t, "Sweeping: 250 of 1,000 users, 25/s, 30 s left |███████                        |", last)
	assert.Len(t, []rune(last), 79, "the bar must not wrap")
	task.Add(1)
	assert.Contains(t, out.String(), last, "it is not drawn more often than every "+barEvery.String())
	p.Println("a line above it")
	above, last := shown(out.String())
	assert.Contains(t, above, "a line above it")
	assert.Empty(t, last)
	clock.forward(barEvery)
	task.Add(0)
	_, last = shown(out.String())
	assert.Contains(t, last, "251 of 1,000", "the bar is drawn again")
	task.End()
	above, last = shown(out.String())
	assert.Equal(t, "Sweeping: 251 users in 10 s", above[len(above)-1])
	assert.Empty(t, last, "the bar is removed")
	clock.forward(barEvery)
	task.Add(1)
	_, last = shown(out.String())
	assert.Empty(t, last, "the task has ended")

	p.Start("Looking in a table with a name of many words for rows that are no user's", "rows", 0)
	_, last = shown(out.String())
	assert.Equal(t, "Looking in a table with a name of many words for rows that are …: 0 rows, 0.0/s", last)
}

// TestLinesAreEscaped also above a bar, which itself moves the cursor.
func TestLinesAreEscaped(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		p, out, _ := newProgress(terminal)
		p.Start("Sweeping", "users", 10)
		p.Println("user \x1b[2J\u202e")
		assert.Contains(t, out.String(), `user \u001b[2J\u202e`+"\n")
		assert.Equal(t, terminal, strings.Contains(out.String(), "\r"))
	}
}

func TestBarIsRemoved(t *testing.T) {
	for _, total := range []int{0, 10} {
		p, out, _ := newProgress(true)
		p.Start("Sweeping", "users", total)
		p.Clear()
		_, last := shown(out.String())
		assert.Empty(t, last)
	}
}

func TestMoreThanEstimated(t *testing.T) {
	p, out, clock := newProgress(false)
	task := p.Start("Reading", "users", 10)
	clock.forward(time.Minute)
	task.Add(60)
	assert.Equal(t, "Reading: 60 of 60 users, 1.0/s\n", out.String())

	p, out, clock = newProgress(true)
	task = p.Start("Reading", "users", 10)
	clock.forward(time.Minute)
	task.Add(61)
	_, last := shown(out.String())
	assert.Equal(t, "Reading: 61 of 61 users, 1.0/s |"+strings.Repeat("█", 46)+"|", last, "the bar goes on")
}

func TestNilProgressReportsNothing(_ *testing.T) {
	var p *Progress
	task := p.Start("x", "y", 1)
	task.Add(1)
	task.End()
	p.Println("x")
	p.Note("x")
	p.Clear()
}

func TestConcurrentAdds(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		p, out, _ := newProgress(terminal)
		task := p.Start("Reading", "users", 0)
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
		assert.True(t, strings.HasSuffix(out.String(), "Reading: 800 users in 0.0 s\n"), out.String())
	}
}

// TestNote says what takes its time where the count stands still, and estimates nothing from the count meanwhile.
func TestNote(t *testing.T) {
	p, out, clock := newProgress(false)
	task := p.Start("Sweeping", "users", 100)
	task.Add(10)
	for range 25 {
		clock.forward(time.Second)
		task.Note("moving 2,500 rows of one user")
	}
	clock.forward(5 * time.Second)
	task.Add(10)
	assert.Equal(t, "Sweeping: 10 of 100 users, 1.0/s, moving 2,500 rows of one user\n"+
		"Sweeping: 10 of 100 users, 0.5/s, moving 2,500 rows of one user\n"+
		"Sweeping: 20 of 100 users, 0.7/s, 2 min 0 s left\n", out.String())

	p, out, clock = newProgress(true)
	task = p.Start("Sweeping", "users", 100)
	clock.forward(barEvery)
	task.Note("moving 2,500 rows\x1b")
	_, last := shown(out.String())
	assert.Contains(t, last, `Sweeping: 0 of 100 users, 0.0/s, moving 2,500 rows\u001b |`)
	clock.forward(barEvery)
	task.Add(1)
	_, last = shown(out.String())
	assert.Contains(t, last, "Sweeping: 1 of 100 users, 5.0/s, 19 s left |")
}

// TestCounts are beside the bar, with the rate and the time left, and in plain lines.
func TestCounts(t *testing.T) {
	for columns, want := range map[int]string{
		-1:  "Sweeping: 25 %, 1,240 migrated, 30 skipped, 2 failed, 13/s, 4 min 53 s left\n",
		0:   "Sweeping: 25 %, 1,240 migrated, 30 skipped, 2 failed, 13/s, 4 min 53 s left",
		60:  "Sweeping: 25 %, 1,240 migrated, 30 skipped, 2 failed, 13/s…",
		100: "Sweeping: 25 %, 1,240 migrated, 30 skipped, 2 failed, 13/s, 4 min 53 s left |█████                |",
	} {
		p, out, clock := newProgress(columns >= 0)
		p.columns = columns
		p.Start("Sweeping", "users", 5000, func() string { return "1,240 migrated, 30 skipped, 2 failed" })
		clock.forward(100 * time.Second)
		p.Add(1272)
		text := out.String()
		if columns >= 0 {
			_, text = shown(text)
		}
		assert.Equal(t, want, text)
	}
}

// TestAbove: a result does not follow the remains of a bar, and the bar comes back below it.
func TestAbove(t *testing.T) {
	p, out, clock := newProgress(true)
	p.Start("Reading", "users", 10)
	results := &Text{W: out, Bar: p}
	clock.forward(barEvery)
	p.Add(1)
	_, last := shown(out.String())
	require.Contains(t, last, "Reading")
	_, err := results.Write([]byte("a result\n"))
	require.NoError(t, err)
	above, last := shown(out.String())
	assert.Equal(t, "a result", above[len(above)-1])
	assert.Empty(t, last)
	clock.forward(barEvery)
	p.Add(1)
	_, last = shown(out.String())
	assert.Contains(t, last, "2 of 10")
}

func TestLinesAreFolded(t *testing.T) {
	p, out, _ := newProgress(false)
	p.columns = 20
	p.Println("one two three four five\n  bulk sweep --live --limit 2")
	p.Start("Reading all of staging", "users", 1).End()
	assert.Equal(t, "one two three four\nfive\n  bulk sweep --live --limit 2\nReading all of\nstaging: 0 users "+
		"in\n0.0 s\n", out.String())
}
