package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/spaceport/user-migration/bulk/backup"
	"github.com/spaceport/user-migration/datamover/rows"
)

func backupCommand() *command {
	var check bool
	return &command{
		name:    "backup",
		summary: "save staging's users and tables to a folder, and prove a backup whole",
		usage:   "[--check] DIR",
		help: `
Saves every staging user with all attributes, and the tables that move whole, to DIR:
compressed JSON lines, and a manifest.json with counts and checksums, which is written
last. DIR must be empty or not there; nothing is overwritten. With --check it reads a backup
again and proves every checksum, count and line; that asks nothing of AWS.

The backup is personal data. Only you can read the files; keep it that way. Passwords
are not in it, since Cognito gives none. Rows are as DynamoDB's own exports, so that
DynamoDB can import them.`,
		examples: []string{
			"bulk backup ~/spaceport-backup",
			"bulk backup --check ~/spaceport-backup",
			"zcat ~/spaceport-backup/users.jsonl.gz | head -1",
		},
		requires: []string{"STAGING_USER_POOL_ID"},
		offline:  func() bool { return check },
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&check, "check", false, "prove the backup in DIR whole, instead of making one")
		},
		operands: []string{"DIR"},
		goOn:     "A backup without manifest.json is not finished: delete its folder and run the same command again.",
		run: func(ctx context.Context, s *session) error {
			if check {
				return checkBackup(ctx, s, s.args[0])
			}
			return makeBackup(ctx, s, s.args[0])
		},
	}
}

func makeBackup(ctx context.Context, s *session, dir string) error {
	a, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range s.settings.Tables {
		names = append(names, t.Source)
	}
	made, err := backup.NewMaker(a.stagingPool, rows.NewStore(a.stagingTables), names, s.meter, s.now).Make(ctx, dir)
	if errors.Is(err, backup.ErrNotEmpty) {
		return usagef("%w, and nothing is overwritten: name another one", err)
	}
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w\nThe backup in %s is not finished: delete that folder before you try again", err, dir)
		}
		return err
	}
	return s.print(made, func(w io.Writer) error { return made.WriteText(w, dir) })
}

func checkBackup(ctx context.Context, s *session, dir string) error {
	report, err := backup.Check(ctx, dir, s.meter)
	if err != nil {
		return err
	}
	if err := s.print(report, func(w io.Writer) error { return report.WriteText(w, dir) }); err != nil {
		return err
	}
	if len(report.Damage) > 0 {
		return errFindings
	}
	return nil
}
