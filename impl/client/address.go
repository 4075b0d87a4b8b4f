package client

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

const (
	apiPath     = "/api/v1"
	regionsPath = apiPath + "/regions/"
)

// address is the address of a server.
type address struct {
	base url.URL // its path, which may be empty, does not end in a slash
	// region is the region in escaped form; empty for none.
	region string
}

// readAddress reads and checks an address. Its errors do not show the address, which may contain a password.
func readAddress(text string, plainHTTP bool) (address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return address{}, errors.New("client: the address is not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return address{}, errors.New("client: the address must begin with https:// or http://")
	case u.Hostname() == "":
		return address{}, errors.New("client: the address has no host")
	case u.User != nil:
		return address{}, errors.New("client: the address must not contain a user or a password; use WithPassword")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return address{}, errors.New("client: the address must not contain a query or a fragment")
	case u.Scheme == "http" && !plainHTTP && !isLoopback(u.Hostname()):
		return address{}, fmt.Errorf("client: http://%s would send credentials unencrypted; use https, or WithPlainHTTP",
			u.Host)
	}

	path := strings.TrimRight(u.EscapedPath(), "/")
	var region string
	if before, after, found := strings.Cut(path+"/", regionsPath); found {
		after = strings.TrimSuffix(after, "/")
		if after == "" || strings.Contains(after, "/") {
			return address{}, errors.New("client: after /api/v1/regions/ the address must have the name of one region")
		}
		path, region = before, after
	}
	path = strings.TrimSuffix(path, apiPath)

	base, err := u.Parse(path + "/")
	if err != nil {
		return address{}, errors.New("client: the path of the address is not valid")
	}
	return address{base: *base, region: region}, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// server returns the base URL for the generated client.
func (a address) server() string { return a.base.String() }

// operationPath returns the path of an operation from the path of its URL, both in escaped form.
func (a address) operationPath(u *url.URL) string {
	return "/" + strings.TrimPrefix(u.EscapedPath(), a.base.EscapedPath())
}

// inRegion returns the URL of an operation in the region of the address.
func (a address) inRegion(u *url.URL) (*url.URL, error) {
	rest, ours := strings.CutPrefix(a.operationPath(u), apiPath+"/")
	if a.region == "" || !ours {
		return u, nil
	}
	moved, err := a.base.Parse("." + regionsPath + a.region + "/" + rest)
	if err != nil {
		return nil, err
	}
	moved.RawQuery = u.RawQuery
	return moved, nil
}
