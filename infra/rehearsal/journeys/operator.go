package journeys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
)

// operatorSweeps is the operator's journey, with the built bulk, in the order of the runbook.
func operatorSweeps(s *story) {
	subs := make([]string, len(Remaining))
	for i, u := range Remaining {
		u.Groups = []string{Groups}
		subs[i] = s.add(u.User)
	}
	first := Remaining[0]
	s.step("production has the group to carry over: "+Groups, func() error {
		return spaceport.MakeGroup(s.ctx, s.Production, s.ProductionPool, Groups)
	})
	dir, err := os.MkdirTemp("", "spaceport-operator-")
	if err != nil {
		s.err = err
		return
	}
	defer os.RemoveAll(dir)

	s.bulk(dir, "can this migration work?", "check")
	s.bulk(dir, "first of all, a backup", "backup", "backup")
	s.bulk(dir, "is the backup complete?", "backup", "--check", "backup")
	s.bulk(dir, "what would a sweep do?", "sweep")
	s.bulk(dir, "a small batch first", "sweep", "--live", "--yes", "--limit", "2")
	s.bulk(dir, "then the rest", "sweep", "--live", "--yes")
	s.bulk(dir, "how far is the migration?", "status")
	s.bulk(dir, "is every row there?", "verify")

	s.step("every remaining user has an account, the data, the group and an email", func() error {
		for i, u := range Remaining {
			record, err := s.Ledger(s.ctx, subs[i])
			_, emailed := s.Cloud.LastMessage(u.Email)
			ok := record.State == ledger.Moved && emailed
			groups, errGroups := s.GroupsOf(s.ctx, u.Email)
			err = errors.Join(err, errGroups, ensure(ok && slices.Equal(groups, []string{Groups}),
				"%s: state %s, email sent: %t, groups %v", u.Name, record.State, emailed, groups))
			if err != nil {
				return err
			}
		}
		return nil
	})
	s.step("the first sets a new password with the code from the email", func() error {
		message, _ := s.Cloud.LastMessage(first.Email)
		return s.ConfirmForgotPassword(s.ctx, first.Email, message.Code, "User-Production-1")
	})
	s.signsIn("and signs in with it", first.Email, "User-Production-1")
	s.hasAllData("everything is there", first.Email, subs[0])
}

// bulk runs one command and prints its output.
func (s *story) bulk(dir, why string, args ...string) {
	var out bytes.Buffer
	s.step(fmt.Sprintf("%s  bulk %s", why, strings.Join(args, " ")), func() error {
		cmd := spaceport.Command(s.ctx, s.Bulk(), dir, s.OperatorEnv(), args...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
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
