package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

func newDev() *cobra.Command {
	var address, adminAddress string
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Serve a temporary database on this machine, with a demo user and an API key; reads no configuration",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return dev(cmd, address, adminAddress) },
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:12400",
		"loopback address and port to serve on; port 0 takes a free one")
	cmd.Flags().StringVar(&adminAddress, "admin.listen", "",
		"loopback address and port of /healthz, /readyz and /metrics; none if not given")
	return cmd
}

func dev(cmd *cobra.Command, address, adminAddress string) error {
	if err := checkLoopback("--listen", address); err != nil {
		return err
	}
	if adminAddress != "" {
		if err := checkLoopback("--admin.listen", adminAddress); err != nil {
			return err
		}
	}

	// A temporary server often ends because its terminal is closed.
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
	defer stop()

	log := newLogger(cmd.ErrOrStderr(), slog.LevelInfo, "text")
	l, err := listen(ctx, address, adminAddress, log)
	if err != nil {
		return err
	}

	folder, err := os.MkdirTemp("", "sallyport-dev-")
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer os.RemoveAll(folder) //nolint:errcheck // the system cleans its folder for temporary files
	c, err := devConfig(folder)
	if err != nil {
		return errors.Join(err, l.Close())
	}

	var passwords map[string]string
	s := settings(c, c.KeyEncryptionKey, log)
	s.Temporary = true
	s.Builtins.Keep = func(generated map[string]string) error {
		passwords = generated
		return nil
	}
	a, err := app.Open(ctx, s)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := printDemo(ctx, cmd.OutOrStdout(), a, passwords, l.public.Addr().String()); err != nil {
		return errors.Join(err, l.Close(), a.Close())
	}
	return errors.Join(l.serve(ctx, a, c, log), a.Close())
}

// devConfig returns the default configuration with a database in the folder. It reads neither a file nor the
// environment.
func devConfig(folder string) (config.Config, error) {
	c, err := config.Load(config.Sources{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		return config.Config{}, err
	}
	c.Store, c.KeyEncryptionKey = "sqlite:"+filepath.Join(folder, "dev.db"), secret.NewKey()
	return c, nil
}

func checkLoopback(flag, listen string) error {
	address, err := netip.ParseAddrPort(listen)
	if err != nil {
		return fmt.Errorf("%s: %q is not an address and a port, such as 127.0.0.1:12400", flag, listen)
	}
	if !address.Addr().IsLoopback() {
		return fmt.Errorf("%s: %s is not a loopback address; dev prints passwords and is for this machine only (use serve)",
			flag, address.Addr())
	}
	return nil
}

// printDemo adds a demo user with an API key, and prints the credentials and commands to try the server with.
func printDemo(ctx context.Context, out io.Writer, a *app.App, builtins map[string]string, address string) error {
	const name = "demo"
	password := secret.Text(12)
	demo := user.New{
		Name:     name,
		Roles:    []string{string(identity.PlatformAdmin)},
		Password: password,
		FullName: "Demo User",
	}
	if _, err := a.Users.Add(ctx, demo); err != nil {
		return err
	}
	created, key, err := a.Keys.CreatePlain(ctx, identity.Principal{User: name}, "made by sallyport dev", nil)
	if err != nil {
		return err
	}

	url := "http://" + address
	_, err = fmt.Fprintf(out, `
Sallyport serves a temporary database at %[1]s (Ctrl-C stops it and deletes the database).

  built-in users  admin     %[2]s
                  readonly  %[3]s
  demo user       %[4]s      %[5]s  (a platform admin)
  demo API key    %[6]s

Try:

  curl -u 'admin:%[2]s' %[1]s/api/v1/account
  curl -H 'Authorization: ApiKey %[6]s' %[1]s/api/v1/users/auth/keys
  curl -H 'Authorization: ApiKey %[6]s' '%[1]s/_security/api_key?pretty'
  curl -u '%[4]s:%[5]s' -H 'Content-Type: application/json' -d '{"ids": ["%[7]s"], "metadata": {"team": "search"}}' '%[1]s/_security/api_key/_bulk_update?pretty'
  curl -H 'Content-Type: application/json' -d '{"username": "%[4]s", "password": "%[5]s"}' %[1]s/api/v1/users/auth/_login

`, url, builtins[user.Admin], builtins[user.Readonly], name, password, key.Encoded(), created.ID)
	return err
}
