package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Streams are what bulk reads and writes. Results go to Out; progress, prompts and errors to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal  bool // somebody is there to answer
	ErrTerminal bool // a bar can be drawn
	Width       int  // columns of that terminal; 0: unknown
}

// Standard is the process's own streams.
func Standard() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	s.InTerminal = term.IsTerminal(int(os.Stdin.Fd()))
	s.ErrTerminal = term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb"
	if s.ErrTerminal {
		s.Width, _, _ = term.GetSize(int(os.Stderr.Fd()))
	}
	return s
}

var errNoAnswer = errors.New("no answer came")

// ask puts a question to the operator and returns the line they typed, without spaces around it; errNoAnswer where the
// input is at its end, or the context's error.
func (s Streams) ask(ctx context.Context, question string) (string, error) {
	return s.answer(ctx, question, func() (string, error) { return bufio.NewReader(s.In).ReadString('\n') })
}

// askSecret is ask for what must not show on the screen.
func (s Streams) askSecret(ctx context.Context, question string) (string, error) {
	file, ok := s.In.(*os.File)
	if !ok || !s.InTerminal {
		return s.ask(ctx, question)
	}
	state, err := term.GetState(int(file.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(file.Fd()), state) }() // also where Ctrl-C came first
	answer, err := s.answer(ctx, question, func() (string, error) {
		secret, err := term.ReadPassword(int(file.Fd()))
		return string(secret) + "\n", err
	})
	fmt.Fprintln(s.Err)
	return answer, err
}

func (s Streams) answer(ctx context.Context, question string, read func() (string, error)) (string, error) {
	fmt.Fprint(s.Err, question+" ")
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1) // a reader of a terminal cannot be called back
	go func() {
		line, err := read()
		answers <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.Err)
		return "", ctx.Err()
	case a := <-answers:
		if a.err != nil && (!errors.Is(a.err, io.EOF) || a.line == "") {
			fmt.Fprintln(s.Err)
			return "", errNoAnswer
		}
		return strings.TrimSpace(a.line), nil
	}
}
