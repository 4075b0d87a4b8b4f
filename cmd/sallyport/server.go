package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/client"
)

// Variables with the credentials of commands for a server: command lines can be seen by other users.
const (
	clientVariables        = "SALLYPORT_CLIENT_"
	clientProfileVariable  = clientVariables + "PROFILE"
	clientConfigVariable   = clientVariables + "CONFIG"
	clientAPIKeyVariable   = clientVariables + "API_KEY"
	clientUsernameVariable = clientVariables + "USERNAME"
	clientPasswordVariable = clientVariables + "PASSWORD"
)

// serverFlags name a server.
type serverFlags struct{ url, profile, ca string }

// add adds the flags to a command.
func (f *serverFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "url", "", "work on the server at this URL instead of a database (environment: "+
		"credentials in "+clientAPIKeyVariable+", or "+clientUsernameVariable+" and "+clientPasswordVariable+")")
	cmd.Flags().StringVar(&f.profile, "profile", "", "work on the server of this profile (environment: "+
		clientProfileVariable+")")
	cmd.Flags().StringVar(&f.ca, "ca", "", "PEM file with the certificates that the server's certificate is verified by")
	completeFlag(cmd, "profile", completeProfiles)
}

func (f *serverFlags) profileName() string {
	return cmp.Or(f.profile, os.Getenv(clientProfileVariable))
}

// client returns a client of the server. It sends nothing yet.
func (f *serverFlags) client(cmd *cobra.Command) (*client.Client, error) {
	p := profile{URL: f.url}
	if f.url == "" {
		name := f.profileName()
		if name == "" {
			return nil, usageErrorf("--ca is for a server: add --url or --profile")
		}
		var err error
		if p, err = findProfile(name); err != nil {
			return nil, usageError(err)
		}
	} else if f.profile != "" {
		return nil, usageErrorf("--url and --profile: set one of them")
	}
	p.CA = cmp.Or(f.ca, p.CA)

	options := []client.Option{client.WithUserAgent("sallyport-cli/" + cmp.Or(version(), "unknown"))}
	if p.CA != "" {
		transport, err := trusting(p.CA)
		if err != nil {
			return nil, usageErrorf("ca: %w", err)
		}
		options = append(options, client.WithTransport(transport))
	}
	if p.PlainHTTP {
		options = append(options, client.WithPlainHTTP())
	}
	// The URL is checked first: it decides which credentials are right.
	if _, err := clientFor(p.URL, options...); err != nil {
		return nil, err
	}
	credentials, err := p.credentials(cmd)
	if err != nil {
		return nil, usageError(err)
	}
	return clientFor(p.URL, append(options, credentials...)...)
}

// clientFor returns a client, or an error about the URL.
func clientFor(url string, options ...client.Option) (*client.Client, error) {
	c, err := client.New(url, options...)
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "client: ")
		return nil, usageErrorf("url: %s", strings.Replace(text, "WithPlainHTTP", "plain_http in a profile", 1))
	}
	return c, nil
}

// signOutTime is the time limit for ending the session of a command.
const signOutTime = 3 * time.Second

// signOut ends the session that a command began, if any. A failure changes nothing for the user: the session expires.
func signOut(cmd *cobra.Command, c *client.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), signOutTime)
	defer cancel()
	_ = c.SignOut(ctx)
}

// trusting returns a transport that verifies servers by the certificates in a file.
func trusting(path string) (http.RoundTripper, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller chooses the file
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", path)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the program has another default transport")
	}
	transport = transport.Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return transport, nil
}

// credentialSources are the places of the credentials for a server: an API key, or a user and a password.
type credentialSources struct {
	apiKey   secretSource
	username string
	password secretSource
	// hint says how to add a missing password.
	hint string
}

// credentialSources returns the sources that the profile names, or else those of the environment. They are not mixed:
// what the environment has may be for another server.
func (p profile) credentialSources() credentialSources {
	if p.namesCredentials() {
		return credentialSources{p.apiKey(), p.Username, p.password(), "password_file or password_env in the profile"}
	}
	return credentialSources{
		variable(clientAPIKeyVariable), os.Getenv(clientUsernameVariable), variable(clientPasswordVariable),
		clientPasswordVariable + ", or its suffix _FILE",
	}
}

// credentials returns how the client authenticates.
func (p profile) credentials(cmd *cobra.Command) ([]client.Option, error) {
	options, err := p.credentialSources().options(cmd)
	if err != nil && p.Name != "" {
		err = fmt.Errorf("profile %q: %w", p.Name, err)
	}
	return options, err
}

func (s credentialSources) options(cmd *cobra.Command) ([]client.Option, error) {
	key, err := s.apiKey.read()
	if err != nil {
		return nil, err
	}
	switch {
	case key != "" && s.username != "":
		return nil, fmt.Errorf("an API key and the user %q are given: set one of them", s.username)
	case key != "":
		return []client.Option{client.WithAPIKey(key)}, nil
	case s.username == "":
		return nil, fmt.Errorf("credentials are missing: set %s, or %s and %s, or a profile with them", clientAPIKeyVariable,
			clientUsernameVariable, clientPasswordVariable)
	}

	password, err := s.password.read()
	if err == nil && password == "" {
		if !isTerminal(cmd.InOrStdin()) {
			return nil, fmt.Errorf("the password of %q is missing: set %s", s.username, s.hint)
		}
		password, err = ask(cmd, "Password of "+s.username)
	}
	if err != nil {
		return nil, err
	}
	options := []client.Option{client.WithPassword(s.username, password)}
	if isTerminal(cmd.InOrStdin()) {
		options = append(options, client.WithElevation(func(context.Context) (string, error) {
			return ask(cmd, "One-time code")
		}))
	}
	return options, nil
}

// secretSource is a place that must hold a secret: a variable, or a file. The zero value is no place.
type secretSource struct{ variable, file string }

// variable returns the source of a variable, which may instead have the suffix _FILE and name a file; the zero value if
// neither is set.
func variable(name string) secretSource {
	if path := os.Getenv(name + "_FILE"); path != "" {
		return secretSource{file: path}
	}
	if os.Getenv(name) == "" {
		return secretSource{}
	}
	return secretSource{variable: name}
}

// read returns the secret; "" for the zero value.
func (s secretSource) read() (string, error) {
	if s == (secretSource{}) {
		return "", nil
	}
	if s.file == "" {
		text := os.Getenv(s.variable)
		if text == "" {
			return "", fmt.Errorf("the variable %s is not set", s.variable)
		}
		return text, nil
	}
	return readSecretFile(s.file)
}
