// Command probe serves requests in its own process and reports what each one cost. The cost test starts it; it has no
// other use.
//
// It reads requests as JSON values from standard input and answers each with one JSON value on standard output. Built
// with -cover, it counts the basic blocks that a request executes in the packages that are covered: a measure of work
// that does not depend on the machine, and that needs no help from the code that is measured.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/costtest"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

func main() {
	store := flag.String("store", "", "DSN of the store")
	listen := flag.Bool("listen", false, "serve on a loopback port, which is written to standard output")
	flag.Parse()
	run := serveStandardInput
	if *listen {
		run = serveLoopback
	}
	if err := run(&server{dsn: *store}); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

// server is a server that can be closed and opened again.
type server struct {
	dsn string
	app *app.App
}

// open opens the store. Elevation is never asked for, because the cost of what it protects is measured. Hashing is
// cheap: what a password costs is a setting, and the one exception from the limits of the cost test.
func (s *server) open() error {
	a, err := app.Open(context.Background(), app.Settings{
		Store:            s.dsn,
		KeyEncryptionKey: make([]byte, secret.KeySize),
		Builtins: user.Bootstrap{Passwords: map[string]string{
			user.Admin: "admin's own passphrase", user.Readonly: "readonly's own passphrase",
		}},
		Sessions:        session.DefaultSettings,
		Compatibility:   compatibility.Default,
		Elevation:       elevation.Settings{Policy: elevation.Never, Length: elevation.DefaultSettings.Length},
		Lockout:         attempts.Policy{},
		AddressFailures: 1 << 30,
		AddressRecovery: time.Second,
		Hashing:         secret.Cost{Memory: 64, Passes: 1, Threads: 1},
		CacheLifetime:   time.Second,
		Responses:       edge.ResponsesLogged,
		Log:             slog.New(slog.DiscardHandler),
		Now:             time.Now,
	})
	s.app = a
	return err
}

func (s *server) close() error {
	if s.app == nil {
		return nil
	}
	a := s.app
	s.app = nil
	return a.Close()
}

func serveStandardInput(s *server) error {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var r costtest.Request
		if err := in.Decode(&r); errors.Is(err, io.EOF) {
			return s.close()
		} else if err != nil {
			return err
		}
		answer, err := s.do(r)
		if err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
}

func (s *server) do(r costtest.Request) (costtest.Response, error) {
	switch {
	case r.Close:
		return costtest.Response{}, s.close()
	case r.Open:
		return costtest.Response{}, s.open()
	}
	return s.measure(r)
}

// measure serves a request, and measures what is done from the first to the last middleware.
func (s *server) measure(r costtest.Request) (costtest.Response, error) {
	served := httptest.NewRequestWithContext(context.Background(), r.Method, r.Target, bytes.NewReader(r.Body))
	served.Header = r.Header
	if served.Header == nil {
		served.Header = http.Header{}
	}
	w := &recorder{header: http.Header{}, status: http.StatusOK, keep: r.Keep}
	if r.Count {
		if err := clearBlocks(); err != nil {
			return costtest.Response{}, err
		}

		// Two collections empty the pools, so that each request allocates what it needs, and none reuses by chance.
		runtime.GC()
		runtime.GC()
	}

	before, began := allocated(), time.Now()
	s.app.Handler.ServeHTTP(w, served)
	took, bytes := time.Since(began), allocated()-before

	answer := costtest.Response{Status: w.status, Sent: w.sent, Bytes: bytes, Seconds: took.Seconds(), Body: w.body}
	var err error
	if r.Count {
		answer.Blocks, err = countBlocks()
	}
	return answer, err
}

// allocated returns how many bytes this process has ever allocated on its heap.
func allocated() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.TotalAlloc) //nolint:gosec // no process allocates 8 EiB
}

// recorder is a client that reads at once and keeps what is asked for.
type recorder struct {
	header http.Header
	status int
	sent   int64
	keep   bool
	body   []byte
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.sent += int64(len(p))
	if r.keep {
		r.body = append(r.body, p...)
	}
	return len(p), nil
}

// Flush implements http.Flusher.
func (r *recorder) Flush() {}

// SetWriteDeadline is what http.ResponseController looks for.
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

// serveLoopback serves as the program does, until standard input is closed.
func serveLoopback(s *server) error {
	if err := s.open(); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	httpServer := edge.NewServer(s.app.Handler, slog.New(slog.DiscardHandler))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = httpServer.Close()
	}()
	fmt.Println(listener.Addr())
	if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return s.close()
}
