package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

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
	root.AddCommand(
		newServe(), newDev(),
		newUser(), newAPIKey(), newSigningKey(), newKeyEncryptionKey(), newAudit(), newSAML(),
		newBackup(), newRestore(), newMigrate(),
		newHealth(), newConformance(), newConfig(), newVersion(),
	)
	return root
}

// newGroup returns a command that only has subcommands.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(commands...)
	return cmd
}

// help runs a command that only groups others. Without it cobra reports success for an unknown subcommand.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// configFlags holds --config and the flags of settings, which have the settings' names.
type configFlags struct {
	file  string
	names []string
	// defaults replace those of settings.
	defaults map[string]string
}

// add adds --config, and a flag for each setting in keys, to a command.
func (f *configFlags) add(cmd *cobra.Command, keys ...string) {
	cmd.Flags().StringVar(&f.file, "config", "", "YAML file with settings (environment: SALLYPORT_CONFIG)")
	for _, s := range config.Settings {
		for _, key := range keys {
			if s.Key == key {
				value, replaced := f.defaults[key]
				if !replaced {
					value = s.Default
				}
				cmd.Flags().String(key, value, strings.ReplaceAll(s.About, "`", "")+" (environment: "+s.Env()+")")
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
	path := cmp.Or(f.file, os.Getenv("SALLYPORT_CONFIG"))
	return config.Sources{Defaults: f.defaults, Flags: given, Env: os.LookupEnv, File: path}
}

// warnUnknownVariables prints the environment variables that no setting has. They are printed before an error of the
// configuration, because a setting may be missing for a mistake in its variable's name.
func warnUnknownVariables(cmd *cobra.Command) {
	for _, name := range config.Ignored(os.Environ()) {
		cmd.PrintErrf("warning: unknown setting: %s\n", name)
	}
}

func newConfig() *cobra.Command {
	var flags configFlags
	check := &cobra.Command{
		Use:   "check",
		Short: "Report all errors of the configuration, or print the effective values",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return checkConfig(cmd, flags.sources(cmd)) },
	}
	flags.add(check, "listen", "admin.listen", "tls.certificate", "tls.key", "plain_http", "store")
	return newGroup("config", "Check and show the configuration", check)
}

func checkConfig(cmd *cobra.Command, sources config.Sources) error {
	warnUnknownVariables(cmd)

	c, err := config.Load(sources)
	if err == nil {
		err = c.Servable()
	}
	if err != nil {
		return fmt.Errorf("invalid configuration:\n%w", err)
	}
	for _, file := range c.Exposed {
		cmd.PrintErrf("warning: %s: every user of this machine can read %s, which holds a secret\n", file.Setting, file.Path)
	}

	values, err := config.Effective(sources)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, s := range config.Settings {
		rows = append(rows, []string{s.Key, values[s.Key]})
	}
	return printTable(cmd.OutOrStdout(), rows)
}

// version returns the version of this program, or "" if it was built without one.
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
		Short: "Print the version of this program",
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
			return printLine(cmd, "sallyport %s%s %s", info.Main.Version, revision, info.GoVersion)
		},
	}
}
