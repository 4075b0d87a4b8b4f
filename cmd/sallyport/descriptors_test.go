//go:build unix

package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Ensures that the connection limits share the file descriptors and reserve some for the store.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for descriptors, want := range map[int][2]int{
		1 << 20: {publicConnections, adminConnections},
		1024:    {784, 112},
		192:     {56, 8},
		100:     {1, 1},
	} {
		t.Run(fmt.Sprint(descriptors), func(t *testing.T) {
			t.Parallel()
			if public, admin := connectionLimits(descriptors); [2]int{public, admin} != want {
				t.Errorf("%d and %d connections; want %v", public, admin, want)
			}
		})
	}
}

// Ensures that a server with few file descriptors serves new callers, reads its store and answers on the admin
// listener despite many idle connections.
func TestServe_FewDescriptors(t *testing.T) {
	t.Parallel()
	i := invocation{
		args: []string{"serve", "--listen", "127.0.0.1:0", "--store", newStore(t)},
		env:  []string{"SALLYPORT_LOG_FORMAT=json", "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", chosenAdmin, chosenReadonly},
	}
	cmd := i.command(t.Context(), t)
	cmd.Args = append([]string{"sh", "-c", `ulimit -n 192; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = shell
	s := supervise(t, cmd).serving()
	s.waitFor(regexp.MustCompile(`few file descriptors.*"limit":192,"connections":56`))

	dialer := &net.Dialer{Timeout: patience}
	for i := range 250 {
		conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test is over
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		write(t, conn, "GET "+authPath+" HTTP/1.1\r\nHost: x\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != http.StatusUnauthorized {
			t.Fatalf("connection %d: %v, %v; want 401", i, response, err)
		}
		response.Body.Close() //nolint:errcheck // the connection stays idle
	}
	s.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	s.wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
}
