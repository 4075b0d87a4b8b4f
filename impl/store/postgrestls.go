package store

import (
	"errors"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errUnencrypted means that no setting says how a connection to another machine is protected. libpq's default is to
// go without TLS if the server, or a machine in the middle, says that it has none.
var errUnencrypted = errors.New("the server is another machine, and without TLS nothing on the way is encrypted: " +
	"add sslmode=verify-full to the DSN, or sslmode=disable if the connection is protected otherwise")

// checkProtected refuses a DSN that allows an unencrypted connection to another machine, unless it says so.
func checkProtected(u *url.URL, config *pgx.ConnConfig) error {
	if os.Getenv("PGSSLMODE") != "" || u.Query().Has("sslmode") {
		return nil
	}
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, way := range ways {
		if way.TLSConfig == nil && !isLocal(way.Host) {
			return errUnencrypted
		}
	}
	return nil
}

// isLocal reports whether a host is this machine: a folder with a socket, or a loopback address.
func isLocal(host string) bool {
	return strings.HasPrefix(host, "/") || host == "localhost" || net.ParseIP(host).IsLoopback()
}
