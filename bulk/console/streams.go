// Package console is what bulk's commands read from and write to: text or JSON, questions, and progress.
package console

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Streams are bulk's input and output. Results go to Out; progress, prompts and errors to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal, ErrTerminal bool // a question can be answered; a bar can be drawn
	OutColumns, ErrColumns  int  // 0: not a terminal
	Color                   bool // of Out
}

// Standard returns the process's own streams. NO_COLOR is that of https://no-color.org.
func Standard() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, InTerminal: term.IsTerminal(int(os.Stdin.Fd()))}
	s.OutColumns, s.ErrColumns = columns(os.Stdout), columns(os.Stderr)
	dumb := os.Getenv("TERM") == "dumb"
	s.ErrTerminal, s.Color = s.ErrColumns > 0 && !dumb, s.OutColumns > 0 && !dumb && os.Getenv("NO_COLOR") == ""
	return s
}

// DefaultColumns are those of a terminal that does not tell its size.
const DefaultColumns = 80

func columns(file *os.File) int {
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return cmp.Or(width, DefaultColumns)
}

// ErrNoAnswer is returned if the input ended before an answer.
var ErrNoAnswer = errors.New("no answer was given")

// Ask asks a question and returns the line that was typed, without surrounding spaces.
func (s Streams) Ask(ctx context.Context, question string) (string, error) {
	return s.ask(ctx, question, func() ([]byte, error) { return bufio.NewReader(s.In).ReadBytes('\n') })
}

// AskSecret is Ask without an echo.
func (s Streams) AskSecret(ctx context.Context, question string) (string, error) {
	file, ok := s.In.(*os.File)
	if !ok || !s.InTerminal {
		return s.Ask(ctx, question)
	}
	terminal := int(file.Fd())
	state, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(terminal, state) }() // also after an interrupt
	defer fmt.Fprintln(s.Err)
	return s.ask(ctx, question, func() ([]byte, error) { return term.ReadPassword(terminal) })
}

// ask does not wait for read when ctx ends, since a read from a terminal cannot be canceled.
func (s Streams) ask(ctx context.Context, question string, read func() ([]byte, error)) (answer string, err error) {
	fmt.Fprint(s.Err, Escape(question)+" ")
	answers := make(chan string, 1)
	go func() {
		line, _ := read()
		answers <- string(line)
	}()
	select {
	case <-ctx.Done():
	case answer = <-answers:
	}
	if answer == "" {
		fmt.Fprintln(s.Err)
		return "", cmp.Or(ctx.Err(), ErrNoAnswer)
	}
	return strings.TrimSpace(answer), nil
}
