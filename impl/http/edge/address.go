package edge

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// ipExtractor returns how the address of a caller is found. Without trusted proxies it is that of the connection. Behind one
// it is the last entry of X-Forwarded-For that no trusted proxy has as its own address: what stands before that entry, the
// caller may have written. An entry that is no address ends the search at the proxy that sent it.
func ipExtractor(trusted []*net.IPNet) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	trusts := func(address netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(network *net.IPNet) bool { return network.Contains(address.AsSlice()) })
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

// forwardedAddress reads an entry of X-Forwarded-For: an IP address, with a port where the proxy adds one (1.2.3.4:5678,
// [2001:db8::1]:5678, also [2001:db8::1]). An IPv4 address in IPv6 form is the IPv4 address, and a zone is left out.
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
