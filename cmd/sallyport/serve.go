package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/tracing"
	"github.com/sallyport/sallyport/impl/store"
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
				noteIgnored(cmd)
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
			}
			if err := c.Servable(); err != nil {
				noteIgnored(cmd)
				return err
			}
			log := newLogger(cmd.ErrOrStderr(), c.LogLevel, c.LogFormat)
			for _, name := range config.Ignored(os.Environ()) {
				log.Warn("a variable is set, and no setting is called so", "variable", name)
			}
			for _, file := range c.Exposed {
				log.Warn("every user of this machine can read a file with a secret", "setting", file.Setting, "file", file.Path)
			}
			return serve(cmd.Context(), c, log)
		},
	}
	flags.add(cmd, "listen", "admin.listen", "tls.certificate", "tls.key", "plain_http", "store")
	return cmd
}

// ignoreHangups has SIGHUP end nothing until the returned function is called: rotation of logs and renewal of certificates
// send it by habit, and there is nothing to do.
func ignoreHangups(log *slog.Logger) func() {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			log.Info("SIGHUP is ignored: a certificate that changes is taken anew without it, and settings want a restart")
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
	}
}

func serve(ctx context.Context, c config.Config, log *slog.Logger) error {
	defer ignoreHangups(log)()
	l, err := listen(ctx, c.Listen, c.AdminListen, log)
	if err != nil {
		return err
	}
	if l, err = l.secure(c, log); err != nil {
		return errors.Join(err, l.Close())
	}
	tracer, err := trace(ctx, c, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer flush(ctx, tracer, log)
	a, err := open(ctx, c, log, tracer, func(made map[string]string) error { return keepPasswords(c.Store, made, log) })
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if l.certificate != nil {
		a.CountCertificate(l.certificate.Expires)
	}
	log.Info("serving", "url", l.url(), "store", store.Redact(c.Store), "schema", a.Schema(), "version", version())
	return errors.Join(l.serve(ctx, a, c, log), a.Close())
}

// keepPasswords writes the passwords made for built-in users into a file beside the database. PostgreSQL has no such place,
// and whoever runs a server elsewhere has to know them, so there they must be given.
func keepPasswords(dsn string, made map[string]string, log *slog.Logger) error {
	users := slices.Sorted(maps.Keys(made))
	if store.IsPostgres(dsn) {
		return fmt.Errorf("at the first start on a PostgreSQL database, the passwords of its built-in users have to be given, and these lack one: %s; "+
			"set SALLYPORT_ADMIN_PASSWORD_FILE and SALLYPORT_READONLY_PASSWORD_FILE to files with them", strings.Join(users, ", "))
	}
	path := credentialsFile(dsn)
	if err := writePasswords(path, made); err != nil {
		return fmt.Errorf("the passwords made for the built-in users cannot be kept; set SALLYPORT_ADMIN_PASSWORD and SALLYPORT_READONLY_PASSWORD instead: %w", err)
	}
	log.Info("made passwords for built-in users", "file", path, "users", users)
	return nil
}

// open assembles the program from its configuration. Random passwords of built-in users are given to keep.
func open(ctx context.Context, c config.Config, log *slog.Logger, tracer *tracing.Tracer, keep func(map[string]string) error) (*app.App, error) {
	keyFileIsNew := !exists(beside(c.Store, ".key"))
	key, err := keyEncryptionKey(c)
	if err != nil {
		return nil, err
	}
	s := settings(c, key, log)
	s.Builtins.Keep, s.Tracer = keep, tracer
	a, err := app.Open(ctx, s)
	if errors.Is(err, secret.ErrUnsealable) {
		return nil, wrongKey(c, keyFileIsNew)
	}
	return a, err
}

// settings are what the program is made of by its configuration.
func settings(c config.Config, key []byte, log *slog.Logger) app.Settings {
	return app.Settings{
		Store: c.Store, KeyEncryptionKey: key, CacheLifetime: c.CacheLifetime,
		Builtins: user.Bootstrap{
			Passwords: map[string]string{user.Admin: c.AdminPassword, user.Readonly: c.ReadonlyPassword},
			Changed:   func(name string) { log.Info("took a new password", "user", name) },
		},
		Sessions: c.Sessions, Elevation: c.Elevation, Keys: c.Keys, Realms: c.Realms, SignOn: c.SignOn, Lockout: c.Lockout, AddressFailures: c.AddressFailures, AddressRecovery: c.AddressRecovery,
		Hashing: secret.DefaultCost, TrustedProxies: c.TrustedProxies, Log: log, Now: time.Now, ServerTime: true,
	}
}

// trace returns nil where nothing is to be traced.
func trace(ctx context.Context, c config.Config, log *slog.Logger) (*tracing.Tracer, error) {
	if !c.Tracing {
		return nil, nil
	}
	return tracing.New(ctx, log)
}

// flushTime is how long sending the last traces may take.
const flushTime = 3 * time.Second

// flush sends the last traces, which nobody's request depends on.
func flush(ctx context.Context, tracer *tracing.Tracer, log *slog.Logger) {
	if tracer == nil {
		return
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	if err := tracer.Close(patience); err != nil {
		log.Warn("the last traces were not sent", "error", err)
	}
}

// drainTime is how long requests under way may take after the last one was taken.
const drainTime = 15 * time.Second

// drain serves until ctx ends, and for the delay; then it takes no new requests and waits for those under way.
func drain(ctx context.Context, server *http.Server, listener net.Listener, delay time.Duration, log *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if delay > 0 {
		log.Info("stopping: not ready any more, and serving still", "delay", delay)
	}
	select {
	case err := <-failed:
		return err
	case <-time.After(delay):
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
