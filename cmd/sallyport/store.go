package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// records is what a command works on that has a store and no server.
type records struct {
	config config.Config
	store  *store.Store
}

// storeCommand is a command that works on the records of a store, also while a server runs on it.
func storeCommand(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, records, []string) error) *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		c, err := config.Load(flags.sources(cmd))
		if err != nil {
			return err
		}
		return onRecords(cmd, c, func(r records) error { return run(cmd, r, args) })
	}}
	flags.add(cmd, "store")
	return cmd
}

// onRecords does something to a store, which the command line is recorded for.
func onRecords(cmd *cobra.Command, c config.Config, f func(records) error) error {
	cmd.SetContext(audit.WithOrigin(cmd.Context(), audit.Origin{Actor: audit.CommandLine}))
	return forPeople(withStore(cmd, c, f))
}

// withStore opens a store that is there; only a command that adds makes one.
func withStore(cmd *cobra.Command, c config.Config, f func(records) error) error {
	isNew, err := newDatabase(cmd, c.Store)
	if err != nil {
		return err
	}
	st, err := store.Open(cmd.Context(), c.Store, time.Now)
	if err != nil {
		return err
	}
	st.ServerTime() // the servers may run elsewhere
	if isNew {
		cmd.PrintErrf("made the database %s\n", named(c.Store))
	}
	return errors.Join(f(records{c, st}), st.Close())
}

// newDatabase tells whether a command is to make the database, or returns an error if it must not. With PostgreSQL an
// operator makes an empty one, which migrate up may fill too.
func newDatabase(cmd *cobra.Command, dsn string) (bool, error) {
	if store.IsPostgres(dsn) {
		version, _, err := store.Schema(cmd.Context(), dsn)
		if err != nil || version > 0 {
			return false, err
		}
		if cmd.Name() != "add" && cmd.Name() != "up" {
			return false, fmt.Errorf("the database %s is empty; start a server on it, or fill it with migrate up", named(dsn))
		}
		return true, nil
	}
	path := databaseFile(dsn)
	if path == "" {
		return false, fmt.Errorf("--store %s keeps no records", dsn)
	}
	if !exists(path) && cmd.Name() != "add" {
		return false, fmt.Errorf("there is no database %s; name another with --store sqlite:PATH", path)
	}
	return !exists(path), nil
}

// named is what a database is called for people: its file, or where its server is.
func named(dsn string) string {
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

// sessions are those that the server has, with the sealer of its secrets: the sessions' keys prove that it is the server's.
func (r records) sessions(ctx context.Context) (*session.Service, *secret.Sealer, error) {
	key, err := serversKey(r.config)
	if err != nil {
		return nil, nil, err
	}
	sealer, err := secret.NewSealer(key)
	if err != nil {
		return nil, nil, err
	}
	sessions, err := session.New(ctx, r.store, sealer, r.config.Sessions)
	if errors.Is(err, secret.ErrUnsealable) {
		return nil, nil, wrongKey(r.config, false)
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

// forPeople leaves the code out of a fault's text, and keeps the cause.
func forPeople(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	if cause := f.Unwrap(); cause != nil {
		return fmt.Errorf("%s: %w", f.Message, cause)
	}
	return errors.New(f.Message)
}
