package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/seed"
)

// summary is what a user or a script needs to use a temporary server.
type summary struct {
	URL              string      `json:"url"`
	AdminPassword    string      `json:"admin_password"`
	ReadonlyPassword string      `json:"readonly_password"`
	ControlToken     string      `json:"control_token"`
	Demo             *demo       `json:"demo,omitempty"`
	Keys             []seededKey `json:"api_keys,omitempty"`

	configured configured
}

// configured reports which secrets the configuration has. The text, which ends up on screens and in logs, does not have
// them; what scripts read does.
type configured struct{ admin, readonly, token bool }

// shown returns what the text has for a secret.
func shown(secret string, configured bool) string {
	if configured {
		return "(the configured one)"
	}
	return secret
}

// adminLogin returns the argument of curl for the user admin. Without a password, curl asks for it.
func (s *summary) adminLogin() string {
	if s.configured.admin {
		return user.Admin
	}
	return "'" + user.Admin + ":" + s.AdminPassword + "'"
}

// demo is the user that a server without a seed has.
type demo struct {
	User     string `json:"user"`
	Password string `json:"password"`
	KeyID    string `json:"api_key_id"`
	APIKey   string `json:"api_key"`
}

// seededKey is a key of the seed, as it is sent.
type seededKey struct {
	User   string `json:"user"`
	Name   string `json:"name"`
	APIKey string `json:"api_key"`
}

func (s *summary) addSeed(data seed.Seed) {
	for _, k := range data.Keys {
		s.Keys = append(s.Keys, seededKey{User: k.User, Name: k.Name, APIKey: k.Encoded()})
	}
}

// summaryFormat writes a summary.
type summaryFormat func(io.Writer, summary) error

// summaryWriters are the writers of the formats.
var summaryWriters = map[string]summaryFormat{"text": writeText, "env": writeEnv, "json": writeJSON}

func writeJSON(out io.Writer, s summary) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(s)
}

// writeEnv writes assignments that a shell evaluates.
func writeEnv(out io.Writer, s summary) error {
	lines := [][2]string{
		{"URL", s.URL}, {"ADMIN_PASSWORD", s.AdminPassword}, {"READONLY_PASSWORD", s.ReadonlyPassword},
		{"CONTROL_TOKEN", s.ControlToken},
	}
	if d := s.Demo; d != nil {
		lines = append(lines, [2]string{"USER", d.User}, [2]string{"PASSWORD", d.Password}, [2]string{"API_KEY", d.APIKey},
			[2]string{"API_KEY_ID", d.KeyID})
	}
	for i, k := range s.Keys {
		name := "API_KEY"
		if i > 0 {
			name = fmt.Sprintf("API_KEY_%d", i+1)
		}
		lines = append(lines, [2]string{name, k.APIKey})
	}
	for _, line := range lines {
		quoted := "'" + strings.ReplaceAll(line[1], "'", `'\''`) + "'"
		if _, err := fmt.Fprintf(out, "export SALLYPORT_DEV_%s=%s\n", line[0], quoted); err != nil {
			return err
		}
	}
	return nil
}

func writeText(out io.Writer, s summary) error {
	if _, err := fmt.Fprintf(out, `
Sallyport serves a temporary database at %[1]s (Ctrl-C stops it, and the database is gone).

  console         %[1]s/console/
  API reference   %[1]s/docs/
  built-in users  admin     %[2]s
                  readonly  %[3]s
  control token   %[4]s
`, s.URL, shown(s.AdminPassword, s.configured.admin), shown(s.ReadonlyPassword, s.configured.readonly),
		shown(s.ControlToken, s.configured.token)); err != nil {
		return err
	}
	if s.Demo == nil {
		return writeSeeded(out, s)
	}
	_, err := fmt.Fprintf(out, `  demo user       %[3]s      %[4]s  (a platform admin)
  demo API key    %[5]s

Try:

  curl -u %[2]s %[1]s/api/v1/account
  curl -H 'Authorization: ApiKey %[5]s' %[1]s/api/v1/users/auth/keys
  curl -H 'Authorization: ApiKey %[5]s' '%[1]s/_security/api_key?pretty'
  curl -u '%[3]s:%[4]s' -H 'Content-Type: application/json' -d '{"ids": ["%[6]s"], "metadata": {"team": "search"}}' '%[1]s/_security/api_key/_bulk_update?pretty'
  curl -H 'Content-Type: application/json' -d '{"username": "%[3]s", "password": "%[4]s"}' %[1]s/api/v1/users/auth/_login

`, s.URL, s.adminLogin(), s.Demo.User, s.Demo.Password, s.Demo.APIKey, s.Demo.KeyID)
	return err
}

// writeSeeded writes the keys of the seed, the encoded form of which its author may not have.
func writeSeeded(out io.Writer, s summary) error {
	for _, k := range s.Keys {
		if _, err := fmt.Fprintf(out, "  API key         %s  %s (%s)\n", k.APIKey, k.Name, k.User); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "\nTry:\n\n  curl -u %s %s/api/v1/account\n\n", s.adminLogin(), s.URL)
	return err
}
