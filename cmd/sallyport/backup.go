package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/store"
)

// databaseCommand makes a command work on the database without opening the store, and so without migrating it.
func databaseCommand(cmd *cobra.Command, run func(cmd *cobra.Command, dsn string) error) *cobra.Command {
	var flags configFlags
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := flags.load(cmd)
		if err != nil {
			return err
		}
		if c.Store == store.None {
			return usageErrorf("--store %s keeps no records", c.Store)
		}
		return run(cmd, c.Store)
	}
	flags.add(cmd, "store")
	return cmd
}

// wantDatabase returns an error if the file of a SQLite database does not exist.
func wantDatabase(dsn string) error {
	if path := databaseFile(dsn); path != "" && !exists(path) {
		return noDatabase(dsn)
	}
	return nil
}

func newBackup() *cobra.Command {
	var to string
	const short = "Copy the database into a file, also while a server runs on it"
	cmd := databaseCommand(&cobra.Command{
		Use:     "backup --to FILE",
		Short:   short,
		Example: "  sallyport backup --to backup.db",
	}, func(cmd *cobra.Command, dsn string) error { return backup(cmd, dsn, to) })
	cmd.Flags().StringVar(&to, "to", "", "file to create")
	return cmd
}

func backup(cmd *cobra.Command, dsn, to string) error {
	if to == "" {
		return usageErrorf("--to: name the file to create")
	}
	if store.IsPostgres(dsn) {
		return usageErrorf("back up PostgreSQL with its own tools, also while servers run on it, such as: "+
			"pg_dump --format=custom --file=%s '%s'", to, toolDSN(dsn))
	}

	if err := wantDatabase(dsn); err != nil {
		return err
	}
	err := withProgress(cmd, "backing up", func() error { return store.Backup(cmd.Context(), dsn, to) })
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the file %s exists, and backup replaces no file", to)
	}
	if err != nil {
		return fmt.Errorf("backup failed: %w", err)
	}
	if err := printLine(cmd, "wrote %s", to); err != nil {
		return err
	}
	if key := besideDatabase(dsn, ".key"); exists(key) {
		note(cmd, "the backup does not contain %s, without which it cannot be used: "+
			"keep a copy of that file elsewhere", key)
	}
	return nil
}

func newRestore() *cobra.Command {
	var from string
	var o store.RestoreOptions
	const short = "Create the database from a backup; no server may run on it"
	cmd := databaseCommand(&cobra.Command{
		Use:   "restore --from FILE",
		Short: short,
		Example: "  sallyport backup --to yesterday.db\n" +
			"  sallyport restore --from yesterday.db --store sqlite:restored.db",
	}, func(cmd *cobra.Command, dsn string) error {
		return restore(cmd, from, dsn, o)
	})
	cmd.Flags().StringVar(&from, "from", "", "file that backup created")
	cmd.Flags().BoolVar(&o.Replace, "force", false, "replace the database if it exists")
	cmd.Flags().BoolVar(&o.WithoutChecksum, "no-checksum", false,
		"accept a backup without a "+store.ChecksumSuffix+" file beside it; a checksum that exists is always verified")
	return cmd
}

func restore(cmd *cobra.Command, from, dsn string, o store.RestoreOptions) error {
	if from == "" {
		return usageErrorf("--from: name the backup")
	}
	if store.IsPostgres(dsn) {
		return usageErrorf("restore PostgreSQL with its own tools: stop all servers on it, "+
			"and restore what pg_dump wrote, such as: "+
			"pg_restore --clean --if-exists --exit-on-error --single-transaction --dbname='%s' %s", toolDSN(dsn), from)
	}

	err := withProgress(cmd, "restoring", func() error { return store.Restore(cmd.Context(), from, dsn, o) })
	if err != nil {
		return explainDatabaseError(err, dsn)
	}
	// A schema older than the program's shows that an older program made the backup.
	schema, _, err := store.Schema(cmd.Context(), dsn)
	if err != nil {
		return err
	}
	return printLine(cmd, "restored %s from %s (schema %d)", databaseFile(dsn), from, schema)
}

// toolDSN returns a DSN for PostgreSQL's own tools. It has no password, for which the tools prompt, and no parameters
// that the tools reject because they are Sallyport's or those of the server's sessions.
func toolDSN(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "postgres://…"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	accepted := url.Values{}
	for _, name := range []string{"host", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey"} {
		if value := u.Query().Get(name); value != "" {
			accepted.Set(name, value)
		}
	}
	u.RawQuery = accepted.Encode()
	return u.String()
}

// explainDatabaseError adds to an error of the database what the operator can do about it.
func explainDatabaseError(err error, dsn string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("the database %s, or a part of it, exists; --force replaces it", databaseFile(dsn))
	case errors.Is(err, store.ErrNoChecksum):
		return fmt.Errorf("%w: backup writes the checksum to a file with the backup's name and %s, "+
			"which is part of the backup; "+
			"--no-checksum restores without it, and damage may go unnoticed", err, store.ChecksumSuffix)
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("the database %s is in use; stop the server first", databaseFile(dsn))
	}
	return err
}
