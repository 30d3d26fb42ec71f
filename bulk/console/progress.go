package console

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

const barEvery, lineEvery = 100 * time.Millisecond, 10 * time.Second

// Progress reports tasks: a bar on a terminal, lines elsewhere. A nil one reports nothing. Goroutines may share it.
type Progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

	mu          sync.Mutex
	bar         *progressbar.ProgressBar // on the terminal's last line
	what, unit  string
	note        string
	total, done int
	began, last time.Time
}

var noBar = progressbar.NewOptions(1, progressbar.OptionSetVisibility(false)) // draws nothing

// NewProgress returns a Progress that writes to w.
func NewProgress(w io.Writer, terminal bool, now func() time.Time) *Progress {
	return &Progress{w: w, terminal: terminal, now: now, bar: noBar}
}

func (p *Progress) locked(f func()) {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		f()
	}
}

// Start begins a task, such as "Reading staging" in "users". total may be an estimate; 0 means unknown.
func (p *Progress) Start(what, unit string, total int) *Progress {
	p.locked(func() {
		p.what, p.unit, p.total, p.done, p.began, p.last, p.note = what, unit, total, 0, p.now(), p.now(), ""
		p.bar = progressbar.NewOptions(cmp.Or(total, -1), // -1: a spinner
			progressbar.OptionSetVisibility(p.terminal), progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(p.title()), progressbar.OptionSetItsString(unit), progressbar.OptionShowIts(),
			progressbar.OptionShowCount(), progressbar.OptionFullWidth(), progressbar.OptionThrottle(barEvery),
			progressbar.OptionSetRenderBlankState(true), progressbar.OptionSetSpinnerChangeInterval(0))
	})
	return p
}

// Add counts n more.
func (p *Progress) Add(n int) {
	p.locked(func() {
		p.done += n
		if p.total > 0 && p.done >= p.total { // the total was an estimate
			p.bar.ChangeMax(p.done + 1)
		}
		_ = p.bar.Add(n)
		p.tick()
	})
}

// Note shows what takes its time, such as "moving 2,500 rows of one user", until the next note; "" shows nothing.
// Called again, it keeps a terminal's bar and the lines elsewhere going.
func (p *Progress) Note(text string) {
	p.locked(func() {
		p.note = Escape(text)
		p.bar.Describe(p.title())
		p.tick()
	})
}

// titleWidth is what 80 columns have for a title, if none of the figures and the time left is to be cut off.
const titleWidth = 22

// title is short: the bar itself shrinks, but what stands before it does not.
func (p *Progress) title() string {
	title := []rune(cmp.Or(p.note, p.what))
	if len(title) > titleWidth {
		title = append(title[:titleWidth-1], '…')
	}
	return string(title)
}

func (p *Progress) tick() {
	if now := p.now(); !p.terminal && now.Sub(p.last) >= lineEvery {
		p.last = now
		fmt.Fprintln(p.w, p.line(now.Sub(p.began)))
	}
}

// line returns "Reading staging: 1,000 of 3,000 users, 100/s, 20 s left".
func (p *Progress) line(spent time.Duration) string {
	count := Count(p.done)
	if p.total > 0 {
		count += " of " + Count(max(p.total, p.done))
	}
	rate := float64(p.done) / spent.Seconds()
	perSecond := fmt.Sprintf("%.1f", rate)
	if rate >= 10 {
		perSecond = Count(int(rate + .5))
	}
	text := fmt.Sprintf("%s: %s %s, %s/s", p.what, count, p.unit, perSecond)
	switch { // a note is about something that the count does not measure
	case p.note != "":
		text += ", " + p.note
	case p.total > p.done && p.done > 0:
		text += ", " + Duration(time.Duration(float64(p.total-p.done)/rate*float64(time.Second))) + " left"
	}
	return text
}

// End removes the bar and writes one line that says how much was done.
func (p *Progress) End() {
	p.Clear()
	p.locked(func() {
		done := Quantity(p.done, strings.TrimSuffix(p.unit, "s"), p.unit)
		fmt.Fprintf(p.w, "%s: %s in %s\n", p.what, done, Duration(p.now().Sub(p.began)))
	})
}

// Println writes a line, escaped, above the bar if there is one. The bar itself moves the cursor.
func (p *Progress) Println(line string) {
	p.locked(func() {
		_ = p.bar.Clear() // the next Add draws it again
		fmt.Fprintln(p.w, Escape(line))
	})
}

// Clear removes the bar of a task that did not end.
func (p *Progress) Clear() {
	p.locked(func() {
		_ = p.bar.Clear()
		p.bar = noBar
	})
}
