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
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/logging"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/tracing"
	"github.com/sallyport/sallyport/impl/store"
)

func newServe() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve until SIGTERM or SIGINT, then finish the requests in progress",
		Example: "  sallyport serve\n  sallyport serve --config sallyport.yaml\n" +
			"  sallyport serve --store sqlite:/var/lib/sallyport/sallyport.db",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := serverConfig(flags.sources(cmd))
			if err != nil {
				warnUnknownVariables(cmd)
				return err
			}

			lines := logging.NewBuffer(cmd.ErrOrStderr())
			defer lines.Close()
			log := slog.New(logging.NewHandler(lines, c.LogLevel, c.LogFormat))
			for _, name := range config.Ignored(os.Environ()) {
				log.Warn("unknown setting", "variable", name)
			}
			for _, file := range c.Exposed {
				log.Warn("every user of this machine can read a file with a secret", "setting", file.Setting, "file", file.Path)
			}
			return serve(cmd.Context(), c, log)
		},
	}
	flags.add(cmd, serverSettings...)
	return cmd
}

// ignoreHangups ignores SIGHUP until the returned function is called. Tools for log rotation and certificate renewal
// send it to make servers reload their files, which this one does without a signal.
func ignoreHangups(log *slog.Logger) func() {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			log.Info("SIGHUP ignored: a changed certificate is reloaded without it, and changed settings need a restart")
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

	tracer, err := newTracer(ctx, c, log)
	if err != nil {
		return errors.Join(usageError(err), l.Close())
	}
	defer flushTraces(ctx, tracer, log)

	a, err := open(ctx, c, log, tracer, func(generated map[string]string) error {
		return storePasswords(c.Store, generated, log)
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if l.certificate != nil {
		a.CountCertificate(l.certificate.Expires)
	}
	log.Info("serving", "url", l.url(), "store", store.Redact(c.Store), "schema", a.Schema(), "version", version())
	return errors.Join(l.serve(ctx, ofApp(a), c, log), a.Close())
}

// storePasswords writes the generated passwords of built-in users to a file beside the database. A PostgreSQL
// database has no such place, and servers on other machines could not read it, so there the passwords must be
// configured.
func storePasswords(dsn string, generated map[string]string, log *slog.Logger) error {
	users := slices.Sorted(maps.Keys(generated))
	if store.IsPostgres(dsn) {
		return usageErrorf("the first start on a PostgreSQL database needs the passwords of the built-in users; "+
			"missing: %s; set SALLYPORT_ADMIN_PASSWORD_FILE and SALLYPORT_READONLY_PASSWORD_FILE to files with them",
			strings.Join(users, ", "))
	}

	path := credentialsFile(dsn)
	if err := writePasswords(path, generated); err != nil {
		return keepPasswordsError(err)
	}
	log.Info("passwords generated for built-in users", "file", path, "users", users)
	return nil
}

func keepPasswordsError(cause error) error {
	return usageErrorf("the generated passwords of the built-in users cannot be written; "+
		"set SALLYPORT_ADMIN_PASSWORD and SALLYPORT_READONLY_PASSWORD instead: %w", cause)
}

// open builds the server from its configuration. It passes generated passwords of built-in users to keep.
func open(
	ctx context.Context, c config.Config, log *slog.Logger, tracer *tracing.Tracer, keep func(map[string]string) error,
) (*app.App, error) {
	keyFileIsNew := !exists(besideDatabase(c.Store, ".key"))
	key, err := keyEncryptionKey(c)
	if err != nil {
		return nil, err
	}

	s := app.FromConfig(c, key, log)
	s.KeyEncryptionKeyFallback = c.KeyEncryptionKeyFallback
	s.Builtins.Keep, s.Tracer = keep, tracer
	a, err := app.Open(ctx, s)
	if errors.Is(err, secret.ErrUnsealable) {
		return nil, wrongKeyError(c, keyFileIsNew, err)
	}
	// Much of the heap is garbage of the start, such as the contract's text, and an idle server would keep it.
	go debug.FreeOSMemory()
	return a, err
}

// newTracer returns nil if tracing is not configured.
func newTracer(ctx context.Context, c config.Config, log *slog.Logger) (*tracing.Tracer, error) {
	if !c.Tracing {
		return nil, nil
	}
	return tracing.New(ctx, log)
}

// flushTime is the time limit for sending the last traces.
const flushTime = 3 * time.Second

// flushTraces sends the last traces. A failure is only logged: no request depends on it.
func flushTraces(ctx context.Context, tracer *tracing.Tracer, log *slog.Logger) {
	if tracer == nil {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	if err := tracer.Close(limited); err != nil {
		log.Warn("last traces not sent", "error", err)
	}
}

// drainTime is the time limit for the requests in progress at shutdown.
const drainTime = 15 * time.Second

// drain serves until ctx is done, and for the delay; then it accepts no new requests and waits for those in progress.
func drain(
	ctx context.Context, server *http.Server, listener net.Listener, delay time.Duration, log *slog.Logger,
) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if delay > 0 {
		log.Info("stopping: not ready, still serving", "delay", delay)
	}

	select {
	case err := <-failed:
		return err
	case <-time.After(delay):
	}

	log.Info("stopping: finishing requests in progress")
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		return fmt.Errorf("requests in progress were aborted: %w", err)
	}
	log.Info("stopped")
	return nil
}
