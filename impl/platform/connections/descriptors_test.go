package connections

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// descriptorsVariable makes the test's process serve with few file descriptors until its standard input is closed.
const descriptorsVariable = "SALLYPORT_TEST_DESCRIPTORS"

// Ensures that idle connections are closed if file descriptors run out before the limit on connections is reached.
func TestListener_OutOfDescriptors(t *testing.T) {
	if os.Getenv(descriptorsVariable) != "" {
		serveWithFewDescriptors(t)
		return
	}
	t.Parallel()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^TestListener_OutOfDescriptors$")
	cmd.Env = append(os.Environ(), descriptorsVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close() //nolint:errcheck // the process ends with it
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}

	var conns []testConn
	for i := range 100 {
		conn, err := net.DialTimeout("tcp", strings.TrimSpace(address), timeout)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test is over
		if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
			t.Fatal(err)
		}
		c := testConn{&testServer{T: t}, conn, bufio.NewReader(conn)}
		c.send("/")
		c.wantAnswer()
		if t.Failed() {
			t.Fatalf("connection %d was not served", i)
		}
		conns = append(conns, c)
	}

	conns[0].wantClosed()
	last := conns[len(conns)-1]
	last.send("/")
	last.wantAnswer()
}

func serveWithFewDescriptors(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	limited := New(listener, 8192)
	server := &http.Server{
		ReadHeaderTimeout: timeout, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	}
	limited.Watch(server)

	var descriptors syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &descriptors); err != nil {
		t.Fatal(err)
	}
	descriptors.Cur = 40
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &descriptors); err != nil {
		t.Fatal(err)
	}

	go server.Serve(limited) //nolint:errcheck // it ends with the process
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // blocks until the parent closes it
}
