package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

const (
	// slowReaders is the number of one user's connections that read their answers slowly or not at all.
	slowReaders = 100
	// maxResident is the limit for the resident memory of a server under each flood, in KiB.
	maxResident = 1 << 20
	// storedKeys is the number of keys with the largest metadata: about as many as one answer shows.
	storedKeys = 500
)

// thoroughVariable is the environment variable that makes the floods longer, and runs them on both databases.
const thoroughVariable = "SALLYPORT_TEST_THOROUGH"

// floodTime returns the duration of a flood.
func floodTime() time.Duration {
	if os.Getenv(thoroughVariable) == "" {
		return 2 * time.Second
	}
	return 10 * time.Second
}

// flood is a server that one user floods with requests, without reading the answers, while another user is served.
type flood struct {
	*testing.T
	server *process
	// mallory is the Authorization of the flooding user, and admin that of the user to be served.
	mallory []string
	admin   string
}

// Ensures that a user that floods a server with requests for large answers, and reads them slowly or not at all, does
// not make it use more than a gigabyte of memory, nor delay what others read and revoke by more than the time to
// answer it.
func TestFlood_SlowReaders(t *testing.T) {
	for name, dsn := range map[string]func() string{
		"SQLite":     func() string { return newStore(t) },
		"PostgreSQL": func() string { return postgrestest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			if name == "PostgreSQL" && os.Getenv(thoroughVariable) == "" {
				t.Skip(thoroughVariable + " is not set: what is tested does not depend on the store")
			}
			f := openFlood(t, dsn())
			idle := f.serve(within(t, floodTime()/5))
			for _, each := range []struct{ name, request, body string }{
				{"nothing reshaped", "GET /_security/api_key?owner=true", ""},
				{"pretty", "GET /_security/api_key?owner=true&pretty", ""},
				{"filter_path", "GET /_security/api_key?owner=true&filter_path=api_keys.id,api_keys.metadata", ""},
				{"query", "POST /_security/_query/api_key?pretty&filter_path=api_keys.metadata", `{"size":1000}`},
				{"privileges", "POST /_security/user/_has_privileges", manyPrivileges()},
				{"pretty privileges", "POST /_security/user/_has_privileges?pretty", manyPrivileges()},
				{"revocations", "DELETE /_security/api_key",
					`{"owner":true,"ids":["` + strings.Repeat(`none","`, 100_000) + `none"]}`},
			} {
				t.Run(each.name, func(t *testing.T) { f.with(t).check(each.request, each.body, idle) })
			}
			f.server.stop()
		})
	}
}

// with returns the flood with another testing.T.
func (f *flood) with(t *testing.T) *flood {
	t.Helper()
	other := *f
	other.T = t
	return &other
}

func openFlood(t *testing.T, dsn string) *flood {
	t.Helper()
	f := &flood{T: t, server: serveStore(t, dsn, chosenAdmin, chosenReadonly, sealed)}
	f.server.output.leaveOut(aboutRequest)
	f.admin = f.server.newChief(f.server.logIn(person{"admin", "chosen by hand"}))
	mallory := person{"mallory", "mallory's own passphrase"}
	f.server.want(http.StatusOK, http.MethodPut, "/_security/user/"+mallory.name, f.admin,
		`{"roles":["ece_deployment_manager"],"password":"`+mallory.password+`"}`)
	f.mallory = []string{f.server.logIn(mallory), f.server.logIn(mallory), mallory.basic()}
	for range storedKeys {
		f.server.want(http.StatusOK, http.MethodPost, "/_security/api_key", f.mallory[0],
			`{"name":"k","metadata":`+deepMetadata()+`}`)
	}
	return f
}

// deepMetadata returns nearly 64 KiB of metadata that grows most when it is indented.
func deepMetadata() string {
	const levels = 50
	deep := strings.Repeat("[", levels) + strings.Repeat("]", levels)
	return `{"a":[` + strings.Repeat(deep+",", 64_000/len(deep+",")) + `0]}`
}

// manyPrivileges returns a request of 16 KiB with an answer of more than 10 MB: it repeats the privilege's name for
// each resource.
func manyPrivileges() string {
	var resources []string
	for i := range 1_300 {
		resources = append(resources, strconv.Itoa(i))
	}
	privileges := []string{"p" + strings.Repeat("x", 8_000)}
	body, _ := json.Marshal(map[string]any{"application": []any{map[string]any{
		"application": "app", "resources": resources, "privileges": privileges,
	}}})
	return string(body)
}

// check floods the server, and fails the test if other users notice it.
func (f *flood) check(request, body string, idle latencies) {
	f.Helper()
	f.resetPeak()
	ctx, end := context.WithCancel(within(f.T, floodTime()))
	defer end()
	var answers sync.Map
	var wg sync.WaitGroup
	for i := range slowReaders {
		wg.Go(func() { f.readSlowly(ctx, request, f.mallory[i%len(f.mallory)], body, &answers) })
	}
	wg.Go(func() {
		for f.memory("VmRSS") < maxResident && pause(ctx, 20*time.Millisecond) {
		}
		end() // before the machine runs out of memory
	})
	during := f.serve(ctx)
	wg.Wait()

	peak := f.memory("VmHWM")
	var got []string
	answers.Range(func(status, _ any) bool { got = append(got, status.(string)); return true })
	f.Logf("resident memory at most %d MiB; readers were answered with %v", peak>>10, got)
	for _, name := range []string{"GET /api/v1/users", "invalidate a key"} {
		f.Logf("%s: %s; idle: %s", name, during[name], idle[name])
	}
	if peak >= maxResident {
		f.Errorf("the server had %d MiB of resident memory; the limit is %d", peak>>10, maxResident>>10)
	}
	if len(got) == 0 {
		f.Error("no reader was answered: this was no flood")
	}
}

// within returns a context that is done after a duration.
func within(t *testing.T, length time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	t.Cleanup(cancel)
	return ctx
}

// pause waits, and reports whether the context is not done.
func pause(ctx context.Context, length time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(length):
		return true
	}
}

// readSlowly sends requests and reads only the status of the answers, until an answer is being sent.
func (f *flood) readSlowly(ctx context.Context, request, authorization, body string, answers *sync.Map) {
	for {
		status := f.readStatus(ctx, request, authorization, body)
		if status != "" {
			answers.Store(status, true)
		}
		if !pause(ctx, 50*time.Millisecond) {
			return
		}
	}
}

// readStatus sends a request and returns the status of its answer. If that is 200, it returns when the context is
// done.
func (f *flood) readStatus(ctx context.Context, request, authorization, body string) string {
	conn, err := (&net.Dialer{Control: narrow}).DialContext(f.Context(), "tcp",
		strings.TrimPrefix(f.server.url, "http://"))
	if err != nil {
		f.Error(err)
		return ""
	}
	defer conn.Close() //nolint:errcheck // nothing more is read
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()

	method, target, _ := strings.Cut(request, " ")
	_, _ = fmt.Fprintf(conn,
		"%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, target, authorization, len(body), body)
	line, err := bufio.NewReaderSize(conn, 16).Peek(len("HTTP/1.1 200"))
	if err != nil {
		return ""
	}
	status := string(line[len("HTTP/1.1 "):])
	if status == "200" {
		<-ctx.Done()
	}
	return status
}

// narrow gives a connection a small receive buffer.
func narrow(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF,
			4096)
	})
	return errors.Join(err, failed)
}

// latencies are durations of requests by operation.
type latencies map[string]durations

type durations []time.Duration

// String implements fmt.Stringer.
func (d durations) String() string {
	if len(d) == 0 {
		return "none"
	}
	slices.Sort(d)
	return fmt.Sprintf("%d answers, median %s, p99 %s, worst %s", len(d), d[len(d)/2].Round(time.Microsecond),
		d[len(d)*99/100].Round(time.Microsecond), d[len(d)-1].Round(time.Microsecond))
}

// serve lists users and invalidates a key, as another user, until the flood ends, and fails the test unless each is
// answered as usual.
func (f *flood) serve(ctx context.Context) latencies {
	took := latencies{}
	timed := func(name, method, path, body string) {
		began := time.Now()
		if r := f.server.send(method, path, f.admin, body); r.status != http.StatusOK {
			f.Errorf("%s: %d %s", name, r.status, r.body)
		}
		took[name] = append(took[name], time.Since(began))
	}
	for {
		created := f.server.send(http.MethodPost, "/_security/api_key", f.admin, `{"name":"k","role_descriptors":{}}`)
		var key struct{ ID string }
		if err := json.Unmarshal([]byte(created.body), &key); err != nil || created.status != http.StatusOK {
			f.Errorf("create a key: %d %s", created.status, created.body)
		}
		timed("GET /api/v1/users", http.MethodGet, "/api/v1/users", "")
		timed("invalidate a key", http.MethodDelete, "/_security/api_key", `{"ids":["`+key.ID+`"]}`)
		if !pause(ctx, 20*time.Millisecond) {
			return took
		}
	}
}

var kibibytes = regexp.MustCompile(`(?m)^(\w+):\s+(\d+) kB$`)

// memory returns a line of the server's memory status, in KiB.
func (f *flood) memory(name string) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.server.cmd.Process.Pid))
	if err != nil {
		f.Error(err)
		return maxResident
	}
	for _, line := range kibibytes.FindAllStringSubmatch(string(status), -1) {
		if line[1] == name {
			n, _ := strconv.Atoi(line[2])
			return n
		}
	}
	f.Errorf("the server's status has no %s", name)
	return maxResident
}

// resetPeak restarts the measurement of the peak resident memory (proc(5), clear_refs).
func (f *flood) resetPeak() {
	err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", f.server.cmd.Process.Pid), []byte("5"), 0)
	if err != nil {
		f.Fatal(err)
	}
}
