package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/platform/suggest"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "sallyport",
		Short:         "An identity and API-key server",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       versionLine(),
		Args:          subcommand,
		RunE:          help,
		Long: "sallyport serves the account, sign-in and API-key API of Elastic Cloud Enterprise, and the API-key family\n" +
			"of Elasticsearch. Its other commands manage users, keys and roles: on the database, also while servers run\n" +
			"on it, or on a server, with --url or --profile.",
		Example: "  sallyport dev\n  sallyport user list\n  sallyport key list --output json",
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(
		newServe(), newDev(),
		newUser(), newKeyCommand(), newRole(), newAudit(), newProfile(),
		newSigningKey(), newKeyEncryptionKey(), newSAML(),
		newBackup(), newRestore(), newMigrate(),
		newHealth(), newConformance(), newConfig(), newVersion(),
	)
	addCompletion(root)
	addHelp(root)
	root.SetFlagErrorFunc(flagError)
	root.SetGlobalNormalizationFunc(normalizeFlag)
	finish(root)
	return root
}

// completionExamples are the commands that read the scripts of completion in a shell.
var completionExamples = map[string]string{
	"bash":       "source <(sallyport completion bash)",
	"fish":       "sallyport completion fish | source",
	"powershell": "sallyport completion powershell | Out-String | Invoke-Expression",
	"zsh":        "source <(sallyport completion zsh)",
}

// addCompletion adds cobra's command for shells. Without a change it reports success for an unknown shell.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	cmd.Args, cmd.RunE = subcommand, help
	for _, shell := range cmd.Commands() {
		shell.Example = "  " + completionExamples[shell.Name()]
	}
	cmd.Example = groupExamples(cmd.Commands())
}

// addHelp adds cobra's command for help. Without a change it reports success for an unknown command.
func addHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	if cmd, _, err := root.Find([]string{"help"}); err == nil {
		cmd.Example = "  sallyport help user add"
		cmd.Args = func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil {
				return err
			}
			return subcommand(found, rest)
		}
	}
}

// finish gives a command and its subcommands what all commands have.
func finish(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return usageError(check(cmd, args)) }
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range cmd.Commands() {
		finish(sub)
	}
}

// newGroup returns a command that only has subcommands.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: subcommand, RunE: help, Example: groupExamples(commands)}
	cmd.AddCommand(commands...)
	return cmd
}

// groupExamples returns the first example of each command of a group.
func groupExamples(commands []*cobra.Command) string {
	examples := make([]string, len(commands))
	for i, cmd := range commands {
		examples[i], _, _ = strings.Cut(cmd.Example, "\n")
	}
	return strings.Join(examples, "\n")
}

// help runs a command that only groups others. Without it cobra reports success for an unknown subcommand.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// subcommand refuses what cobra has not found among the subcommands.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), suggest.Hint(args[0], names))
}

// version returns the version of this program, or "" if it was built without one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

// shownVersion is what version shows.
type shownVersion struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func currentVersion() shownVersion {
	v := shownVersion{Version: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}

// versionLine returns the version in one line.
func versionLine() string {
	v := currentVersion()
	return strings.Join(strings.Fields("sallyport "+v.Version+" "+v.Revision+" "+v.Go), " ")
}

func newVersion() *cobra.Command {
	var out printer
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		Example: "  sallyport version\n  sallyport version --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out.format == "text" {
				return printLine(cmd, "%s", versionLine())
			}
			return out.write(cmd.OutOrStdout(), currentVersion())
		},
	}
	out.addText(cmd)
	return cmd
}
