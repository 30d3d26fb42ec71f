package journeys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spaceport/user-migration/datamover/ledger"
)

// operatorSweeps is the operator's own journey, with bulk as it is built, in the order of the runbook.
func operatorSweeps(s *story) {
	subs := make([]string, len(Stragglers))
	for i, straggler := range Stragglers {
		subs[i] = s.meet(straggler.Person)
	}
	first := Stragglers[0]
	desk, err := os.MkdirTemp("", "spaceport-operator-")
	if err != nil {
		s.err = err
		return
	}
	defer os.RemoveAll(desk)

	s.bulk(desk, "can this migration work?", "check")
	s.bulk(desk, "before anything: a backup", "backup", "backup")
	s.bulk(desk, "and the proof that it is whole", "backup", "--check", "backup")
	s.bulk(desk, "what would a sweep do?", "sweep")
	s.bulk(desk, "a small batch first", "sweep", "--live", "--yes", "--limit", "2")
	s.bulk(desk, "then the rest", "sweep", "--live", "--yes")
	s.bulk(desk, "how far is everything?", "status")
	s.bulk(desk, "is every row there?", "verify")

	s.step("every straggler has account, data and a letter", func() error {
		for i, straggler := range Stragglers {
			line, err := s.Ledger(s.ctx, subs[i])
			_, letter := s.Cloud.LastLetter(straggler.Email)
			err = errors.Join(err, that(line.State == ledger.Moved && letter, "%s: state %s, letter %v", straggler.Name, line.State, letter))
			if err != nil {
				return err
			}
		}
		return nil
	})
	s.step("the first comes in with the code from the letter", func() error {
		letter, _ := s.Cloud.LastLetter(first.Email)
		return s.ConfirmForgotPassword(s.ctx, first.Email, letter.Code, "Stray-Production-1")
	})
	s.signsIn("and signs in with the new password", first.Email, "Stray-Production-1")
	s.hasEverything("everything is there", first.Email, subs[0])
}

// bulk runs one command, and shows what it prints.
func (s *story) bulk(dir, why string, args ...string) {
	var out bytes.Buffer
	s.step(fmt.Sprintf("%s  bulk %s", why, strings.Join(args, " ")), func() error {
		cmd := exec.CommandContext(s.ctx, s.Bulk(), args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
		for name, value := range s.OperatorEnv() {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		err := cmd.Run()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out.String())
		}
		return nil
	})
	if s.err != nil {
		return
	}
	for line := range strings.Lines(out.String()) {
		fmt.Fprintf(s.out, "          | %s\n", strings.TrimRight(line, "\n"))
	}
}
