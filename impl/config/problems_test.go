package config

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
)

// problem returns the text of Load's error, or fails the test if there is none.
func problem(t *testing.T, from Sources) string {
	t.Helper()
	if from.Env == nil {
		from.Env = environ{}.lookup
	}
	_, err := Load(from)
	if err == nil {
		t.Fatalf("%+v is accepted", from)
	}
	return err.Error()
}

// Ensures that all errors are reported at once, one per line.
func TestLoad_AllProblems(t *testing.T) {
	t.Parallel()
	path := write(t,
		"lissen: x\nlog:\n  colour: red\nsession:\n  idle: soon\n  grace: -1s\ntrusted_proxies: [10.0.0.0/8, ten, "+
			"10.0.0.1]\n")
	got := problem(t, Sources{
		File: path,
		Env: environ{
			"SALLYPORT_LOG_LEVEL": "loud", "SALLYPORT_LOG_FORMAT": "xml", "SALLYPORT_ADMIN_PASSWORD": "1234567",
			"SALLYPORT_KEY_ENCRYPTION_KEY": "?",
		}.lookup,
		Flags: map[string]string{"listen": "nowhere", "store": "mysql:x"},
	})
	want := []string{
		"lissen: unknown setting; did you mean listen? (in " + path + ")",
		"log.colour: unknown setting (in " + path + ")",
		`listen: "nowhere" is not an address and a port, such as 127.0.0.1:12400`,
		"store: this is not sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or none; libpq's key=value form is " +
			"not taken",
		"admin_password: a password has at least 8 characters; choose a longer one",
		"key_encryption_key: this must be 32 bytes in base64, such as the output of: openssl rand -base64 32",
		`session.idle: "soon" is not a positive duration such as 30m`,
		`session.grace: "-1s" is not a positive duration such as 30m`,
		`trusted_proxies: "ten" is not a network such as 10.0.0.0/8`,
		`trusted_proxies: "10.0.0.1" is not a network such as 10.0.0.0/8`,
		`log.level: "loud" is not one of debug, info, warn, error`,
		`log.format: "xml" is not one of text, json`,
	}
	if got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// Ensures for each setting that invalid values are refused by an error that names the setting.
func TestLoad_BadValues(t *testing.T) {
	t.Parallel()
	for key, values := range map[string][]string{
		"listen": {"", "12400", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:",
			"127.0.0.1:http", "a:b:c"},
		"admin.hosts":     {"a:12490", "http://a", "*.example.org", "a b"},
		"admin.listen":    {"12490", "127.0.0.1", "127.0.0.1:99999", "off"},
		"tls.certificate": {"tls.crt"},
		"tls.key":         {"tls.key"},
		"plain_http":      {"", "yes", "1", "True"},
		"store": {"", "sqlite:", "sqlite", "None", "postgres:x", "mysql://x", "postgres://a:p%@x",
			"postgres://a:p@b@x"},
		"admin_password":    {"1234567", "password", strings.Repeat("x", 1025), "äöüäöüä"},
		"readonly_password": {"1234567"},
		"key_encryption_key": {"x", "bm90IDMyIGJ5dGVz", key('k') + "A",
			base64.URLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 32)))},
		"session.idle":                   {"", "0s", "-1m", "30", "1 hour", "13h"},
		"session.absolute":               {"0", "1d", "29m"},
		"session.grace":                  {"0s", "soon"},
		"session.key_rotation":           {"", "-1h", "30d", "59m59s"},
		"session.issuers":                {"", "a,", "a,a", "a b", "a\tb", "1:b", `a"b`, "ü", strings.Repeat("x", 257)},
		"session.audiences":              {"", ",a", "a, a", "1,2,3,4,5,6,7,8,9", `a\b`, "a\x00"},
		"elevation.policy":               {"", "Enrolled", "sometimes"},
		"elevation.length":               {"", "0s", "-1m", "15", "60m1s", "61m"},
		"compatibility.ece":              {"", "4", "4.2.0", "3.8,4.2", "Sallyport"},
		"compatibility.ece_content_type": {"", "json", "Strict", "curl,strict"},
		"compatibility.elasticsearch":    {"", "9", "9.4", "9.5.0", "8.19, 9.5"},
		"lockout.failures":               {"", "0", "-1", "+1", "1.5", "ten", "0x10", "2147483648"},
		"lockout.base":                   {"", "0s", "-1s", "30", "15m1s"},
		"lockout.max":                    {"", "0s", "a day", "29s"},
		"lockout.address_failures":       {"", "0", "-1", "1e2", "99999999999999999999"},
		"cache.lifetime":                 {"", "-1s", "5", "5001ms"},
		"audit.retention":                {"", "-1h", "30d", "23h59m"},
		"api_keys.max_per_user":          {"", "0", "-1", "many"},
		"api_keys.max_lifetime":          {"", "-1h", "90d"},
		"lockout.address_recovery":       {"", "0s", "1"},
		"saml.realms":                    {"testdata/nothing.yaml", "testdata"},
		"sso.return_urls": {"app.example", "ftp://app.example/", "http://app.example/", "https://u@app.example/",
			"https://app.example/?", "https://app.example/?a=b", "https://app.example/#", "https://app.example",
			"https://App.example/", "https://app.example:443/", "https://app.example:/", "http://127.0.0.1:80/",
			"https://app.example/a b", "https://app.example/é", "https://app.example/\\\\",
			"https://app.example/" + strings.Repeat("a", 512), "https:///", "https://app.example/,nothing"},
		"trusted_proxies":     {"10.0.0.1", "10.0.0.0/33", "10.0.0.0/8;10.1.0.0/16"},
		"drain_delay":         {"", "-1s", "5"},
		"response_validation": {"", "on", "LOG"},
		"tracing":             {"", "on", "1"},
		"log.level":           {"", "loud"},
		"log.format":          {"", "JSON", "xml"},
	} {
		for _, value := range values {
			got := problem(t, Sources{Flags: map[string]string{key: value}})
			other := key == "session.absolute" || key == "lockout.max" || key == "tls.key" // reported for a related setting
			concerns := strings.HasPrefix(got, key+": ") || other && strings.Contains(got, key)
			if !concerns || strings.Contains(got, "\n") {
				t.Errorf("%s = %q: %q; want one line about it", key, value, got)
			}
		}
	}
}

// Ensures that the error of a number or a duration says what to write instead.
func TestLoad_BadNumbers(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"drain_delay=0":                `"0" has no unit: write 0s`,
		"drain_delay=00":               `"00" has no unit: write 0s`,
		"drain_delay=5":                `"5" has no unit: write 5s, 5m or 5h`,
		"drain_delay=-1":               `"-1" is not 0s or a positive duration such as 30m`,
		"drain_delay=":                 `"" is not 0s or a positive duration such as 30m`,
		"session.idle=0":               `"0" is not a positive duration such as 30m`,
		"session.idle=30":              `"30" has no unit: write 30s, 30m or 30h`,
		"session.idle=0d":              `"0d" is not a positive duration such as 30m`,
		"audit.retention=90d":          `"90d" is in days, and hours are the longest unit: write 2160h`,
		"lockout.failures=many":        `"many" is not a whole number from 1 to 2147483647`,
		"lockout.failures=99999999999": `"99999999999" is not a whole number from 1 to 2147483647`,
	} {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			key, value, _ := strings.Cut(given, "=")
			if got := problem(t, Sources{Flags: map[string]string{key: value}}); got != key+": "+want {
				t.Errorf("got %q; want %q", got, key+": "+want)
			}
		})
	}
	c, err := Load(Sources{Flags: map[string]string{"drain_delay": "0m"}, Env: environ{}.lookup})
	if err != nil || c.DrainDelay != 0 {
		t.Errorf("zero minutes are %s, %v", c.DrainDelay, err)
	}
}

// Ensures that an invalid duration is not also reported as shorter than another.
func TestLoad_OneProblemOnly(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"session.absolute", "session.idle", "elevation.length", "lockout.max", "lockout.base"} {
		got := problem(t, Sources{Flags: map[string]string{key: "forever"}})
		if want := key + `: "forever" is not a positive duration such as 30m`; got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}

// Ensures that a secret is read from a file without the trailing line break.
func TestLoad_SecretFile(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"a password":     "a password",
		"a password\n":   "a password",
		"a password\r\n": "a password",
		" a password \n": " a password ",
	} {
		c, err := Load(Sources{
			File: write(t, "admin_password: from the settings\n"),
			Env:  environ{"SALLYPORT_ADMIN_PASSWORD_FILE": write(t, content)}.lookup,
		})
		if err != nil || c.AdminPassword != want {
			t.Errorf("%q in the file makes the password %q (%v); want %q", content, c.AdminPassword, err, want)
		}
	}
}

// Ensures that a secret's file which is missing or empty is an error, and does not count as a secret that is not set.
func TestLoad_SecretFileProblems(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for path, want := range map[string]string{
		missing:        missing,
		t.TempDir():    "is a directory",
		write(t, ""):   "is empty",
		write(t, "\n"): "is empty",
	} {
		got := problem(t, Sources{Env: environ{"SALLYPORT_KEY_ENCRYPTION_KEY_FILE": path}.lookup})
		if !strings.HasPrefix(got, "SALLYPORT_KEY_ENCRYPTION_KEY_FILE: ") || !strings.Contains(got, want) {
			t.Errorf("%s: %q; want it to say %q", path, got, want)
		}
	}
}

// Ensures that a secret in both a variable and a file is refused as ambiguous.
func TestLoad_SecretTwice(t *testing.T) {
	t.Parallel()
	env := environ{"SALLYPORT_ADMIN_PASSWORD": "password one", "SALLYPORT_ADMIN_PASSWORD_FILE": write(t, "password two")}
	got := problem(t, Sources{Env: env.lookup})
	if want := "SALLYPORT_ADMIN_PASSWORD and SALLYPORT_ADMIN_PASSWORD_FILE are both set"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// Ensures that a setting may be written with its full key or in its section, with the same result.
func TestLoad_Sections(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"session.idle: 7m", "session: {idle: 7m}",
		"session:\n  idle: 7m\nlog:\nlisten: 127.0.0.1:1"} {
		path := write(t, text)
		for range 20 { // repeated, because the order of maps is random
			wantLoaded(t, Sources{Env: environ{}.lookup, File: path}, "session.idle", "7m0s")
		}
	}
}

// Ensures that an invalid configuration file is refused by an error that names it.
func TestLoad_FileProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"session: {idle: 7m}\nsession.idle: 8m": "session.idle: set twice",
		"listen: {address: x}":                  "listen: not a section; the setting takes a single value",
		"log: info":                             "log: unknown setting",
		"Listen: 127.0.0.1:1":                   "Listen: unknown setting",
		"extra: {}":                             "extra: unknown setting",
		"session: {1: 2}":                       "session.1: unknown setting",
		"admin_password: 01234567":              "admin_password: not a text; put the value in quotes",
		"admin_password: true":                  "admin_password: not a text; put the value in quotes",
		"listen: x\nlisten: y":                  "already defined",
		"listen:\n\tx: y":                       "line 2: ",
		"- listen":                              "line 1: ",
	} {
		path := write(t, text)
		got := problem(t, Sources{File: path})
		if !strings.Contains(got, want) || !strings.Contains(got, path) {
			t.Errorf("%q: %q; want it to say %q and to name the file", text, got, want)
		}
	}
}

// Ensures that an unreadable configuration file is named, and that other errors are still reported.
func TestLoad_NoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing.yaml")
	got := problem(t, Sources{File: path, Flags: map[string]string{"listen": "nowhere"}})
	if !strings.Contains(got, path+": no such file") || !strings.Contains(got, "\nlisten: ") {
		t.Errorf("got %q", got)
	}
}

// Ensures that errors never contain a secret, even if the secret or the file around it is malformed.
func TestLoad_SecretsStayHidden(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2"
	for _, text := range []string{
		"hunter2", "admin_password:hunter2", "admin_password: *hunter2", "admin_password: !!int hunter2",
		"admin_password: {hunter2}", "admin_password: {hunter2: x}", "admin_password: {{hunter2}}",
		"admin_password: [hunter2]",
		"admin_password: \"hunter2", "admin_password: @hunter2", "admin_password: %hunter2", "admin_password: `hunter2`",
		"admin_password: hunter2: x", "admin_password: hunter2", "key_encryption_key: hunter2",
		"admin_password: {hunter2: 1, hunter2: 2}",
		"store: mysql://u:hunter2@host", "store: 'postgres://u:hunter2@ho st'", "store: 'postgres://u:hunter2%@host'",
		"store: [hunter2]",
		"store: host=127.0.0.1 user=u password=hunter2", "store: u:hunter2@127.0.0.1/d", "store: postgres:/u:hunter2@host/d",
		"store: sqlite:postgres://u:hunter2@host/d", "store: postgres://u:x@hunter2@host/d",
		"store: postgres://u:12/hunter2@host/d",
		"admin_password: {[hunter2]: x}", "- 'hunter2\"`'", "admin_password: !!float hunter2", "admin_password: |hunter2",
	} {
		if got := problem(t, Sources{File: write(t, text)}); strings.Contains(got, hidden) {
			t.Errorf("the text about %q shows the secret: %q", text, got)
		}
	}
	for _, dsn := range []string{"host=127.0.0.1 password=hunter2", "postgres://u:x@hunter2@host/d"} {
		for _, env := range []environ{{"SALLYPORT_STORE": dsn}, {"SALLYPORT_STORE_FILE": write(t, dsn)}} {
			if got := problem(t, Sources{Env: env.lookup}); strings.Contains(got, hidden) {
				t.Errorf("the text about %v shows the secret: %q", env, got)
			}
		}
	}
	for _, name := range []string{"SALLYPORT_ADMIN_PASSWORD", "SALLYPORT_READONLY_PASSWORD",
		"SALLYPORT_KEY_ENCRYPTION_KEY"} {
		path := write(t, hidden)
		for _, env := range []environ{{name: hidden}, {name + "_FILE": path}, {name: hidden, name + "_FILE": path}} {
			if got := problem(t, Sources{Env: env.lookup}); strings.Contains(got, hidden) {
				t.Errorf("the text about %v shows the secret: %q", env, got)
			}
		}
	}
}

// Ensures that a database's password is accepted from the environment and from files, not from the command line, which
// every user of the machine can read, and that it is never shown.
func TestLoad_StorePassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://u:hunter2@host/d", "postgresql://host/d?password=hunter2&user=u",
		"postgres://host/d?sslpassword=hunter2"} {
		for name, value := range map[string]string{"SALLYPORT_STORE": dsn, "SALLYPORT_STORE_FILE": write(t, dsn+"\n")} {
			from := Sources{Env: environ{name: value}.lookup}
			c, err := Load(from)
			if err != nil || c.Store != dsn {
				t.Errorf("%s: %q, %v", name, c.Store, err)
			}
			if shown, err := Effective(from); err != nil || !strings.Contains(shown["store"], "host/d") ||
				strings.Contains(shown["store"], "hunter2") {
				t.Errorf("%s is shown as %q (%v)", name, shown["store"], err)
			}
		}
		got := problem(t, Sources{Flags: map[string]string{"store": dsn}})
		if !strings.Contains(got, "SALLYPORT_STORE_FILE") || strings.Contains(got, "hunter2") {
			t.Errorf("the flag %s: %q", dsn, got)
		}
	}
	if _, err := Load(Sources{
		Flags: map[string]string{"store": "postgres://u@host/d?sslmode=disable"}, Env: environ{}.lookup,
	}); err != nil {
		t.Error(err)
	}
}

// Ensures that only a server on PostgreSQL requires a key-encryption key.
func TestServable(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]bool{"sqlite:x": true, "none": true, "postgres://host/d": false} {
		c, err := Load(Sources{Env: environ{"SALLYPORT_STORE": dsn}.lookup})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Servable(); (err == nil) != want {
			t.Errorf("%s: %v", dsn, err)
		}
		c.KeyEncryptionKey = make([]byte, 32)
		if err := c.Servable(); err != nil {
			t.Errorf("%s with a key: %v", dsn, err)
		}
	}
}
