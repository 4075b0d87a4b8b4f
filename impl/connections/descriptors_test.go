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

// descriptorsVariable has this test's process serve with few file descriptors until its input ends.
const descriptorsVariable = "SALLYPORT_TEST_DESCRIPTORS"

// Ensures that where file descriptors run out long before the limit of connections, those that idle make room.
func TestLimit_DescriptorsRunOut(t *testing.T) {
	if os.Getenv(descriptorsVariable) != "" {
		serveWithFewDescriptors(t)
		return
	}
	t.Parallel()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], "-test.run=^TestLimit_DescriptorsRunOut$")
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

	var callers []caller
	for i := range 100 {
		conn, err := net.DialTimeout("tcp", strings.TrimSpace(address), patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test is over
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		c := caller{&place{T: t}, conn, bufio.NewReader(conn)}
		c.send("/")
		c.wantAnswer()
		if t.Failed() {
			t.Fatalf("connection %d was not served", i)
		}
		callers = append(callers, c)
	}
	callers[0].wantClosed()
	last := callers[len(callers)-1]
	last.send("/")
	last.wantAnswer()
}

func serveWithFewDescriptors(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limit := New(listener, 8192)
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	limit.Watch(server)
	var descriptors syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &descriptors); err != nil {
		t.Fatal(err)
	}
	descriptors.Cur = 40
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &descriptors); err != nil {
		t.Fatal(err)
	}
	go server.Serve(limit) //nolint:errcheck // it ends with the process
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test is over
}
