package cloud

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spaceport/user-migration/infra/rehearsal/lambdahost"
)

// runMoto replaces moto_server.
//
//go:embed moto.py
var runMoto string

const motoStartLimit = 60 * time.Second

// motoProcess is moto_server as a child with its own port and process group. It ends with this process.
type motoProcess struct {
	address string
	output  *os.File // nameless
	command *exec.Cmd
	ended   chan struct{}
	once    sync.Once
}

func startMoto(ctx context.Context, path string) (*motoProcess, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	m := &motoProcess{
		address: "127.0.0.1:" + port,
		ended:   make(chan struct{}),
	}
	python := filepath.Join(filepath.Dir(path), "python")
	m.command = exec.Command(python, "-I", "-c", runMoto, port)
	m.command.Env = append(cleanEnvironment(), "PYTHONUNBUFFERED=1",
		"MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP=true") // else any code of an authenticator app is right
	if m.output, err = os.CreateTemp("", "moto-*"); err != nil {
		return nil, err
	}
	_ = os.Remove(m.output.Name()) // it remains readable
	m.command.Stdout, m.command.Stderr = m.output, m.output
	if err := lambdahost.Launch(m.command); err != nil {
		return nil, err
	}
	go func() {
		_ = m.command.Wait()
		close(m.ended)
	}()
	if err := m.waitReady(ctx); err != nil {
		said, _ := io.ReadAll(io.NewSectionReader(m.output, 0, 64<<10))
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, said), m.stop())
	}
	return m, nil
}

func (m *motoProcess) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, motoStartLimit)
	defer cancel()
	for {
		if m.answers(ctx) {
			return nil
		}
		select {
		case <-m.ended:
			return errors.New("moto ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("wait for moto: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (m *motoProcess) answers(ctx context.Context) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", m.address)
	return err == nil && conn.Close() == nil
}

func (m *motoProcess) stop() error {
	m.once.Do(func() { _ = syscall.Kill(-m.command.Process.Pid, syscall.SIGKILL) })
	select {
	case <-m.ended:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("moto did not end")
	}
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// cleanEnvironment leaves out the variables that would change moto's behavior or point it at a real account.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "AWS_") || strings.HasPrefix(variable, "MOTO_")
	})
}
