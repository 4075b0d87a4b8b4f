package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/store"
)

func newMigrate() *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Look at the database's schema, or bring it up to date, as a start of the server does", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newMigrateStatus(), newMigrateUp())
	return cmd
}

func newMigrateStatus() *cobra.Command {
	return databaseCommand("status", "Print the versions of the database's schema and of this program's", func(cmd *cobra.Command, dsn string) error {
		current, target, err := store.Schema(cmd.Context(), dsn)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "database %d, program %d: %s\n", current, target, standing(current, target))
		return err
	})
}

func standing(current, target int64) string {
	switch {
	case current < target:
		return "migrate up, or the next start of the server, brings it up to date"
	case current > target:
		return "it needs a newer program"
	}
	return "up to date"
}

func newMigrateUp() *cobra.Command {
	return storeCommand("up", "Bring the database's schema up to date", cobra.NoArgs, func(cmd *cobra.Command, r records, _ []string) error {
		current, _, err := store.Schema(cmd.Context(), r.config.Store)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "the schema has version %d\n", current)
		return err
	})
}
