package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/platform/strictyaml"
	"github.com/sallyport/sallyport/impl/platform/suggest"
)

// profile is a server in the profiles' file. It holds no secret, but where to find it.
type profile struct {
	Name         string `json:"name"`
	URL          string `json:"url"`
	CA           string `json:"ca,omitempty"`
	Username     string `json:"username,omitempty"`
	PasswordFile string `json:"password_file,omitempty"`
	PasswordEnv  string `json:"password_env,omitempty"`
	APIKeyFile   string `json:"api_key_file,omitempty"`
	APIKeyEnv    string `json:"api_key_env,omitempty"`
	PlainHTTP    bool   `json:"plain_http,omitempty"`
}

func (p profile) apiKey() secretSource   { return secretSource{p.APIKeyEnv, p.APIKeyFile} }
func (p profile) password() secretSource { return secretSource{p.PasswordEnv, p.PasswordFile} }

// namesCredentials reports whether the profile says where credentials are.
func (p profile) namesCredentials() bool {
	return p.Username != "" || p.apiKey() != (secretSource{}) || p.password() != (secretSource{})
}

// source returns where the credentials come from, for a table.
func (p profile) source() string {
	switch {
	case p.APIKeyFile != "" || p.APIKeyEnv != "":
		return "API key from " + cmp.Or(p.APIKeyFile, "$"+p.APIKeyEnv)
	case p.PasswordFile != "" || p.PasswordEnv != "":
		return p.Username + ", password from " + cmp.Or(p.PasswordFile, "$"+p.PasswordEnv)
	case p.Username != "":
		return p.Username + ", asks for the password"
	}
	return "environment"
}

// profilesFile returns the path of the file with the profiles.
func profilesFile() (string, error) {
	if path := os.Getenv(clientConfigVariable); path != "" {
		return path, nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for the profiles, set %s: %w", clientConfigVariable, err)
	}
	return filepath.Join(folder, "sallyport", "profiles.yaml"), nil
}

// readProfiles reads all profiles. Without a file there are none. A file that every user can write to is refused: they
// could have credentials sent to a server of theirs.
func readProfiles() ([]profile, string, error) {
	path, err := profilesFile()
	if err != nil {
		return nil, "", err
	}
	if err := secret.CheckWriters(path); err != nil {
		return nil, path, err
	}
	text, err := os.ReadFile(path) //nolint:gosec // the user chooses the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, path, nil
	}
	if err != nil {
		return nil, path, err
	}
	profiles, err := parseProfiles(text, filepath.Dir(path))
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return profiles, path, err
}

// parseProfiles reads profiles. Paths of files are relative to a folder.
func parseProfiles(text []byte, folder string) ([]profile, error) {
	top, err := strictyaml.Read(text, "profiles")
	if err != nil {
		return nil, err
	}

	var profiles []profile
	for s := range top.Sections("profiles", "name", "url", "ca", "username", "password_file", "password_env",
		"api_key_file", "api_key_env", "plain_http") {
		file := func(name string) string {
			path := s.Text(name)
			if path == "" || filepath.IsAbs(path) {
				return path
			}
			return filepath.Join(folder, path)
		}
		p := profile{
			Name:         s.Required("name"),
			URL:          s.Required("url"),
			CA:           file("ca"),
			Username:     s.Text("username"),
			PasswordFile: file("password_file"),
			PasswordEnv:  s.Text("password_env"),
			APIKeyFile:   file("api_key_file"),
			APIKeyEnv:    s.Text("api_key_env"),
			PlainHTTP:    s.Boolean("plain_http", false),
		}
		if slices.ContainsFunc(profiles, func(other profile) bool { return other.Name == p.Name }) {
			s.Bad("name", "another profile has this name")
		}
		checkSources(s, p)
		profiles = append(profiles, p)
	}
	return profiles, top.Err()
}

// checkSources adds the mistakes in what a profile says about credentials.
func checkSources(s strictyaml.Section, p profile) {
	if u, err := url.Parse(p.URL); err == nil && u.User != nil {
		s.Bad("url", "this must not contain a user or a password; set username and password_file")
	}
	if p.PasswordFile != "" && p.PasswordEnv != "" {
		s.Bad("password_env", "set this or password_file")
	}
	if p.APIKeyFile != "" && p.APIKeyEnv != "" {
		s.Bad("api_key_env", "set this or api_key_file")
	}
	hasKey, hasPassword := p.apiKey() != (secretSource{}), p.password() != (secretSource{})
	if hasKey && (p.Username != "" || hasPassword) {
		s.Bad("username", "set an API key, or a user and a password")
	}
	if hasPassword && p.Username == "" {
		s.Bad("username", "this is missing beside the password")
	}
}

// findProfile returns the profile with a name.
func findProfile(name string) (profile, error) {
	profiles, path, err := readProfiles()
	if err != nil {
		return profile{}, err
	}
	names := make([]string, len(profiles))
	for i, p := range profiles {
		if names[i] = p.Name; p.Name == name {
			return p, nil
		}
	}
	return profile{}, fmt.Errorf("there is no profile %q in %s%s", name, path, suggest.Hint(name, names))
}

// completeProfiles completes the names of profiles.
func completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	profiles, _, err := readProfiles()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newProfile() *cobra.Command {
	var out printer
	list := &cobra.Command{
		Use:   "list",
		Short: "List the profiles: servers that commands work on with --profile",
		Long: "list reads profiles.yaml in the folder sallyport of the user's configuration folder, such as\n" +
			"~/.config/sallyport/profiles.yaml, or the file that " + clientConfigVariable + " names.",
		Example: "  sallyport profile list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			profiles, path, err := readProfiles()
			if err != nil {
				return usageError(err)
			}
			if len(profiles) == 0 {
				note(cmd, "there are no profiles in %s", path)
			}
			rows := [][]string{{"NAME", "URL", "CREDENTIALS"}}
			for _, p := range profiles {
				rows = append(rows, []string{p.Name, p.URL, p.source()})
			}
			return out.print(cmd, orEmpty(profiles), rows)
		},
	}
	out.add(list)
	return newGroup("profile", "Show the servers that commands can work on", list)
}
