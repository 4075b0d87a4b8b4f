package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a DSN that is none, or that two readers would not read alike, is refused before anything is connected
// to, and that nothing of it is shown.
func TestDSN_Refused(t *testing.T) {
	t.Parallel()
	const form, escape = "libpq's key=value form is not taken", "is written like %40"
	for dsn, why := range map[string]string{
		"host=127.0.0.1 user=sally password=hunter2":       form,
		"sally:hunter2@127.0.0.1/sally":                    form,
		"postgres:/sally:hunter2@127.0.0.1/sally":          form,
		"Postgres://sally:hunter2@127.0.0.1/sally":         form,
		"sqlite:postgres://sally:hunter2@127.0.0.1/sally":  "has no :// in it",
		"postgres://sally:x@hunter2@127.0.0.1/x":           escape,
		"postgres://sally:hunter2@x@127.0.0.1/x":           escape,
		"postgres://sally:12/hunter2@127.0.0.1/x":          escape,
		"postgres://sally:12?hunter2@127.0.0.1/x":          escape,
		"postgres://sally:12#hunter2@127.0.0.1/x":          escape,
		"postgres://sally:hunter2%@127.0.0.1/x":            escape,
		"postgres://127.0.0.1/x?user=u&password=x#hunter2": escape,
		"postgres://127.0.0.1/x?user=u&password=x&hunter2": escape,
		"postgres://127.0.0.1/x?user=u&password=x=hunter2": escape,
		"postgres://127.0.0.1/x?user=u&password=x;hunter2": escape,
		"postgres://127.0.0.1/x?user=u&password=x@hunter2": escape,
		"postgres://127.0.0.1/x?user=u& password=hunter2":  escape,
	} {
		_, openErr := store.Open(t.Context(), dsn, time.Now)
		_, _, schemaErr := store.Schema(t.Context(), dsn)
		for _, err := range []error{openErr, schemaErr, store.Backup(t.Context(), dsn, "")} {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", dsn, err)
			}
		}
		if openErr == nil || !strings.Contains(openErr.Error(), why) {
			t.Errorf("%s: %v; want %q", dsn, openErr, why)
		}
		if shown := store.Redact(dsn); shown != "…" {
			t.Errorf("%s is shown as %s", dsn, shown)
		}
	}
}

// Ensures that accepted DSNs are shown without their passwords.
func TestDSN_Redact(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"none": "none", "sqlite:a@b.db": "sqlite:a@b.db",
		"postgres://u:hunter2@h:1/d":                 "postgres://u:xxxxx@h:1/d",
		"postgres://u:%40hunter2%2F@h,i:1/d":         "postgres://u:xxxxx@h,i:1/d",
		"postgresql:///d?password=hunter2&user=u%40": "postgresql:///d?password=xxxxx&user=u%40",
	} {
		if got := store.Redact(dsn); got != want || store.CheckDSN(dsn) != nil {
			t.Errorf("%s is shown as %s (%v); want %s", dsn, got, store.CheckDSN(dsn), want)
		}
		if got := store.HasPassword(dsn); got != strings.Contains(dsn, "hunter2") {
			t.Errorf("%s has a password: %t", dsn, got)
		}
	}
}

// Ensures that a parameter that cannot be used is named, without a password.
func TestDSN_BadParameters(t *testing.T) {
	t.Parallel()
	for query, why := range map[string]string{
		"sslmode=verfy":                                "sslmode is invalid",
		"sslmode=verify-full&sslrootcert=/nope":        "open /nope: no such file",
		"sslmode=require&sslcert=/nope":                `"sslcert" and "sslkey" are required`,
		"connect_timeout=soon":                         "connect_timeout",
		"sslmode=disable&pool_max_conns=1":             "pool_max_conns must be 2 or more",
		"sslmode=verfy&password=hunter2&sslpassword=x": "sslmode is invalid",
	} {
		_, err := store.Open(t.Context(), "postgres://u:hunter2@127.0.0.1:1/d?"+query, time.Now)
		if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "hunter2") ||
			strings.Contains(err.Error(), "`") {
			t.Errorf("%s: %v; want %q", query, err, why)
		}
	}
}

// Ensures that of the attempts to connect the last one is reported, in one line.
func TestDSN_NoConnection(t *testing.T) {
	t.Parallel()
	for dsn, why := range map[string]string{
		// with TLS, and then without
		"postgres://u:hunter2@127.0.0.1:1/d":                             "127.0.0.1:1: connect: connection refused",
		"postgres://u:hunter2@localhost:1/d":                             "connect: connection refused",
		"postgres://u:hunter2@127.0.0.1:1,127.0.0.1:2/d?sslmode=disable": "127.0.0.1:2: connect: connection refused",
	} {
		_, openErr := store.Open(t.Context(), dsn, time.Now)
		_, _, schemaErr := store.Schema(t.Context(), dsn)
		for _, err := range []error{openErr, schemaErr} {
			if err == nil || strings.Count(err.Error(), why) != 1 || strings.ContainsAny(err.Error(), "\n") ||
				strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v; want %q", dsn, err, why)
			}
		}
	}
}
