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
		Short: "Serve a throw-away database on this machine, with users and a key to try things with; takes no configuration",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return dev(cmd, address, adminAddress) },
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:12400", "loopback address and port to serve on; port 0 takes a free one")
	cmd.Flags().StringVar(&adminAddress, "admin.listen", "", "loopback address and port of /healthz, /readyz and /metrics; none if not given")
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
	// Closing the terminal is how many a throw-away server ends.
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
	defer os.RemoveAll(folder)                                                                   //nolint:errcheck // it lies in the system's folder for temporary files
	c, err := config.Load(config.Sources{Env: func(string) (string, bool) { return "", false }}) // the defaults
	if err != nil {
		return errors.Join(err, l.Close())
	}
	c.Store, c.KeyEncryptionKey = "sqlite:"+filepath.Join(folder, "dev.db"), secret.NewKey()
	var made map[string]string
	a, err := open(ctx, c, log, nil, func(random map[string]string) error {
		made = random
		return nil
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := greet(ctx, cmd.OutOrStdout(), a, made, l.public.Addr().String()); err != nil {
		return errors.Join(err, l.Close(), a.Close())
	}
	return errors.Join(l.serve(ctx, a, c, log), a.Close())
}

func checkLoopback(flag, listen string) error {
	address, err := netip.ParseAddrPort(listen)
	if err != nil {
		return fmt.Errorf("%s: %q is not an address and a port, such as 127.0.0.1:12400", flag, listen)
	}
	if !address.Addr().IsLoopback() {
		return fmt.Errorf("%s: %s is not a loopback address; dev prints passwords and is for this machine only (use serve)", flag, address.Addr())
	}
	return nil
}

// greet makes a demo user with a key, and prints all that one needs to try the server.
func greet(ctx context.Context, out io.Writer, a *app.App, builtins map[string]string, address string) error {
	const name = "demo"
	password := secret.Text(12)
	demo := user.New{Name: name, Roles: []string{string(identity.PlatformAdmin)}, Password: password, FullName: "Demo User"}
	if _, err := a.Users.Add(ctx, demo); err != nil {
		return err
	}
	made, key, err := a.Keys.CreatePlain(ctx, identity.Principal{User: name}, "made by sallyport dev", nil)
	if err != nil {
		return err
	}
	url := "http://" + address
	_, err = fmt.Fprintf(out, `
Sallyport serves a throw-away database at %[1]s (Ctrl-C ends it and forgets everything).

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

`, url, builtins[user.Admin], builtins[user.Readonly], name, password, key.Encoded(), made.ID)
	return err
}
