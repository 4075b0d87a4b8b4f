package saml

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/impl/platform/strictyaml"
)

// checkURL notes what keeps a text from being the address of a server that cannot be overheard or played by others.
func checkURL(s strictyaml.Section, name, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		s.Bad(name, "this must be an absolute https URL")
		return nil
	case u.Scheme == "http" && !loopback(u.Hostname()):
		s.Bad(name, "this must be an https URL; http is for this machine only")
		return nil
	case u.User != nil || u.Fragment != "" || strings.ContainsFunc(text, unicode.IsSpace):
		s.Bad(name, "this must be a URL without credentials, fragment and blanks")
		return nil
	}
	return u
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkEndpoint reports a problem if the path of a URL matches none of the patterns.
func checkEndpoint(s strictyaml.Section, name, text string, patterns []string) {
	u := checkURL(s, name, text)
	if u == nil {
		return
	}

	matches := func(pattern string) bool {
		matched, _ := path.Match(pattern, u.EscapedPath())
		return matched
	}
	if u.RawQuery != "" || u.ForceQuery || !slices.ContainsFunc(patterns, matches) {
		s.Bad(name, "this must be a URL with the path %s", patterns[0])
	}
}

// maxReturnURL bounds a return URL, in bytes: it travels in a cookie with the state.
const maxReturnURL = 512

// CheckReturnURL returns an error unless a text is a URL that sign-ins may end at: https, or http on this machine,
// without user, query and fragment, in the one form in which browsers write it. Return URLs and origins are compared
// byte for byte, so another form would never match.
func CheckReturnURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("this must be an absolute https URL")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("this must be an https URL; http is for this machine only")
	case u.User != nil || strings.ContainsAny(text, "?#"):
		return errors.New("this must be a URL without user, query and fragment")
	case len(text) > maxReturnURL:
		return fmt.Errorf("this has more than %d bytes", maxReturnURL)
	case u.Path == "" || text != u.String() || u.Host != strings.ToLower(u.Host) || strings.HasSuffix(u.Host, ":") ||
		u.Port() == defaultPorts[u.Scheme]:
		return errors.New("this must be a URL as browsers show it: lower case host, no default port, and a path, at least /")
	}
	return nil
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}
