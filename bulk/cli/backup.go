package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/spaceport/user-migration/bulk/backup"
)

func backupCommand(a *app) *cobra.Command {
	var check bool
	cmd := describe("backup", oneArgument("DIR"))
	cmd.Flags().BoolVar(&check, "check", false, "compare the backup's sizes, checksums and line counts with its manifest")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if check {
			return a.checkBackup(cmd.Context(), args[0])
		}
		return a.writeBackup(cmd.Context(), args[0])
	}
	return cmd
}

func (a *app) writeBackup(ctx context.Context, dir string) error {
	c, err := a.open(ctx, "STAGING_USER_POOL_ID")
	if err != nil {
		return err
	}
	w := backup.Writer{Pool: c.stagingPool, Tables: c.stagingRows, Progress: a.progress, Now: a.now}
	for _, t := range c.settings.Tables {
		w.Names = append(w.Names, t.Source)
	}
	a.personal.Store(dir)
	incomplete := fmt.Sprintf("The backup in %s is incomplete: delete that folder before you try again", dir)
	a.leave(incomplete + ".")
	manifest, err := w.Write(ctx, dir)
	switch {
	case errors.Is(err, backup.ErrNotEmpty):
		a.personal.Store("")
		return usagef("%w, and nothing is overwritten: name another one", err)
	case err != nil:
		return fmt.Errorf("%w\n%s", err, incomplete)
	}
	return a.print(manifest, func(w io.Writer) error { return manifest.WriteText(w, dir) })
}

func (a *app) checkBackup(ctx context.Context, dir string) error {
	report, err := backup.Check(ctx, dir, a.progress)
	if err == nil {
		err = a.print(report, func(w io.Writer) error { return report.WriteText(w, dir) })
	}
	return findings(err, len(report.Damage) > 0)
}
