package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/rekey"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/certificate"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// serverConfig returns the configuration of a server, or all of its errors. serve and "config check" use it.
func serverConfig(sources config.Sources) (config.Config, error) {
	c, err := config.Load(sources)
	if err != nil {
		return c, usageErrorf("invalid configuration:\n%w", err)
	}
	return c, usageError(errors.Join(c.Servable(), checkListeners(c), checkCertificate(c), checkParameters(c)))
}

// checkParameters refuses the address of a PostgreSQL server with parameters that cannot be used.
func checkParameters(c config.Config) error {
	if err := store.CheckParameters(c.Store); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// checkListeners refuses addresses that do not exist, and those at which secrets would be sent unencrypted.
func checkListeners(c config.Config) error {
	public, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	err = requireTLS(c, public.IP, c.Listen)
	if c.AdminListen == "" {
		return err
	}
	admin, adminErr := net.ResolveTCPAddr("tcp", c.AdminListen)
	switch {
	case adminErr != nil:
		return errors.Join(err, fmt.Errorf("admin.listen: %w", adminErr))
	case admin.Port != 0 && admin.Port == public.Port && (admin.IP.Equal(public.IP) || anyAddress(admin, public)):
		return errors.Join(err, fmt.Errorf("admin.listen: %s is the address of listen", c.AdminListen))
	}
	return err
}

// anyAddress reports whether one of the addresses stands for all addresses of the machine.
func anyAddress(addresses ...*net.TCPAddr) bool {
	for _, a := range addresses {
		if a.IP == nil || a.IP.IsUnspecified() {
			return true
		}
	}
	return false
}

// requireTLS refuses an address that other machines can reach, unless there is TLS, or plain_http says that something
// in front adds it.
func requireTLS(c config.Config, ip net.IP, shown string) error {
	if c.TLSCertificate != "" || c.PlainHTTP || ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s serves other machines, and passwords and keys would be sent unencrypted: "+
		"set tls.certificate and tls.key; or plain_http to true, if something in front adds TLS", shown)
}

// checkCertificate refuses a certificate that cannot be used.
func checkCertificate(c config.Config) error {
	if c.TLSCertificate == "" {
		return nil
	}
	if _, err := certificate.Load(c.TLSCertificate, c.TLSKey, time.Now, slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("tls.certificate: %w", err)
	}
	return nil
}

// checkStart refuses what serve refuses while it starts. It changes nothing, and does not connect to PostgreSQL.
func checkStart(cmd *cobra.Command, c config.Config) error {
	return errors.Join(
		checkBind(cmd.Context(), "listen", c.Listen),
		checkBind(cmd.Context(), "admin.listen", c.AdminListen),
		checkTracing(cmd.Context(), c),
		checkStored(cmd, c),
	)
}

// checkBind refuses an address at which this program may not listen. A server may listen there already.
func checkBind(ctx context.Context, key, address string) error {
	if address == "" {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", key, err)
	}
	return l.Close()
}

func checkTracing(ctx context.Context, c config.Config) error {
	log := slog.New(slog.DiscardHandler)
	tracer, err := newTracer(ctx, c, log)
	flushTraces(ctx, tracer, log)
	return err
}

// checkStored refuses the file of a database that cannot be opened or created, or has another key. It does not open a
// database of an earlier version, because that would migrate it.
func checkStored(cmd *cobra.Command, c config.Config) error {
	path := databaseFile(c.Store)
	if path == "" {
		return checkCredentials(c)
	}
	if err := checkKeyFile(c); err != nil {
		return err
	}
	current, err := checkDatabaseFile(cmd.Context(), c.Store, path)
	switch {
	case err != nil:
		return fmt.Errorf("the store %s cannot be opened: %w", store.Redact(c.Store), err)
	case current:
		return checkSealed(cmd, c)
	case !exists(path):
		return checkCredentials(c)
	}
	return nil
}

// checkDatabaseFile refuses a file that is no database, or cannot be created. It reports whether the database has the
// schema of this program.
func checkDatabaseFile(ctx context.Context, dsn, path string) (current bool, err error) {
	if !exists(path) {
		return false, checkFolder(path)
	}
	version, target, err := store.Schema(ctx, dsn)
	if err != nil || version >= target {
		return true, err
	}
	return false, checkFolder(path)
}

// checkFolder refuses a folder in which no file can be created.
func checkFolder(path string) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".sallyport-draft-")
	if err != nil {
		return err
	}
	return errors.Join(draft.Close(), os.Remove(draft.Name()))
}

// checkKeyFile refuses a key file that holds no key, and a folder in which none can be created.
func checkKeyFile(c config.Config) error {
	path := besideDatabase(c.Store, ".key")
	if c.KeyEncryptionKey != nil {
		return nil
	}
	if exists(path) {
		_, err := readKeyFile(path)
		return err
	}
	if err := checkFolder(path); err != nil {
		return createKeyError(path, err)
	}
	return nil
}

// checkCredentials refuses a path at which the generated passwords of a new server's built-in users cannot be written.
func checkCredentials(c config.Config) error {
	if store.IsPostgres(c.Store) || c.AdminPassword != "" && c.ReadonlyPassword != "" {
		return nil
	}
	path := credentialsFile(c.Store)
	if err := errors.Join(notFolder(path), checkFolder(path)); err != nil {
		return keepPasswordsError(err)
	}
	return nil
}

// checkSealed refuses a key-encryption key that is not the database's.
func checkSealed(cmd *cobra.Command, c config.Config) error {
	path := besideDatabase(c.Store, ".key")
	missing := c.KeyEncryptionKey == nil && !exists(path)
	err := withStore(cmd, c, func(r records) error {
		if missing { // a server would generate a key
			return r.checkKey(cmd, secret.NewKey())
		}
		sealer, err := r.sealer(cmd.Context())
		if err != nil {
			return err
		}
		return rekey.Check(cmd.Context(), r.store, sealer)
	})
	switch {
	case !errors.Is(err, secret.ErrUnsealable):
		return err
	case missing:
		return missingKeyError(path)
	}
	return wrongKeyError(c, false, err)
}
