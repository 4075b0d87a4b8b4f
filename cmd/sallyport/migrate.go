package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/store"
)

func newMigrate() *cobra.Command {
	const short = "Show the version of the database's schema, or migrate it, as the server does at its start"
	return newGroup("migrate", short, newMigrateStatus(), newMigrateUp())
}

// shownSchema is what status shows.
type shownSchema struct {
	Database int64  `json:"database"`
	Program  int64  `json:"program"`
	State    string `json:"state"`
}

func newMigrateStatus() *cobra.Command {
	const short = "Print the schema versions of the database and of this program"
	var out printer
	cmd := databaseCommand(&cobra.Command{
		Use:     "status",
		Short:   short,
		Example: "  sallyport migrate status\n  sallyport migrate status --output json",
	}, func(cmd *cobra.Command, dsn string) error {
		if err := wantDatabase(dsn); err != nil {
			return err
		}
		current, target, err := store.Schema(cmd.Context(), dsn)
		if err != nil {
			return err
		}
		state := schemaState(current, target)
		return out.print(cmd, shownSchema{current, target, state}, [][]string{
			{"DATABASE", "PROGRAM", "STATE"},
			{strconv.FormatInt(current, 10), strconv.FormatInt(target, 10), state},
		})
	})
	out.add(cmd)
	return cmd
}

func schemaState(current, target int64) string {
	switch {
	case current < target:
		return "migrate up, or the next start of the server, migrates it"
	case current > target:
		return "it needs a newer program"
	}
	return "up to date"
}

// newMigrateUp returns a command that does nothing but open the store, which migrates it. Where a server would create a
// file, a mistaken path is more likely.
func newMigrateUp() *cobra.Command {
	const short = "Migrate the database's schema to this program's version"
	return databaseCommand(&cobra.Command{
		Use:     "up",
		Short:   short,
		Example: "  sallyport migrate up",
	}, func(cmd *cobra.Command, dsn string) error {
		if err := wantDatabase(dsn); err != nil {
			return err
		}
		st, err := openStore(cmd, dsn)
		if err != nil {
			return err
		}
		current, _, err := store.Schema(cmd.Context(), dsn)
		if err := errors.Join(err, st.Close()); err != nil {
			return err
		}
		return printLine(cmd, "the schema has version %d", current)
	})
}
