package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/httpapi"
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
	flags.add(cmd, "listen", "store")
	return cmd
}

func serve(ctx context.Context, c config.Config, log *slog.Logger) error {
	a, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	if len(a.MadePasswords) > 0 {
		path := credentialsFile(c.Store)
		if err := writePasswords(path, a.MadePasswords); err != nil {
			return errors.Join(fmt.Errorf("the passwords that were made for the built-in users cannot be kept, so set SALLYPORT_ADMIN_PASSWORD: %w", err), a.Close())
		}
		log.Info("made passwords for the built-in users", "file", path)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	log.Info("serving", "url", "http://"+listener.Addr().String(), "store", c.Store)
	return errors.Join(drain(ctx, httpapi.NewServer(a.Handler, log), listener, log), a.Close())
}

// open assembles the program from its configuration.
func open(ctx context.Context, c config.Config, log *slog.Logger) (*app.App, error) {
	key, err := keyEncryptionKey(c)
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, app.Settings{
		Store: c.Store, KeyEncryptionKey: key,
		Passwords: map[string]string{user.Admin: c.AdminPassword, user.Readonly: c.ReadonlyPassword},
		Sessions:  c.Sessions, Hashing: secret.DefaultCost, TrustedProxies: c.TrustedProxies, Log: log, Now: time.Now,
	})
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
