package main

import (
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
)

// browser follows no redirects, keeps its connections, and names its address as a proxy would.
type browser struct {
	*http.Client
	address string
}

func newBrowser(address string) browser {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return browser{&http.Client{Timeout: patience, Transport: &http.Transport{}, CheckRedirect: stay}, address}
}

func (b browser) send(ctx context.Context, method, address, cookie, form string) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
	if err != nil {
		return reply{}, err
	}
	maps.Copy(request.Header, http.Header{
		"X-Forwarded-For": {b.address}, "Cookie": {cookie}, "Content-Type": {"application/x-www-form-urlencoded"},
	})
	response, err := b.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(data)}, err
}

var requestIDs = regexp.MustCompile(` ID="([^"]+)"`)

// requestID returns the ID of the AuthnRequest in a redirect.
func requestID(message string) (string, error) {
	deflated := flate.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(message)))
	text, err := io.ReadAll(deflated)
	if err != nil {
		return "", err
	}
	id := requestIDs.FindSubmatch(text)
	if id == nil {
		return "", fmt.Errorf("the request %s has no ID", text)
	}
	return string(id[1]), nil
}
