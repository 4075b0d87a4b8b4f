package store

import (
	"errors"
	"net/url"
	"strings"
)

// None is the DSN of a store that is not there: every use of it answers fault.StoreMissing.
const None = "none"

// Nothing of a DSN is told in these: where one has no known form, nobody knows where in it a password is.
var (
	errForm = errors.New("this is not sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or none; libpq's key=value form is not taken")
	errPath = errors.New("what follows sqlite: is a path and has no :// in it; the address of a server is written without that prefix")
	errURL  = errors.New("this is no address like postgres://USER:PASSWORD@HOST:PORT/DATABASE; in a password, all but letters and digits is written like %40")
)

// secretParameters are those in which libpq takes a password.
var secretParameters = []string{"password", "sslpassword"}

// CheckDSN returns an error, which tells nothing of the DSN, unless it has one of the forms that Open takes.
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
	}
	return nil
}

// IsPostgres tells whether a DSN names a PostgreSQL server, which other processes share, and not a file of one's own.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// postgresURL reads the DSN of a server. It refuses what net/url, by which we hide passwords, and pgx, which connects, do not
// read alike: a part of a password would be looked up as a host, or shown.
func postgresURL(dsn string) (*url.URL, error) {
	u, err := url.Parse(dsn)
	if err != nil || strings.ContainsAny(dsn, "# ") || !oneAt(dsn) || !pairs(u.RawQuery) {
		return nil, errURL // err would quote it
	}
	return u, nil
}

// oneAt tells whether the only @ that is not escaped, if there is one, stands between a user and a host.
func oneAt(dsn string) bool {
	_, rest, _ := strings.Cut(dsn, "://")
	before, after, _ := strings.Cut(rest, "@")
	return before == rest || !strings.ContainsAny(before, "/?") && !strings.Contains(after, "@")
}

// pairs tells whether a query is made of pairs of a name and a value only.
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

// HasPassword tells whether a DSN holds a password, where libpq would look for one.
func HasPassword(dsn string) bool {
	if !IsPostgres(dsn) {
		return false
	}
	u, err := postgresURL(dsn)
	if err != nil {
		return false // and it cannot be used
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
