package edge

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// ipExtractor returns the function that finds a caller's address. Without trusted proxies it is the connection's
// address. Behind one it is the last entry of X-Forwarded-For that is not a trusted proxy: the caller may have written
// the entries before it. An entry that is not an address ends the search at the proxy that sent it.
func ipExtractor(trusted []*net.IPNet) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}

	trusts := func(address netip.Addr) bool {
		contains := func(network *net.IPNet) bool { return network.Contains(address.AsSlice()) }
		return slices.ContainsFunc(trusted, contains)
	}

	return func(r *http.Request) string {
		address, err := forwardedAddress(r.RemoteAddr)
		if err != nil {
			return r.RemoteAddr
		}

		rest, more := strings.Join(r.Header.Values(echo.HeaderXForwardedFor), ","), true
		for more && trusts(address) {
			entry := rest
			if i := strings.LastIndexByte(rest, ','); i >= 0 {
				rest, entry = rest[:i], rest[i+1:]
			} else {
				more = false
			}
			before, err := forwardedAddress(entry)
			if err != nil {
				break
			}
			address = before
		}

		return address.String()
	}
}

// forwardedAddress reads an entry of X-Forwarded-For: an IP address, with a port where the proxy adds one
// (1.2.3.4:5678, [2001:db8::1]:5678, also [2001:db8::1]). It converts an IPv4-mapped IPv6 address to IPv4 and removes a
// zone.
func forwardedAddress(entry string) (netip.Addr, error) {
	entry = strings.TrimSpace(entry)
	address, err := netip.ParseAddr(entry)
	if err != nil {
		var withPort netip.AddrPort
		if withPort, err = netip.ParseAddrPort(entry); err == nil {
			address = withPort.Addr()
		}
	}

	if inner, ok := strings.CutPrefix(entry, "["); err != nil && ok && strings.HasSuffix(inner, "]") {
		address, err = netip.ParseAddr(strings.TrimSuffix(inner, "]"))
	}

	return address.Unmap().WithZone(""), err
}
