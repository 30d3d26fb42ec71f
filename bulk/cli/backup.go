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
	cmd := &cobra.Command{
		Use:   "backup [--check] DIR",
		Short: "Save staging's users and tables to a folder, or check a backup",
		Long: `Saves every staging user with all attributes, and every row of the tables that move, to
DIR: compressed JSON lines, and a manifest.json with counts and checksums, which is
written last. DIR must be empty or missing; nothing is overwritten. DynamoDB can import
the rows as they are. With --check, nothing is asked of AWS.`,
		Example: `  bulk backup ~/spaceport-backup
  bulk backup --check ~/spaceport-backup
  zcat ~/spaceport-backup/users.jsonl.gz | head -1`,
		Args:        oneArgument("DIR"),
		Annotations: map[string]string{"resume": "A backup without manifest.json is incomplete: delete it and run again."},
	}
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
	manifest, err := w.Write(ctx, dir)
	switch {
	case errors.Is(err, backup.ErrNotEmpty):
		return usagef("%w, and nothing is overwritten: name another one", err)
	case err != nil:
		return fmt.Errorf("%w\nThe backup in %s is incomplete: delete that folder before you try again", err, dir)
	}
	return a.print(manifest, func(w io.Writer) error { return manifest.WriteText(w, dir) })
}

func (a *app) checkBackup(ctx context.Context, dir string) error {
	report, err := backup.Check(ctx, dir, a.progress)
	if err == nil {
		err = a.print(report, func(w io.Writer) error { return report.WriteText(w, dir) })
	}
	if err == nil && len(report.Damage) > 0 {
		err = errFindings
	}
	return err
}
