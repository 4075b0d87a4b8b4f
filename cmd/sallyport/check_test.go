package main

import (
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// badConfiguration is one that serve must refuse.
type badConfiguration struct {
	args, env []string
	saying    string
}

// badConfigurations returns configurations with one error each, in a folder with the database of a server.
func badConfigurations(t *testing.T, folder string) map[string]badConfiguration {
	t.Helper()
	certificate, key, _ := issue(t, t.TempDir())
	path := func(name, text string) string {
		path := filepath.Join(folder, name)
		writeFile(t, path, text)
		return path
	}
	dsn := "sqlite:" + filepath.Join(folder, "sallyport.db")
	other := base64.StdEncoding.EncodeToString(secret.NewKey())
	postgres := func(dsn, saying string) badConfiguration {
		env := []string{"SALLYPORT_KEY_ENCRYPTION_KEY=" + other, "SALLYPORT_STORE=" + dsn}
		return badConfiguration{env: env, saying: saying}
	}
	path("bad.db.key", "no key")
	for _, name := range []string{"folder", "new.db.credentials"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := func(name string) string {
		path := filepath.Join(folder, name)
		if err := os.Symlink("nowhere/a", path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link("linked.db.key")
	socket, err := net.Listen("unix", filepath.Join(folder, "socket.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() }) //nolint:errcheck // nothing was sent
	stored, err := os.ReadFile(filepath.Join(folder, "sallyport.db"))
	if err != nil {
		t.Fatal(err)
	}
	lost := path("lost.db", string(stored))
	return map[string]badConfiguration{
		"an unknown setting":          {args: []string{"--config", path("unknown.yaml", "lissen: x")}, saying: "did you mean listen?"},
		"an unknown value":            {env: []string{"SALLYPORT_LOG_LEVEL=loud"}, saying: "log.level"},
		"no configuration file":       {args: []string{"--config", "missing.yaml"}, saying: "missing.yaml"},
		"all addresses without TLS":   {args: []string{"--listen", "0.0.0.0:0"}, saying: "plain_http"},
		"an unknown host":             {args: []string{"--listen", "host.invalid:0"}, saying: "listen: "},
		"an address of another host":  {args: []string{"--listen", "192.0.2.1:0", "--plain-http", "true"}, saying: "listen: listen tcp 192.0.2.1:0"},
		"an admin address of another": {args: []string{"--admin-listen", "192.0.2.1:0"}, saying: "admin.listen: listen tcp 192.0.2.1:0"},
		"one address for both":        {args: []string{"--listen", "127.0.0.1:12399", "--admin-listen", "127.0.0.1:12399"}, saying: "admin.listen"},
		"an unknown admin host":       {args: []string{"--admin-listen", "host.invalid:0"}, saying: "host.invalid"},
		"no certificate":              {args: []string{"--tls-certificate", "missing.crt", "--tls-key", key}, saying: "missing.crt"},
		"no key of the certificate":   {args: []string{"--tls-certificate", certificate}, saying: "tls.key"},
		"a certificate as key":        {args: []string{"--tls-certificate", certificate, "--tls-key", certificate}, saying: "rather than a key"},
		"a database in memory":        {args: []string{"--store", "sqlite::memory:"}, saying: "name a file"},
		"a database of another kind":  {args: []string{"--store", "mysql:x"}, saying: "store: this is not sqlite:PATH"},
		"a folder as database":        {args: []string{"--store", "sqlite:" + filepath.Join(folder, "folder")}, saying: "folder"},
		"a folder that is missing":    {args: []string{"--store", "sqlite:missing/a.db"}, saying: "missing"},
		"a text as database":          {args: []string{"--store", "sqlite:" + path("text.db", strings.Repeat("no database\n", 100))}, saying: "text.db"},
		"a key file without a key":    {args: []string{"--store", "sqlite:" + filepath.Join(folder, "bad.db")}, saying: "does not hold 32 bytes"},
		"another key":                 {args: []string{"--store", dsn}, env: []string{"SALLYPORT_KEY_ENCRYPTION_KEY=" + other}, saying: "encrypted with"},
		"a key that is too short":     {env: []string{"SALLYPORT_KEY_ENCRYPTION_KEY=c2hvcnQ="}, saying: "32 bytes in base64"},
		"a key that is missing":       {args: []string{"--store", "sqlite:" + lost}, saying: "lost.db.key is missing"},
		"a link as key":               {args: []string{"--store", "sqlite:" + filepath.Join(folder, "linked.db")}, saying: "linked.db.key"},
		"a link as database":          {args: []string{"--store", "sqlite:" + link("link.db")}, saying: "link.db: no such file"},
		"a socket as database":        {args: []string{"--store", "sqlite:" + socket.Addr().String()}, saying: "this is not a regular file"},
		"a folder as credentials":     {args: []string{"--store", "sqlite:" + filepath.Join(folder, "new.db")}, saying: "set SALLYPORT_ADMIN_PASSWORD and"},
		"PostgreSQL unencrypted":      postgres("postgres://u@192.0.2.1/x", "store: the server is another machine"),
		"PostgreSQL's missing CA":     postgres("postgres://u@127.0.0.1:1/x?sslmode=verify-ca&sslrootcert=missing.crt", "store: the address of the server"),
		"PostgreSQL's small pool":     postgres("postgres://u@127.0.0.1:1/x?pool_max_conns=1", "store: pool_max_conns must be 2 or more"),
		"PostgreSQL without a key":    {args: []string{"--store", "postgres://127.0.0.1/x"}, saying: "PostgreSQL has no place for the key"},
		"a password in the arguments": {args: []string{"--store", "postgres://u:p@127.0.0.1/x"}, saying: "SALLYPORT_STORE_FILE"},
		"a short password":            {env: []string{"SALLYPORT_ADMIN_PASSWORD=short"}, saying: "admin_password"},
		"a common password":           {env: []string{"SALLYPORT_READONLY_PASSWORD=password"}, saying: "readonly_password: this password is one that many"},
		"attributes of traces": {
			env: []string{"SALLYPORT_TRACING=true", "OTEL_RESOURCE_ATTRIBUTES=nonsense"}, saying: "OTEL_RESOURCE_ATTRIBUTES",
		},
		"no realms": {env: []string{"SALLYPORT_SAML_REALMS=missing.yaml"}, saying: "saml.realms"},
	}
}

// Ensures that "config check" and "serve" refuse the same configurations for the same reason, and that neither creates
// a file then.
func TestConfigCheck_RefusesWhatServeRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	serveIn(t, folder, "sqlite:sallyport.db").stop()
	for name, c := range badConfigurations(t, folder) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range [][]string{{"config", "check"}, {"serve"}} {
				dir := t.TempDir()
				args := command
				if len(c.args) == 0 || c.args[0] != "--listen" {
					args = append(args, "--listen", "127.0.0.1:0")
				}
				o := run(t, invocation{args: append(args, c.args...), env: c.env, dir: dir})
				if o.code != exitUsage || o.stdout != "" || !strings.Contains(o.stderr, c.saying) {
					t.Errorf("%v: exit code %d: %s%s; want %q", command, o.code, o.stdout, o.stderr, c.saying)
				}
				if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
					t.Errorf("%v left behind %v, %v", command, files, err)
				}
			}
		})
	}
}

// Ensures that "config check" accepts the configuration of a running server, and creates no file for a new one.
func TestConfigCheck_AcceptsWhatServes(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn)
	address := strings.TrimPrefix(s.url, "http://")
	if o := run(t, invocation{args: []string{"config", "check", "--store", dsn, "--listen", address}}); o.code != 0 {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}

	dir := t.TempDir()
	if o := run(t, invocation{args: []string{"config", "check", "--listen", "127.0.0.1:0"}, dir: dir}); o.code != 0 {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%v, %v; want nothing", files, err)
	}
}

// Ensures that hints can be pasted where the program is installed.
func TestInstallation(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct {
		service bool
		want    installation
		command string
		setting string
		// database is a part of the hint for a missing database.
		database string
	}{
		"/sallyport":               {false, inContainer, "docker exec CONTAINER /sallyport x", "--env SALLYPORT_ADMIN_LISTEN=a", "at /data, or name another with --env SALLYPORT_STORE=sqlite:PATH"},
		"/usr/local/bin/sallyport": {true, asService, "runuser -u sallyport -- sallyport x --config " + serviceConfig, "admin.listen: a in " + serviceConfig, "runuser -u sallyport -- sallyport COMMAND --config " + serviceConfig},
		"/usr/bin/sallyport":       {false, asBinary, "sallyport x", "--admin-listen a", "name another with --store sqlite:PATH"},
		"/home/alice/bin/program":  {true, asBinary, "sallyport x", "--admin-listen a", "name another with --store sqlite:PATH"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			i := installedAt(path, c.service)
			if i != c.want || i.command("x") != c.command || i.setting("admin.listen", "a") != c.setting {
				t.Errorf("%d, %q, %q", i, i.command("x"), i.setting("admin.listen", "a"))
			}
			if got := i.otherDatabase(); !strings.HasSuffix(got, c.database) {
				t.Errorf("the hint is %q", got)
			}
		})
	}
}

// Ensures that the addresses of the two listeners are recognized as one.
func TestAnyAddress(t *testing.T) {
	t.Parallel()
	loopback, all := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv6zero}
	if anyAddress(loopback, loopback) || !anyAddress(loopback, &net.TCPAddr{}) || !anyAddress(all) {
		t.Error("an address is recognized wrongly")
	}
}
