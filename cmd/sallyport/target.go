package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/client"
)

// targetFlags are the flags that name what a command works on.
type targetFlags struct {
	settings configFlags
	server   serverFlags
}

// add adds the flags to a command.
func (t *targetFlags) add(cmd *cobra.Command) {
	t.settings.add(cmd, "store")
	t.server.add(cmd)
}

// onServer reports whether a command works on a server, and not on a database. A flag takes precedence over the
// environment.
func onServer(cmd *cobra.Command) (bool, error) {
	if cmd.Flags().Lookup("url") == nil { // the command is for databases
		return false, nil
	}
	given := func(names ...string) string {
		for _, name := range names {
			if cmd.Flags().Changed(name) {
				return "--" + name
			}
		}
		return ""
	}
	database, server := given("store", "config"), given("url", "profile", "ca")
	if database != "" && server != "" {
		return false, usageErrorf("%s names a database, and %s a server: set one of them", database, server)
	}
	return server != "" || database == "" && os.Getenv(clientProfileVariable) != "", nil
}

// targetOf opens one part of a database, or of a server. A command works on either in the same way.
type targetOf[T any] struct {
	// database returns the part and how to close it.
	database func(records) (T, func())
	server   func(*client.Client) T
	// create is called before the database is opened, for a command that may create it; nil for others.
	create func(cmd *cobra.Command, dsn string) error
}

// targetCommand makes a command work on a database, also while a server runs on it, or on a server.
func targetCommand[T any](
	cmd *cobra.Command, of targetOf[T], run func(*cobra.Command, T, []string) error,
) *cobra.Command {
	var flags targetFlags
	flags.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		remote, err := onServer(cmd)
		if err != nil {
			return err
		}
		if remote {
			c, err := flags.server.client(cmd)
			if err != nil {
				return err
			}
			defer signOut(cmd, c)
			return run(cmd, of.server(c), args)
		}

		settings, err := flags.settings.load(cmd)
		if err != nil {
			return err
		}
		if of.create != nil {
			if err := of.create(cmd, settings.Store); err != nil {
				return err
			}
		}
		return onRecords(cmd, settings, func(r records) error {
			part, done := of.database(r)
			defer done()
			return run(cmd, part, args)
		})
	}
	return cmd
}

// completeNames completes the first argument of a command with names from the database.
func completeNames(cmd *cobra.Command, names func(*cobra.Command, records) ([]string, error)) *cobra.Command {
	cmd.ValidArgsFunction = fromDatabase(names)
	return cmd
}
