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
	Columns int // of the terminal; 0: lines are not folded

	w        io.Writer
	terminal bool
	now      func() time.Time

	mu          sync.Mutex
	bar         *progressbar.ProgressBar // on the terminal's last line
	what, unit  string
	note        string
	counts      func() string // how the work ended so far; nil: all of it alike
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
	return p.StartCounting(what, unit, total, nil)
}

// StartCounting is Start, where counts says how the work ended so far, such as "250 migrated, 2 failed".
func (p *Progress) StartCounting(what, unit string, total int, counts func() string) *Progress {
	p.locked(func() {
		p.what, p.unit, p.total, p.done, p.began, p.last, p.note = what, unit, total, 0, p.now(), p.now(), ""
		p.counts = counts
		options := []progressbar.Option{
			progressbar.OptionSetVisibility(p.terminal), progressbar.OptionSetWriter(p.w),
			progressbar.OptionSetDescription(p.title()), progressbar.OptionSetItsString(unit), progressbar.OptionShowIts(),
			progressbar.OptionFullWidth(), progressbar.OptionThrottle(barEvery),
			progressbar.OptionSetRenderBlankState(true), progressbar.OptionSetSpinnerChangeInterval(0),
		}
		if p.showsDone() {
			options = append(options, progressbar.OptionShowCount())
		}
		p.bar = progressbar.NewOptions(cmp.Or(total, -1), options...) // -1: a spinner
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
		if p.counts != nil {
			p.bar.Describe(p.title())
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

// showsDone reports whether the bar shows how much is done. A narrow terminal has no room for it.
func (p *Progress) showsDone() bool {
	return p.counts == nil && cmp.Or(p.Columns, DefaultColumns) >= DefaultColumns
}

// title is as short as the terminal demands: the bar itself shrinks, but neither what stands before it nor the figures
// after it do, which take up to 58 columns, or 34 without what is done.
func (p *Progress) title() string {
	text, room := cmp.Or(p.note, p.what), cmp.Or(p.Columns, DefaultColumns)-58
	if !p.showsDone() {
		room += 24
	}
	if p.counts != nil && p.note == "" {
		text = cmp.Or(p.counts(), text)
	}
	title := []rune(text)
	if len(title) > room {
		title = append(title[:max(room-1, 0)], '…')
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
	if p.counts != nil {
		text += ", " + p.counts()
	}
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
	text := ""
	p.locked(func() {
		done := Quantity(p.done, strings.TrimSuffix(p.unit, "s"), p.unit)
		text = fmt.Sprintf("%s: %s in %s", p.what, done, Duration(p.now().Sub(p.began)))
	})
	p.Println(text)
}

// Println writes lines, escaped, above the bar if there is one. The bar itself moves the cursor.
func (p *Progress) Println(text string) {
	if p == nil {
		return
	}
	var b strings.Builder
	for line := range strings.SplitSeq(Escape(text), "\n") {
		b.WriteString(Fold(line, p.Columns) + "\n")
	}
	_, _ = io.WriteString(p.Above(p.w), b.String())
}

// Above returns w, which may be the same terminal: the bar is removed before each write. The next Add draws it again.
func (p *Progress) Above(w io.Writer) io.Writer { return above{p, w} }

type above struct {
	p *Progress
	w io.Writer
}

func (a above) Write(b []byte) (n int, err error) {
	a.p.locked(func() {
		_ = a.p.bar.Clear()
		n, err = a.w.Write(b)
	})
	return n, err
}

// Clear removes the bar of a task that did not end.
func (p *Progress) Clear() {
	p.locked(func() {
		_ = p.bar.Clear()
		p.bar = noBar
	})
}
