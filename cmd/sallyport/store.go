package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	cmd.SetContext(audit.WithOrigin(cmd.Context(), audit.Origin{Actor: audit.CommandLine}))
	return withStore(cmd, c, f)
}

// withStore opens an existing store; only the commands "add" and "up" create the tables of one.
func withStore(cmd *cobra.Command, c config.Config, f func(records) error) error {
	isNew, err := newDatabase(cmd, c.Store)
	if err != nil {
		return err
	}
	if isNew {
		if err := rehearse(cmd, c, f); err != nil {
			return err
		}
	}

	var st *store.Store
	err = withProgress(cmd, "opening the database", func() error {
		st, err = store.Open(cmd.Context(), c.Store, time.Now)
		return err
	})
	if err != nil {
		return err
	}
	st.ServerTime() // the servers may run on other machines
	if isNew {
		note(cmd, "created the database %s", databaseName(c.Store))
	}
	return errors.Join(f(records{c, st}), st.Close())
}

// rehearse calls f with a new store in memory, so that a command that fails creates no database.
func rehearse(cmd *cobra.Command, c config.Config, f func(records) error) error {
	st, err := store.Open(cmd.Context(), store.None, time.Now)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	cmd.SetOut(io.Discard)
	defer cmd.SetOut(out)
	return errors.Join(f(records{c, st}), st.Close())
}

// newDatabase reports whether a command is to create the database, and returns an error if it must not. On PostgreSQL
// an operator creates an empty database, in which "migrate up" may create the tables, too.
func newDatabase(cmd *cobra.Command, dsn string) (bool, error) {
	if store.IsPostgres(dsn) {
		version, _, err := store.Schema(cmd.Context(), dsn)
		if err != nil || version > 0 {
			return false, err
		}
		if cmd.Name() != "add" && cmd.Name() != "up" {
			return false, fmt.Errorf("the database %s is empty; start a server on it, or run migrate up", databaseName(dsn))
		}
		return true, nil
	}

	path := databaseFile(dsn)
	if path == "" {
		return false, usageErrorf("--store %s keeps no records", dsn)
	}
	if !exists(path) && cmd.Name() != "add" {
		return false, fmt.Errorf("the database %s does not exist; name another with --store sqlite:PATH", path)
	}
	return !exists(path), nil
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

// sealer returns the sealer of the server's secrets.
func (r records) sealer() (*secret.Sealer, error) {
	key, err := existingKeyEncryptionKey(r.config)
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
	sealer, err := r.sealer()
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
