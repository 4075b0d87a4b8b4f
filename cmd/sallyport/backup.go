package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/store"
)

// databaseCommand is a command that works on the database of a store as it is, without opening the store.
func databaseCommand(use, short string, run func(cmd *cobra.Command, dsn string) error) *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := config.Load(flags.sources(cmd))
		if err != nil {
			return err
		}
		if c.Store == store.None {
			return fmt.Errorf("--store %s keeps no records", c.Store)
		}
		return run(cmd, c.Store)
	}}
	flags.add(cmd, "store")
	return cmd
}

func newBackup() *cobra.Command {
	var to string
	cmd := databaseCommand("backup", "Copy the database into a file, also while a server runs on it", func(cmd *cobra.Command, dsn string) error {
		if to == "" {
			return errors.New("--to names the file to make")
		}
		if store.IsPostgres(dsn) {
			return fmt.Errorf("PostgreSQL is backed up by its own tools, also while servers run on it, such as: pg_dump --format=custom --file=%s '%s'", to, forTools(dsn))
		}
		err := store.Backup(cmd.Context(), dsn, to)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("there is a file %s already, and a backup replaces none", to)
		}
		if err != nil {
			return fmt.Errorf("the backup failed: %w", err)
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", to); err != nil {
			return err
		}
		if key := beside(dsn, ".key"); exists(key) {
			cmd.PrintErrf("%s is not in it, and without it the backup is of little use: keep a copy of it somewhere else\n", key)
		}
		return nil
	})
	cmd.Flags().StringVar(&to, "to", "", "file to make")
	return cmd
}

func newRestore() *cobra.Command {
	var from string
	var o store.RestoreOptions
	cmd := databaseCommand("restore", "Make the database from a backup; a server must not run on it", func(cmd *cobra.Command, dsn string) error {
		if from == "" {
			return errors.New("--from names the backup")
		}
		if store.IsPostgres(dsn) {
			return fmt.Errorf("PostgreSQL is restored by its own tools; stop all servers on it, and restore what pg_dump made, such as: "+
				"pg_restore --clean --if-exists --exit-on-error --single-transaction --dbname='%s' %s", forTools(dsn), from)
		}
		if err := store.Restore(cmd.Context(), from, dsn, o); err != nil {
			return explain(err, dsn)
		}
		return tellRestored(cmd, from, dsn)
	})
	cmd.Flags().StringVar(&from, "from", "", "file that backup made")
	cmd.Flags().BoolVar(&o.Replace, "force", false, "replace the database if there is one")
	cmd.Flags().BoolVar(&o.WithoutChecksum, "no-checksum", false, "restore a backup that has no "+store.ChecksumSuffix+" file beside it; one that has is checked all the same")
	return cmd
}

// tellRestored tells the schema too: one that is older than the program's was made by an older program.
func tellRestored(cmd *cobra.Command, from, dsn string) error {
	schema, _, err := store.Schema(cmd.Context(), dsn)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "restored %s from %s (schema %d)\n", databaseFile(dsn), from, schema)
	return err
}

// forTools is a DSN for a person to give to PostgreSQL's own tools. They ask for the password, which it leaves out, and refuse
// parameters that are for us or for the server's sessions.
func forTools(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "postgres://…"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	known := url.Values{}
	for _, name := range []string{"host", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey"} {
		if value := u.Query().Get(name); value != "" {
			known.Set(name, value)
		}
	}
	u.RawQuery = known.Encode()
	return u.String()
}

// explain says what to do about a database that cannot be restored.
func explain(err error, dsn string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("there is a database %s already, or what is left of one; --force replaces it", databaseFile(dsn))
	case errors.Is(err, store.ErrNoChecksum):
		return fmt.Errorf("%w: backup writes one to the same name with %s behind it, which belongs to the backup; "+
			"--no-checksum restores one without, of which damage may go unnoticed", err, store.ChecksumSuffix)
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("the database %s is in use; stop the server first", databaseFile(dsn))
	}
	return err
}
