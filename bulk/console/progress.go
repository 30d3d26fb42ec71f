package console

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const barEvery, lineEvery = 100 * time.Millisecond, 10 * time.Second

// Progress reports tasks: a bar on a terminal's last line, lines elsewhere. A nil one reports nothing. Goroutines may
// share it.
type Progress struct {
	w        io.Writer
	terminal bool
	columns  int // of the terminal; 0: lines are not folded
	now      func() time.Time

	mu          sync.Mutex
	what, unit  string
	note        string
	counts      func() string // how the work ended so far; nil: all of it alike
	total, done int
	began, last time.Time
	drawn       int // characters of the bar
}

// NewProgress returns a Progress that writes to w.
func NewProgress(w io.Writer, terminal bool, columns int, now func() time.Time) *Progress {
	return &Progress{w: w, terminal: terminal, columns: columns, now: now}
}

func (p *Progress) locked(f func()) {
	if p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		f()
	}
}

// Start begins a task, such as "Reading staging" in "users". total may be an estimate; 0 means unknown. counts, if
// there are any, say how the work ended so far, such as "250 migrated, 2 failed".
func (p *Progress) Start(what, unit string, total int, counts ...func() string) *Progress {
	p.locked(func() {
		p.what, p.unit, p.total, p.done, p.began, p.last, p.note = what, unit, total, 0, p.now(), p.now(), ""
		if p.counts = append(counts, nil)[0]; p.terminal {
			p.draw()
		}
	})
	return p
}

// Add counts n more.
func (p *Progress) Add(n int) {
	p.locked(func() {
		p.done += n
		p.note = ""
		p.tick()
	})
}

// Note shows what takes its time, such as "moving 2,500 rows", until more is counted. Called again, it keeps a
// terminal's bar and the lines elsewhere going.
func (p *Progress) Note(text string) {
	p.locked(func() {
		p.note = Escape(text)
		p.tick()
	})
}

func (p *Progress) tick() {
	now := p.now()
	switch since := now.Sub(p.last); {
	case p.what == "": // it has ended
		return
	case p.terminal && since >= barEvery:
		p.draw()
	case !p.terminal && since >= lineEvery:
		fmt.Fprintln(p.w, p.what+": "+p.figures())
	default:
		return
	}
	p.last = now
}

// draw shows the task's name, cut where the figures leave no room for it, the figures, and a bar where there is room.
func (p *Progress) draw() {
	p.erase()
	figures, columns := []rune(": "+p.figures()), max(cmp.Or(p.columns, DefaultColumns)-1, 1)
	line := append(cut([]rune(p.what), max(columns-len(figures), 20)), figures...)
	if room := columns - len(line) - 3; p.total > 0 && room > 5 {
		full := room * min(p.done, p.total) / p.total
		line = append(line, []rune(" |"+strings.Repeat("█", full)+strings.Repeat(" ", room-full)+"|")...)
	}
	line = cut(line, columns)
	p.drawn = len(line)
	fmt.Fprint(p.w, string(line))
}

func cut(text []rune, columns int) []rune {
	if len(text) > columns {
		text = append(text[:max(columns-1, 0)], '…')
	}
	return text
}

func (p *Progress) erase() {
	if p.drawn > 0 {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", p.drawn)+"\r")
		p.drawn = 0
	}
}

// figures returns "1,000 of 3,000 users, 100/s, 20 s left", or "33 %, 990 migrated, 10 failed, 100/s, 20 s left".
func (p *Progress) figures() string {
	done := Count(p.done)
	switch {
	case p.counts != nil:
		done = fmt.Sprintf("%d %%, %s", 100*p.done/max(p.total, p.done, 1), p.counts())
	case p.total > 0:
		done += " of " + p.quantity(max(p.total, p.done)) // the total was an estimate
	default:
		done = p.quantity(p.done)
	}
	rate := float64(p.done) / max(p.now().Sub(p.began).Seconds(), .001)
	perSecond := fmt.Sprintf("%.1f", rate)
	if rate >= 10 {
		perSecond = Count(int(rate + .5))
	}
	text := fmt.Sprintf("%s, %s/s", done, perSecond)
	switch { // a note is about something that the count does not measure
	case p.note != "":
		text += ", " + p.note
	case p.total > p.done && p.done > 0:
		text += ", " + Duration(time.Duration(float64(p.total-p.done)/rate*float64(time.Second))) + " left"
	}
	return text
}

func (p *Progress) quantity(n int) string {
	return Quantity(n, strings.TrimSuffix(p.unit, "s"), p.unit)
}

// End removes the bar and writes one line that says how much was done.
func (p *Progress) End() {
	text := ""
	p.locked(func() {
		text = fmt.Sprintf("%s: %s in %s", p.what, p.quantity(p.done), Duration(p.now().Sub(p.began)))
	})
	p.Println(text)
	p.Clear()
}

// Println writes lines, escaped, above the bar if there is one.
func (p *Progress) Println(text string) {
	if p != nil {
		fmt.Fprintln(&Text{W: p.w, Bar: p, Columns: p.columns}, strings.TrimSuffix(text, "\n"))
	}
}

// Clear removes the bar of a task that did not end, and ends it.
func (p *Progress) Clear() {
	p.locked(func() {
		p.erase()
		p.what = ""
	})
}
