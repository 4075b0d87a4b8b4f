package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/http/control"
	"github.com/sallyport/sallyport/impl/http/controlapi"
	"github.com/sallyport/sallyport/impl/platform/logging"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/seed"
)

// devOptions holds the flags of dev that are not settings.
type devOptions struct {
	seed, output, readyFile string
	// deterministic is the seed of a deterministic server; nil for others.
	deterministic *uint64
}

// devDefaults are the settings that dev has other defaults for: several may run on a machine.
var devDefaults = map[string]string{"admin.listen": ""}

// devIgnored are the settings of the database that serve keeps. dev makes another, and a key for it.
var devIgnored = []string{"store", "key_encryption_key", "key_encryption_key_fallback"}

// startText is the time at which the clock of a deterministic server stands at first.
var startText = control.DeterministicStart.Format(time.RFC3339)

func newDev() *cobra.Command {
	flags := configFlags{defaults: devDefaults}
	var options devOptions
	var randomSeed uint64
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Serve a temporary database, with a demo user and an API key, for trying it and for tests",
		Long: "dev serves a new database in memory, and prints credentials for it. Settings are those of serve, except\n" +
			"for the database. Without --seed it adds a demo user with an API key. Programs that have the control token,\n" +
			"which is printed or SALLYPORT_DEV_CONTROL_TOKEN, set the clock, inject faults, and reset the server: see\n" +
			"api/control.yaml.\n\n" +
			"With --deterministic, the same requests, one after the other, get the same answers, to the byte: ids, keys,\n" +
			"passwords and tokens are made from a seed, and the clock stands at " + startText + " until a test\n" +
			"advances it. They can be predicted, so this is for tests only. The control token is never made so.",
		Example: "  sallyport dev\n" +
			"  sallyport dev --seed seed.yaml --output json --ready-file ready\n" +
			"  SALLYPORT_ADMIN_PASSWORD=chosen-by-hand sallyport dev --listen 0.0.0.0:12400 --plain-http true",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("deterministic") {
				options.deterministic = &randomSeed
			}
			return dev(cmd, flags.sources(cmd), options)
		},
	}
	flags.add(cmd, "listen", "admin.listen", "plain_http", "compatibility.elasticsearch", "compatibility.ece")
	cmd.Flags().StringVar(&options.seed, "seed", "",
		"YAML file with the users, roles and API keys to start with, in place of the demo user")
	addOutput(cmd, &options.output, "how credentials are printed, env as variables for a shell", "text", "env",
		"json")
	cmd.Flags().StringVar(&options.readyFile, "ready-file", "",
		"file to create with the server's URL when it is ready; deleted at the end")
	cmd.Flags().Uint64Var(&randomSeed, "deterministic", 0,
		"make ids, keys and tokens from a seed, which is 0 if none is given, and freeze the clock")
	cmd.Flags().Lookup("deterministic").NoOptDefVal = "0"
	return cmd
}

func dev(cmd *cobra.Command, sources config.Sources, options devOptions) error {
	c, err := devConfig(cmd, sources)
	if err != nil {
		return err
	}
	data, err := readSeed(options.seed)
	if err != nil {
		return err
	}
	token, err := controlToken()
	if err != nil {
		return err
	}

	// A temporary server often ends because its terminal is closed.
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
	defer stop()

	lines := logging.NewBuffer(cmd.ErrOrStderr())
	defer lines.Close()
	log := slog.New(logging.NewHandler(lines, c.LogLevel, c.LogFormat))
	l, err := listen(ctx, c.Listen, c.AdminListen, log)
	if err != nil {
		return err
	}
	if l, err = l.secure(c, log); err != nil {
		return errors.Join(err, l.Close())
	}

	d, printed, err := openDev(ctx, c, data, options.deterministic, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	printed.URL, printed.ControlToken, printed.configured.token = l.url(), token, os.Getenv(controlTokenVariable) != ""
	handler, err := d.controlled(token, c, log)
	if err == nil {
		err = announce(cmd, printed, summaryWriters[options.output], options.readyFile)
	}
	if err != nil {
		return errors.Join(err, l.Close(), d.Close())
	}
	if options.readyFile != "" {
		defer os.Remove(options.readyFile) //nolint:errcheck // a script may have removed it
	}
	return errors.Join(l.serve(ctx, served{handler: handler, metrics: d.metrics(), ready: d.ready}, c, log), d.Close())
}

// controlTokenVariable is the environment variable with the token of the control API. It is no flag, because other
// users of the machine could read that.
const controlTokenVariable = "SALLYPORT_DEV_CONTROL_TOKEN" //nolint:gosec // the name of a variable

// controlToken returns the given or a new token.
func controlToken() (string, error) {
	token := os.Getenv(controlTokenVariable)
	if token == "" {
		return secret.Text(18), nil
	}
	if len(token) < controlapi.MinToken {
		return "", usageErrorf("%s: this must have at least %d characters", controlTokenVariable, controlapi.MinToken)
	}
	return token, nil
}

// devConfig returns the configuration without a store. It warns about settings that dev ignores.
func devConfig(cmd *cobra.Command, sources config.Sources) (config.Config, error) {
	warnUnknownVariables(cmd)
	c, err := config.Load(sources)
	if err != nil {
		return c, usageErrorf("invalid configuration:\n%w", err)
	}
	for _, key := range config.Given(sources, devIgnored...) {
		warn(cmd, "%s: dev has a database of its own, and ignores this setting", key)
	}
	return c, nil
}

// readSeed reads a seed file, or returns nil if there is none.
func readSeed(path string) (*seed.Seed, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the caller chooses the path
	if err != nil {
		return nil, usageErrorf("--seed: %w", err)
	}
	s, err := seed.Read(text)
	if err != nil {
		return nil, usageErrorf("--seed: %s:\n%w", path, err)
	}
	return &s, nil
}

// devServer is the server under control. Its app is replaced when it is reset.
type devServer struct{ *control.Server }

// ready returns an error if no request that needs the store can be served.
func (d devServer) ready(ctx context.Context) error {
	return d.Do(func(a *app.App) error { return a.Ready(ctx) })
}

// metrics returns the handler of the metrics.
func (d devServer) metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = d.Do(func(a *app.App) error { // the function returns none
			a.Metrics.ServeHTTP(w, r)
			return nil
		})
	})
}

// controlled returns the handler of the server and its control API.
func (d devServer) controlled(token string, c config.Config, log *slog.Logger) (http.Handler, error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return controlapi.New(controlapi.Config{Server: d.Server, Token: token, Host: host, Log: log})
}

// openDev opens the server and adds the seed, or else the demo user. The server is deterministic unless the number is
// nil.
func openDev(
	ctx context.Context, c config.Config, data *seed.Seed, deterministic *uint64, log *slog.Logger,
) (devServer, summary, error) {
	generated := map[string]string{}
	settings := app.FromConfig(c, secret.NewKey(), log)
	settings.Builtins.Keep = func(passwords map[string]string) error {
		generated = passwords
		return nil
	}
	s, err := openControlled(ctx, settings, deterministic)
	if err != nil {
		return devServer{}, summary{}, err
	}

	printed := summary{
		AdminPassword:    cmp.Or(generated[user.Admin], c.AdminPassword),
		ReadonlyPassword: cmp.Or(generated[user.Readonly], c.ReadonlyPassword),
		configured:       configured{admin: c.AdminPassword != "", readonly: c.ReadonlyPassword != ""},
	}
	err = s.Do(func(a *app.App) (err error) {
		if data == nil {
			printed.Demo, err = addDemo(ctx, a, s.Random())
			return err
		}
		printed.addSeed(*data)
		return data.Apply(ctx, a)
	})
	if err == nil {
		err = s.Start(ctx)
	}
	if err != nil {
		return devServer{}, summary{}, errors.Join(err, s.Close())
	}
	return devServer{s}, printed, nil
}

// openControlled opens the server without records.
func openControlled(ctx context.Context, settings app.Settings, deterministic *uint64) (*control.Server, error) {
	if deterministic == nil {
		return control.Open(ctx, settings, control.Snapshot{})
	}
	settings.Log.WarnContext(ctx, "passwords, keys and tokens can be predicted: for tests only", "seed", *deterministic)
	return control.OpenDeterministic(ctx, settings, *deterministic)
}

// addDemo adds a demo user with an API key.
func addDemo(ctx context.Context, a *app.App, random secret.Source) (*demo, error) {
	d := demo{User: "demo", Password: random.Text(12)}
	if _, err := a.Users.Add(ctx, user.New{
		Name:     d.User,
		Roles:    []string{string(identity.PlatformAdmin)},
		Password: d.Password,
		FullName: "Demo User",
	}); err != nil {
		return nil, err
	}
	created, key, err := a.Keys.CreatePlain(ctx, identity.Principal{User: d.User}, "made by sallyport dev", nil)
	d.KeyID, d.APIKey = created.ID, key.Encoded()
	return &d, err
}

// announce prints the summary, and creates the file that says that the server is ready.
func announce(cmd *cobra.Command, s summary, write summaryFormat, readyFile string) error {
	if err := write(cmd.OutOrStdout(), s); err != nil {
		return err
	}
	if readyFile == "" {
		return nil
	}

	if err := writeReadyFile(readyFile, s.URL+"\n"); err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}

// writeReadyFile creates a file as a whole: a reader must never find a part of it. In a folder that other users can
// write to, a file with a known name could be a symbolic link of theirs.
func writeReadyFile(path, text string) error {
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-")
	if err != nil {
		return err
	}
	_, err = part.WriteString(text)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}
