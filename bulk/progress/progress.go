// Package progress shows how far a long task is: a bar with rate and time left on a terminal, now and then a plain line
// where the output goes to a file.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// How often something is shown. A terminal may move; a log should not fill up.
const (
	terminalEvery = 100 * time.Millisecond
	lineEvery     = 10 * time.Second
)

// Options say where progress is shown. Now may be nil.
type Options struct {
	Terminal bool
	Width    int // columns of the terminal; 0: 80
	Now      func() time.Time
}

// Meter shows one task after another. A nil *Meter shows nothing, so tests need none.
type Meter struct {
	w io.Writer
	o Options

	mu    sync.Mutex
	shown *Task // whose bar stands on the terminal's last line
}

// New returns a meter that writes to w.
func New(w io.Writer, o Options) *Meter {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Width == 0 {
		o.Width = 80
	}
	return &Meter{w: w, o: o}
}

// Task is something that is counted. Its methods may be called from many goroutines.
type Task struct {
	meter       *Meter
	what, unit  string
	total, done int
	began, last time.Time
}

// Start begins a task, such as "Reading staging" in "users". A total of 0 means that nobody knows; an estimate will do.
func (m *Meter) Start(what, unit string, total int) *Task {
	if m == nil {
		return nil
	}
	now := m.o.Now()
	t := &Task{meter: m, what: what, unit: unit, total: total, began: now, last: now}
	if m.o.Terminal {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.draw(t, now)
	}
	return t
}

// Add counts n more.
func (t *Task) Add(n int) {
	if t == nil {
		return
	}
	m := t.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	t.done += n
	now := m.o.Now()
	every := lineEvery
	if m.o.Terminal {
		every = terminalEvery
	}
	if now.Sub(t.last) < every {
		return
	}
	t.last = now
	if m.o.Terminal {
		m.draw(t, now)
		return
	}
	fmt.Fprintln(m.w, t.line(now))
}

// End takes the bar away and leaves one line that says how much was done.
func (t *Task) End() {
	if t == nil {
		return
	}
	m := t.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	fmt.Fprintf(m.w, "%s: %s in %s\n", t.what, counted(t.done, t.unit), Duration(m.o.Now().Sub(t.began)))
}

// Println writes a line of its own, above the bar if there is one.
func (m *Meter) Println(line string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	bar := m.shown
	m.clear()
	fmt.Fprintln(m.w, line)
	if bar != nil {
		m.draw(bar, m.o.Now())
	}
}

// Clear takes a bar away that a task left which did not end.
func (m *Meter) Clear() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
}

func (m *Meter) clear() {
	if m.shown != nil {
		fmt.Fprint(m.w, "\r\x1b[K")
		m.shown = nil
	}
}

func (m *Meter) draw(t *Task, now time.Time) {
	line := t.bar(now)
	if runes := []rune(line); len(runes) >= m.o.Width {
		line = string(runes[:m.o.Width-1]) // a full line would wrap, and then not be overwritten
	}
	fmt.Fprint(m.w, "\r\x1b[K"+line)
	m.shown = t
}

const barWidth = 24

func (t *Task) bar(now time.Time) string {
	if t.total <= 0 {
		return t.line(now)
	}
	full := min(barWidth, barWidth*t.done/t.total)
	return fmt.Sprintf("%s [%s%s] %s", t.what, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), t.figures(now))
}

func (t *Task) line(now time.Time) string { return t.what + ": " + t.figures(now) }

func (t *Task) figures(now time.Time) string {
	var b strings.Builder
	b.WriteString(Count(t.done))
	if t.total > 0 {
		fmt.Fprintf(&b, " of %s", Count(max(t.total, t.done)))
	}
	b.WriteString(" " + t.unit)
	spent := now.Sub(t.began)
	if spent <= 0 || t.done == 0 {
		return b.String()
	}
	rate := float64(t.done) / spent.Seconds()
	fmt.Fprintf(&b, ", %s/s", formatRate(rate))
	if left := t.total - t.done; left > 0 {
		fmt.Fprintf(&b, ", %s left", Duration(time.Duration(float64(left)/rate*float64(time.Second))))
	}
	return b.String()
}

func formatRate(perSecond float64) string {
	if perSecond < 10 {
		return fmt.Sprintf("%.1f", perSecond)
	}
	return Count(int(perSecond + .5))
}

// counted is a number of things, whose name is given for many.
func counted(n int, unit string) string {
	if n == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return Count(n) + " " + unit
}

// Count writes a number as people read it: 12,345.
func Count(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Duration writes a time as people say it: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min.
func Duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Truncate(time.Second).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}
