package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/user"
)

func newServe() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve until SIGTERM or SIGINT, then finish what is under way",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(flags.sources(cmd))
			if err != nil {
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
			}
			return serve(cmd.Context(), c, newLogger(cmd.ErrOrStderr(), c.LogLevel, c.LogFormat))
		},
	}
	flags.add(cmd, "listen", "admin.listen", "tls.certificate", "tls.key", "plain_http", "store")
	return cmd
}

func serve(ctx context.Context, c config.Config, log *slog.Logger) error {
	l, err := listen(ctx, c.Listen, c.AdminListen)
	if err != nil {
		return err
	}
	if l, err = l.secure(c, log); err != nil {
		return errors.Join(err, l.Close())
	}
	a, err := open(ctx, c, log, func(made map[string]string) error {
		path := credentialsFile(c.Store)
		if err := writePasswords(path, made); err != nil {
			return fmt.Errorf("the passwords made for the built-in users cannot be kept; set SALLYPORT_ADMIN_PASSWORD and SALLYPORT_READONLY_PASSWORD instead: %w", err)
		}
		log.Info("made passwords for built-in users", "file", path, "users", slices.Sorted(maps.Keys(made)))
		return nil
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	log.Info("serving", "url", l.url(), "store", c.Store)
	return errors.Join(l.serve(ctx, a, log), a.Close())
}

// open assembles the program from its configuration. Random passwords of built-in users are given to keep.
func open(ctx context.Context, c config.Config, log *slog.Logger, keep func(map[string]string) error) (*app.App, error) {
	keyFileIsNew := !exists(beside(c.Store, ".key"))
	key, err := keyEncryptionKey(c)
	if err != nil {
		return nil, err
	}
	a, err := app.Open(ctx, app.Settings{
		Store: c.Store, KeyEncryptionKey: key,
		Builtins: user.Bootstrap{Passwords: map[string]string{user.Admin: c.AdminPassword, user.Readonly: c.ReadonlyPassword}, Keep: keep},
		Sessions: c.Sessions, Elevation: c.Elevation, Keys: c.Keys, Realms: c.Realms, Lockout: c.Lockout, AddressFailures: c.AddressFailures, AddressRecovery: c.AddressRecovery,
		Hashing: secret.DefaultCost, TrustedProxies: c.TrustedProxies, Log: log, Now: time.Now,
	})
	if errors.Is(err, secret.ErrUnsealable) {
		return nil, wrongKey(c, keyFileIsNew)
	}
	return a, err
}

// drainTime is how long requests under way may take after the signal to stop.
const drainTime = 15 * time.Second

// drain serves until ctx ends, then takes no new requests and waits for those under way.
func drain(ctx context.Context, server *http.Server, listener net.Listener, log *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: finishing the requests under way")
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return fmt.Errorf("some requests were not finished: %w", err)
	}
	log.Info("stopped")
	return nil
}
