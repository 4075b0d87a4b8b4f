package main

import (
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/store"
)

func newMigrate() *cobra.Command {
	const short = "Show the version of the database's schema, or migrate it, as the server does at its start"
	return newGroup("migrate", short, newMigrateStatus(), newMigrateUp())
}

func newMigrateStatus() *cobra.Command {
	const short = "Print the schema versions of the database and of this program"
	return databaseCommand("status", short, func(cmd *cobra.Command, dsn string) error {
		current, target, err := store.Schema(cmd.Context(), dsn)
		if err != nil {
			return err
		}
		return printLine(cmd, "database %d, program %d: %s", current, target, schemaState(current, target))
	})
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

// newMigrateUp returns a command that does nothing but open the store, which migrates it.
func newMigrateUp() *cobra.Command {
	const short = "Migrate the database's schema to this program's version"
	return storeCommand("up", short, cobra.NoArgs, func(cmd *cobra.Command, r records, _ []string) error {
		current, _, err := store.Schema(cmd.Context(), r.config.Store)
		if err != nil {
			return err
		}
		return printLine(cmd, "the schema has version %d", current)
	})
}
