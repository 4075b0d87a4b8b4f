package saml

import (
	"net"
	"net/url"
	"strings"
	"unicode"
)

func isControl(r rune) bool { return unicode.IsControl(r) }

// checkURL notes what keeps a text from being the address of a server that cannot be overheard or played by others.
func checkURL(s section, name, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		s.bad(name, "this must be an absolute https URL")
		return nil
	case u.Scheme == "http" && !loopback(u.Hostname()):
		s.bad(name, "this must be an https URL; http is for this machine only")
		return nil
	case u.User != nil || u.Fragment != "" || strings.ContainsFunc(text, unicode.IsSpace):
		s.bad(name, "this must be a URL without credentials, fragment and blanks")
		return nil
	}
	return u
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkEndpoint notes what keeps a URL from leading to one of our operations.
func checkEndpoint(s section, name, text, path string) {
	u := checkURL(s, name, text)
	if u == nil {
		return
	}
	if u.RawQuery != "" || u.ForceQuery || !isOperation(u.EscapedPath(), path) {
		s.bad(name, "this must be a URL with the path %s", path)
	}
}

// isOperation tells whether a path is that of an operation, or of the operation in a region.
func isOperation(path, operation string) bool {
	if path == operation {
		return true
	}
	region, inRegion := strings.CutPrefix(path, "/api/v1/regions/")
	region, rest, _ := strings.Cut(region, "/")
	return inRegion && region != "" && "/api/v1/"+rest == operation
}
