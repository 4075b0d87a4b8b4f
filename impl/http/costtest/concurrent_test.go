package costtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// maxResident bounds the resident memory of a server under any flood.
const maxResident = 1 << 30

// TestCost_Concurrent ensures that requests that take work slots stay within the memory of a server, as many at once
// as there are slots and places in the queue, of clients that read and of clients that do not.
func TestCost_Concurrent(t *testing.T) {
	w := newWorld(t, 1)
	floods := w.floods(t)
	w.do(Request{Close: true})
	for name, requests := range floods {
		t.Run(name, func(t *testing.T) {
			s := listen(t, w.path)
			answered, refused := s.flood(t, requests)
			peak := s.resident(t)
			t.Logf("%d answered, %d refused, %s resident at most", answered, refused, size(peak))
			if peak > maxResident {
				t.Errorf("%s are resident, at most %s are allowed", size(peak), size(maxResident))
			}
		})
	}
}

// floods are the requests that take a slot and cost most, by what they are.
func (w *world) floods(t *testing.T) map[string][]Request {
	t.Helper()
	byID := map[string]operation{}
	for _, o := range operations(t) {
		byID[o.id] = o
	}
	// A user has a share of slots and bytes only, so the flood comes from many.
	for i := range floodUsers {
		w.user(fmt.Sprintf("root%d", i), `"superuser","ece_platform_admin"`)
	}
	root := func(r Request) []Request {
		var all []Request
		for i := range floodUsers {
			each := r
			each.Header = r.Header.Clone()
			all = append(all, w.as(fmt.Sprintf("root%d", i), each))
		}
		return all
	}
	list := byID["security-get-api-keys"].request(w.values)
	list.Target += "?pretty&with_limited_by=true"
	filtered := byID["security-get-api-keys"].request(w.values)
	filtered.Target += "?filter_path=" + strings.Repeat("**.a.b,", 500)
	bulk := byID["security-bulk-update-api-keys"].request(w.values)
	bulk.Body = []byte(`{"ids":` + array(900<<10, func(i int) string { return fmt.Sprintf(`"id%d"`, i) }) + `}`)
	privileges := byID["security-has-privileges"].request(w.values)
	privileges.Body = []byte(`{"index":[{"names":` + array(1000, func(i int) string {
		return fmt.Sprintf(`"i%d"`, i)
	}) + `,"privileges":` + array(1000, func(int) string { return `"read"` }) + `}]}`)
	put := byID["security-put-role"].request(w.values)
	put.Body = []byte(`{"metadata":{"a":` + array(900<<10, func(int) string { return "{}" }) + `}}`)
	floods := map[string][]Request{"list of keys": root(list), "body with metadata": root(put)}
	if thorough {
		floods["filtered keys"], floods["ids"], floods["privileges"] = root(filtered), root(bulk), root(privileges)
	}
	return floods
}

// listener is a server in a process of its own.
type listener struct {
	address string
	process int
}

func listen(t *testing.T, database string) listener {
	t.Helper()
	command := exec.CommandContext(t.Context(), built(t), "-listen", "-store", "sqlite:"+database)
	command.Env = append(os.Environ(), "GOCOVERDIR="+t.TempDir())
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return listener{strings.TrimSpace(address), command.Process.Pid}
}

// resident returns the most memory that was resident so far, in bytes.
func (l listener) resident(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.process))
	if err != nil {
		t.Skipf("resident memory is not tested, because this system does not tell it: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatalf("no VmHWM in %s", status)
	}
	kibibytes, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kibibytes << 10
}

// floodTime is the time that a flood goes on, and floodUsers how many users it comes from.
const (
	floodTime  = 4 * time.Second
	floodUsers = 8
)

// flood sends requests from as many clients as there are slots and places in the queue, again and again, and from as
// many that send once and never read. It returns how many requests were answered and refused.
func (l listener) flood(t *testing.T, requests []Request) (answered, refused int64) {
	t.Helper()
	const waitersPerProcessor = 32 // impl/platform/admission/bound.go
	clients := runtime.GOMAXPROCS(0) * (waitersPerProcessor + 1)
	ctx, cancel := context.WithTimeout(t.Context(), floodTime)
	defer cancel()
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}
	defer transport.CloseIdleConnections()
	var ok, no atomic.Int64
	var failure sync.Once
	var running sync.WaitGroup
	for i := range clients {
		r := requests[i%len(requests)]
		running.Go(func() { l.hold(ctx, r) })
		running.Go(func() {
			for ctx.Err() == nil {
				status, err := l.send(ctx, transport, r)
				switch {
				case err != nil && ctx.Err() == nil:
					failure.Do(func() { t.Logf("a request failed: %v", err) })
				case err != nil:
				case status == http.StatusServiceUnavailable:
					no.Add(1)
					time.Sleep(10 * time.Millisecond) // a refused client waits before its next try
				default:
					ok.Add(1)
				}
			}
		})
	}
	running.Wait()
	return ok.Load(), no.Load()
}

func (l listener) send(ctx context.Context, transport http.RoundTripper, r Request) (int, error) {
	sent, err := http.NewRequestWithContext(ctx, r.Method, "http://"+l.address+r.Target, bytes.NewReader(r.Body))
	if err != nil {
		return 0, err
	}
	sent.Header = r.Header.Clone()
	answer, err := transport.RoundTrip(sent)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// hold sends a request and reads nothing until the flood is over.
func (l listener) hold(ctx context.Context, r Request) {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return
	}
	defer connection.Close() //nolint:errcheck // nothing was to be read
	sent, err := http.NewRequestWithContext(ctx, r.Method, "http://"+l.address+r.Target, bytes.NewReader(r.Body))
	if err != nil {
		return
	}
	sent.Header = r.Header.Clone()
	_ = sent.Write(connection)
	<-ctx.Done()
}
