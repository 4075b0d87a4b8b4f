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

// errOpenly means that nobody has said how a connection to another machine is protected. libpq's default is to do without
// TLS where the server, or whoever stands in front of it, says that it has none.
var errOpenly = errors.New("the server is another machine, and passwords and records would travel to it in the clear if it has no TLS: " +
	"add sslmode=verify-full to the DSN, or sslmode=disable if something else protects the way")

// checkProtected refuses the address of a DSN by which another machine could be talked to in the clear, unless it says so.
func checkProtected(u *url.URL, config *pgx.ConnConfig) error {
	if os.Getenv("PGSSLMODE") != "" || u.Query().Has("sslmode") {
		return nil
	}
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, way := range ways {
		if way.TLSConfig == nil && !here(way.Host) {
			return errOpenly
		}
	}
	return nil
}

// here tells whether a host is this machine: a folder with a socket, or a loopback address.
func here(host string) bool {
	return strings.HasPrefix(host, "/") || host == "localhost" || net.ParseIP(host).IsLoopback()
}
