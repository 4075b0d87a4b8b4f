package store

import (
	"errors"
	"net/url"
	"strings"
)

// None is the DSN of a server that keeps nothing: its records are in memory and end with it.
const None = "none"

// These texts quote nothing of a DSN: in an unknown form, any part can be a password.
var (
	errForm = errors.New("this is not sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or none; " +
		"libpq's key=value form is not taken")
	errPath = errors.New("what follows sqlite: is a path and has no :// in it; " +
		"the address of a server is written without that prefix")
	errMemory = errors.New("each connection would have its own database in memory; name a file, or use none, " +
		"which keeps records in memory")
	errURL = errors.New("this is no address like postgres://USER:PASSWORD@HOST:PORT/DATABASE; " +
		"in a password, all but letters and digits is written like %40")
)

// secretParameters are the parameters in which libpq takes a password.
var secretParameters = []string{"password", "sslpassword"}

// CheckDSN returns an error, which quotes nothing of the DSN, unless it has one of the forms that Open accepts.
func CheckDSN(dsn string) error {
	path, isFile := strings.CutPrefix(dsn, "sqlite:")
	switch {
	case dsn == None:
		return nil
	case IsPostgres(dsn):
		_, err := postgresURL(dsn)
		return err
	case !isFile || path == "":
		return errForm
	case strings.Contains(path, "://"):
		return errPath
	case strings.HasPrefix(path, ":"):
		return errMemory
	}
	return nil
}

// IsPostgres reports whether a DSN names a PostgreSQL server.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// postgresURL parses the DSN of a server. It refuses what net/url, which hides passwords, and pgx, which connects,
// parse differently: a part of a password would be looked up as a host, or logged.
func postgresURL(dsn string) (*url.URL, error) {
	u, err := url.Parse(dsn)
	if err != nil || strings.ContainsAny(dsn, "# ") || !oneAt(dsn) || !pairs(u.RawQuery) {
		return nil, errURL // err would quote it
	}
	return u, nil
}

// oneAt reports whether a DSN has no unescaped @, or a single one between a user and a host.
func oneAt(dsn string) bool {
	_, rest, _ := strings.Cut(dsn, "://")
	before, after, _ := strings.Cut(rest, "@")
	return before == rest || !strings.ContainsAny(before, "/?") && !strings.Contains(after, "@")
}

// pairs reports whether a query consists of pairs of a name and a value.
func pairs(query string) bool {
	if _, err := url.ParseQuery(query); err != nil {
		return false
	}
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" && strings.Count(pair, "=") != 1 {
			return false
		}
	}
	return true
}

// HasPassword reports whether a DSN holds a password in a place where libpq looks for one.
func HasPassword(dsn string) bool {
	if !IsPostgres(dsn) {
		return false
	}
	u, err := postgresURL(dsn)
	if err != nil {
		return false // Open refuses it
	}
	_, given := u.User.Password()
	for _, name := range secretParameters {
		given = given || u.Query().Has(name)
	}
	return given
}

// Redact returns a DSN without its password, for people to read.
func Redact(dsn string) string {
	if !IsPostgres(dsn) && CheckDSN(dsn) == nil {
		return dsn
	}
	u, err := postgresURL(dsn)
	if err != nil || !IsPostgres(dsn) {
		return "…" // wherever the password is in it
	}
	query := u.Query()
	for _, name := range secretParameters {
		if query.Has(name) {
			query.Set(name, "xxxxx") // as Redacted has it
		}
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}
