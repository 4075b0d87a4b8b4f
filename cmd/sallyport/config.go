package main

import (
	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/config"
)

// serverSettings are the settings with flags of the commands about a server's configuration.
var serverSettings = []string{"listen", "admin.listen", "tls.certificate", "tls.key", "plain_http", "store"}

func newConfig() *cobra.Command {
	var flags configFlags
	var out printer
	check := &cobra.Command{
		Use:   "check",
		Short: "Report all errors of the configuration, or print the effective values",
		Long: "check refuses each configuration that serve refuses, and creates nothing. It does not connect to a\n" +
			"PostgreSQL server, nor open a database of an earlier version. Secrets are not shown.",
		Example: "  sallyport config check\n  SALLYPORT_LOG_LEVEL=debug sallyport config check --output yaml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return checkConfig(cmd, flags.sources(cmd), out) },
	}
	flags.add(check, serverSettings...)
	out.add(check)
	return newGroup("config", "Check and show the configuration", check)
}

func checkConfig(cmd *cobra.Command, sources config.Sources, out printer) error {
	warnUnknownVariables(cmd)

	c, err := serverConfig(sources)
	if err != nil {
		return err
	}
	if err := checkStart(cmd, c); err != nil {
		return usageError(err)
	}
	for _, file := range c.Exposed {
		warn(cmd, "%s: every user of this machine can read %s, which holds a secret", file.Setting, file.Path)
	}

	values, err := config.Effective(sources)
	if err != nil {
		return err
	}
	rows := [][]string{{"SETTING", "VALUE"}}
	for _, s := range config.Settings {
		rows = append(rows, []string{s.Key, values[s.Key]})
	}
	return out.print(cmd, values, rows)
}
