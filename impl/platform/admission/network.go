package admission

import "net/netip"

// subnetBits is the prefix length of an IPv6 subnet (RFC 4291 section 2.5.1). A host chooses the other bits freely.
const subnetBits = 64

// Network returns the address of a client's network. Clients are counted by network, because one client has all
// addresses of it: a single IPv4 address, also if mapped into IPv6 (RFC 4291 section 2.5.5.2), or the /64 of an IPv6
// address. All texts that are not addresses have the zero Addr.
func Network(address string) netip.Addr {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}

	ip = ip.Unmap()
	if ip.Is4() {
		return ip
	}
	return netip.PrefixFrom(ip, subnetBits).Masked().Addr()
}
