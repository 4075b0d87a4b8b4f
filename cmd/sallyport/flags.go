package main

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/suggest"
)

// flagName returns the name of a setting's flag: words are separated by dashes.
func flagName(key string) string { return strings.NewReplacer("_", "-", ".", "-").Replace(key) }

// normalizeFlag accepts the names of settings as flags, too: --plain_http and --admin.listen.
func normalizeFlag(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(flagName(name))
}

// flagError adds to the error of an unknown flag the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return usageError(err)
	}
	if unknown.GetSpecifiedShortnames() != "" { // ids of keys can begin with a dash, and the short flags are -h and -v
		return usageErrorf("%w; an argument that begins with a dash goes after --", err)
	}

	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return usageErrorf("%w%s", err, suggest.HintAfter("--", "--"+unknown.GetSpecifiedName(), names))
}

// configFlags holds --config and the flags of settings, which have the settings' names.
type configFlags struct {
	file string
	keys []string
	// defaults replace those of settings.
	defaults map[string]string
}

// add adds --config, and a flag for each setting in keys, to a command.
func (f *configFlags) add(cmd *cobra.Command, keys ...string) {
	cmd.Flags().StringVar(&f.file, "config", "", "YAML file with settings (environment: SALLYPORT_CONFIG)")
	for _, s := range config.Settings {
		if !slices.Contains(keys, s.Key) {
			continue
		}
		value, replaced := f.defaults[s.Key]
		if !replaced {
			value = s.Default
		}
		name := flagName(s.Key)
		cmd.Flags().String(name, value, strings.ReplaceAll(s.About, "`", "")+" (environment: "+s.Env()+")")
		if len(s.Values) > 0 {
			completeFlag(cmd, name, oneOf(s.Values...))
		}
		f.keys = append(f.keys, s.Key)
	}
}

func (f *configFlags) sources(cmd *cobra.Command) config.Sources {
	given := map[string]string{}
	for _, key := range f.keys {
		if flag := cmd.Flags().Lookup(flagName(key)); flag.Changed {
			given[key] = flag.Value.String()
		}
	}
	path := cmp.Or(f.file, os.Getenv("SALLYPORT_CONFIG"))
	return config.Sources{Defaults: f.defaults, Flags: given, Env: os.LookupEnv, File: path}
}

// load reads the configuration of a command that does not serve.
func (f *configFlags) load(cmd *cobra.Command) (config.Config, error) {
	warnUnknownVariables(cmd)
	c, err := config.Load(f.sources(cmd))
	return c, usageError(err)
}

// choice is the value of a flag that accepts some texts only.
type choice struct {
	value   *string
	choices []string
}

// String implements pflag.Value.
func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set implements pflag.Value.
func (c choice) Set(text string) error {
	if !slices.Contains(c.choices, text) {
		return errors.New("this must be one of " + strings.Join(c.choices, ", "))
	}
	*c.value = text
	return nil
}

// Type implements pflag.Value.
func (c choice) Type() string { return "string" }

// addOutput adds --output with some formats, the first of them by default.
func addOutput(cmd *cobra.Command, value *string, about string, formats ...string) {
	*value = formats[0]
	cmd.Flags().Var(choice{value, formats}, "output", about+": "+strings.Join(formats, ", "))
	completeFlag(cmd, "output", oneOf(formats...))
}

// warnUnknownVariables prints the environment variables that no setting has. They are printed before an error of the
// configuration, because a setting may be missing for a mistake in its variable's name.
func warnUnknownVariables(cmd *cobra.Command) {
	for _, name := range config.Ignored(os.Environ()) {
		warn(cmd, "unknown setting: %s%s", name, suggest.HintAfter("SALLYPORT_", name, config.Variables()))
	}
}
