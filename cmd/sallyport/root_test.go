package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Ensures that "config check" prints the effective settings without secrets.
func TestConfigCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	writeFile(t, path, "session:\n  idle: 10m\nadmin_password: from the file\nlog.level: debug\n")
	o := run(t, invocation{
		args: []string{"config", "check", "--listen", "127.0.0.1:1"},
		env: []string{"SALLYPORT_CONFIG=" + path, "SALLYPORT_LISTEN=127.0.0.1:2",
			"SALLYPORT_READONLY_PASSWORD=from the environment", usernameVariable + "=demo"},
	})
	if o.code != 0 || o.stderr != "" {
		t.Fatalf("exit code %d: %s", o.code, o.stderr)
	}
	settings := map[string]string{}
	for line := range strings.Lines(o.stdout) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		settings[key] = strings.TrimSpace(value)
	}
	for key, want := range map[string]string{
		"listen": "127.0.0.1:1", "store": "sqlite:sallyport.db", "session.idle": "10m", "session.absolute": "12h0m0s",
		"log.level": "debug", "admin_password": "(hidden)", "readonly_password": "(hidden)", "key_encryption_key": "-",
	} {
		if settings[key] != want {
			t.Errorf("%s is shown as %q; want %q", key, settings[key], want)
		}
	}
	wantSilence(t, o.stdout, "from the file", "from the environment")
}

// Ensures that "config check" and "serve" report all errors at once.
func TestConfigCheck_Wrong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	writeFile(t, path,
		"lissen: x\nadmin_password: short\nsession:\n  idle: soon\ntrusted_proxies: [10.0.0.0/8, 300.0.0.0/8]\n")
	for _, command := range [][]string{{"config", "check"}, {"serve"}} {
		o := run(t,
			invocation{
				args: append(command, "--config", path, "--listen", "nowhere"), env: []string{"SALLYPORT_LOG_LEVEL=loud"},
			})
		if o.code != exitUsage || o.stdout != "" {
			t.Errorf("%v: exit code %d and the output %q; want %d and none", command, o.code, o.stdout, exitUsage)
		}
		for _, want := range []string{
			"lissen: unknown setting", `session.idle: "soon"`, `listen: "nowhere"`, `trusted_proxies: "300.0.0.0/8"`,
			`log.level: "loud"`, "admin_password: a password ", path,
		} {
			if !strings.Contains(o.stderr, want) {
				t.Errorf("%v does not say %q:\n%s", command, want, o.stderr)
			}
		}
		wantSilence(t, o.stderr, "short\n", "Usage")
	}
}

// Ensures that "version" prints one line with the program's and the compiler's versions.
func TestVersion(t *testing.T) {
	t.Parallel()
	o := run(t, invocation{args: []string{"version"}})
	if o.code != 0 || o.stderr != "" || !regexp.MustCompile(`^sallyport \S+.* go1\.\d+\S*\n$`).MatchString(o.stdout) {
		t.Errorf("exit code %d, output %q, %q", o.code, o.stdout, o.stderr)
	}
}

// Ensures that an unknown command fails: a script must not take the help for success.
func TestUnknownCommands(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"sevre"}, {"user", "dissable", "alice"}, {"config", "chek"}, {"serve", "now"}, {"completion", "basj"},
		{"help", "usr"}, {"help", "user", "ad"}, {"help", "serve", "now"},
	} {
		wantMistake(t, run(t, invocation{args: args}), "unknown command")
	}
	wantMistake(t, run(t, invocation{args: []string{"help", "usr"}}), "did you mean user?")
	for _, args := range [][]string{
		{}, {"user"}, {"config"}, {"--help"}, {"help"}, {"help", "user"}, {"help", "user", "add"}, {"help", "help"},
	} {
		if o := run(t, invocation{args: args}); o.code != 0 || !strings.Contains(o.stdout, "Usage:") {
			t.Errorf("%v: exit code %d and the output %q; want the help", args, o.code, o.stdout)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
