package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/config"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "sallyport",
		Short:         "An identity and API-key server",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          help,
	}
	root.AddCommand(newServe(), newDev(), newUser(), newAPIKey(), newSigningKey(), newKeyEncryptionKey(), newAudit(), newSAML(), newBackup(), newRestore(), newMigrate(), newConfig(), newVersion())
	return root
}

// help is what a command does that only groups others. Without it cobra would let a misspelled command succeed.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// configFlags are the flags that set something; each is called like its setting.
type configFlags struct {
	file  string
	names []string
}

// add gives a command --config and a flag for each named setting.
func (f *configFlags) add(cmd *cobra.Command, keys ...string) {
	cmd.Flags().StringVar(&f.file, "config", "", "YAML file with settings (environment: SALLYPORT_CONFIG)")
	for _, s := range config.Settings {
		for _, key := range keys {
			if s.Key == key {
				cmd.Flags().String(key, s.Default, strings.ReplaceAll(s.About, "`", "")+" (environment: "+s.Env()+")")
				f.names = append(f.names, key)
			}
		}
	}
}

func (f *configFlags) sources(cmd *cobra.Command) config.Sources {
	given := map[string]string{}
	for _, name := range f.names {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			given[name] = flag.Value.String()
		}
	}
	path := f.file
	if path == "" {
		path = os.Getenv("SALLYPORT_CONFIG")
	}
	return config.Sources{Flags: given, Env: os.LookupEnv, File: path}
}

// inSeconds has JSON tell a duration in seconds, and its name say so: a mere number has no unit.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
}

func newLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		options.ReplaceAttr = inSeconds
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// noteIgnored tells which variables are misspelt. It comes before what is wrong: they may be why something is missing.
func noteIgnored(cmd *cobra.Command) {
	for _, name := range config.Ignored(os.Environ()) {
		cmd.PrintErrf("note: %s is set, and no setting is called so\n", name)
	}
}

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Look at the configuration", Args: cobra.NoArgs, RunE: help}
	var flags configFlags
	check := &cobra.Command{
		Use:   "check",
		Short: "Report everything that is wrong with the configuration, or what it comes to",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			noteIgnored(cmd)
			from := flags.sources(cmd)
			c, err := config.Load(from)
			if err == nil {
				err = c.Servable()
			}
			if err != nil {
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
			}
			for _, file := range c.Exposed {
				cmd.PrintErrf("note: %s: every user of this machine can read %s, which holds a secret\n", file.Setting, file.Path)
			}
			values, err := config.Effective(from)
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range config.Settings {
				if _, err := fmt.Fprintf(table, "%s\t%s\n", s.Key, values[s.Key]); err != nil {
					return err
				}
			}
			return table.Flush()
		},
	}
	flags.add(check, "listen", "admin.listen", "tls.certificate", "tls.key", "plain_http", "store")
	cmd.AddCommand(check)
	return cmd
}

// version is that of this program, empty if it was built without.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what this program was built from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("this program was built without build information")
			}
			revision := ""
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					revision = " " + s.Value
				}
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "sallyport %s%s %s\n", info.Main.Version, revision, info.GoVersion)
			return err
		},
	}
}
