package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// records is the configuration and the store of a command that runs without a server.
type records struct {
	config config.Config
	store  *store.Store
}

// storeCommand makes a command work on the records of a store, also while a server runs on it.
func storeCommand(cmd *cobra.Command, run func(*cobra.Command, records, []string) error) *cobra.Command {
	var flags configFlags
	flags.add(cmd, "store")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := flags.load(cmd)
		if err != nil {
			return err
		}
		return onRecords(cmd, c, func(r records) error { return run(cmd, r, args) })
	}
	return cmd
}

// onRecords calls f with a store. Its changes have the command line as their actor in the audit trail.
func onRecords(cmd *cobra.Command, c config.Config, f func(records) error) error {
	cmd.SetContext(audit.WithOrigin(cmd.Context(), commandOrigin()))
	return withStore(cmd, c, f)
}

// withStore opens the store of an existing database.
func withStore(cmd *cobra.Command, c config.Config, f func(records) error) error {
	missing, err := missingDatabase(cmd.Context(), c.Store)
	if err != nil {
		return err
	}
	if missing {
		return noDatabase(c.Store)
	}
	st, err := openStore(cmd, c.Store)
	if err != nil {
		return err
	}
	st.ServerTime() // the servers may run on other machines
	return errors.Join(f(records{c, st}), st.Close())
}

// openStore opens a store. It creates the database if it is missing, and migrates it.
func openStore(cmd *cobra.Command, dsn string) (st *store.Store, err error) {
	err = withProgress(cmd, "opening the database", func() error {
		st, err = store.Open(cmd.Context(), dsn, time.Now)
		return err
	})
	return st, err
}

// createDatabase creates a database that is missing. It first calls check, so that a command that is refused creates
// nothing.
func createDatabase(cmd *cobra.Command, dsn string, check func() error) error {
	missing, err := missingDatabase(cmd.Context(), dsn)
	if err != nil || !missing {
		return err
	}
	if err := check(); err != nil {
		return err
	}
	st, err := openStore(cmd, dsn)
	if err != nil {
		return err
	}
	if store.IsPostgres(dsn) {
		note(cmd, "created the tables of the database %s", databaseName(dsn))
	} else {
		note(cmd, "created the database %s", databaseName(dsn))
	}
	return st.Close()
}

// missingDatabase reports whether there is no database: no file, or no tables on PostgreSQL, where an operator creates
// an empty database.
func missingDatabase(ctx context.Context, dsn string) (bool, error) {
	if store.IsPostgres(dsn) {
		version, _, err := store.Schema(ctx, dsn)
		return version == 0, err
	}
	path := databaseFile(dsn)
	if path == "" {
		return false, usageErrorf("--store %s keeps no records", dsn)
	}
	return !exists(path), nil
}

// noDatabase returns the error of a command that does not create the missing database.
func noDatabase(dsn string) error {
	if store.IsPostgres(dsn) {
		return usageErrorf("the database %s is empty; start a server on it, or run migrate up", databaseName(dsn))
	}
	return usageErrorf("the database %s does not exist; %s", databaseFile(dsn), installed().otherDatabase())
}

// databaseName returns the name of a database for messages: its file, or its DSN without the password.
func databaseName(dsn string) string {
	if path := databaseFile(dsn); path != "" {
		return path
	}
	return store.Redact(dsn)
}

// attempts returns a counter without a limit by address: commands have no client address.
func (r records) attempts() *attempts.Counter { return attempts.NewCounter(r.config.Lockout, nil) }

func (r records) users() *user.Service {
	return user.NewService(r.store, secret.NewHasher(secret.DefaultCost), r.attempts())
}

// keyEncryptionKey is the function keyEncryptionKey for commands that write what a server is to read. It creates no
// key, because the server would not have it.
func (r records) keyEncryptionKey(ctx context.Context) ([]byte, error) {
	if r.config.KeyEncryptionKey != nil {
		return r.config.KeyEncryptionKey, nil
	}
	if err := r.config.Servable(); err != nil {
		return nil, usageError(err)
	}
	path := besideDatabase(r.config.Store, ".key")
	if exists(path) {
		return readKeyFile(path)
	}

	signing, err := session.Keys(ctx, r.store)
	switch {
	case err != nil:
		return nil, err
	case len(signing) == 0:
		return nil, usageErrorf("there is no key-encryption key yet: start a server on the database, which creates %s, "+
			"or set SALLYPORT_KEY_ENCRYPTION_KEY as for the server", path)
	}
	return nil, usageErrorf("%w, or set SALLYPORT_KEY_ENCRYPTION_KEY as for the server", missingKeyError(path))
}

// sealer returns the sealer of the server's secrets.
func (r records) sealer(ctx context.Context) (*secret.Sealer, error) {
	key, err := r.keyEncryptionKey(ctx)
	if err != nil {
		return nil, err
	}
	if fallback := r.config.KeyEncryptionKeyFallback; fallback != nil {
		return secret.NewSealer(key, fallback)
	}
	return secret.NewSealer(key)
}

// sessions returns the sessions of the server and the sealer of its secrets. The session service reads its signing
// keys, which proves that the key-encryption key is that of the server.
func (r records) sessions(ctx context.Context) (*session.Service, *secret.Sealer, error) {
	sealer, err := r.sealer(ctx)
	if err != nil {
		return nil, nil, err
	}

	sessions, err := session.New(ctx, r.store, sealer, r.config.Sessions)
	if errors.Is(err, secret.ErrUnsealable) {
		return nil, nil, wrongKeyError(r.config, false, err)
	}
	return sessions, sealer, err
}

func (r records) elevations(ctx context.Context) (*elevation.Service, error) {
	sessions, sealer, err := r.sessions(ctx)
	if err != nil {
		return nil, err
	}
	return elevation.NewService(r.store, sessions, r.attempts(), sealer, r.config.Elevation, time.Now), nil
}
