package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/config"
)

// healthTimeout is the time limit for the answer of a server.
const healthTimeout = 3 * time.Second

func newHealth() *cobra.Command {
	var flags configFlags
	var address string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Report whether a server is ready, for health checks without a shell",
		Long: "health asks the admin listener of a server for /readyz. Its exit code is 0 if the server is ready, 1 if\n" +
			"it is not, and 3 if it does not answer in " + healthTimeout.String() + ".",
		Example: "  sallyport health\n  sallyport health --url http://127.0.0.1:12490",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if address == "" {
				warnUnknownVariables(cmd)
			}
			ready, err := readinessURL(address, flags.sources(cmd))
			if err != nil {
				return err
			}
			return checkReady(cmd.Context(), cmd.OutOrStdout(), ready)
		},
	}
	cmd.Flags().StringVar(&address, "url", "",
		"URL of the server's admin listener; by default the one of the setting admin.listen on this machine")
	flags.add(cmd, "admin.listen")
	return cmd
}

// readinessURL returns the URL of /readyz at the given base URL, or at the configured admin listener if base is "".
func readinessURL(base string, sources config.Sources) (string, error) {
	if base != "" {
		parsed, err := url.Parse(base)
		if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return "", usageErrorf("--url: %q is not a URL such as http://127.0.0.1:12490", base)
		}
		parsed.Path = strings.TrimSuffix(strings.TrimSuffix(parsed.Path, "/"), "/readyz") + "/readyz"
		return parsed.String(), nil
	}

	c, err := config.Load(sources)
	if err != nil {
		return "", usageErrorf("invalid configuration:\n%w", err)
	}
	if c.AdminListen == "" {
		return "", usageErrorf("admin.listen: the server has no admin listener; set --url to one")
	}
	return "http://" + reachable(c.AdminListen) + "/readyz", nil
}

// reachable returns an address at which this machine reaches a listener: one that listens on all addresses is also on
// the loopback address.
func reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen) // the configuration has been validated
	address, err := netip.ParseAddr(host)
	if host == "" || err == nil && address.IsUnspecified() {
		host = "127.0.0.1"
		if err == nil && address.Is6() {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// checkReady returns an error if the server at the URL does not answer that it is ready.
func checkReady(ctx context.Context, out io.Writer, ready string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ready, nil)
	if err != nil {
		return err
	}
	// A proxy that the environment names is for other machines.
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(request)
	if err != nil {
		return exitError{err, exitUnreachable}
	}
	defer answer.Body.Close() //nolint:errcheck // nothing is written
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200)) // the status says enough
		return fmt.Errorf("%s: not ready: %s %s", ready, answer.Status, strings.TrimSpace(string(text)))
	}
	_, err = fmt.Fprintln(out, "ready")
	return err
}
